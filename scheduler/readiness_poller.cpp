// SPDX-License-Identifier: BSL-1.0
#include "readiness_poller.hpp"

#include <cerrno>
#include <mutex>

#include "descriptor_pool.hpp"

namespace exeunt::scheduler {

bool readiness_poller::submit(operation& op) {
    op.owner = this;
    if (EXEUNT_UNLIKELY(op.code == opcode::nop)) {
        op.result = 0;
        pending_.fetch_add(1, std::memory_order_relaxed);
        ended_.push(op);
        return false;
    }
    EXEUNT_ASSERT(op.target != nullptr);
    EXEUNT_ASSERT(op.backend_state.load(std::memory_order_relaxed) == idle);
    descriptor& d = *op.target;
    std::lock_guard hold(d.lock_);
    if (EXEUNT_UNLIKELY(!d.serves(op))) {
        op.result = -EBADF;
        return true;
    }
    if (d.home_ == nullptr || (d.ready_ & descriptor::directions(op)) != 0) {
        const std::int32_t result = d.try_now(op);
        if (result != -EAGAIN) {
            op.result = result;
            return true;
        }
    }
    if (EXEUNT_UNLIKELY(d.home_ == nullptr)) {
        if (const int error = watch(d); error != 0) {
            op.result = -error;
            return true;
        }
        d.home_ = this;
    }
    op.owner = d.home_;
    op.backend_state.store(waiting, std::memory_order_relaxed);
    d.home_->pending_.fetch_add(1, std::memory_order_relaxed);
    d.append(op);
    return false;
}

bool readiness_poller::cancel(operation& op) {
    if (op.target == nullptr) return false;  // a nop
    // The record may serve another descriptor by now; then the operation is not `waiting`.
    descriptor& d = *op.target;
    std::lock_guard hold(d.lock_);
    if (op.backend_state.load(std::memory_order_relaxed) != waiting) return false;
    EXEUNT_ASSERT(d.home_ == this);
    d.remove(op);
    op.backend_state.store(idle, std::memory_order_relaxed);
    pending_.fetch_sub(1, std::memory_order_relaxed);
    return true;
}

void readiness_poller::end_closed(operation& op) noexcept {
    op.target->remove(op);
    op.backend_state.store(idle, std::memory_order_relaxed);
    op.result = -ECANCELED;
    ended_.push(op);
    wake();
}

std::size_t readiness_poller::pending() const noexcept {
    const std::ptrdiff_t n = pending_.load(std::memory_order_relaxed);
    return n > 0 ? static_cast<std::size_t>(n) : 0;
}

void readiness_poller::became_ready(descriptor_reference of, std::uint8_t directions,
                                    std::uint8_t lasting, operation_list& completed) noexcept {
    descriptor& d = *of.record;
    std::ptrdiff_t done = 0;
    {
        std::lock_guard hold(d.lock_);
        // Stale: closed meanwhile, and perhaps in use again.
        const bool another = ((d.generation() ^ of.generation) & generation_mask) != 0;
        if (EXEUNT_UNLIKELY(d.home_ != this || another)) return;
        d.stays_ready_ = static_cast<std::uint8_t>(d.stays_ready_ | lasting);
        d.ready_ = static_cast<std::uint8_t>(d.ready_ | directions);
        std::uint8_t open = directions;  // not yet found to block in this round
        for (operation* op = d.first_; op != nullptr && open != descriptor::none;) {
            operation* const next = static_cast<operation*>(op->next);
            const std::uint8_t way = descriptor::directions(*op);
            if ((way & open) != 0) {
                const std::int32_t result = d.try_now(*op);
                if (result != -EAGAIN) {
                    d.remove(*op);
                    op->result = result;
                    op->backend_state.store(idle, std::memory_order_relaxed);
                    completed.append(*op);
                    ++done;
                } else if (way != descriptor::both) {
                    open = static_cast<std::uint8_t>(open & ~way);
                }
            }
            op = next;
        }
    }
    if (done != 0) pending_.fetch_sub(done, std::memory_order_relaxed);
}

void readiness_poller::take_ended(operation_list& completed) noexcept {
    std::ptrdiff_t done = 0;
    for (work_item* item = ended_.take_all(); item != nullptr; ++done) {
        work_item* const next = item->next;
        completed.append(*static_cast<operation*>(item));
        item = next;
    }
    if (done != 0) pending_.fetch_sub(done, std::memory_order_relaxed);
}

std::uint8_t readiness_poller::awaited(descriptor& d) noexcept {
    std::lock_guard hold(d.lock_);
    std::uint8_t ways = descriptor::none;
    for (operation* op = d.first_; op != nullptr; op = static_cast<operation*>(op->next))
        ways = static_cast<std::uint8_t>(ways | descriptor::directions(*op));
    return ways;
}

void readiness_poller::orphan_descriptors() noexcept {
    descriptor_pool::instance().for_each([this](descriptor& d) {
        std::lock_guard hold(d.lock_);
        if (d.home_ != this) return;
        EXEUNT_ASSERT(d.first_ == nullptr);
        unwatch(d);
        d.home_ = nullptr;
    });
    EXEUNT_ASSERT(ended_.empty());
}

}  // namespace exeunt::scheduler
