// SPDX-License-Identifier: BSL-1.0
// What of the scheduler talks to the kernel, for a program under the checker: linked in the place
// of assertion.cpp, asymmetric_fence.cpp, poller.cpp, topology.cpp and waiting.cpp.
#include <exeunt/scheduler/asymmetric_fence.hpp>
#include <exeunt/scheduler/frame_allocator.hpp>
#include <exeunt/scheduler/poller.hpp>
#include <exeunt/scheduler/topology.hpp>
#include <exeunt/scheduler/waiting.hpp>

#include <memory>
#include <string>

#include "tests/model/checker.hpp"

namespace exeunt::scheduler {

void assertion_failed(const char* expression, const char* file, int line) noexcept {
    const std::string text =
        std::string("assertion failed: ") + expression + " at " + file + ":" + std::to_string(line);
    model::require(false, text.c_str());
    std::abort();
}

// ---- fences ------------------------------------------------------------------------------------

atomic<bool> membarrier_registered{true};

void init_asymmetric_fences() noexcept {}
void force_portable_fences(bool portable) noexcept {
    membarrier_registered.store(!portable, std::memory_order_relaxed);
}
bool asymmetric_fences_active() noexcept {
    return membarrier_registered.load(std::memory_order_relaxed);
}
void portable_light_fence() noexcept {
    // seq_cst: the portable form of both halves.
    std::atomic_thread_fence(std::memory_order_seq_cst);
}
void heavy_fence() noexcept {
    if (asymmetric_fences_active()) return model::fence_everywhere();
    std::atomic_thread_fence(std::memory_order_seq_cst);  // as portable_light_fence()
}

// ---- waiting -----------------------------------------------------------------------------------

const int pauses_before_sleep = 1;

void spin_pause() noexcept {
    model::spin();
}
void sleep_while_equal(const atomic<std::uint32_t>& word, std::uint32_t value) noexcept {
    model::wait_on_address(&word, value, sizeof value);
}
void wake_one(atomic<std::uint32_t>& word) noexcept {
    model::wake_address(&word, false);
}

// ---- frames: from the checker, so that one that is used too late is found ----------------------

void* allocate_of_class(unsigned, std::size_t bytes) {
    return ::operator new(bytes);
}
void deallocate_of_class(void* p, unsigned) noexcept {
    ::operator delete(p);
}

// ---- the event loop: nothing but wake-ups ------------------------------------------------------

namespace {

class waking_poller : public poller {
 public:
    bool submit(operation&) override { std::abort(); }
    bool cancel(operation&) override { std::abort(); }
    operation* poll(std::int64_t timeout_ns) override {
        // acquire: pairs with the release in wake(). Reading an eventfd synchronises as well.
        if (timeout_ns != 0) model::wait_on_address(&woken_, 0, sizeof woken_, timeout_ns > 0);
        const bool was_woken = woken_.exchange(0, std::memory_order_acquire) != 0;
        if (!was_woken && timeout_ns > 0) model::pass_time(timeout_ns);
        return nullptr;
    }
    void wake() noexcept override {
        // release: pairs with the acquire in poll().
        if (woken_.exchange(1, std::memory_order_release) == 0) model::wake_address(&woken_, false);
    }
    std::size_t pending() const noexcept override { return 0; }
    std::string_view name() const noexcept override { return "model"; }

 private:
    /// Set by wakers, cleared by the owner.
    atomic<std::uint32_t> woken_{0};
};

}  // namespace

std::int64_t poller::now() const noexcept {
    return model::now_ns();
}

event_loop choose_event_loop(event_loop) {
    return event_loop::epoll;
}
core::owner<poller> make_poller(event_loop, std::uint64_t) {
    return core::owner<poller>(new waking_poller);
}

unsigned available_cores() {
    return 2;
}
std::vector<core_place> core_places(const std::string&) {
    return {};
}
std::vector<unsigned> victim_order(unsigned worker, std::span<const core_place> places) {
    std::vector<unsigned> others;
    for (std::size_t i = 1; i < places.size(); ++i)
        others.push_back(static_cast<unsigned>((worker + i) % places.size()));
    return others;
}

}  // namespace exeunt::scheduler
