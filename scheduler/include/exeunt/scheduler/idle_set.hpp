// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/atomic.hpp>
#include <exeunt/scheduler/config.hpp>
#include <exeunt/scheduler/lean_std.hpp>
#include <exeunt/scheduler/owner.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>

/// Which workers are idle, for those who have work for them: one bit a worker.
///
///     idle.set(self);  ... look at every queue once more, then sleep ...   // a worker
///     if (idle.any()) if (int w = idle.claim(self); w >= 0) wake(w);       // whoever has work
///
/// A bit is a claim ticket: of all who clear it, exactly one is told that it was set, and that one
/// wakes the worker (or, if it is the worker itself, need not be woken).

namespace exeunt::scheduler {

class idle_set {
 public:
    /// For workers 0 .. workers - 1; none is idle.
    explicit idle_set(unsigned workers)
        : words_((workers + bits - 1) / bits), bits_(new word[words_]), workers_(workers) {
        EXEUNT_ASSERT(workers > 0);
    }

    /// Worker `w` says that it is about to sleep. Its recheck of the queues comes after this.
    void set(unsigned w) noexcept {
        EXEUNT_ASSERT(w < workers_);
        // release: pairs with the acquire in claim(). Against any() it is a fence that decides, the
        // caller's next step (docs/internals/parking.md).
        static_cast<void>(bits_[w / bits].value.fetch_or(mask(w), std::memory_order_release));
    }

    /// Takes worker `w` out. True when it was in: the caller has the ticket. False: somebody else
    /// took it, and a wake-up is on its way.
    bool clear(unsigned w) noexcept {
        EXEUNT_ASSERT(w < workers_);
        // acquire: pairs with the release in the claim() or clear() that took the ticket: what was
        // done before the bit changed hands is visible after. release: worker::post() takes another
        // worker's ticket by clear(), and pairs with the acquire here.
        const std::uint64_t was =
            bits_[w / bits].value.fetch_and(~mask(w), std::memory_order_acq_rel);
        return (was & mask(w)) != 0;
    }

    /// Takes out some idle worker, the first one from `near` on, around the end, and returns it;
    /// the caller has its ticket. -1 when nobody is idle.
    int claim(unsigned near) noexcept {
        EXEUNT_ASSERT(near < workers_);
        const std::size_t start = near / bits;
        const unsigned low = near % bits;
        // The word of `near` is visited twice: its upper part first, its lower part last.
        for (std::size_t i = 0; i <= words_; ++i) {
            const std::size_t index = (start + i) % words_;
            std::uint64_t part = ~std::uint64_t{0};
            if (i == 0) part <<= low;
            if (i == words_) part = ~(part << low);
            if (const int found = claim_in(index, part); found >= 0) return found;
        }
        return -1;
    }

    /// Whether anybody is idle. Relaxed, for the hot path: the caller has published its work and
    /// passed light_fence() before, or accepts to miss somebody. For up to 64 workers one load.
    bool any() const noexcept {
        if (EXEUNT_LIKELY(words_ == 1)) return bits_[0].value.load(std::memory_order_relaxed) != 0;
        for (std::size_t i = 0; i < words_; ++i)
            if (bits_[i].value.load(std::memory_order_relaxed) != 0) return true;
        return false;
    }

    /// Whether worker `w` is idle. Relaxed, as any().
    bool contains(unsigned w) const noexcept {
        EXEUNT_ASSERT(w < workers_);
        return (bits_[w / bits].value.load(std::memory_order_relaxed) & mask(w)) != 0;
    }

    /// Whether anybody is in this set and not in `other`, of as many workers. Relaxed, as any().
    bool any_but(const idle_set& other) const noexcept {
        for (std::size_t i = 0; i < words_; ++i) {
            const std::uint64_t here = bits_[i].value.load(std::memory_order_relaxed);
            if ((here & ~other.bits_[i].value.load(std::memory_order_relaxed)) != 0) return true;
        }
        return false;
    }

    /// The one word in which all bits lie, for who looks at it again and again; null for more than
    /// 64 workers. The caller's duties are those of any().
    const atomic<std::uint64_t>* only_word() const noexcept {
        return words_ == 1 ? &bits_[0].value : nullptr;
    }

    /// How many are idle; approximate.
    unsigned count() const noexcept {
        int total = 0;
        for (std::size_t i = 0; i < words_; ++i)
            total += std::popcount(bits_[i].value.load(std::memory_order_relaxed));
        return static_cast<unsigned>(total);
    }

    // ---------------------------------------------------------------- implementation
 private:
    static constexpr unsigned bits = 64;

    /// Bit w % 64 of word w / 64: worker w is idle. Written by that worker and by those who wake
    /// it; read by all.
    struct alignas(EXEUNT_CACHE_LINE) word {
        atomic<std::uint64_t> value{0};
    };

    static std::uint64_t mask(unsigned w) noexcept { return std::uint64_t{1} << (w % bits); }

    int claim_in(std::size_t index, std::uint64_t part) noexcept {
        atomic<std::uint64_t>& value = bits_[index].value;
        // Relaxed: a stale value costs a round more of the CAS, or misses what any() may miss.
        std::uint64_t seen = value.load(std::memory_order_relaxed);
        while ((seen & part) != 0) {
            const std::uint64_t lowest = seen & part & (~(seen & part) + 1);
            // acq_rel: pairs with set() and clear() of the worker whose bit it takes.
            if (value.compare_exchange_weak(seen, seen & ~lowest, std::memory_order_acq_rel,
                                            std::memory_order_relaxed))
                return static_cast<int>(index * bits) + std::countr_zero(lowest);
        }
        return -1;
    }

    std::size_t words_;
    core::owner<word[]> bits_;
    unsigned workers_;
};

}  // namespace exeunt::scheduler
