// SPDX-License-Identifier: BSL-1.0
#include <exeunt/actors/tell.hpp>

namespace exeunt::core {
namespace {

/// Whether `s` runs within the actor: its own strand, or one that this one waits for.
bool runs_within(const actor_cell& cell, const strand& s) noexcept {
    for (const strand* each = &s;; each = &each->up()->parent()) {
        if (cell.is_own(*each)) return true;
        if (each->up() == nullptr) return false;
    }
}

}  // namespace

bool tell_awaiter::suspend_slowly(strand& s, void* coroutine) noexcept {
    if (s.cancelled()) {
        cancel_now(*this, *frame);
        return true;
    }
    if (cell_ == nullptr) return false;
    if (cell_->is_own(s)) {
        // Its own strand executes here, so nobody else is at the receiver's own lists.
        accepted = cell_->generation() == generation_ && !cell_->ended();
        if (!accepted) return false;
        cell_->put_own(*message);
        return yields_at_once(coroutine);
    }
    // A child of the actor must not wait for it either: the actor may wait for the child.
    if (runs_within(*cell_, s) && cell_->admit_over(generation_)) return put(coroutine);
    switch (cell_->enlist(*this, generation_)) {
        case admission::admitted:
            return put(coroutine);
        case admission::full:
            return parks(*this, s);
        case admission::gone:
            break;
    }
    return false;
}

void tell_awaiter::become_dead_letter() noexcept {
    envelope& e = *std::exchange(message, nullptr);
    e.kind->discard(e, undelivered::dead);
}

}  // namespace exeunt::core
