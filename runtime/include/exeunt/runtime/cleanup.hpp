// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/strand.hpp>

namespace exeunt::core {

/// Something with children that run while its owner does other things (as_completed): they have to
/// be joined before the owner's coroutine goes away, however it does so.
///
/// A strand keeps its cleanups in a list, innermost coroutine first. When the strand unwinds, each
/// is closed before the coroutine is destroyed whose frame its children may refer to. When a
/// coroutine ends by itself, those whose owners are gone already are closed before the awaiter goes
/// on; the others belong to the awaiter from then on, on the strand above if this one has ended.
struct cleanup : leaf {
    /// Begins to close. Returns true when nothing is left to wait for; else make_ready(*this) is
    /// called once, when that is so.
    using close_fn = bool (*)(cleanup&) noexcept;

    explicit cleanup(close_fn close_function) noexcept : leaf(nullptr), close(close_function) {}

    /// Puts it on the list of the strand of `owner`, or moves it there. Owner's thread.
    void attach(promise_base& owner) noexcept;
    /// Takes it off. The thread of the owner, or of a strand below it.
    void detach() noexcept;
    bool attached() const noexcept { return frame != nullptr; }

    close_fn close;
    /// Frees a cleanup that was orphaned, once it is closed.
    void (*dispose)(cleanup&) noexcept = nullptr;
    cleanup* next_cleanup = nullptr;
    /// Its owner is gone; only the list refers to it.
    bool orphaned = false;
    /// Its owner is not in the coroutine that it was attached to, but further up: where that one is
    /// unwound, by timeout() for one, it goes on.
    bool apart = false;
};

/// Before `p` is destroyed: closes what belongs to it. False: not done yet; unwind(p) is called
/// again when it is.
bool close_before_unwinding(promise_base& p) noexcept;

/// A generator gives a value to its consumer: what it has attached belongs to the consumer while it
/// is suspended, because whoever unwinds the consumer destroys the generator with it.
EXEUNT_COLD void pass_cleanups(promise_base& generator, promise_base& consumer) noexcept;

/// At the end of `p`: closes what its owners left behind, then goes on with the awaiter.
EXEUNT_COLD std::coroutine_handle<> end_after_cleanups(promise_base& p) noexcept;

}  // namespace exeunt::core
