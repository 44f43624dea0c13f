// SPDX-License-Identifier: BSL-1.0
// What the scheduler takes for granted about the layout of coroutine frames.

#include "minimal.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <type_traits>

namespace {

using conformance::job;

// A struct that begins as a frame does: the function that resumes it, then the one that destroys.
struct step {
    void (*resume)(step*);
    void (*destroy)(step*);
    int runs = 0;
    std::coroutine_handle<> next = {};
};

void run_step(step* self) {
    ++self->runs;
}

void run_step_then_next(step* self) {
    ++self->runs;
    self->next.resume();
}

void destroy_step(step* self) {
    self->runs = -1;
}

// LLVM calls resume functions by a calling convention of its own. On our machines it is the same
// as C's for one pointer, but where the optimiser sees both the struct being filled and the call,
// it takes the mismatch for undefined behaviour and drops the call (Clang 19 at -O1 and above). So
// the address goes through a statement that hides what is known about the memory behind it.
void* hidden(void* address) {
    __asm__("" : "+r"(address));
    return address;
}

std::coroutine_handle<> handle_of(step& item) {
    return std::coroutine_handle<>::from_address(hidden(&item));
}

struct transfer_to {
    step* item;
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> self) const noexcept {
        item->next = self;
        return handle_of(*item);
    }
    void await_resume() const noexcept {}
};

job pass_through(step* item) {
    co_await transfer_to(item);
    co_return 7;
}

TEST(frame, a_struct_with_a_function_pointer_first_is_resumed_as_a_frame) {
    step item(run_step, destroy_step);
    handle_of(item).resume();
    handle_of(item)();
    EXPECT_EQ(item.runs, 2);
}

TEST(frame, such_a_struct_is_destroyed_through_its_second_word) {
    step item(run_step, destroy_step);
    handle_of(item).destroy();
    EXPECT_EQ(item.runs, -1);
}

TEST(frame, done_reads_the_first_word) {
    step item(run_step, destroy_step);
    EXPECT_FALSE(handle_of(item).done());
    item.resume = nullptr;
    EXPECT_TRUE(handle_of(item).done());
}

TEST(frame, a_coroutine_transfers_to_such_a_struct_and_is_resumed_by_it) {
    step item(run_step_then_next, destroy_step);
    auto through = pass_through(&item);
    through.start();
    EXPECT_TRUE(through.done());
    EXPECT_EQ(through.value(), 7);
    EXPECT_EQ(item.runs, 1);
}

TEST(frame, a_frame_begins_with_its_two_functions) {
    step item(run_step, destroy_step);
    auto through = pass_through(&item);
    auto* words = static_cast<void (**)(void*)>(hidden(through.frame().address()));
    words[0](words);
    EXPECT_EQ(item.runs, 1);
    through.frame().resume();
    EXPECT_TRUE(through.done());
}

// A promise whose base class carries what machinery needs that does not know the derived type.
struct promise_base {
    int mark = 0;
    void* link = nullptr;
};

struct derived {
    struct promise_type : promise_base {
        double more = 0;
        derived get_return_object() {
            return derived(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        std::suspend_always initial_suspend() const noexcept { return {}; }
        std::suspend_always final_suspend() const noexcept { return {}; }
        void return_void() noexcept { mark = 3; }
        void unhandled_exception() noexcept {}
    };
    std::coroutine_handle<promise_type> handle;
    explicit derived(std::coroutine_handle<promise_type> frame) : handle(frame) {}
};

derived empty() {
    co_return;
}

TEST(frame, a_promise_lies_sixteen_bytes_into_its_frame) {
    auto made = empty();
    auto* frame = static_cast<std::byte*>(made.handle.address());
    EXPECT_EQ(frame + 16, static_cast<void*>(&made.handle.promise()));
    made.handle.destroy();
}

TEST(frame, a_handle_is_made_from_the_base_of_a_promise) {
    static_assert(std::is_base_of_v<promise_base, derived::promise_type>);
    auto made = empty();
    promise_base& base = made.handle.promise();
    auto handle = std::coroutine_handle<promise_base>::from_promise(base);
    EXPECT_EQ(handle.address(), made.handle.address());
    EXPECT_EQ(&handle.promise(), &base);
    handle.resume();
    EXPECT_TRUE(handle.done());
    EXPECT_EQ(base.mark, 3);
    handle.destroy();
}

}  // namespace
