// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/io/io_leaf.hpp>
#include <exeunt/scheduler/descriptor.hpp>

#include <cstdint>
#include <initializer_list>
#include <type_traits>

/// Waiting for signals of the system.
///
///     ex::signals stop({SIGINT, SIGTERM});
///     int which = co_await stop.wait();
namespace exeunt {
namespace core {
class signal_awaiter;
}

/// While it lives, its signals do not do what they would have done: they are queued for wait(),
/// each arrival of each. At the end of its life what was set before is restored. Several may exist
/// at once; each gets every signal that it asks for.
///
/// It works by a handler that writes to a pipe, so it does not matter which thread the system
/// delivers a signal to. Only signals of the process as a whole make sense here, not SIGSEGV and
/// the like. Construction and destruction: any thread, not from a signal handler. Make and end
/// those that share a signal with somebody else's sigaction() in the order of a stack.
class signals {
 public:
    /// Starts to listen. Errors: std::invalid_argument for a number that is no signal;
    /// std::system_error (EINVAL for SIGKILL and SIGSTOP, EMFILE, EAGAIN when there are more than
    /// 32 objects at once).
    explicit signals(std::initializer_list<int> numbers);
    ~signals();
    signals(const signals&) = delete;
    signals& operator=(const signals&) = delete;

    /// The number of the next signal; at once if one has come already. One task at a time.
    /// Cancellation: ends as cancelled, and has taken no signal. Errors: std::system_error.
    core::signal_awaiter wait() noexcept;

 private:
    void stop_listening() noexcept;

    scheduler::descriptor_handle reader_;
    int writer_ = -1;
    int slot_ = -1;
    std::uint64_t mask_ = 0;  ///< bit n - 1: signal n
};

// ------------------------------------------------------------------------------ implementation
namespace core {

class [[nodiscard]] signal_awaiter : public io_leaf {
 public:
    explicit signal_awaiter(scheduler::descriptor_reference from) noexcept
        : io_leaf(scheduler::opcode::read, from) {}

    template <strand_promise Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
        leaf::frame = &self.promise();
        operation::buffer = &number_;
        operation::length = 1;
        return start(self);
    }
    int await_resume() const {
        static_cast<void>(delivered(outcome(), nullptr, "cannot wait for a signal"));
        return number_;
    }

 private:
    unsigned char number_ = 0;
};

}  // namespace core

inline core::signal_awaiter signals::wait() noexcept {
    return core::signal_awaiter(reader_.reference());
}

}  // namespace exeunt
