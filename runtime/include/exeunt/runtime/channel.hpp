// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/promise.hpp>
#include <exeunt/runtime/waiter_list.hpp>
#include <exeunt/scheduler/biased_lock.hpp>
#include <exeunt/scheduler/lean_std.hpp>
#include <exeunt/scheduler/worker.hpp>

#include <coroutine>
#include <cstddef>
#include <new>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

/// A queue between tasks, bounded or not: many senders, many receivers.
///
///     ex::channel<job> jobs(64);
///     co_await jobs.send(job(1));                            // suspends while 64 are waiting
///     while (auto next = co_await jobs.receive()) work(*next);
///     jobs.close();                                          // receivers drain it and end
namespace exeunt {

/// A value was sent to a channel that is closed. The value is gone with the send; who needs it back
/// uses try_send(), which takes it only if it goes in.
class channel_closed : public std::runtime_error {
 public:
    channel_closed() : std::runtime_error("send on a closed channel: nobody will receive it") {}
};

/// The capacity of a channel whose senders never wait.
inline constexpr std::size_t unbounded = static_cast<std::size_t>(-1);

/// First in, first out; senders and receivers that wait are served in the order in which they came.
/// An item goes straight to a receiver that waits. With a capacity of 0 every send waits until a
/// receiver has taken the item. Pass channels by reference; it must live until every operation on
/// it has returned.
///
/// `T` moves and dies without throwing. Its move constructor runs under a lock that all users of
/// the channel contend for: items ought to be cheap to move.
///
/// Thread safety: all functions from any thread; send() and receive() from tasks.
template <class T>
class channel {
    static_assert(
        std::is_nothrow_move_constructible_v<T> && std::is_nothrow_destructible_v<T>,
        "The items of a channel are handed from task to task: make their move constructor "
        "and destructor noexcept, or send a std::unique_ptr.");
    class send_awaiter;
    class receive_awaiter;

 public:
    using value_type = T;

    /// Allocates room for `capacity` items. An `unbounded` one allocates as it fills, and gives
    /// back when it is a quarter full: sending and receiving are O(1), amortised. Nothing slows its
    /// senders down: where they may outrun the receivers for long, a bound is better.
    /// Errors: std::bad_alloc.
    explicit channel(std::size_t capacity);
    /// Destroys what was not received. No task may wait any more.
    ~channel();
    channel(const channel&) = delete;
    channel& operator=(const channel&) = delete;

    /// `co_await ch.send(item)`. Errors: channel_closed; std::bad_alloc of an unbounded channel
    /// that cannot grow, the item then is gone with the send. Cancellation: ends as cancelled, and
    /// the item was not sent; an item that was taken counts as sent, and the request stays pending.
    [[nodiscard]] send_awaiter send(T item) noexcept {
        return send_awaiter(*this, std::move(item));
    }
    /// `co_await ch.receive()`: std::optional<T>, empty when the channel is closed and drained.
    /// Cancellation: ends as cancelled, and has taken nothing; an item that was handed over is
    /// delivered, and the request stays pending.
    [[nodiscard]] receive_awaiter receive() noexcept { return receive_awaiter(*this); }

    /// Sends without waiting. False when the channel is full (or has no receiver that waits, at
    /// capacity 0) or closed: `item` is then untouched, as after an error. Errors: std::bad_alloc
    /// of an unbounded channel that cannot grow.
    [[nodiscard]] bool try_send(T& item);
    [[nodiscard]] bool try_send(T&& item) { return try_send(item); }
    /// Receives without waiting. Empty when there is nothing, closed or not.
    [[nodiscard]] std::optional<T> try_receive() noexcept;

    /// No more sends. Receivers get what is in the channel, then nothing; senders that wait get
    /// channel_closed. Idempotent. O(tasks that wait).
    void close() noexcept;
    bool is_closed() const noexcept;
    /// Items in the channel, without those of senders that wait; a snapshot.
    std::size_t size() const noexcept;
    /// As it was made.
    std::size_t capacity() const noexcept { return capacity_; }

    // -------------------------------------------------------------------------- implementation
 private:
    enum class attempt : std::uint8_t { done, closed, waits };

    void put(T& item) noexcept;
    T take() noexcept;
    void give_room_back() noexcept;
    void move_to(std::size_t room);
    attempt send_or_queue(T& item, send_awaiter* waiting, scheduler::worker* here);
    attempt receive_or_queue(std::optional<T>& item, receive_awaiter* waiting,
                             scheduler::worker* here) noexcept;
    /// For the lock.
    static std::uint32_t identity(const scheduler::worker* here) noexcept {
        return here != nullptr ? here->identity() : 0;
    }
    static std::uint32_t caller() noexcept { return identity(scheduler::worker::current()); }

    /// What an unbounded one begins with, and comes back to.
    static constexpr std::size_t least_room = 64;

    const std::size_t capacity_;
    std::allocator<T> allocator_;
    mutable scheduler::biased_lock lock_;
    bool closed_ = false;  ///< all that follows: under lock_
    std::size_t room_;     ///< for items in the ring
    std::size_t few_ = 0;  ///< with fewer items it gives room back
    T* ring_;
    std::size_t first_ = 0;        ///< of the ring, where the oldest item lies
    std::size_t count_ = 0;        ///< items in the ring
    core::waiter_list senders_;    ///< they wait only while the ring is full
    core::waiter_list receivers_;  ///< they wait only while there is nothing to receive
};

template <class T>
class channel<T>::send_awaiter : core::waiter {
 public:
    send_awaiter(channel& to, T&& item) noexcept
        : waiter(take_off), channel_(to), item_(std::move(item)) {}
    send_awaiter(send_awaiter&&) noexcept = default;

    bool await_ready() const noexcept { return false; }
    template <core::strand_promise Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) {
        core::strand& s = *self.promise().strand;
        this->frame = &self.promise();
        if (s.cancel_requested()) return core::cancel_now(*this, self.promise());
        scheduler::worker& here = *scheduler::worker::current();
        const attempt result = channel_.send_or_queue(item_, this, &here);
        if (result == attempt::waits) return core::park_or_continue(*this, s);
        closed_ = result == attempt::closed;
        return core::completed_at_once(self, here);
    }
    void await_resume() const {
        if (closed_) throw channel_closed();
    }

 private:
    friend class channel;
    static bool take_off(core::leaf& l) noexcept {
        auto& me = static_cast<send_awaiter&>(l);
        scheduler::biased_guard guard(me.channel_.lock_, caller());
        return me.channel_.senders_.remove(me);
    }
    channel& channel_;
    T item_;
    bool closed_ = false;
};

template <class T>
class channel<T>::receive_awaiter : core::waiter {
 public:
    explicit receive_awaiter(channel& from) noexcept : waiter(take_off), channel_(from) {}
    receive_awaiter(receive_awaiter&&) noexcept = default;

    bool await_ready() const noexcept { return false; }
    template <core::strand_promise Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
        core::strand& s = *self.promise().strand;
        this->frame = &self.promise();
        if (s.cancel_requested()) return core::cancel_now(*this, self.promise());
        scheduler::worker& here = *scheduler::worker::current();
        if (channel_.receive_or_queue(item_, this, &here) == attempt::waits) {
            return core::park_or_continue(*this, s);
        }
        return core::completed_at_once(self, here);
    }
    std::optional<T> await_resume() noexcept {
        // Part by part: a copy of the whole would read in one piece what was just written in two,
        // and wait until both are out of the store buffer.
        if (!item_) return std::nullopt;
        return std::optional<T>(std::move(*item_));
    }

 private:
    friend class channel;
    static bool take_off(core::leaf& l) noexcept {
        auto& me = static_cast<receive_awaiter&>(l);
        scheduler::biased_guard guard(me.channel_.lock_, caller());
        return me.channel_.receivers_.remove(me);
    }
    channel& channel_;
    std::optional<T> item_;
};

template <class T>
channel<T>::channel(std::size_t capacity)
    : capacity_(capacity),
      room_(capacity < unbounded ? capacity : least_room),
      ring_(room_ > 0 ? allocator_.allocate(room_) : nullptr) {}

template <class T>
channel<T>::~channel() {
    EXEUNT_ASSERT(senders_.empty() && receivers_.empty());
    while (count_ > 0)
        static_cast<void>(take());
    if (ring_ != nullptr) allocator_.deallocate(ring_, room_);
}

/// Under the lock, all that follow. The ring is not full.
template <class T>
void channel<T>::put(T& item) noexcept {
    EXEUNT_ASSERT(count_ < room_);
    const std::size_t behind = first_ + count_;
    std::construct_at(ring_ + (behind < room_ ? behind : behind - room_), std::move(item));
    ++count_;
}

/// An unbounded channel that has room for much more than there is.
template <class T>
EXEUNT_COLD void channel<T>::give_room_back() noexcept {
    try {
        move_to(room_ / 2);
    } catch (const std::bad_alloc&) {
        // It keeps what it has.
    }
}

/// Of an unbounded channel: to a larger or a smaller ring.
template <class T>
EXEUNT_COLD void channel<T>::move_to(std::size_t room) {
    T* const ring = allocator_.allocate(room);
    const std::size_t old_room = room_;
    for (std::size_t i = 0; i < count_; ++i) {
        const std::size_t at = first_ + i;
        T& each = ring_[at < old_room ? at : at - old_room];
        std::construct_at(ring + i, std::move(each));
        std::destroy_at(&each);
    }
    allocator_.deallocate(std::exchange(ring_, ring), std::exchange(room_, room));
    first_ = 0;
    few_ = room > least_room ? room / 4 : 0;
}

/// The ring is not empty.
template <class T>
T channel<T>::take() noexcept {
    EXEUNT_ASSERT(count_ > 0);
    T* oldest = ring_ + first_;
    T item(std::move(*oldest));
    std::destroy_at(oldest);
    first_ = first_ + 1 < room_ ? first_ + 1 : 0;
    --count_;
    if (EXEUNT_UNLIKELY(count_ < few_)) give_room_back();
    return item;
}

/// Without a place for `item`, queues `waiting` if there is one.
template <class T>
auto channel<T>::send_or_queue(T& item, send_awaiter* waiting, scheduler::worker* here) -> attempt {
    receive_awaiter* receiver = nullptr;
    {
        scheduler::biased_guard guard(lock_, identity(here));
        if (closed_) return attempt::closed;
        receiver = static_cast<receive_awaiter*>(receivers_.pop_front());
        if (receiver == nullptr) {
            if (EXEUNT_UNLIKELY(count_ == room_) && capacity_ == unbounded) move_to(room_ * 2);
            if (count_ < room_) {
                put(item);
                return attempt::done;
            }
            if (waiting != nullptr) senders_.push_back(*waiting);
            return attempt::waits;
        }
    }
    // Off its list, it is ours until it is woken: nobody can cancel it away.
    receiver->item_.emplace(std::move(item));
    core::wake_up(*receiver, here);
    return attempt::done;
}

/// With nothing to receive, queues `waiting` if there is one.
template <class T>
auto channel<T>::receive_or_queue(std::optional<T>& item, receive_awaiter* waiting,
                                  scheduler::worker* here) noexcept -> attempt {
    send_awaiter* sender = nullptr;
    {
        scheduler::biased_guard guard(lock_, identity(here));
        sender = static_cast<send_awaiter*>(senders_.pop_front());
        if (count_ > 0) {
            item.emplace(take());
            if (sender == nullptr) return attempt::done;
            put(sender->item_);
        } else if (sender == nullptr) {
            if (closed_) return attempt::closed;
            if (waiting != nullptr) receivers_.push_back(*waiting);
            return attempt::waits;
        }
    }
    if (!item) item.emplace(std::move(sender->item_));
    core::wake_up(*sender, here);
    return attempt::done;
}

template <class T>
bool channel<T>::try_send(T& item) {
    return send_or_queue(item, nullptr, scheduler::worker::current()) == attempt::done;
}

template <class T>
std::optional<T> channel<T>::try_receive() noexcept {
    std::optional<T> item;
    receive_or_queue(item, nullptr, scheduler::worker::current());
    return item;
}

template <class T>
void channel<T>::close() noexcept {
    core::wake_list woken;
    {
        scheduler::biased_guard guard(lock_, caller());
        closed_ = true;
        while (core::waiter* each = receivers_.pop_front())
            woken.add(*each);
        while (core::waiter* each = senders_.pop_front()) {
            static_cast<send_awaiter*>(each)->closed_ = true;
            woken.add(*each);
        }
    }
    woken.wake_all();
}

template <class T>
bool channel<T>::is_closed() const noexcept {
    scheduler::biased_guard guard(lock_, caller());
    return closed_;
}

template <class T>
std::size_t channel<T>::size() const noexcept {
    scheduler::biased_guard guard(lock_, caller());
    return count_;
}

}  // namespace exeunt
