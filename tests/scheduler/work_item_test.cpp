// SPDX-License-Identifier: BSL-1.0
#include <exeunt/scheduler/work_item.hpp>

#include <gtest/gtest.h>

#include <coroutine>
#include <exception>

namespace {

using exeunt::scheduler::handle_of;
using exeunt::scheduler::run;
using exeunt::scheduler::work_item;

struct counting_item : work_item {
    explicit counting_item(int& runs_) : work_item(&count), runs(runs_) {}
    static void count(void* self) { ++static_cast<counting_item*>(self)->runs; }
    int& runs;
};

/// A coroutine that is resumed from outside, and can go on by symmetric transfer to any item.
struct routine {
    struct promise_type {
        routine get_return_object() {
            return routine(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() { std::terminate(); }
    };
    explicit routine(std::coroutine_handle<promise_type> h) : handle(h) {}
    routine(const routine&) = delete;
    ~routine() { handle.destroy(); }
    std::coroutine_handle<promise_type> handle;
};

struct transfer_to {
    explicit transfer_to(void* t) : target(t) {}
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<>) const noexcept {
        return handle_of(target);
    }
    void await_resume() const noexcept {}
    void* target;
};

routine count_in_frame(int& runs) {
    ++runs;
    co_return;
}

routine go_to(void* target) {
    co_await transfer_to(target);
}

TEST(work_item, runs_its_function_with_its_own_address) {
    int runs = 0;
    counting_item item(runs);
    run(&item);
    run(&item);
    EXPECT_EQ(runs, 2);
    EXPECT_EQ(item.next, nullptr);
}

TEST(work_item, a_coroutine_frame_is_run_alike) {
    int runs = 0;
    routine frame = count_in_frame(runs);
    run(frame.handle.address());
    EXPECT_EQ(runs, 1);
    EXPECT_TRUE(frame.handle.done());
}

TEST(work_item, is_a_target_of_symmetric_transfer) {
    int runs = 0;
    counting_item item(runs);
    routine frame = go_to(&item);
    frame.handle.resume();
    EXPECT_EQ(runs, 1);
    EXPECT_FALSE(frame.handle.done());
}

/// Frame-shaped without being a work item: only handle_of() and run() may resume it.
struct bare_step {
    void (*resume)(void*);
    int runs = 0;
};

TEST(work_item, anything_of_that_shape_is_run_alike) {
    bare_step step{+[](void* self) { ++static_cast<bare_step*>(self)->runs; }};
    run(&step);
    routine frame = go_to(&step);
    frame.handle.resume();
    EXPECT_EQ(step.runs, 2);
}

TEST(work_item, lets_exceptions_through) {
    work_item item(+[](void*) { throw 7; });
    EXPECT_THROW(run(&item), int);
}

}  // namespace
