// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/actors/request_base.hpp>
#include <exeunt/runtime/result.hpp>
#include <exeunt/runtime/timeout.hpp>
#include <exeunt/scheduler/lean_std.hpp>

#include <optional>
#include <stdexcept>

/// Asking an actor, and answering.
///
///     struct withdraw { long cents; using reply = bool; };
///
///     bool ok = co_await account.ask(withdraw(30));             // within the actor's default, 5 s
///     bool ok = co_await account.ask(withdraw(30), 100ms);
///
///     [&](ex::asked<withdraw>& w) { w.reply(cents >= w->cents); }
///
/// An ask that is given up, at its deadline or by cancellation, ends at once, and its request is
/// dropped unserved if it still lies in the mailbox. While it is being served the receiver sees
/// asked::abandoned(), and its answer goes nowhere. The receiver owns the message: nothing of it is
/// left in the asker's frame. A *borrowing* request (see envelope.hpp) may refer to the asker's
/// memory: while it is being served, giving up waits until the receiver answers or lets go.
namespace exeunt {

/// What ask() throws, but for timed_out.
class ask_error : public std::runtime_error {
 public:
    using std::runtime_error::runtime_error;
};
/// The actor has ended or was asked to, before the request or with the request in its mailbox.
class actor_not_found : public ask_error {
 public:
    actor_not_found() : ask_error("ask: the actor has ended: nobody will answer") {}
};
/// The receiver has taken the request and let go of it without an answer, e.g. because it failed.
class ask_dropped : public ask_error {
 public:
    ask_dropped() : ask_error("ask: the actor dropped the request without a reply") {}
};
/// The actor asked itself: it could never answer.
class ask_cycle : public ask_error {
 public:
    ask_cycle() : ask_error("ask: an actor asked itself, and would wait for itself for ever") {}
};

namespace core {
template <class M>
class sent_request;
template <class M>
class ask_awaiter;
}  // namespace core

/// A request in the hands of its receiver. Move-only; it may be kept and answered later, also after
/// the actor has ended. Letting go of it unanswered gives the asker ask_dropped.
///
/// Thread safety: as a plain value; it may be answered on any thread.
template <request M>
class asked {
 public:
    using reply_type = typename M::reply;

    explicit asked(core::sent_request<M>& taken) noexcept : request_(&taken) {}
    asked(asked&& other) noexcept
        : request_(std::exchange(other.request_, nullptr)), answered_(other.answered_) {}
    asked& operator=(asked&& other) noexcept {
        asked(std::move(other)).swap(*this);
        return *this;
    }
    ~asked() { release(); }
    void swap(asked& other) noexcept {
        std::swap(request_, other.request_);
        std::swap(answered_, other.answered_);
    }

    /// The message. Valid as long as this object.
    M& operator*() const noexcept;
    M* operator->() const noexcept;

    /// Gives the answer, once; for `using reply = void` without an argument. If nobody waits any
    /// more it does nothing. Errors: what constructing the answer throws; the asker then gets
    /// ask_dropped.
    template <class... Answer>
    requires(
        std::is_void_v<typename M::reply>
            ? sizeof...(Answer) == 0
            : std::constructible_from<typename M::reply, Answer...>) void reply(Answer&&... answer);

    /// Whether reply() was called.
    bool answered() const noexcept { return answered_; }
    /// Whether the asker has given up (for a borrowing request: would like to). May become true at
    /// any time; never becomes false.
    bool abandoned() const noexcept;

 private:
    void release() noexcept;

    core::sent_request<M>* request_;
    bool answered_ = false;
};

// ------------------------------------------------------------------------------ implementation
namespace core {

template <class M>
class sent_request final : public request_base, public frame_memory {
 public:
    explicit sent_request(M&& message) noexcept : request_base(kind_of_this, sizeof(sent_request)) {
        std::construct_at(&value, std::move(message));
    }
    ~sent_request() = delete;  // the value is destroyed by destroy_value(), the rest is memory

    void destroy_value() noexcept { std::destroy_at(&value); }

    static void discard(envelope& e, undelivered why) noexcept {
        auto& me = static_cast<sent_request&>(e);
        me.destroy_value();
        me.refuse(why);
        me.receiver_done();
    }

    union {
        M value;
    };
    static const message_kind kind_of_this;
};

template <class M>
inline constexpr message_kind sent_request<M>::kind_of_this{&typeid(M), true, borrowing<M>,
                                                            discard};

/// Room for the answer.
template <class R>
class answer_slot : public ask_waiter {
 public:
    using value_type = object_t<R>;
    static_assert(!std::is_reference_v<R>, "a reply is a value");
    std::optional<value_type> value;

 protected:
    using ask_waiter::ask_waiter;
    answer_slot(answer_slot&&) noexcept = default;
    ~answer_slot() = default;
};

template <class M>
class [[nodiscard]] ask_awaiter : answer_slot<typename M::reply> {
    using slot = answer_slot<typename M::reply>;

 public:
    ask_awaiter(actor_cell* cell, actor_cell::generation_type generation, M&& question,
                std::chrono::nanoseconds deadline)
        : slot(cell, generation, deadline) {
        this->message = new sent_request<M>(std::move(question));
    }
    ask_awaiter(ask_awaiter&&) noexcept = default;
    ~ask_awaiter() { let_go(); }

    bool await_ready() const noexcept { return false; }
    template <strand_promise Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
        return this->suspend(self.promise());
    }
    typename M::reply await_resume() {
        let_go();
        if (EXEUNT_UNLIKELY(this->outcome != ask_waiter::status::answered)) this->raise();
        if constexpr (!std::is_void_v<typename M::reply>) return std::move(*this->value);
    }

 private:
    void let_go() noexcept {
        if (this->message == nullptr) return;
        if (this->unsent()) static_cast<sent_request<M>*>(this->request())->destroy_value();
        this->release_request();
    }
};

}  // namespace core

template <request M>
M& asked<M>::operator*() const noexcept {
    EXEUNT_ASSERT(request_ != nullptr);
    return request_->value;
}
template <request M>
M* asked<M>::operator->() const noexcept {
    return std::addressof(**this);
}

template <request M>
bool asked<M>::abandoned() const noexcept {
    EXEUNT_ASSERT(request_ != nullptr);
    return request_->abandoned();
}

template <request M>
template <class... Answer>
requires(std::is_void_v<typename M::reply>
             ? sizeof...(Answer) == 0
             : std::constructible_from<typename M::reply,
                                       Answer...>) void asked<M>::reply(Answer&&... answer) {
    EXEUNT_ASSERT(request_ != nullptr && !answered_ && "a request is answered once");
    answered_ = true;
    if (EXEUNT_UNLIKELY(!request_->claim())) return;
    auto& to = static_cast<core::answer_slot<reply_type>&>(*request_->asker);
    to.outcome = core::ask_waiter::status::dropped;
    if constexpr (noexcept(to.value.emplace(std::forward<Answer>(answer)...))) {
        to.value.emplace(std::forward<Answer>(answer)...);
    } else {
        try {
            to.value.emplace(std::forward<Answer>(answer)...);
        } catch (...) {
            wake_up(to);
            throw;
        }
    }
    to.outcome = core::ask_waiter::status::answered;
    wake_up(to);
}

template <request M>
void asked<M>::release() noexcept {
    if (request_ == nullptr) return;
    auto& r = *std::exchange(request_, nullptr);
    r.destroy_value();
    if (!answered_) r.refuse(core::undelivered::dropped);
    r.receiver_done();
}

}  // namespace exeunt
