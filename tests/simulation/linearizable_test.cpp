// SPDX-License-Identifier: BSL-1.0
#include "linearizable.hpp"

#include <gtest/gtest.h>

namespace exeunt::simulation_tests {
namespace {

using kind = observation::kind;

observation seen(kind what, std::size_t asked, std::size_t answered, std::string reply,
                 std::string value = "") {
    observation o;
    o.what = what;
    o.asked = asked;
    o.answered = answered;
    o.reply = std::move(reply);
    o.value = std::move(value);
    return o;
}
observation lost(kind what, std::size_t asked, std::string value = "") {
    return seen(what, asked, observation::never, "", std::move(value));
}
bool holds(std::vector<observation> all) {
    return linearizability(std::move(all)).holds();
}

TEST(linearizability, holds_for_one_after_the_other) {
    EXPECT_TRUE(holds({}));
    EXPECT_TRUE(holds({seen(kind::get, 1, 2, "$-1"), seen(kind::set, 3, 4, "+OK", "5"),
                       seen(kind::increment, 5, 6, ":6"), seen(kind::get, 7, 8, "$6"),
                       seen(kind::erase, 9, 10, ":1"), seen(kind::erase, 11, 12, ":0")}));
}

TEST(linearizability, allows_either_order_of_what_overlaps) {
    for (const char* read : {"$-1", "$1"})
        EXPECT_TRUE(holds({seen(kind::set, 1, 4, "+OK", "1"), seen(kind::get, 2, 3, read)}));
    EXPECT_TRUE(holds({seen(kind::increment, 1, 4, ":2"), seen(kind::increment, 2, 3, ":1")}));
}

TEST(linearizability, refuses_a_value_that_was_overwritten_before) {
    EXPECT_FALSE(holds({seen(kind::set, 1, 2, "+OK", "1"), seen(kind::set, 3, 4, "+OK", "2"),
                        seen(kind::get, 5, 6, "$1")}));
    EXPECT_FALSE(holds({seen(kind::set, 1, 2, "+OK", "1"), seen(kind::get, 3, 4, "$-1")}));
}

TEST(linearizability, refuses_two_readers_who_see_time_go_back) {
    EXPECT_FALSE(holds({seen(kind::set, 1, 10, "+OK", "1"), seen(kind::get, 2, 3, "$1"),
                        seen(kind::get, 4, 5, "$-1")}));
}

TEST(linearizability, refuses_an_increment_that_was_lost) {
    EXPECT_FALSE(holds({seen(kind::increment, 1, 4, ":1"), seen(kind::increment, 2, 3, ":1")}));
}

TEST(linearizability, lets_what_was_not_answered_happen_late_or_never) {
    EXPECT_TRUE(holds({lost(kind::set, 1, "1"), seen(kind::get, 2, 3, "$-1")}));
    EXPECT_TRUE(holds(
        {lost(kind::set, 1, "1"), seen(kind::get, 2, 3, "$-1"), seen(kind::get, 4, 5, "$1")}));
    EXPECT_FALSE(holds(
        {lost(kind::set, 1, "1"), seen(kind::get, 2, 3, "$1"), seen(kind::get, 4, 5, "$-1")}));
    EXPECT_FALSE(holds({seen(kind::get, 1, 2, "$1"), lost(kind::set, 3, "1")}))
        << "not before it was asked for";
}

}  // namespace
}  // namespace exeunt::simulation_tests
