// SPDX-License-Identifier: BSL-1.0
// What of the scheduler talks to the kernel, for a program under the checker: linked in the place
// of assertion.cpp, asymmetric_fence.cpp, crowd.cpp, poller.cpp, simulation.cpp, topology.cpp and
// waiting.cpp.
#include <exeunt/scheduler/asymmetric_fence.hpp>
#include <exeunt/scheduler/frame_allocator.hpp>
#include <exeunt/scheduler/poller.hpp>
#include <exeunt/scheduler/simulation.hpp>
#include <exeunt/scheduler/topology.hpp>
#include <exeunt/scheduler/waiting.hpp>
#include <exeunt/scheduler/worker.hpp>

#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "scheduler/wake_event.hpp"
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
/// Two that are ready are a crowd: a model that wants one makes it (spawn_at_once_model.cpp).
const std::size_t crowd = 2;
/// Nothing is measured in so few items: all are short, and left to their worker where they may be.
const std::int64_t unmeasured_item_ns = 0;

void spin_pause() noexcept {
    model::spin();
}
void sleep_a_moment() noexcept {
    model::spin();
}
void sleep_while_equal(const atomic<std::uint32_t>& word, std::uint32_t value) noexcept {
    model::wait_on_address(&word, value, sizeof value);
}
void wake_one(atomic<std::uint32_t>& word) noexcept {
    model::wake_address(&word, false);
}

// ---- frames: from the checker, so that one that is used too late is found ----------------------

void* allocate_large(std::size_t bytes) {
    return ::operator new(bytes);
}
void* allocate_of_class(unsigned, std::size_t bytes) {
    return ::operator new(bytes);
}
void deallocate_of_class(void* p, unsigned) noexcept {
    ::operator delete(p);
}

// ---- the event loop: nothing but wake-ups ------------------------------------------------------

namespace {

// What wake_event asks of the kernel, for descriptors of our own.

constexpr int first_event = 1 << 20;
constexpr std::size_t most_events = 16;
bool in_use[most_events];
/// Set by whoever writes, cleared by the owner.
atomic<std::uint32_t> written_events[most_events];

bool is_event(int descriptor) noexcept {
    return descriptor >= first_event;
}
atomic<std::uint32_t>& written_to(int descriptor) noexcept {
    return written_events[static_cast<std::size_t>(descriptor - first_event)];
}

class waking_poller : public poller {
 public:
    bool submit(operation&) override { std::abort(); }
    bool cancel(operation&) override { std::abort(); }
    operation* poll(std::int64_t timeout_ns) override {
        atomic<std::uint32_t>& written = written_to(event_.descriptor());
        if (timeout_ns != 0) model::wait_on_address(&written, 0, sizeof written, timeout_ns > 0);
        // relaxed, here and in write(): of the kernel nothing is expected but the wake-up.
        if (written.exchange(0, std::memory_order_relaxed) != 0) {
            event_.acknowledge();
        } else if (timeout_ns > 0) {
            model::pass_time(timeout_ns);
        }
        return nullptr;
    }
    void wake() noexcept override { event_.signal(); }
    std::size_t pending() const noexcept override { return 0; }
    std::string_view name() const noexcept override { return "model"; }

 private:
    wake_event event_;
};

}  // namespace

std::int64_t poller::now() const noexcept {
    return model::now_ns();
}

event_loop choose_event_loop(event_loop) {
    return event_loop::epoll;
}
core::owner<poller> make_poller(event_loop, std::uint64_t, simulation*) {
    return core::owner<poller>(new waking_poller);
}

// No model is a simulation as well, nor has a network.
class network {};
simulation::~simulation() = default;
simulation::simulation(unsigned, std::uint64_t seed, const simulation_settings&) : random_(seed) {}
void simulation::settle(worker_pool&) {}
void simulation::drive(worker_pool&) {}
void simulation::runs(const worker&, void*) noexcept {}
std::uint64_t simulation::hash() const noexcept {
    return 0;
}
std::string simulation::trace() const {
    return {};
}

unsigned available_cores() {
    return 2;
}
std::vector<core_place> core_places(const std::string&) {
    return {};
}
victim_classes victim_order(unsigned worker, std::span<const core_place> places) {
    if (places.size() == 1) return {};
    std::vector<unsigned> others;
    for (std::size_t i = 1; i < places.size(); ++i)
        others.push_back(static_cast<unsigned>((worker + i) % places.size()));
    return {others};
}

}  // namespace exeunt::scheduler

// The C library's are for everybody else: what is no event of ours goes to the system.

extern "C" int eventfd(unsigned, int) noexcept {
    using namespace exeunt::scheduler;
    for (std::size_t i = 0; i < most_events; ++i) {
        if (std::exchange(in_use[i], true)) continue;
        written_events[i].store(0, std::memory_order_relaxed);
        return first_event + static_cast<int>(i);
    }
    return -1;
}

extern "C" ssize_t write(int descriptor, const void* bytes, std::size_t count) {
    using namespace exeunt::scheduler;
    if (!is_event(descriptor)) return ::syscall(SYS_write, descriptor, bytes, count);
    written_to(descriptor).store(1, std::memory_order_relaxed);
    wake_one(written_to(descriptor));
    return static_cast<ssize_t>(count);
}

extern "C" int close(int descriptor) {
    using namespace exeunt::scheduler;
    if (!is_event(descriptor)) return static_cast<int>(::syscall(SYS_close, descriptor));
    in_use[descriptor - first_event] = false;
    return 0;
}
