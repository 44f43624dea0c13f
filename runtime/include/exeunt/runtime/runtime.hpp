// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/callable_guard.hpp>
#include <exeunt/runtime/options.hpp>
#include <exeunt/runtime/task_handle.hpp>
#include <exeunt/scheduler/lean_std.hpp>
#include <exeunt/scheduler/owner.hpp>

/// Running tasks from the world outside.
///
///     int main() { return ex::run(serve_all()); }
///
///     ex::runtime rt{ex::options().threads(2)};
///     rt.run(warm_up());
///     ex::task_handle<> h = rt.spawn(heartbeat, 5s);
namespace exeunt {

class runtime;
namespace core {
void cancel_spawned_tasks(runtime& from) noexcept;
void look_at_spawned_tasks(runtime& of, void (*look)(strand& task, void* context), void* context);
}  // namespace core

/// A set of worker threads with their event loops, and the tasks that run on them. There is no
/// global one; several may live side by side.
///
/// Thread safety: all members may be called from any thread.
class runtime {
 public:
    /// Starts the workers. Errors: std::system_error or std::runtime_error when the kernel refuses
    /// threads or the event loop that was asked for.
    explicit runtime(const options& wanted = options());
    /// Cancels the tasks that were spawned and are still there, waits for them, stops the workers.
    ~runtime();
    runtime(const runtime&) = delete;
    runtime& operator=(const runtime&) = delete;

    /// Runs `main` and blocks the calling thread until it has ended.
    /// Returns its value. Errors: its exception; task_cancelled if it was cancelled;
    /// std::logic_error when called on a worker, which would wait for itself.
    template <class T>
    T run(task<T> main);

    /// Starts `function(args...)`, which makes a task, beside everything else. Function and
    /// arguments are kept until it has ended.
    template <class F, class... Args>
    requires core::spawnable<F, Args...>
    [[nodiscard("letting go of the handle cancels the task: keep it, or call detach()")]] auto
    spawn(F&& function, Args&&... args) -> task_handle<core::spawned_t<F, Args...>>;
    template <any_task Task>
    void spawn(Task&&) {
        core::refuse_spawned_task<Task>();
    }

    /// Number of workers.
    unsigned workers() const noexcept { return pool_->size(); }
    /// The event loop that was chosen, settled.
    scheduler::event_loop event_loop() const noexcept { return pool_->loop(); }
    /// Sums of what the workers counted.
    scheduler::counters_snapshot counters() const noexcept { return pool_->counters(); }

    scheduler::worker_pool& pool() noexcept { return *pool_; }

    /// The runtime on one of whose workers the caller runs, or null.
    static runtime* current() noexcept;

 private:
    friend void core::cancel_spawned_tasks(runtime& from) noexcept;
    friend void core::leave_runtime(core::record_base& task) noexcept;
    friend void core::look_at_spawned_tasks(runtime&, void (*)(core::strand&, void*), void*);
    class root_scope;

    /// What a blocked thread waits for.
    class blocker {
     public:
        blocker();
        ~blocker();
        void release() noexcept;
        void wait() noexcept;

     private:
        struct state;  // keeps <mutex> and <condition_variable> out of the header
        core::owner<state> state_;
    };
    /// The task that run() runs: its branch lies on the blocked thread's stack.
    template <class T>
    struct main_branch : core::branch<T, core::root_strand> {
        using base = core::branch<T, core::root_strand>;
        explicit main_branch(scheduler::worker_pool& pool)
            : base(ended, pool), start(run_it, *this) {}
        struct starter : scheduler::work_item {
            starter(resume_fn function, main_branch& m) noexcept : work_item(function), main(m) {}
            main_branch& main;
        };
        static void run_it(void* item) {
            void* first =
                static_cast<starter*>(static_cast<scheduler::work_item*>(item))->main.coroutine();
            EXEUNT_MUSTTAIL return core::entry(first)(first);
        }
        static void ended(void* self) {
            auto& me = static_cast<main_branch&>(base::of(self));
            me.destroy_coroutine();
            me.done.release();
        }
        starter start;
        blocker done;
    };

    static void refuse_on_worker();
    void start_root(core::record_base& task) noexcept;

    core::owner<root_scope> scope_;
    core::owner<scheduler::worker_pool> pool_;
};

/// Runs `main` in a runtime of its own, made from `wanted`, and returns its value.
/// Errors: as runtime::runtime() and runtime::run().
template <class T>
T run(task<T> main, const options& wanted = options());

/// As runtime::spawn(), in the runtime of the calling task. Errors: std::logic_error when the
/// caller is not on a worker.
template <class F, class... Args>
requires core::spawnable<F, Args...>
[[nodiscard("letting go of the handle cancels the task: keep it, or call detach()")]] auto spawn(
    F&& function, Args&&... args) -> task_handle<core::spawned_t<F, Args...>>;
template <any_task Task>
void spawn(Task&&) {
    core::refuse_spawned_task<Task>();
}

// ------------------------------------------------------------------------------ implementation

template <class T>
T runtime::run(task<T> main) {
    refuse_on_worker();
    main_branch<T> branch(*pool_);
    branch.adopt(std::move(main));
    pool_->inject(branch.start);
    branch.done.wait();
    if (branch.outcome == core::link::status::cancelled) throw task_cancelled();
    return branch.take();
}

template <class F, class... Args>
requires core::spawnable<F, Args...>
auto runtime::spawn(F&& function, Args&&... args) -> task_handle<core::spawned_t<F, Args...>> {
    using value_type = core::spawned_t<F, Args...>;
    using record_type = core::record_of<value_type, std::decay_t<F>, std::decay_t<Args>...>;
    core::refuse_fragile_temporary<F>();
    auto* record =
        new record_type(*pool_, nullptr, std::forward<F>(function), std::forward<Args>(args)...);
    task_handle<value_type> handle(*record, true);
    start_root(*record);
    return handle;
}

template <class T>
T run(task<T> main, const options& wanted) {
    runtime rt(wanted);
    return rt.run(std::move(main));
}

namespace core {
runtime& current_runtime();
}

template <class F, class... Args>
requires core::spawnable<F, Args...>
auto spawn(F&& function, Args&&... args) -> task_handle<core::spawned_t<F, Args...>> {
    return core::current_runtime().spawn(std::forward<F>(function), std::forward<Args>(args)...);
}

}  // namespace exeunt
