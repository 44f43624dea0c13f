// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/runtime.hpp>
#include <exeunt/runtime/settled.hpp>
#include <exeunt/runtime/simulate.hpp>
#include <exeunt/runtime/yield.hpp>
#include <exeunt/scheduler/simulation.hpp>
#include <exeunt/scheduler/worker.hpp>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "waiting_report.hpp"

namespace exeunt {
namespace {

using scheduler::simulation;

/// The clock jumps once in so many steps, on the average.
constexpr std::uint32_t steps_to_a_jump = 1000;
/// Of a schedule that has failed.
constexpr std::size_t events_told = 200;
constexpr std::int64_t longest_step = 4'000'000'000;
/// Of latencies and jumps of the clock: a year, so that thousands of them have room in the clock.
constexpr std::int64_t longest_wait = 365LL * 24 * 3600 * 1'000'000'000;

std::optional<std::uint64_t> number_from(const char* variable) {
    const char* const text = std::getenv(variable);
    if (text == nullptr || *text == '\0') return std::nullopt;
    const std::string_view all = text;
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(all.data(), all.data() + all.size(), value);
    if (error != std::errc() || end != all.data() + all.size())
        throw std::invalid_argument(std::string(variable) + " is '" + text +
                                    "': set it to a number, or unset it");
    return value;
}

const char* name_of(schedule_policy policy) noexcept {
    switch (policy) {
        case schedule_policy::random:
            return "random";
        case schedule_policy::priority:
            return "priority";
        case schedule_policy::shuffled:
            return "shuffled";
        case schedule_policy::by_seed:
            break;
    }
    return "by_seed";
}

scheduler::simulation_settings settings_of(const simulation_options& wanted) {
    scheduler::simulation_settings s;
    s.policy = wanted.policy();
    s.longest_item_ns = std::clamp<std::int64_t>(wanted.step_time().count(), 0, longest_step);
    s.longest_jump_ns = std::clamp<std::int64_t>(wanted.clock_jumps().count(), 0, longest_wait);
    s.jumps = s.longest_jump_ns > 0 ? steps_to_a_jump : 0;
    s.most_steps = wanted.steps();
    s.failing_allocations = wanted.allocation_failures();
    s.has_network = true;
    s.network = wanted.network().settings();
    s.network.least_latency_ns =
        std::clamp<std::int64_t>(s.network.least_latency_ns, 0, longest_wait);
    s.network.most_latency_ns =
        std::clamp<std::int64_t>(s.network.most_latency_ns, 0, longest_wait);
    s.trace_length = events_told;
    return s;
}

unsigned workers_of(const simulation_options& wanted) noexcept {
    return std::max(wanted.workers(), 1U);
}

/// One schedule.
class schedule {
 public:
    schedule(const simulation_options& wanted, std::uint64_t seed)
        : world_(workers_of(wanted), seed, settings_of(wanted)), seed_(seed) {
        world_.in_trouble = [this](simulation::trouble what) { return in_trouble(what); };
        options_.event_loop(event_loop::simulated)
            .threads(workers_of(wanted))
            .seed(seed)
            .world(world_);
    }

    void run(const std::function<task<>()>& main) {
        runtime rt(options_);
        runtime_ = &rt;
        // What is left beside main is cancelled. It does not go on before that, for how far it
        // would come is a matter of real time.
        const goes_on_at_the_end guard(*this);
        rt.run(play(main));
    }

    /// What went wrong; empty if nothing.
    const std::string& failure() const noexcept { return failure_; }
    std::uint64_t hash() const noexcept { return hash_; }
    std::uint64_t steps() const noexcept { return steps_; }
    std::int64_t time() const noexcept { return time_; }

    [[noreturn]] void fail(const std::string& how) const {
        throw simulation_failure(
            seed_, "seed " + std::to_string(seed_) + " (policy " + name_of(world_.policy()) +
                       "): " + how + "\nrun it again, alone: EXEUNT_SIMULATION_SEED=" +
                       std::to_string(seed_) + "\nthe last events:\n" + world_.trace());
    }

 private:
    struct goes_on_at_the_end {
        explicit goes_on_at_the_end(schedule& s) noexcept : played(s) {}
        goes_on_at_the_end(const goes_on_at_the_end&) = delete;
        ~goes_on_at_the_end() {
            core::cancel_spawned_tasks(*played.runtime_);
            played.is_.store(phase::ending, std::memory_order_relaxed);
            played.world_.resume();
        }
        schedule& played;
    };

    static task<> call(const std::function<task<>()>& main, simulation& world) {
        task<> made = main();
        world.fail_allocations(true);
        auto ended = co_await settled(std::move(made));
        world.fail_allocations(false);
        if (ended.cancelled()) co_await checkpoint();  // is where it ends
        if (ended.failed()) std::rethrow_exception(ended.exception());
    }

    task<> play(const std::function<task<>()>& main) {
        task_handle<> played = spawn(call, std::cref(main), std::ref(world_));
        playing_ = &played;
        is_.store(phase::playing, std::memory_order_relaxed);
        const result<void> ended = co_await settled(played);
        is_.store(phase::ended, std::memory_order_relaxed);
        world_.pause();
        hash_ = world_.hash();
        world_.end_trace();  // what comes now is no part of it
        steps_ = world_.steps();
        time_ = world_.now();
        if (!failure_.empty()) co_return;
        if (ended.cancelled()) failure_ = "it was cancelled";
        if (ended.failed()) failure_ = describe(ended.exception());
    }

    static std::string describe(const std::exception_ptr& error) {
        try {
            std::rethrow_exception(error);
        } catch (const std::exception& e) {
            return std::string("it threw: ") + e.what();
        } catch (...) {
            return "it threw something that is no std::exception";
        }
    }

    bool in_trouble(simulation::trouble what) {
        switch (is_.load(std::memory_order_relaxed)) {
            case phase::begins:  // nobody has brought main yet
            case phase::ended:
                return false;
            case phase::playing:
                break;
            case phase::cancelled:
                // What main needs to end may have been among those beside it, so they come last.
                is_.store(phase::all_cancelled, std::memory_order_relaxed);
                core::cancel_spawned_tasks(*runtime_);
                return true;
            case phase::all_cancelled:
                give_up("and, cancelled, it does not end");
            case phase::ending:
                give_up("tasks that were spawned beside main do not end when they are cancelled");
        }
        failure_ = what == simulation::trouble::stuck
                       ? "deadlock: every task waits, and nothing that could wake one will come"
                       : "endless: more than " + std::to_string(world_.steps()) + " steps";
        world_.end_trace();
        core::waiting_report report;
        core::look_at_spawned_tasks(
            *runtime_,
            [](core::strand& task, void* context) {
                static_cast<core::waiting_report*>(context)->add(task);
            },
            &report);
        failure_ += report.text();
        is_.store(phase::cancelled, std::memory_order_relaxed);
        playing_->cancel();
        return true;
    }

    [[noreturn]] void give_up(const char* why) const {
        std::fprintf(stderr, "exeunt: seed %llu: %s\n%s\n%s",
                     static_cast<unsigned long long>(seed_), failure_.c_str(), why,
                     world_.trace().c_str());
        std::abort();
    }

    simulation world_;
    std::uint64_t seed_;
    options options_;
    enum class phase : std::uint8_t { begins, playing, cancelled, all_cancelled, ended, ending };
    atomic<phase> is_{phase::begins};
    runtime* runtime_ = nullptr;
    task_handle<>* playing_ = nullptr;
    std::string failure_;
    std::uint64_t hash_ = 0;
    std::uint64_t steps_ = 0;
    std::int64_t time_ = 0;
};

}  // namespace

simulation_report simulate(const simulation_options& wanted, const std::function<task<>()>& main) {
    const std::optional<std::uint64_t> alone = number_from("EXEUNT_SIMULATION_SEED");
    const std::uint64_t first = alone.value_or(wanted.seed());
    const std::uint64_t count =
        alone ? 1 : number_from("EXEUNT_SIMULATION_SCHEDULES").value_or(wanted.schedules());
    if (count == 0)
        throw std::invalid_argument("simulate() was asked for no schedule: ask for one at least");
    simulation_report report;
    for (std::uint64_t seed = first; seed - first < count; ++seed) {
        std::uint64_t hash = 0;
        for (int repetition = 0; repetition < 2; ++repetition) {
            schedule s(wanted, seed);
            s.run(main);
            if (!s.failure().empty()) s.fail(s.failure());
            if (wanted.failed_when() && wanted.failed_when()()) s.fail("failed_when() says so");
            if (repetition == 1 && s.hash() != hash)
                s.fail(
                    "its repetition took another course: it depends on something besides the "
                    "seed, as real time, an address, another thread, or a variable that keeps "
                    "something from the first time");
            hash = s.hash();
            if (repetition == 0) {
                ++report.schedules;
                report.steps += s.steps();
                report.time += std::chrono::nanoseconds(s.time());
                report.hash = (report.hash ^ hash) * 0x2545'f491'4f6c'dd1dULL;
            }
        }
    }
    return report;
}

std::uint64_t simulated_random() {
    scheduler::worker* const w = scheduler::worker::current();
    if (w == nullptr || !w->pool().simulated())
        throw std::logic_error(
            "simulated_random() was called outside a simulation: call it from a task that "
            "simulate() runs");
    return w->pool().world()->random();
}

}  // namespace exeunt
