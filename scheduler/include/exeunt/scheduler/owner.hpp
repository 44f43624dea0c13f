// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

namespace exeunt::core {

/// Owns one object that was made by new, or an array of them (`owner<T[]>`): what our public
/// headers need of std::unique_ptr, which brings <ostream> into every file of our users and takes a
/// compiler long for each type (docs/decisions/0201).
template <class T>
class owner {
 public:
    using element_type = std::remove_extent_t<T>;

    owner() noexcept = default;
    explicit owner(element_type* owned) noexcept : owned_(owned) {}
    owner(owner&& other) noexcept : owned_(other.release()) {}
    owner& operator=(owner&& other) noexcept {
        owner taken(std::move(other));
        std::swap(owned_, taken.owned_);
        return *this;
    }
    ~owner() {
        static_assert(sizeof(element_type) > 0, "the type that is owned is not complete here");
        if constexpr (std::is_array_v<T>) {
            delete[] owned_;
        } else {
            delete owned_;
        }
    }

    element_type* get() const noexcept { return owned_; }
    /// Gives it up.
    element_type* release() noexcept { return std::exchange(owned_, nullptr); }
    explicit operator bool() const noexcept { return owned_ != nullptr; }

    element_type& operator*() const noexcept requires(!std::is_array_v<T>) { return *owned_; }
    element_type* operator->() const noexcept requires(!std::is_array_v<T>) { return owned_; }
    element_type& operator[](std::size_t index) const noexcept requires(std::is_array_v<T>) {
        return owned_[index];
    }

 private:
    element_type* owned_ = nullptr;
};

}  // namespace exeunt::core
