// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/actors/actor_cell.hpp>
#include <exeunt/scheduler/timer_wheel.hpp>

#include <cstddef>

namespace exeunt::core {

class ask_waiter;

/// A request on its way: the message, and the word in which the answer, the deadline and the
/// asker's cancellation meet. The answer itself goes into the asker's frame.
///
/// Up to three know of it: the asker (whoever cancels it acts in its name), the receiver (whoever
/// holds the envelope) and the timer of the deadline. Each says when it is done; the last one frees
/// it. docs/internals/mailbox.md argues the states:
///
///   taken      a receiver serves it, and it may refer to the asker's memory: no giving up now
///   answered   the receiver's side has decided the outcome, and wakes the asker
///   given_up   the asker's side has: no answer will be delivered
///   unwanted   the asker would have given up had it not been `taken`
///   *_done     touches the request no more
class request_base : public envelope {
  public:
    // ------------------------------------------------------------ the receiver's side
    /// It is taken out of the mailbox. False: it was given up, and is gone.
    static bool taken(envelope& e) noexcept;
    /// Decides that the caller answers. False: nobody waits any more.
    bool claim() noexcept;
    /// Whether the answer will find nobody, for all that is known now.
    bool abandoned() const noexcept {
        return (state_.load(std::memory_order_relaxed) & (given_up_bit | unwanted_bit)) != 0;
    }
    /// It will not be answered: tells the asker why, if it waits still.
    void refuse(undelivered why) noexcept;
    /// The receiver lets go of it. Its message has been destroyed.
    void receiver_done() noexcept { done(receiver_done_bit); }

    // ------------------------------------------------------------ the asker's side
    /// Decides that there will be no answer. False: one is on its way, or has to be awaited.
    bool give_up() noexcept;
    /// Before it is sent: says that arm() will follow; false where there is no deadline.
    bool expect_deadline(std::chrono::nanoseconds deadline) noexcept;
    void arm(std::chrono::nanoseconds deadline) noexcept;
    /// The asker lets go of it. `unsent`: no receiver ever saw it, its message was destroyed.
    void asker_done(bool unsent) noexcept;

    ask_waiter* asker = nullptr;  ///< valid for whoever has decided the outcome, until it wakes it

  protected:
    request_base(const message_kind& of, std::size_t bytes) noexcept
        : envelope(of), bytes_(static_cast<std::uint32_t>(bytes)), timer_(expired, *this) {}
    ~request_base() = default;

  private:
    static constexpr std::uint32_t taken_bit = 1;
    static constexpr std::uint32_t answered_bit = 2;
    static constexpr std::uint32_t given_up_bit = 4;
    static constexpr std::uint32_t unwanted_bit = 8;
    static constexpr std::uint32_t asker_done_bit = 16;
    static constexpr std::uint32_t receiver_done_bit = 32;
    static constexpr std::uint32_t timer_done_bit = 64;
    static constexpr std::uint32_t all_done = asker_done_bit | receiver_done_bit | timer_done_bit;

    struct alarm : scheduler::timer {
        alarm(expired_fn function, request_base& request) noexcept
            : timer(function), owner(request) {}
        request_base& owner;
    };
    static void expired(scheduler::timer& t) noexcept;
    void done(std::uint32_t bits) noexcept;

    /// Written by all three; see above. `timer_done` from the start where there is no deadline.
    atomic<std::uint32_t> state_{timer_done_bit};
    std::uint32_t bytes_;  ///< of the whole object
    bool armed_ = false;   ///< the asker's own
    alarm timer_;
};

/// An asker that waits. It lies in the asker's frame; its subclass has room for the answer.
class ask_waiter : public send_waiter {
  public:
    enum class status : std::uint8_t { waiting, answered, dropped, gone, timed_out, own };

    status outcome = status::waiting;  ///< written by whoever decided it, before it wakes

  protected:
    ask_waiter(actor_cell* cell, actor_cell::generation_type generation,
               std::chrono::nanoseconds deadline) noexcept
        : send_waiter(take_off, true), cell_(cell), generation_(generation), deadline_(deadline) {}
    ask_waiter(ask_waiter&& other) noexcept
        : send_waiter(std::move(other)), cell_(other.cell_), generation_(other.generation_),
          deadline_(other.deadline_) {
        message = std::exchange(other.message, nullptr);
    }
    ~ask_waiter() = default;

    bool suspend(promise_base& self) noexcept;
    /// The request as such; null once it has been let go.
    request_base* request() const noexcept { return static_cast<request_base*>(message); }
    /// Lets go of the request. True: no receiver ever saw it, and the caller destroys its message
    /// first, by request(). To be called before release_request().
    bool unsent() const noexcept { return !sent_; }
    void release_request() noexcept { request()->asker_done(!sent_), message = nullptr; }
    [[noreturn]] EXEUNT_COLD void raise() const;

  private:
    friend class request_base;
    static bool take_off(leaf& l) noexcept;
    bool refused() noexcept;

    actor_cell* cell_;
    actor_cell::generation_type generation_;
    std::chrono::nanoseconds deadline_;  ///< negative: the receiver's default
    bool sent_ = false;                  ///< whether a receiver can have seen the request
};

}  // namespace exeunt::core
