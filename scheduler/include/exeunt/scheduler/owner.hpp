// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <utility>

namespace exeunt::core {

/// Owns one object that was made by new, or an array of them (`owner<T[]>`): what our public
/// headers need of std::unique_ptr. That one brings <ostream> into every file of our users, and
/// each type it holds takes a compiler longer than the class that holds it.
template <class T>
class owner {
 public:
    owner() noexcept = default;
    explicit owner(T* object) noexcept : object_(object) {}
    owner(owner&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    owner& operator=(owner&& other) noexcept {
        owner taken(std::move(other));
        std::swap(object_, taken.object_);
        return *this;
    }
    ~owner() {
        static_assert(sizeof(T) > 0, "the type that is owned is not complete here");
        delete object_;
    }

    T* get() const noexcept { return object_; }
    /// Gives the object up.
    T* release() noexcept { return std::exchange(object_, nullptr); }
    T& operator*() const noexcept { return *object_; }
    T* operator->() const noexcept { return object_; }
    explicit operator bool() const noexcept { return object_ != nullptr; }

 private:
    T* object_ = nullptr;
};

template <class T>
class owner<T[]> {
 public:
    owner() noexcept = default;
    explicit owner(T* first) noexcept : first_(first) {}
    owner(owner&& other) noexcept : first_(std::exchange(other.first_, nullptr)) {}
    owner& operator=(owner&& other) noexcept {
        owner taken(std::move(other));
        std::swap(first_, taken.first_);
        return *this;
    }
    ~owner() { delete[] first_; }

    T* get() const noexcept { return first_; }
    T& operator[](std::size_t index) const noexcept { return first_[index]; }

 private:
    T* first_ = nullptr;
};

}  // namespace exeunt::core
