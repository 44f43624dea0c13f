// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/atomic.hpp>

#include <utility>

namespace exeunt::tests {

/// A value whose living objects are counted: as a local variable or a parameter of a coroutine it
/// tells whether all of them were destroyed, and none twice.
class counted {
 public:
    explicit counted(int value = 0) noexcept : value_(value) { enter(); }
    counted(const counted& other) noexcept : value_(other.value_) { enter(); }
    counted(counted&& other) noexcept : value_(std::exchange(other.value_, -1)) { enter(); }
    counted& operator=(const counted&) noexcept = default;
    counted& operator=(counted&& other) noexcept {
        value_ = std::exchange(other.value_, -1);
        return *this;
    }
    ~counted() { living_.fetch_sub(1, std::memory_order_relaxed); }

    int value() const noexcept { return value_; }
    /// How many there are. Relaxed: asked for when the runtime is gone, or between two runs.
    static int living() noexcept { return living_.load(std::memory_order_relaxed); }

 private:
    static void enter() noexcept { living_.fetch_add(1, std::memory_order_relaxed); }
    int value_;
    /// Written by every constructor and destructor, read by tests.
    static inline atomic<int> living_{0};
};

}  // namespace exeunt::tests
