// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <type_traits>
#include <utility>

/// What the checker knows of who has seen what: vector clocks, views, and the memory they lie in.
namespace exeunt::model {

/// Threads of one scenario, the main one included.
inline constexpr std::size_t max_threads = 8;
/// Atomic objects that one execution may touch.
inline constexpr std::size_t max_locations = 1024;

/// For each thread, up to which of its moments everything happens before the owner's present.
/// Decides whether two plain accesses race. After Mattern, "Virtual Time and Global States of
/// Distributed Systems" (1989).
struct vector_clock {
    std::array<std::uint32_t, max_threads> at{};

    void join(const vector_clock& other) noexcept {
        for (std::size_t i = 0; i < max_threads; ++i)
            at[i] = std::max(at[i], other.at[i]);
    }
    bool covers(std::size_t thread, std::uint32_t moment) const noexcept {
        return at[thread] >= moment;
    }
};

/// For each atomic object, the oldest store in its modification order that the owner may still
/// read. Decides what a load may return. After the timestamp views of Kang, Hur, Lahav, Vafeiadis
/// and Dreyer, "A Promising Semantics for Relaxed-Memory Concurrency" (POPL 2017), but no promises.
struct view {
    std::uint32_t used = 0;
    std::array<std::uint16_t, max_locations> oldest;  // those below `used` are meaningful

    view() noexcept {}  // leaves the array alone
    view(const view& other) noexcept { *this = other; }
    view& operator=(const view& other) noexcept {
        used = other.used;
        std::memcpy(oldest.data(), other.oldest.data(), used * sizeof oldest[0]);
        return *this;
    }
    std::uint16_t operator[](std::size_t location) const noexcept {
        return location < used ? oldest[location] : std::uint16_t{0};
    }
    void raise(std::size_t location, std::uint16_t to) noexcept {
        grow(static_cast<std::uint32_t>(location + 1));
        oldest[location] = std::max(oldest[location], to);
    }
    void join(const view& other) noexcept {
        grow(other.used);
        for (std::size_t i = 0; i < other.used; ++i)
            oldest[i] = std::max(oldest[i], other.oldest[i]);
    }

 private:
    void grow(std::uint32_t to) noexcept {
        if (to <= used) return;
        std::memset(oldest.data() + used, 0, (to - used) * sizeof oldest[0]);
        used = to;
    }
};

/// A vector of trivial elements that keeps its memory when it is cleared, and takes it from
/// malloc(): operator new belongs to the program under test.
template <class T>
class pool {
    static_assert(std::is_trivially_destructible_v<T>);

 public:
    pool() = default;
    pool(const pool&) = delete;
    pool& operator=(const pool&) = delete;
    ~pool() { std::free(data_); }

    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    T& operator[](std::size_t i) noexcept { return data_[i]; }
    const T& operator[](std::size_t i) const noexcept { return data_[i]; }
    T& back() noexcept { return data_[size_ - 1]; }
    T* begin() noexcept { return data_; }
    T* end() noexcept { return data_ + size_; }
    const T* begin() const noexcept { return data_; }
    const T* end() const noexcept { return data_ + size_; }
    void clear() noexcept { size_ = 0; }
    void pop_back() noexcept { --size_; }
    /// Uninitialised where it was used before.
    T& add() {
        if (size_ == capacity_) {
            capacity_ = capacity_ == 0 ? 16 : 2 * capacity_;
            void* bigger = std::realloc(static_cast<void*>(data_), capacity_ * sizeof(T));
            if (bigger == nullptr) std::abort();
            data_ = static_cast<T*>(bigger);
        }
        return data_[size_++];
    }
    void push_back(const T& value) { add() = value; }

 private:
    T* data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

}  // namespace exeunt::model
