// SPDX-License-Identifier: BSL-1.0
#include "tests/model/execution.hpp"

#include <boost/context/preallocated.hpp>

#include <cxxabi.h>
#include <link.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "tests/model/symbols.hpp"

namespace exeunt::model {
namespace {

constexpr std::size_t stack_bytes = std::size_t{128} * 1024;

/// The same in every execution, so that addresses are as well. One that a finding has left behind
/// is overwritten: nobody goes on there.
unsigned char* stack_of(std::size_t thread) {
    static auto* const all =
        static_cast<unsigned char*>(std::aligned_alloc(4096, max_threads * stack_bytes));
    return all + thread * stack_bytes;
}
struct stacks {
    boost::context::stack_context allocate() { return {}; }
    void deallocate(boost::context::stack_context&) noexcept {}
};

exceptions_in_flight& in_flight() noexcept {
    return *reinterpret_cast<exceptions_in_flight*>(abi::__cxa_get_globals());
}

/// The thread_local variables of this program (not of its libraries) in the one real thread.
struct block {
    unsigned char* begin = nullptr;
    std::size_t size = 0;
};
block thread_locals() noexcept {
    static const block found = [] {
        block b;
        dl_iterate_phdr(
            [](dl_phdr_info* program, std::size_t, void* result) {
                for (int i = 0; i < program->dlpi_phnum; ++i) {
                    if (program->dlpi_phdr[i].p_type != PT_TLS) continue;
                    static_cast<block*>(result)->begin =
                        static_cast<unsigned char*>(program->dlpi_tls_data);
                    static_cast<block*>(result)->size = program->dlpi_phdr[i].p_memsz;
                }
                return 1;  // the program itself comes first
            },
            &b);
        return b;
    }();
    return found;
}

}  // namespace

execution* execution::running = nullptr;
unsigned char* const execution::arena_ =
    static_cast<unsigned char*>(std::aligned_alloc(4096, arena_size));

execution::execution(exploration& choices, const std::function<void()>& scenario,
                     const options& how)
    : choices_(choices),
      scenario_(scenario),
      preemption_bound_(how.preemption_bound),
      stale_bound_(how.stale_bound),
      may_leak_(how.may_leak),
      memory_(choices),
      marks_(static_cast<unsigned char*>(std::calloc(arena_size / granule, 1))) {
    if (marks_ == nullptr) throw std::bad_alloc();
    const block locals = thread_locals();
    fresh_locals_.assign(locals.begin, locals.begin + locals.size);
    locals_begin_ = reinterpret_cast<std::uintptr_t>(locals.begin);
    for (fiber_thread& each : threads_)
        each.locals.resize(locals.size);
}

execution::~execution() {
    std::free(marks_);
    if (failure_.empty()) return;
    for (fiber_thread& each : threads_)
        static_cast<void>(new boost::context::fiber(std::move(each.context)));
}

std::string execution::run() {
    memory_.restart();
    current_ = 0;
    threads_used_ = 0;
    preemptions_ = 0;
    steps_ = 0;
    clock_ = 0;
    timeouts_ = 0;
    stores_ = 0;
    choices_.explore(true);
    std::memset(marks_, mark_unused, arena_used_ / granule);
    arena_used_ = 0;
    alive_ = 0;
    names_.clear();
    running = this;
    begin_thread(0, scenario_);
    came_from_ = &host_;
    boost::context::fiber back = std::move(threads_[0].context).resume();
    *came_from_ = std::move(back);
    running = nullptr;
    std::memcpy(thread_locals().begin, fresh_locals_.data(), fresh_locals_.size());
    in_flight() = {};
    return failure_;
}

void execution::begin_thread(std::size_t index, const std::function<void()>& body) {
    fiber_thread& t = threads_[index];
    t.body = &body;
    t.is = state::ready;
    t.fresh = false;
    t.has_spun = false;
    t.stale_loads = 0;
    t.children = 0;
    t.exceptions = {};
    std::memcpy(t.locals.data(), fresh_locals_.data(), fresh_locals_.size());
    threads_used_ = std::max(threads_used_, index + 1);
    if (!t.context) make_fiber(index);
}

void execution::make_fiber(std::size_t index) {
    boost::context::stack_context stack;
    stack.size = stack_bytes;
    stack.sp = stack_of(index) + stack_bytes;
    threads_[index].context = boost::context::fiber(
        std::allocator_arg, boost::context::preallocated(stack.sp, stack.size, stack), stacks(),
        [this, index](boost::context::fiber&& from) {
            *came_from_ = std::move(from);
            for (;;) {
                try {
                    (*threads_[index].body)();
                } catch (const boost::context::detail::forced_unwind&) {
                    throw;
                } catch (const std::exception& error) {
                    fail(std::string("an exception leaves a thread: ") + error.what());
                } catch (...) {
                    fail("an exception leaves a thread");
                }
                end_current();
            }
            return boost::context::fiber();
        });
}

void execution::switch_to(std::size_t index) {
    const block locals = thread_locals();
    fiber_thread& from = threads_[current_];
    fiber_thread& to = threads_[index];
    std::memcpy(from.locals.data(), locals.begin, locals.size);
    from.exceptions = in_flight();
    came_from_ = &from.context;
    current_ = index;
    std::memcpy(locals.begin, to.locals.data(), locals.size);
    in_flight() = to.exceptions;
    boost::context::fiber back = std::move(to.context).resume();
    *came_from_ = std::move(back);
}

void execution::end_current() {
    fiber_thread& me = threads_[current_];
    me.is = state::ended;
    ++stores_;
    if (current_ != 0) {
        if (me.parent != nobody && --threads_[me.parent].children == 0)
            threads_[me.parent].is = state::ready;
        for (std::size_t i = 0; i < threads_used_; ++i) {
            if (threads_[i].is == state::joining && threads_[i].waits_on == current_)
                threads_[i].is = state::ready;
        }
        schedule(false);
        return;
    }
    if (alive_ != 0 && !may_leak_)
        fail("a leak: memory that the scenario has allocated is not freed");
    came_from_ = &me.context;
    boost::context::fiber back = std::move(host_).resume();
    *came_from_ = std::move(back);
}

void execution::fail(std::string what) {
    // Whatever allocates from here on is the checker's.
    running = nullptr;
    failure_ = what.c_str();  // a copy: it may lie in the scenario's memory
    came_from_ = &threads_[current_].context;
    boost::context::fiber back = std::move(host_).resume();
    std::abort();  // nobody comes back
}

void execution::check_found(const void* at) {
    const violation& found = memory_.found();
    if (found.what == nullptr) return;
    running = nullptr;
    std::string text = std::string(found.what) + " (" + call(found.address) + "; thread " +
                       std::to_string(current_) + " at " + symbol_of(at);
    if (found.other != nullptr) text += ", the other at " + symbol_of(found.other);
    fail(text + ")");
}

unsigned execution::ready(std::size_t* list, bool without_current) const noexcept {
    unsigned count = 0;
    for (std::size_t i = 0; i < threads_used_; ++i) {
        const fiber_thread& t = threads_[i];
        if (t.is != state::ready && (t.is != state::spinning || t.stores_seen == stores_)) continue;
        if (!without_current || i != current_) list[count++] = i;
    }
    return count;
}

/// Who goes on when nobody else can: who spins may be about to do something else, and time passes.
/// The one that has waited longest, for a schedule that leaves one of them out for ever proves
/// nothing.
std::size_t execution::most_patient() const noexcept {
    std::size_t found = nobody;
    for (std::size_t i = 0; i < threads_used_; ++i) {
        const fiber_thread& t = threads_[i];
        if (t.is == state::last) return i;
        if (t.is != state::spinning && t.is != state::timed) continue;
        if (found == nobody || t.since < threads_[found].since) found = i;
    }
    return found;
}

bool execution::anybody_spins() const noexcept {
    for (std::size_t i = 0; i < threads_used_; ++i) {
        if (threads_[i].is == state::spinning) return true;
    }
    return false;
}

void execution::schedule(bool current_can_go_on) {
    std::size_t list[max_threads];
    unsigned count = 0;
    if (current_can_go_on) {
        list[count++] = current_;
        if (choices_.is_unbounded() || preemptions_ < preemption_bound_)
            count += ready(list + 1, true);
    } else {
        count = ready(list, false);
        if (count == 0) {
            list[count++] = most_patient();
            if (list[0] == nobody) fail("deadlock: " + describe_threads());
            if (threads_[list[0]].is == state::timed && !anybody_spins()) ++timeouts_;
        }
    }
    const unsigned answer = choices_.choose(count, current_can_go_on ? 64 : 192);
    if (current_can_go_on && answer != 0) ++preemptions_;
    const std::size_t chosen = list[answer];
    threads_[chosen].is = state::ready;
    if (chosen != current_) switch_to(chosen);
}

void execution::step(const void* at) {
    threads_[current_].has_spun = false;
    if (++steps_ > max_steps)
        fail("an execution that does not end: more than " + std::to_string(max_steps) +
             " operations, the last at " + symbol_of(at));
    if (threads_used_ > 1) schedule(true);
}

bool execution::fed_up() const noexcept {
    const fiber_thread& me = threads_[current_];
    if (me.fresh && me.stores_seen == stores_) return true;
    return me.stale_loads >= (choices_.is_unbounded() ? 50 : stale_bound_);
}

void execution::parallel(const std::function<void()>* first, std::size_t count) {
    const std::size_t me = current_;
    const std::size_t begin = threads_used_;
    if (begin + count > max_threads) fail("more threads than the checker has");
    for (std::size_t i = 0; i < count; ++i) {
        memory_.fork(me, begin + i);
        begin_thread(begin + i, first[i]);
        threads_[begin + i].parent = me;
    }
    threads_[me].children = count;
    if (count > 0) {
        threads_[me].is = state::joining;
        threads_[me].waits_on = nobody;
        schedule(false);
    }
    for (std::size_t i = 0; i < count; ++i)
        memory_.join(me, begin + i);
}

std::size_t execution::start(const std::function<void()>& body) {
    if (threads_used_ == max_threads) fail("more threads than the checker has");
    const std::size_t index = threads_used_;
    memory_.fork(current_, index);
    begin_thread(index, body);
    threads_[index].parent = nobody;
    return index;
}

void execution::join(std::size_t thread) {
    fiber_thread& me = threads_[current_];
    if (threads_[thread].is != state::ended) {
        me.is = state::joining;
        me.waits_on = thread;
        schedule(false);
    }
    memory_.join(current_, thread);
}

void execution::spin() {
    if (++steps_ > max_steps) fail("an execution that does not end: threads spin");
    fiber_thread& me = threads_[current_];
    if (me.has_spun) return;
    me.has_spun = true;
    me.fresh = true;
    me.stores_seen = stores_;
    me.is = state::spinning;
    me.since = steps_;
    schedule(false);
}

void execution::wait(std::uintptr_t address, std::uint64_t expected, unsigned size, bool timed) {
    step(nullptr);
    if (memory_.newest(address, size) != expected) return;
    fiber_thread& me = threads_[current_];
    me.waits_on = address;
    me.is = timed ? state::timed : state::waiting;
    me.since = steps_;
    schedule(false);
}

void execution::wake(std::uintptr_t address, bool all) {
    step(nullptr);
    std::size_t sleepers[max_threads];
    unsigned count = 0;
    for (std::size_t i = 0; i < threads_used_; ++i) {
        const state is = threads_[i].is;
        if ((is == state::waiting || is == state::timed) && threads_[i].waits_on == address)
            sleepers[count++] = i;
    }
    if (count == 0) return;
    if (!all) {
        threads_[sleepers[choices_.choose(count)]].is = state::ready;
        return;
    }
    for (unsigned i = 0; i < count; ++i)
        threads_[sleepers[i]].is = state::ready;
}

void execution::wait_for_others() {
    threads_[current_].is = state::last;
    schedule(false);
}

void execution::fence_everywhere() {
    step(nullptr);
    memory_.full_fence(current_);
    // Each thread has its barrier at some moment of the call, not all at the same.
    for (std::size_t i = 0; i < threads_used_; ++i) {
        if (i == current_) continue;
        if (threads_[i].is != state::ended) step(nullptr);  // what it did last has to be seen, too
        memory_.full_fence(i);
    }
    memory_.full_fence(current_);
}

std::string execution::describe_threads() const {
    std::string text;
    for (std::size_t i = 0; i < threads_used_; ++i) {
        if (threads_[i].is == state::ended) continue;
        text += text.empty() ? "thread " : ", thread ";
        text += std::to_string(i);
        switch (threads_[i].is) {
            case state::waiting:
                text += " waits on " + call(threads_[i].waits_on);
                break;
            case state::joining:
                text += " joins its children";
                break;
            default:
                text += " spins";
                break;
        }
    }
    return text;
}

// ---- the trace ----------------------------------------------------------------------------------

void execution::record(const char* what, std::uintptr_t address, std::uint64_t value,
                       std::uint64_t other, const char* order, const void* at) {
    const apart_from_scenario guard;
    events_.push_back(
        {static_cast<std::uint8_t>(current_), what, address, value, other, order, at});
}

void execution::name(std::uintptr_t address, const char* called) {
    const apart_from_scenario guard;
    names_.emplace_back(address, called);
}

std::string execution::call(std::uintptr_t address) const {
    const std::pair<std::uintptr_t, const char*>* nearest = nullptr;
    for (const auto& each : names_) {
        if (each.first <= address && address - each.first < 4096 &&
            (nearest == nullptr || nearest->first < each.first))
            nearest = &each;
    }
    char text[64];
    if (nearest != nullptr) {
        const std::uintptr_t offset = address - nearest->first;
        if (offset == 0) return nearest->second;
        std::snprintf(text, sizeof text, "%s+%zu", nearest->second, offset);
        return text;
    }
    const std::uintptr_t offset = address - reinterpret_cast<std::uintptr_t>(arena_);
    const std::uintptr_t on_stack = address - reinterpret_cast<std::uintptr_t>(stack_of(0));
    if (offset < arena_size) {
        std::snprintf(text, sizeof text, "heap+%zu", offset);
    } else if (on_stack < max_threads * stack_bytes) {
        std::snprintf(text, sizeof text, "stack%zu-%zu", on_stack / stack_bytes,
                      stack_bytes - on_stack % stack_bytes);
    } else {
        std::snprintf(text, sizeof text, "%#zx", address);
    }
    return text;
}

std::string execution::trace() const {
    constexpr std::size_t most = 400;
    const std::size_t left_out = events_.size() > most ? events_.size() - most : 0;
    std::string text;
    if (left_out > 0) text = "  ... " + std::to_string(left_out) + " operations before\n";
    for (std::size_t i = left_out; i < events_.size(); ++i) {
        const event& each = events_[i];
        char line[256];
        std::snprintf(line, sizeof line, "  %u  %-16s %-16s %#llx", each.thread, each.what,
                      call(each.address).c_str(), static_cast<unsigned long long>(each.value));
        text += line;
        if (each.other != each.value) {
            std::snprintf(line, sizeof line, " -> %#llx",
                          static_cast<unsigned long long>(each.other));
            text += line;
        }
        text += std::string("  ") + each.order + "  " + symbol_of(each.at) + "\n";
    }
    return text;
}

}  // namespace exeunt::model
