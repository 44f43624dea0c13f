// SPDX-License-Identifier: BSL-1.0
#include "tests/model/exploration.hpp"

#include <charconv>
#include <cstdio>
#include <cstdlib>

namespace exeunt::model {
namespace {

/// Before the schedule of a random execution, to which the bounds do not apply.
constexpr std::string_view unbounded_mark = "r";

}  // namespace

void exploration::refuse_schedule() {
    std::fputs(
        "EXEUNT_MODEL_REPLAY is not a schedule of this model, or the model has changed: "
        "run it without, and take the schedule that it prints\n",
        stderr);
    std::_Exit(2);
}

exploration exploration::replay(std::string_view schedule) {
    exploration again(mode::replay, 0);
    if (schedule.starts_with(unbounded_mark)) {
        again.unbounded_ = true;
        schedule.remove_prefix(unbounded_mark.size());
    }
    const char* at = schedule.data();
    const char* const end = at + schedule.size();
    while (at < end) {
        unsigned answer = 0;
        const auto read = std::from_chars(at, end, answer);
        again.taken_.push_back({static_cast<std::uint16_t>(answer), std::uint16_t{0}});
        at = read.ptr == at ? end : read.ptr + 1;
    }
    return again;
}

bool exploration::next() {
    position_ = 0;
    switch (mode_) {
        case mode::replay:
            return false;
        case mode::random:
            taken_.clear();
            return true;
        case mode::exhaustive:
            break;
    }
    while (!taken_.empty() && taken_.back().answer + 1 == taken_.back().count)
        taken_.pop_back();
    if (taken_.empty()) return false;
    ++taken_.back().answer;
    return true;
}

std::string exploration::schedule() const {
    std::size_t last = 0;
    for (std::size_t i = 0; i < taken_.size() && i < position_; ++i) {
        if (taken_[i].answer != 0) last = i + 1;
    }
    std::string text(unbounded_ ? unbounded_mark : "");
    for (std::size_t i = 0; i < last; ++i) {
        if (i > 0) text += '.';
        text += std::to_string(taken_[i].answer);
    }
    return text;
}

}  // namespace exeunt::model
