// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/cleanup.hpp>
#include <exeunt/runtime/root_strand.hpp>
#include <exeunt/runtime/strand.hpp>
#include <exeunt/runtime/unwinding.hpp>
#include <exeunt/scheduler/worker.hpp>

namespace exeunt::core {
namespace {

using scheduler::worker;

/// What a leaf does when it was taken off: its strand unwinds up to its boundary.
void unwind_leaf(void* self) {
    void* boundary = unwind(*static_cast<leaf*>(self)->frame);
    EXEUNT_MUSTTAIL return entry(boundary)(boundary);
}

void make_unwinding(leaf& l) noexcept {
    l.resume = unwind_leaf;
    make_ready(l);
}

}  // namespace

scheduler::worker_pool& pool_of(const strand& s) noexcept {
    const strand* each = &s;
    while (each->up() != nullptr)
        each = &each->up()->parent();
    return static_cast<const root_strand*>(each)->pool();
}

namespace {

/// `here` if it is a worker of the pool that the strand belongs to, else null.
worker* if_of_its_pool(worker* here, const strand& s) noexcept {
    if (here == nullptr) return nullptr;
    // One pool in the process, as nearly always: there is nothing to compare.
    if (EXEUNT_LIKELY(scheduler::worker_pool::alive() == 1)) return here;
    return &here->pool() == &pool_of(s) ? here : nullptr;
}

}  // namespace

worker* worker_for(const strand& s) noexcept {
    return if_of_its_pool(worker::current(), s);
}

void resume_leaf(void* self) {
    void* coroutine = static_cast<leaf*>(self)->frame->handle().address();
    EXEUNT_MUSTTAIL return entry(coroutine)(coroutine);
}

inner_boundary::inner_boundary() noexcept : step(ended) {}

bool inner_boundary::is(const void* continuation) noexcept {
    return entry(continuation) == ended;
}

void inner_boundary::ended(void* self) {
    void* above = static_cast<inner_boundary&>(*static_cast<step*>(self)).above;
    EXEUNT_MUSTTAIL return entry(above)(above);
}

void make_ready(leaf& l) noexcept {
    make_ready(l, worker::current());
}

void make_ready(leaf& l, worker* here) noexcept {
    if (worker* w = if_of_its_pool(here, *l.frame->strand)) {
        w->make_ready(static_cast<scheduler::work_item*>(&l));
    } else {
        pool_of(*l.frame->strand).inject(l);
    }
}

parked strand::park(leaf& l) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(&l);
    EXEUNT_ASSERT((address & bits) == 0);
    // relaxed: the CAS below decides.
    std::uintptr_t word = word_.load(std::memory_order_relaxed);
    bool asked = false;
    for (;;) {
        EXEUNT_ASSERT((word & r_bit) != 0 && leaf_of(word) == nullptr);
        if ((word & w_bit) != 0) {
            // acquire: pairs with the waker's release in wake(), whose value is now delivered.
            word_.fetch_and(~w_bit, std::memory_order_acquire);
            return parked::woken;
        }
        if ((word & c_bit) != 0 && !asked) {
            // Cancelled between the last check and now, with nobody to take the leaf off but us.
            asked = true;
            if (l.take_off(l)) {
                // acquire: pairs with the release in mark_cancelled(): the strand unwinds now.
                static_cast<void>(word_.load(std::memory_order_acquire));
                return parked::cancelled;
            }
        }
        // release: pairs with the acquire in wake() and mark_cancelled(): whoever resumes or
        // destroys the frame sees all that it wrote.
        if (word_.compare_exchange_weak(word, word | address, std::memory_order_release,
                                        std::memory_order_relaxed)) {
            return parked::yes;
        }
    }
}

bool strand::wake(leaf& l) noexcept {
    strand& s = *l.frame->strand;
    // relaxed: the CAS decides.
    std::uintptr_t word = s.word_.load(std::memory_order_relaxed);
    for (;;) {
        EXEUNT_ASSERT((word & w_bit) == 0);
        const bool parked_here = leaf_of(word) == &l;
        EXEUNT_ASSERT(parked_here || leaf_of(word) == nullptr);
        const bool ours = parked_here && (word & b_bit) == 0;
        const std::uintptr_t wanted = ours ? word & bits : word | w_bit;
        // release: pairs with the acquire in park() or finish_visit(), which deliver what the waker
        // wrote. acquire: pairs with the release in park(): the frame may be resumed here.
        if (s.word_.compare_exchange_weak(word, wanted, std::memory_order_acq_rel,
                                          std::memory_order_relaxed)) {
            return ours;
        }
    }
}

bool strand::mark_cancelled() noexcept {
    std::uintptr_t word = word_.load(std::memory_order_relaxed);
    for (;;) {
        if ((word & c_bit) != 0) return false;
        const bool is_parked = leaf_of(word) != nullptr;
        const std::uintptr_t wanted = word | c_bit | (is_parked ? b_bit : 0);
        // acquire: pairs with the release in park() and link_leaf(): the leaf is read next.
        // release: pairs with the acquire of whoever sees C: cancelled(), park(), link_leaf().
        if (word_.compare_exchange_weak(word, wanted, std::memory_order_acq_rel,
                                        std::memory_order_relaxed)) {
            return is_parked;
        }
    }
}

/// Drops B, which this thread holds. If the leaf was taken off, or its waker came meanwhile, the
/// strand is off its leaf too, and made ready.
void strand::finish_visit(bool taken_off) noexcept {
    std::uintptr_t word = word_.load(std::memory_order_relaxed);
    for (;;) {
        EXEUNT_ASSERT((word & b_bit) != 0);
        leaf* l = leaf_of(word);
        const bool woken = (word & w_bit) != 0;
        EXEUNT_ASSERT(!(woken && taken_off));
        const std::uintptr_t flags = word & (r_bit | c_bit);
        const bool ready = woken || taken_off;
        const std::uintptr_t wanted = ready ? flags : reinterpret_cast<std::uintptr_t>(l) | flags;
        // acquire: pairs with the release in wake(). release: whoever wakes after B was dropped
        // comes after all that this visit did to the leaf.
        if (word_.compare_exchange_weak(word, wanted, std::memory_order_acq_rel,
                                        std::memory_order_relaxed)) {
            if (taken_off) {
                make_unwinding(*l);
            } else if (woken) {
                make_ready(*l);
            }
            return;
        }
    }
}

/// True for one thread: it is the one that is to walk over the children of `below`.
bool strand::claim_walk(combinator& below) noexcept {
    // release: pairs with the acquire in children_cancelled(). The children's words, which the walk
    // reads, synchronise for themselves.
    return !below.cancelled_.exchange(true, std::memory_order_release);
}

/// Walks the tree below `top`, whose children's cancellation this thread has just claimed. A depth-
/// first walk without a stack: a strand knows its combinator, a combinator the strand it lies in.
/// Each strand that is being visited, or has a visited one below it, is held by its B.
void strand::cancel_from(combinator& top) noexcept {
    combinator* at = &top;
    strand* child = at->next_child_(*at, nullptr, walk::cancel);
    for (;;) {
        if (child == nullptr) {
            if (at == &top) return;
            // All below `at` are done: the strand parked on it may go on.
            strand& finished = at->parent();
            combinator* above = finished.up_;
            // Before B is dropped: a list can be walked on only from a child that is held.
            child = above->next_child_(*above, &finished, walk::cancel);
            finished.finish_visit(false);
            at = above;
            continue;
        }
        leaf* l = leaf_of(child->word_.load(std::memory_order_relaxed));
        if (l->take_off == nullptr) {
            auto& below = static_cast<combinator&>(*l);
            if (claim_walk(below)) {
                at = &below;
                child = at->next_child_(*at, nullptr, walk::cancel);
                continue;
            }
            strand* next = at->next_child_(*at, child, walk::cancel);
            child->finish_visit(false);
            child = next;
            continue;
        }
        const bool taken_off = l->take_off(*l);
        strand* next = at->next_child_(*at, child, walk::cancel);
        child->finish_visit(taken_off);
        child = next;
    }
}

bool strand::scope_cancelled() const noexcept {
    for (const strand* each = this;; each = &each->up_->parent()) {
        if (each->cancelled()) return true;
        if (each->up_ == nullptr) return false;
        if (each->up_->children_cancelled()) return true;
        if (each->up_->shields) return false;
    }
}

void strand::request_cancel() noexcept {
    if (!mark_cancelled()) return;
    leaf* l = leaf_of(word_.load(std::memory_order_relaxed));
    if (l->take_off != nullptr) {
        finish_visit(l->take_off(*l));
        return;
    }
    static_cast<combinator*>(l)->cancel_children();
    finish_visit(false);
}

void combinator::cancel_children() noexcept {
    if (strand::claim_walk(*this)) strand::cancel_from(*this);
}

/// Puts `below` as the leaf of this strand, on behalf of a child that parks for the first time.
/// Returns true when the strand had been cancelled before that: nobody has told the children.
bool strand::link_leaf(combinator& below) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(static_cast<leaf*>(&below));
    std::uintptr_t word = word_.load(std::memory_order_relaxed);
    for (;;) {
        if (leaf_of(word) != nullptr) {
            EXEUNT_ASSERT(leaf_of(word) == &below);
            return false;
        }
        // release: pairs with the acquire in mark_cancelled(), by which a canceller reads `below`.
        // acquire: with the release there, if this thread finds C and brings the request down.
        if (word_.compare_exchange_weak(word, word | address, std::memory_order_acq_rel,
                                        std::memory_order_relaxed)) {
            return (word & c_bit) != 0;
        }
    }
}

/// Links every strand above to the combinator below it, up to the first that is registered already.
/// Whoever finds that one above was cancelled, too early for the canceller to come down, walks down
/// in its stead; that walk ends in this strand's own C.
void strand::register_up() noexcept {
    strand* s = this;
    for (;;) {
        // relaxed: a sibling that finds R set reads nothing of the links that are being made above,
        // and a canceller comes down through the words, each of which synchronises for itself.
        if ((s->word_.fetch_or(r_bit, std::memory_order_relaxed) & r_bit) != 0) return;
        combinator* above = s->up_;
        if (above == nullptr) return;
        if (above->adopt_ != nullptr) above->adopt_(*above, *s);
        if (above->shields) return;
        strand& parent = above->parent();
        if (parent.link_leaf(*above)) above->cancel_children();
        s = &parent;
    }
}

void* combinator::finish() noexcept {
    strand& s = parent();
    // relaxed: children that linked the leaf have arrived, and the last arrival comes after them.
    std::uintptr_t word = s.word_.load(std::memory_order_relaxed);
    if (strand::leaf_of(word) == nullptr) return this;  // no child ever registered
    return strand::wake(*this) ? this : nullptr;
}

/// What an unwinding returns that has to wait. Not the standard's no-op coroutine: entry() calls
/// what it is given with an argument, and the function of that one takes none.
static constinit step nothing_to_run([](void*) {});

void* unwind(promise_base& innermost) noexcept {
    unwinding_scope scope;
    promise_base* p = &innermost;
    for (;;) {
        if (EXEUNT_UNLIKELY(p->strand->cleanups != nullptr) && !close_before_unwinding(*p)) {
            return &nothing_to_run;
        }
        link* up = p->up;
        void* continuation = up->continuation;
        std::exchange(up->child, nullptr).destroy();
        if (is_boundary(continuation)) {
            up->outcome = link::status::cancelled;
            return continuation;
        }
        p = &promise_base::of(continuation);
    }
}

std::coroutine_handle<> transfer_by_bouncing(void* next) noexcept {
    worker* w = worker::current();
    if (is_boundary(next) || w->transfer_too_deep()) {
        w->bounce(next);
        return back_to_run_loop();
    }
    return scheduler::handle_of(next);
}

bool cancel_now(leaf& l, promise_base& self) noexcept {
    l.frame = &self;
    l.resume = unwind_leaf;
    // Not from within the coroutine's own await_suspend: from the run loop.
    worker::current()->bounce(static_cast<scheduler::work_item*>(&l));
    return true;
}

bool park_or_continue(leaf& l, strand& s) noexcept {
    switch (s.park(l)) {
        case parked::yes:
            return true;
        case parked::woken:
            return false;
        case parked::cancelled:
            break;
    }
    return cancel_now(l, *l.frame);
}

}  // namespace exeunt::core
