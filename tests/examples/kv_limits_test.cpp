// SPDX-License-Identifier: BSL-1.0

// The key-value service with more clients than most have, and fewer descriptors.

#include <string>
#include <vector>

#include "kv_program.hpp"

namespace {

using examples::client;
using examples::milliseconds;
using examples::process;

/// UBSan asks the kernel by a pipe whether an object is there, and reports it as missing when it
/// gets none.
#if defined(__has_feature)
constexpr bool checks_pointers_with_descriptors = __has_feature(undefined_behavior_sanitizer) != 0;
#else
constexpr bool checks_pointers_with_descriptors = false;
#endif

class kv_limits : public examples::on_every_event_loop {};

INSTANTIATE_TEST_SUITE_P(loops, kv_limits, examples::every_event_loop, examples::setting_name);

TEST_P(kv_limits, ten_thousand_connections_at_once) {
    constexpr std::size_t count = 10'000;
    if (!examples::allow_descriptors(count + 200)) GTEST_SKIP() << "too few descriptors";
    const process server(examples::kv_launch(GetParam()));
    std::vector<client> peers;
    peers.reserve(count);
    for (std::size_t i = 0; i < count; ++i)
        peers.emplace_back(server.port(), unsigned(2 + i / 5000));
    for (int round = 0; round < 2; ++round) {
        for (std::size_t i = 0; i < count; ++i)
            peers[i].send("SET key:" + std::to_string(i) + " v\r\nPING\r\n");
        for (const client& each : peers)
            ASSERT_EQ(each.receive(12), "+OK\r\n+PONG\r\n");
    }
    EXPECT_EQ(peers.front().ask("DBSIZE\r\n", ":10000\r\n"), ":10000\r\n");
}

TEST_P(kv_limits, waits_at_the_descriptor_limit_and_recovers) {
    if (checks_pointers_with_descriptors) GTEST_SKIP() << "UBSan itself needs descriptors";
    examples::launch how = examples::kv_launch(GetParam());
    how.descriptors = 64;
    const process server(how);
    std::vector<client> peers;
    for (int i = 0; i < 120; ++i) {
        peers.emplace_back(server.port());
        peers.back().send("PING\r\n");
    }
    ASSERT_TRUE(peers.front().readable(milliseconds(5000)));
    const milliseconds before = server.processor_time();
    EXPECT_FALSE(peers.back().readable(milliseconds(1000)));
    EXPECT_LE((server.processor_time() - before).count(), 300) << "it spins instead of waiting";
    // Each that leaves makes room for one that waits.
    for (client& each : peers) {
        ASSERT_EQ(each.receive(7), "+PONG\r\n");
        each.abort();
    }
    EXPECT_EQ(client(server.port()).ask("PING\r\n", "+PONG\r\n"), "+PONG\r\n");
}

}  // namespace
