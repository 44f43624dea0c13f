// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/callable_guard.hpp>
#include <exeunt/runtime/promise.hpp>

#include <concepts>
#include <type_traits>
#include <typeinfo>
#include <utility>

/// What can be sent to an actor.
///
///     struct deposit  { long cents; };                          // told
///     struct withdraw { long cents; using reply = bool; };      // asked: for a bool
///     struct lookup   { std::span<key> keys; std::span<value> values;
///                       using reply = void;
///                       static constexpr bool borrows = true; };   // refers to the asker's memory
///
/// A message is any type that can be moved without an exception. One with a member type `reply` is
/// a request: it is asked, not told. One with `borrows` set may refer to memory of the asker: ask()
/// then does not end while the receiver serves it, whatever becomes of its deadline
/// (docs/decisions/0401-ask-give-up.md).
namespace exeunt {

/// A message type that its receiver answers.
template <class M>
concept request = requires { typename M::reply; };

/// A request that may refer to memory of the asker.
template <class M>
concept borrowing = request<M> && requires {
    { M::borrows } -> std::convertible_to<bool>;
    requires M::borrows;
};

/// What a mailbox can hold.
template <class M>
concept sendable = std::same_as<M, std::decay_t<M>> && std::is_nothrow_move_constructible_v<M> &&
                   (alignof(M) <= 16) && core::safe_temporary<M>;

// ------------------------------------------------------------------------------ implementation
namespace core {

/// Says at compile time what keeps an M from being `sendable`. True if nothing does.
template <class M>
constexpr bool checked_message() noexcept {
    constexpr bool is_object = std::same_as<M, std::decay_t<M>>;
    static_assert(is_object,
                  "A message is an object of its own: name its type in mailbox<...> and "
                  "address<...> without const and without a reference.");
    if constexpr (is_object) {
        static_assert(std::is_nothrow_move_constructible_v<M>,
                      "A message is moved into the mailbox and must not throw there: give its "
                      "type a move constructor that is noexcept.");
        static_assert(alignof(M) <= 16,
                      "A message cannot be aligned to more than 16 bytes: send a pointer to it.");
        static_assert(core::safe_temporary<M>,
                      "This compiler (GCC before 15) destroys a temporary aggregate twice in an "
                      "expression with co_await when a member has a destructor: give this type of "
                      "message a constructor.");
    }
    return sendable<M>;
}

struct envelope;

/// Why a message goes without having been handled.
enum class undelivered : std::uint8_t {
    dead,     ///< its receiver has ended: a dead letter
    dropped,  ///< its receiver has taken it, and let go of it
};

/// What the machinery has to know of a type of message. One object for each; its address is the
/// type's identity.
struct message_kind {
    const std::type_info* type;
    bool is_request;
    bool borrows;
    /// Ends the message and frees the envelope; tells the asker.
    void (*discard)(envelope&, undelivered) noexcept;
};

/// A message on its way. Whoever holds the pointer owns it.
struct envelope {
    explicit envelope(const message_kind& of) noexcept : kind(&of) {}
    envelope(const envelope&) = delete;
    envelope& operator=(const envelope&) = delete;

    envelope* next = nullptr;  ///< of the queue that it lies in
    const message_kind* kind;
};

/// Counts a message that nobody will handle, and tells the hook.
void count_dead_letter(const envelope& e) noexcept;

/// A message that was told.
template <class M>
struct told final : envelope, frame_memory {
    template <class From>
    explicit told(From&& from) noexcept(std::is_nothrow_constructible_v<M, From>)
        : envelope(kind_of_this), value(std::forward<From>(from)) {}

    static void discard(envelope& e, undelivered why) noexcept {
        if (why == undelivered::dead) count_dead_letter(e);
        delete static_cast<told*>(&e);
    }

    M value;
    static const message_kind kind_of_this;
};

template <class M>
inline constexpr message_kind told<M>::kind_of_this{&typeid(M), false, false, discard};

}  // namespace core
}  // namespace exeunt
