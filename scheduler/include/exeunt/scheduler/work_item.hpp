// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/config.hpp>

#include <coroutine>
#include <cstddef>
#include <type_traits>

/// The unit of work that workers and queues pass around.
///
/// Anything that can be run is *frame-shaped*: a pointer to a function `void (*)(void* self)` lies
/// at its offset 0, as in every coroutine frame of GCC, Clang and MSVC. Running it calls that
/// function with the thing's own address. So a coroutine frame, a combinator's step and a wake-up
/// are all one `void*`, they travel through one deque, and
/// handle_of(p) can be the target of a symmetric transfer whichever of them `p` is. (A test in
/// tests/compiler holds the compilers to it.)
///
/// - The deque and the LIFO slot hold `void*`: no link is needed there, so bare frames fit.
/// - The inbox and the injector are linked lists: they hold `work_item`, which has a link.
///
///     struct hello : exeunt::scheduler::work_item {
///         hello() : work_item(&say) {}
///         static void say(void* self) { std::puts("hello"); delete static_cast<hello*>(self); }
///     };
///     exeunt::scheduler::run(new hello);
///
/// One thing the compilers must not see: LLVM calls resume functions by a calling convention that
/// is not C's by name, only by effect. Where its optimiser can tell which C++ function such a call
/// reaches, it takes the mismatch for undefined behaviour and deletes the code (Clang 19, -O1 and
/// above). So a work item hides its function from the optimiser when it is made, and handle_of()
/// hides the address. Whatever is frame-shaped without being a work_item goes through handle_of().
///
/// A type that embeds a work item elsewhere than at its start, or that has virtual functions, finds
/// its way back from `self` by itself.

namespace exeunt::scheduler {

/// A frame-shaped thing with a link for one intrusive queue at a time. Whoever embeds it owns it;
/// queues never free it, and it must not move or die while it lies in one. Its function may end
/// its life: run() touches nothing after the call.
struct work_item {
    using resume_fn = void (*)(void* self);

    explicit work_item(resume_fn function) noexcept : resume(hidden(function)) {}

    /// What running the item calls, with the item's address. Not null.
    resume_fn resume;
    /// The link. Written by the queue that holds the item, and free for its owner otherwise.
    work_item* next = nullptr;

    /// `pointer` itself, but the optimiser no longer knows what it points to. No instruction.
    template <class T>
    static T* hidden(T* pointer) noexcept {
        asm("" : "+r"(pointer));
        return pointer;
    }
};

static_assert(!std::is_aggregate_v<work_item>);
static_assert(std::is_standard_layout_v<work_item>);
static_assert(offsetof(work_item, resume) == 0, "a work item has the shape of a coroutine frame");

/// The handle of a frame-shaped thing, to run it or to transfer to it. Only a real coroutine's may
/// be asked done() or be destroyed.
inline std::coroutine_handle<> handle_of(void* frame_shaped) noexcept {
    EXEUNT_ASSERT(frame_shaped != nullptr);
    return std::coroutine_handle<>::from_address(work_item::hidden(frame_shaped));
}

/// Runs a work item, or resumes a suspended coroutine frame: the caller need not know which.
/// An item's exceptions pass through.
inline void run(void* frame_shaped) {
    handle_of(frame_shaped).resume();
}

}  // namespace exeunt::scheduler
