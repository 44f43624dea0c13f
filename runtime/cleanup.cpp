// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/cleanup.hpp>

#include <utility>

#include "shared_lock.hpp"

namespace exeunt::core {
namespace {

cleanup& of(void* self) noexcept {
    return static_cast<cleanup&>(static_cast<leaf&>(*static_cast<scheduler::work_item*>(self)));
}

void finish(cleanup& closed) noexcept {
    if (closed.orphaned) closed.dispose(closed);
}

void resume_unwinding(void* self) {
    cleanup& closed = of(self);
    promise_base& p = *std::exchange(closed.frame, nullptr);
    finish(closed);
    void* next = unwind(p);
    EXEUNT_MUSTTAIL return entry(next)(next);
}

void* end_or_wait(promise_base& p) noexcept;

void resume_ending(void* self) {
    cleanup& closed = of(self);
    promise_base& p = *std::exchange(closed.frame, nullptr);
    finish(closed);
    void* next = end_or_wait(p);
    if (next == nullptr) return;
    EXEUNT_MUSTTAIL return entry(next)(next);
}

/// While a strand is suspended in a combinator, several of its children may put cleanups on its
/// list, and take them off again. They are rare, so the locks for that are not in the strands.
scheduler::short_lock& lock_of_list(const strand& s) noexcept {
    return shared_lock(&s);
}

/// The coroutine that awaits the end of `p`, maybe across the boundary of its strand. Null when
/// there is none that is suspended until then.
promise_base* awaiter_of(promise_base& p) noexcept {
    void* above = p.up->continuation;
    if (!is_boundary(above)) return &promise_base::of(above);
    if (inner_boundary::is(above)) {
        auto& boundary = static_cast<inner_boundary&>(*static_cast<step*>(above));
        return &promise_base::of(boundary.above);
    }
    const combinator* up = p.strand->up();
    return up == nullptr || up->beside ? nullptr : up->frame;
}

/// Puts one that was taken off the list of its strand on that of `above`, the innermost there.
void pass_up(cleanup& passed, promise_base& above) noexcept {
    scheduler::short_guard guard(lock_of_list(*above.strand));
    passed.apart = false;
    passed.frame = &above;
    passed.next_cleanup = std::exchange(above.strand->cleanups, &passed);
}

/// Closes what the owners of `p` have left behind. Returns what goes on after `p`, or null when
/// something has to be waited for: this is called again then.
void* end_or_wait(promise_base& p) noexcept {
    cleanup** at = &p.strand->cleanups;
    while (*at != nullptr && (*at)->frame == &p) {
        cleanup& each = **at;
        promise_base* above = each.orphaned ? nullptr : awaiter_of(p);
        // It lives in a frame further up, and was only used from here: it belongs there.
        if (above != nullptr && above->strand == p.strand) {
            each.apart = false;
            each.frame = above;
            at = &each.next_cleanup;
            continue;
        }
        *at = each.next_cleanup;
        if (above != nullptr) {
            pass_up(each, *above);
            continue;
        }
        each.resume = resume_ending;
        if (!each.close(each)) return nullptr;
        each.frame = nullptr;
        finish(each);
    }
    return p.up->continuation;
}

}  // namespace

void cleanup::attach(promise_base& owner) noexcept {
    if (frame == &owner) return;
    detach();
    frame = &owner;
    next_cleanup = std::exchange(owner.strand->cleanups, this);
}

void cleanup::detach() noexcept {
    if (frame == nullptr) return;
    scheduler::short_guard guard(lock_of_list(*frame->strand));
    cleanup** at = &frame->strand->cleanups;
    while (*at != nullptr && *at != this)
        at = &(*at)->next_cleanup;
    if (*at != nullptr) *at = next_cleanup;
    frame = nullptr;
}

bool close_before_unwinding(promise_base& p) noexcept {
    while (p.strand->cleanups != nullptr && p.strand->cleanups->frame == &p) {
        cleanup& each = *p.strand->cleanups;
        p.strand->cleanups = each.next_cleanup;
        if (each.apart && !each.orphaned) {
            if (promise_base* above = awaiter_of(p)) {
                pass_up(each, *above);
                continue;
            }
        }
        each.resume = resume_unwinding;
        if (!each.close(each)) return false;
        each.frame = nullptr;
        finish(each);
    }
    return true;
}

void pass_cleanups(promise_base& generator, promise_base& consumer) noexcept {
    EXEUNT_ASSERT(generator.strand == consumer.strand);
    cleanup* each = generator.strand->cleanups;
    for (; each != nullptr && each->frame == &generator; each = each->next_cleanup) {
        each->frame = &consumer;
    }
}

std::coroutine_handle<> end_after_cleanups(promise_base& p) noexcept {
    void* next = end_or_wait(p);
    return next != nullptr ? transfer(next) : back_to_run_loop();
}

}  // namespace exeunt::core
