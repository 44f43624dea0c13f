// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/result.hpp>
#include <exeunt/runtime/strand.hpp>
#include <exeunt/runtime/unwinding.hpp>
#include <exeunt/scheduler/lean_std.hpp>

#include <exception>
#include <new>
#include <type_traits>
#include <utility>

namespace exeunt::core {

/// Destroys the coroutine of a link, which has ended. Parameters die only now: where an exception
/// has ended it, they see unwinding(), as its local variables saw the exception.
inline void destroy_ended(link& l) noexcept {
    const std::coroutine_handle<> ended = std::exchange(l.child, nullptr);
    if (EXEUNT_LIKELY(l.outcome != link::status::exception)) return ended.destroy();
    unwinding_scope scope;
    ended.destroy();
}

/// A link with room for what the awaited coroutine returns or throws: results are written straight
/// to the place where the awaiter reads them.
template <class T>
class link_of : public link {
 public:
    using value_type = object_t<T>;
    using stored_type = stored_t<T>;

    link_of() noexcept {}
    ~link_of() {
        if (outcome == status::value) {
            std::destroy_at(std::addressof(value_));
        } else if (outcome == status::exception) {
            std::destroy_at(std::addressof(error_));
        }
    }

    template <class... Args>
    void set_value(Args&&... args) {
        if constexpr (std::is_reference_v<T>) {
            value_ = std::addressof(std::forward<Args>(args)...);
        } else {
            ::new (static_cast<void*>(std::addressof(value_)))
                stored_type(std::forward<Args>(args)...);
        }
        outcome = status::value;
    }
    void set_exception(std::exception_ptr error) noexcept {
        // A value that was returned already, before a local's destructor threw, gives way.
        if (outcome == status::value) std::destroy_at(std::addressof(value_));
        ::new (static_cast<void*>(std::addressof(error_))) std::exception_ptr(std::move(error));
        outcome = status::exception;
    }

    /// As it was before set_value().
    void end_value() noexcept {
        EXEUNT_ASSERT(outcome == status::value);
        std::destroy_at(std::addressof(value_));
        outcome = status::pending;
    }

    const std::exception_ptr& error() const noexcept { return error_; }

    /// The value by move, or throws. It has ended and was not cancelled.
    T take() {
        if (EXEUNT_UNLIKELY(outcome != status::value)) raise();
        if constexpr (std::is_void_v<T>) {
            return;
        } else if constexpr (std::is_reference_v<T>) {
            return static_cast<T>(*value_);
        } else {
            return std::move(value_);
        }
    }
    /// The value by reference, or throws.
    std::add_lvalue_reference_t<T> peek() {
        if (EXEUNT_UNLIKELY(outcome != status::value)) raise();
        if constexpr (std::is_void_v<T>) {
            return;
        } else if constexpr (std::is_reference_v<T>) {
            return *value_;
        } else {
            return value_;
        }
    }
    /// The value by move, as an object: `unit` for void.
    value_type take_object() {
        if (EXEUNT_UNLIKELY(outcome != status::value)) raise();
        if constexpr (std::is_reference_v<T>) {
            return static_cast<T>(*value_);
        } else {
            return std::move(value_);
        }
    }
    result<T> take_result() {
        if (outcome == status::value) return result<T>(std::in_place, take_object());
        if (outcome == status::exception) return result<T>(error_);
        return result<T>();
    }

 private:
    EXEUNT_COLD void raise() {
        EXEUNT_ASSERT(outcome == status::exception);
        std::rethrow_exception(error_);
    }

    union {
        stored_type value_;
        std::exception_ptr error_;
    };
};

}  // namespace exeunt::core
