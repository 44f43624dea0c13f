// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/context/fiber.hpp>

#include <cerrno>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/model/checker.hpp"
#include "tests/model/memory.hpp"

/// The threads of the scenario that is being checked: fibers, of which one runs at a time.
namespace exeunt::model {

/// What a trace line says.
struct event {
    std::uint8_t thread;
    const char* what;
    std::uintptr_t address;
    std::uint64_t value;
    std::uint64_t other;
    const char* order;
    const void* at;
};

/// What the C++ runtime keeps for each thread about exceptions in flight.
struct exceptions_in_flight {
    void* caught = nullptr;
    unsigned uncaught = 0;
};

class execution {
 public:
    execution(exploration& choices, const std::function<void()>& scenario, const options& how);
    /// Fibers that a finding has left behind are never unwound: their memory is kept.
    ~execution();
    execution(const execution&) = delete;

    /// The one that runs, if any.
    static execution* running;

    /// Runs the scenario once. Returns what was found, or an empty string.
    std::string run();

    // From the scenario's fibers.
    std::size_t thread() const noexcept { return current_; }
    memory& values() noexcept { return memory_; }
    exploration& choices() noexcept { return choices_; }
    /// Before an atomic operation: somebody else may go first.
    void step(const void* at);
    /// After a load, after a store.
    void note_load(bool stale) noexcept {
        if (stale) ++threads_[current_].stale_loads;
    }
    void note_store() noexcept { ++stores_; }
    /// Whether the next load has to return the newest value, because this thread has read stale
    /// ones so often that nothing new would come of it.
    bool fed_up() const noexcept;
    void parallel(const std::function<void()>* first, std::size_t count);
    /// A thread that goes its own way until it is joined; returns its index. `body` has to live.
    std::size_t start(const std::function<void()>& body);
    void join(std::size_t thread);
    void spin();
    void wait(std::uintptr_t address, std::uint64_t expected, unsigned size, bool timed);
    void wake(std::uintptr_t address, bool all);
    void wait_for_others();
    void fence_everywhere();
    std::int64_t& clock() noexcept { return clock_; }
    std::uint64_t timeouts() const noexcept { return timeouts_; }
    /// Ends the execution. Does not return.
    [[noreturn]] void fail(std::string what);
    /// Fails if the memory model has found something.
    void check_found(const void* at);

    void trace_on() noexcept { tracing_ = true; }
    bool tracing() const noexcept { return tracing_; }
    void record(const char* what, std::uintptr_t address, std::uint64_t value, std::uint64_t other,
                const char* order, const void* at);
    std::string trace() const;
    void name(std::uintptr_t address, const char* called);

    // Memory of the scenario; see allocation.cpp.
    void* allocate(std::size_t bytes, std::size_t alignment);
    static bool owns(const void* p) noexcept { return p >= arena_ && p < arena_ + arena_size; }
    void deallocate(void* p, const void* at);
    /// Whether `address` is a thread_local variable, or errno: nobody else's, though it is there
    /// for all.
    bool is_thread_local(std::uintptr_t address) const noexcept {
        return address - locals_begin_ < fresh_locals_.size() || address == errno_;
    }
    /// Fails when [address, address + size) was freed.
    void check_alive(std::uintptr_t address, std::size_t size, const void* at) {
        const std::uintptr_t offset = address - reinterpret_cast<std::uintptr_t>(arena_);
        if (offset >= arena_used_) return;
        const std::uint8_t first = marks_[offset / granule];
        if (first != mark_freed && offset % granule + size <= granule) return;
        check_alive_in_arena(offset, address, size, at);
    }

 private:
    enum class state : std::uint8_t {
        absent,
        ready,
        spinning,
        timed,
        waiting,
        joining,
        last,  ///< goes on when nobody else can
        ended
    };
    struct fiber_thread {
        boost::context::fiber context;
        const std::function<void()>* body = nullptr;
        state is = state::absent;
        std::size_t parent = 0;
        std::size_t children = 0;  ///< of parallel(), still running
        std::uint64_t stores_seen = 0;
        std::uintptr_t waits_on = 0;  ///< an address, or the thread that is joined
        std::uint64_t since = 0;      ///< the step at which it began to wait
        bool fresh = false;           ///< loads read the newest, until somebody stores
        bool has_spun = false;        ///< and has not looked at anything since
        int stale_loads = 0;
        std::vector<unsigned char> locals;  ///< the program's thread_local variables
        exceptions_in_flight exceptions;
    };
    static constexpr std::size_t arena_size = std::size_t{1} << 20;
    static constexpr std::size_t granule = 16;
    static constexpr std::uint64_t max_steps = 20'000;
    static constexpr std::size_t nobody = max_threads;
    enum : std::uint8_t { mark_unused, mark_alive, mark_freed };

    void begin_thread(std::size_t index, const std::function<void()>& body);
    void make_fiber(std::size_t index);
    unsigned ready(std::size_t* list, bool without_current) const noexcept;
    std::size_t most_patient() const noexcept;
    bool anybody_spins() const noexcept;
    void schedule(bool current_can_go_on);
    void switch_to(std::size_t index);
    void end_current();
    std::string describe_threads() const;
    std::string place(const void* at) const;
    std::string call(std::uintptr_t address) const;
    void check_alive_in_arena(std::uintptr_t offset, std::uintptr_t address, std::size_t size,
                              const void* at);

    exploration& choices_;
    const std::function<void()>& scenario_;
    int preemption_bound_;
    int stale_bound_;
    bool may_leak_;
    memory memory_;
    fiber_thread threads_[max_threads];
    boost::context::fiber host_;
    boost::context::fiber* came_from_ = nullptr;
    std::vector<unsigned char> fresh_locals_;
    std::uintptr_t locals_begin_ = 0;
    const std::uintptr_t errno_ = reinterpret_cast<std::uintptr_t>(&errno);
    std::size_t current_ = 0;
    std::size_t threads_used_ = 0;
    int preemptions_ = 0;
    std::uint64_t steps_ = 0;
    std::int64_t clock_ = 0;
    std::uint64_t timeouts_ = 0;
    std::uint64_t stores_ = 0;
    std::string failure_;
    bool tracing_ = false;
    std::vector<event> events_;
    std::vector<std::pair<std::uintptr_t, const char*>> names_;
    /// One for all executions: what a finding leaves behind is not touched any more.
    static unsigned char* const arena_;
    unsigned char* marks_;
    std::size_t arena_used_ = 0;
    std::size_t alive_ = 0;
};

/// While one of these lives, what is allocated is the checker's.
class apart_from_scenario {
 public:
    apart_from_scenario() : was_(std::exchange(execution::running, nullptr)) {}
    ~apart_from_scenario() { execution::running = was_; }
    apart_from_scenario(const apart_from_scenario&) = delete;

 private:
    execution* was_;
};

}  // namespace exeunt::model
