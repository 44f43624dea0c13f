// SPDX-License-Identifier: BSL-1.0
#include <exeunt/io/io_leaf.hpp>
#include <exeunt/runtime/waiter_list.hpp>
#include <exeunt/scheduler/poller.hpp>
#include <exeunt/scheduler/worker.hpp>

#include <cerrno>

namespace exeunt::core {

using scheduler::descriptor;
using scheduler::descriptor_reference;
using scheduler::opcode;
using scheduler::operation;
using scheduler::worker;

io_leaf::io_leaf(opcode what, descriptor_reference on, continue_fn go_on) noexcept
    : leaf(take_off), operation(completed), go_on_(go_on) {
    leaf::resume = woken;
    operation::code = what;
    aim(on);
}

void io_leaf::aim(descriptor_reference at) noexcept {
    operation::target = at.record;
    // The stream may be closed, and its record serve another one, before the operation or its next
    // part is submitted.
    operation::generation = at.generation;
}

io_leaf::io_leaf(io_leaf&& other) noexcept
    : leaf(std::move(other)), operation(completed), go_on_(other.go_on_) {
    EXEUNT_ASSERT(other.owner == nullptr);
    operation::code = other.code;
    operation::generation = other.generation;
    operation::target = other.target;
    operation::flags = other.flags;
    operation::length = other.length;
    operation::buffer = other.buffer;
    operation::address = other.address;
    operation::address_length_out = other.address_length_out;
}

bool io_leaf::start(std::coroutine_handle<> self) noexcept {
    strand& s = *leaf::frame->strand;
    for (;;) {
        if (s.cancel_requested()) {
            if (moved == 0) return cancel_now(*this, *leaf::frame);
            operation::result = -ECANCELED;
            return false;
        }
        if (EXEUNT_UNLIKELY(operation::target == nullptr)) {  // closed, or never opened
            operation::result = -EBADF;
            return false;
        }
        if (operation::code == opcode::receive) begin_wait();
        if (!worker::current()->event_loop().submit(*this)) {
            switch (s.park(*this)) {
                case parked::yes:
                    return true;
                case parked::cancelled:
                    return cancel_now(*this, *leaf::frame);
                case parked::woken:
                    break;
            }
        }
        end_wait();
        if (go_on_ == nullptr || !go_on_(*this)) return completed_at_once(self);
    }
}

/// The event loop returns the operation.
void io_leaf::completed(void* self) {
    wake_up(
        static_cast<io_leaf&>(*static_cast<operation*>(static_cast<scheduler::work_item*>(self))));
}

/// The strand goes on, in its own turn.
void io_leaf::woken(void* self) {
    auto& me = static_cast<io_leaf&>(static_cast<leaf&>(*static_cast<scheduler::work_item*>(self)));
    promise_base& p = *me.leaf::frame;
    void* next = p.handle().address();
    me.end_wait();
    if (me.result == -ECANCELED && me.moved == 0 && p.strand->cancelled()) {
        next = unwind(p);
    } else if (me.go_on_ != nullptr && me.go_on_(me) && me.start(p.handle())) {
        return;  // parked again
    }
    EXEUNT_MUSTTAIL return entry(next)(next);
}

bool io_leaf::take_off(leaf& l) noexcept {
    auto& me = static_cast<io_leaf&>(l);
    if (!me.owner->cancel(me)) return false;
    me.end_wait();
    if (me.moved == 0) return true;
    // Bytes of this operation are on their way: they are reported, not unwound.
    me.result = -ECANCELED;
    wake_up(me);
    return false;
}

void io_leaf::begin_wait() noexcept {
    if (EXEUNT_LIKELY(!operation::target->notes_waits())) return;
    if (operation::target->generation() != operation::generation) return;
    waits_since_ = worker::current()->now();
    operation::target->begin_wait(waits_since_);
}

void io_leaf::end_wait() noexcept {
    if (EXEUNT_LIKELY(waits_since_ < 0)) return;
    operation::target->end_wait(waits_since_);
    waits_since_ = descriptor::not_waiting;
}

void throw_io_error(std::int32_t negated_errno, const char* what) {
    throw std::system_error(-negated_errno, std::system_category(), what);
}

}  // namespace exeunt::core
