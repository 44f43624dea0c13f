// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exception>
#include <utility>

/// Scope guards that know how a scope was left.
///
///     co_await log.begin();
///     ex::scope_failure undo([&]() noexcept { log.drop(); });
///     co_await transfer();          // an exception or a cancellation runs `undo`
///
/// std::uncaught_exceptions() does not see a cancellation, which destroys the suspended coroutine
/// without an exception in flight: a guard that is built on it would commit. These do not.
namespace exeunt {

/// Whether the calling thread is destroying coroutines because they were cancelled. For use in
/// destructors. Thread safety: any thread, speaks of that thread alone.
bool unwinding() noexcept;

/// Runs a function when its scope is left by an exception or by cancellation.
template <class Function>
class scope_failure {
 public:
    explicit scope_failure(Function function) : function_(std::move(function)) {}
    scope_failure(const scope_failure&) = delete;
    scope_failure& operator=(const scope_failure&) = delete;
    ~scope_failure() {
        if ((unwinding() && !unwinding_) || std::uncaught_exceptions() > exceptions_) function_();
    }

 private:
    Function function_;
    bool unwinding_ = unwinding();  ///< it stands in a destructor that a cancellation has called
    int exceptions_ = std::uncaught_exceptions();
};

/// Runs a function when its scope is left in any other way: by its end, return or co_return.
template <class Function>
class scope_success {
 public:
    explicit scope_success(Function function) : function_(std::move(function)) {}
    scope_success(const scope_success&) = delete;
    scope_success& operator=(const scope_success&) = delete;
    ~scope_success() noexcept(noexcept(function_())) {
        if (unwinding() == unwinding_ && std::uncaught_exceptions() <= exceptions_) function_();
    }

 private:
    Function function_;
    bool unwinding_ = unwinding();  ///< as in scope_failure
    int exceptions_ = std::uncaught_exceptions();
};

// ------------------------------------------------------------------------------ implementation
namespace core {

/// While one of these lives, its thread is unwinding.
class unwinding_scope {
 public:
    unwinding_scope() noexcept;
    ~unwinding_scope();
    unwinding_scope(const unwinding_scope&) = delete;
    unwinding_scope& operator=(const unwinding_scope&) = delete;
};

}  // namespace core
}  // namespace exeunt
