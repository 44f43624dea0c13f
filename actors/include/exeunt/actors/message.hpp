// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/actors/ask.hpp>

#include <concepts>
#include <cstddef>
#include <new>
#include <type_traits>

/// A message that was received.
///
///     while (auto message = co_await inbox.receive())
///         message->match(
///             [&](deposit& d)             { cents += d.cents; },
///             [&](ex::asked<balance>& b)  { b.reply(cents); });
namespace exeunt {
namespace core {

template <class M>
struct handled {
    using type = M;
};
template <request M>
struct handled<M> {
    using type = asked<M>;
};
/// What a handler of M gets a reference to: M, or asked<M> for a request.
template <class M>
using handled_t = typename handled<M>::type;

template <class M, class... Handlers>
inline constexpr int handlers_for = (0 + ... + int{std::invocable<Handlers&, handled_t<M>&>});

}  // namespace core

/// Exactly one of the handlers takes an M& (for a request: an asked<M>&).
template <class M, class... Handlers>
concept has_one_handler = core::handlers_for<M, Handlers...> == 1;

namespace core {

/// Says at compile time what is wrong with the handlers of M. True if nothing is.
template <class M, class... Handlers>
constexpr bool checked_handlers() noexcept {
    static_assert(handlers_for<M, Handlers...> > 0,
                  "match() lacks a handler for a type of this mailbox (it is the first argument of "
                  "checked_handlers): add one that takes M&, or ex::asked<M>& for a request.");
    static_assert(handlers_for<M, Handlers...> < 2,
                  "match() has two handlers or more that take the same type of message (the first "
                  "argument of checked_handlers): leave one of them.");
    return has_one_handler<M, Handlers...>;
}

/// What the handler of an M returns.
template <class M, class Handler, class... Rest>
struct handler_result : handler_result<M, Rest...> {};
template <class M, class Handler, class... Rest>
    requires std::invocable<Handler&, handled_t<M>&>
struct handler_result<M, Handler, Rest...> : std::invoke_result<Handler&, handled_t<M>&> {};

/// Whether the handlers of First and the Ms return the same type.
template <class First, class... Ms>
struct results_of {
    template <class... Handlers>
    static constexpr bool same =
        (std::same_as<typename handler_result<First, Handlers...>::type,
                      typename handler_result<Ms, Handlers...>::type> &&
         ...);
};

}  // namespace core

/// A message of one of the types Ms, or none. Move-only.
///
/// A request that is destroyed unanswered gives its asker ask_dropped.
/// Thread safety: as a plain value.
template <class... Ms>
class message {
  public:
    message() noexcept = default;
    explicit message(core::envelope* received) noexcept : envelope_(received) {}
    message(message&& other) noexcept : envelope_(std::exchange(other.envelope_, nullptr)) {
        EXEUNT_ASSERT(other.destroy_asked_ == nullptr && "a message moves before it is matched");
    }
    message& operator=(message&& other) noexcept {
        if (this == &other) return *this;
        std::destroy_at(this);
        return *std::construct_at(this, std::move(other));
    }
    ~message() {
        if (envelope_ != nullptr) envelope_->kind->discard(*envelope_, core::undelivered::dropped);
        if (destroy_asked_ != nullptr) destroy_asked_(asked_);
    }

    /// False: the mailbox has ended.
    explicit operator bool() const noexcept { return envelope_ != nullptr; }
    message* operator->() noexcept { return this; }
    message& operator*() noexcept { return *this; }

    /// Calls the handler of this message's type, and returns what it returns: all handlers return
    /// the same type. When that is a task, `co_await message->match(...)` runs it; the message
    /// lives as long as this object. Once for each message.
    template <class... Handlers>
    decltype(auto) match(Handlers&&... handlers) {
        if constexpr ((core::checked_handlers<Ms, Handlers...>() && ...)) {
            constexpr bool same = core::results_of<Ms...>::template same<Handlers...>;
            static_assert(same,
                          "The handlers of match() return different types: either all of them "
                          "return a task, which is awaited (co_await message->match(...)), or "
                          "none does.");
            if constexpr (same) return dispatch<Ms...>(handlers...);
        }
    }

    /// Whether it is an M.
    template <class M>
        requires(std::same_as<M, Ms> || ...)
    bool is() const noexcept {
        EXEUNT_ASSERT(envelope_ != nullptr);
        return envelope_->kind == kind_of<M>();
    }

  private:
    template <class M>
    static const core::message_kind* kind_of() noexcept {
        if constexpr (request<M>) {
            return &core::sent_request<M>::kind_of_this;
        } else {
            return &core::told<M>::kind_of_this;
        }
    }

    template <class M, class... Rest, class... Handlers>
    decltype(auto) dispatch(Handlers&... handlers) {
        if constexpr (sizeof...(Rest) == 0) {
            EXEUNT_ASSERT(is<M>());
            return handle<M>(handlers...);
        } else {
            if (is<M>()) return handle<M>(handlers...);
            return dispatch<Rest...>(handlers...);
        }
    }
    template <class M, class Handler, class... Rest>
    decltype(auto) handle(Handler& handler, Rest&... rest) {
        if constexpr (std::invocable<Handler&, core::handled_t<M>&>) {
            return call<M>(handler);
        } else {
            return handle<M>(rest...);
        }
    }
    template <class M, class Handler>
    decltype(auto) call(Handler& handler) {
        if constexpr (request<M>) {
            auto& taken = static_cast<core::sent_request<M>&>(*std::exchange(envelope_, nullptr));
            if constexpr (std::is_void_v<std::invoke_result_t<Handler&, asked<M>&>>) {
                asked<M> a(taken);
                handler(a);
            } else {
                return handler(keep(taken));
            }
        } else {
            return handler(static_cast<core::told<M>*>(envelope_)->value);
        }
    }
    /// The handler goes on after match() has returned: what it refers to stays here.
    template <class M>
    asked<M>& keep(core::sent_request<M>& taken) noexcept {
        static_assert(sizeof(asked<M>) <= sizeof(asked_));
        destroy_asked_ = [](void* a) noexcept { std::destroy_at(static_cast<asked<M>*>(a)); };
        return *::new (static_cast<void*>(asked_)) asked<M>(taken);
    }

    core::envelope* envelope_ = nullptr;
    void (*destroy_asked_)(void*) noexcept = nullptr;
    alignas(void*) std::byte asked_[2 * sizeof(void*)];
};

}  // namespace exeunt
