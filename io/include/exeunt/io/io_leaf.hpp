// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/promise.hpp>
#include <exeunt/runtime/strand.hpp>
#include <exeunt/scheduler/descriptor.hpp>
#include <exeunt/scheduler/operation.hpp>

#include <coroutine>
#include <cstdint>
#include <system_error>

/// What every awaitable of an I/O operation is made of: a leaf that parks a strand, and the
/// operation that the event loop carries out.
namespace exeunt::core {

/// Submits its operation to the event loop of the worker it is awaited on, and goes on at once when
/// that has completed it already. Otherwise it parks, until the event loop returns the operation.
///
/// Cancellation asks the event loop to let go of the operation, and its own completion decides: an
/// operation that moved bytes (or accepted a connection) delivers them and the request stays
/// pending; one that ended with -ECANCELED because of it unwinds.
///
/// It may move until it is awaited; what points into itself is set by an override of `prepare`.
class io_leaf : public leaf, protected scheduler::operation {
 public:
    bool await_ready() const noexcept { return false; }
    template <strand_promise Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
        leaf::frame = &self.promise();
        return start(self);
    }

 protected:
    /// After a completion: whether the operation, changed, is to be submitted again. Called while
    /// the strand runs. An operation that goes on like this says what it has moved so far in
    /// `moved`.
    using continue_fn = bool (*)(io_leaf& self) noexcept;

    io_leaf(scheduler::opcode code, scheduler::descriptor_reference target,
            continue_fn go_on = nullptr) noexcept;
    io_leaf(io_leaf&& other) noexcept;
    ~io_leaf() = default;

    /// What the operation is for, where the constructor was not told.
    void aim(scheduler::descriptor_reference at) noexcept;

    /// Starts over after await_suspend() was overridden; returns whether it stays suspended.
    bool start(std::coroutine_handle<> self) noexcept;

    std::int32_t outcome() const noexcept { return operation::result; }

    /// Bytes moved by the parts that have completed; when it is not 0 a cancellation delivers it.
    std::size_t moved = 0;

 private:
    static void completed(void* self);
    static void woken(void* self);
    static bool take_off(leaf& l) noexcept;
    void begin_wait() noexcept;
    void end_wait() noexcept;

    continue_fn go_on_;
    /// When a wait that the descriptor notes began.
    std::int64_t waits_since_ = scheduler::descriptor::not_waiting;
};

/// Throws std::system_error for a negated errno value: "what: ...".
[[noreturn]] EXEUNT_COLD void throw_io_error(std::int32_t negated_errno, const char* what);

/// Reports a result in the form that the caller has chosen: sets `*error`, or throws when it is
/// null. Returns the result, or 0 when it is an error.
inline std::int32_t delivered(std::int32_t result, std::error_code* error, const char* what) {
    if (EXEUNT_UNLIKELY(result < 0)) {
        if (error == nullptr) throw_io_error(result, what);
        error->assign(-result, std::system_category());
        return 0;
    }
    if (error != nullptr) error->clear();
    return result;
}

}  // namespace exeunt::core
