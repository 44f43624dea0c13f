// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>

namespace exeunt::core {

struct leaf;
class strand;

/// While one of these lives, cancellations that its thread requests are written down: which tasks
/// they find waiting, and in what. One at a time in a thread.
class waiting_report {
 public:
    waiting_report() noexcept;
    ~waiting_report();
    waiting_report(const waiting_report&) = delete;
    waiting_report& operator=(const waiting_report&) = delete;

    /// The calling thread's, or null.
    static waiting_report* current() noexcept;

    /// `waiting` is parked on `l`.
    void visits(const strand& waiting, const leaf& l);
    /// A line for each, indented below the one that waits for it.
    const std::string& text() const noexcept { return text_; }

 private:
    std::string text_;
};

}  // namespace exeunt::core
