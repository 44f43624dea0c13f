// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <map>
#include <string>

namespace exeunt::core {

struct leaf;
class strand;

/// What strands are parked on: a line for each, indented below the one that waits for it.
class waiting_report {
 public:
    /// `top` and the strands below it. While no strand runs; threads that are no workers may wake
    /// some. Not told of: what a shield or as_completed() keeps to itself, and who waits for a
    /// shield or a clean-up.
    void add(strand& top);
    const std::string& text() const noexcept { return text_; }

 private:
    void add_line(std::size_t depth, const leaf& l);
    const std::string& name_of(const void* code);

    std::string text_;
    std::map<const void*, std::string>
        names_;  ///< found so far: there are few, and each takes long
};

}  // namespace exeunt::core
