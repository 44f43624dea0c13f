// SPDX-License-Identifier: BSL-1.0
// Threads, mutexes and condition variables of the standard library, within a scenario: they become
// the checker's. The names are those of libstdc++'s and glibc's functions; what is linked into the
// program goes before the shared libraries. Outside of a scenario the program has one thread.
#include <pthread.h>
#include <sched.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <thread>

#include "tests/model/checker.hpp"
#include "tests/model/clocks.hpp"
#include "tests/model/execution.hpp"

namespace {

struct started {
    std::thread::_State_ptr state;
    std::function<void()> body;
};
started* all[exeunt::model::max_threads];

}  // namespace

namespace std {

void thread::_M_start_thread(_State_ptr state, void (*)()) {
    auto* record = new started{std::move(state), {}};
    record->body = [record] { record->state->_M_run(); };
    const std::size_t index = exeunt::model::start(record->body);
    all[index] = record;
    _M_id = id(index);
}

void thread::join() {
    const auto index = static_cast<std::size_t>(native_handle());
    exeunt::model::join(index);
    delete all[index];
    _M_id = id();
}

}  // namespace std

namespace {

using exeunt::model::execution;

std::uint32_t& word_of(void* object) noexcept {
    return *static_cast<std::uint32_t*>(object);
}

/// An atomic exchange, for the checker and its trace.
std::uint32_t exchange(std::uint32_t& word, std::uint32_t value, std::memory_order order,
                       const char* what) {
    execution& e = *execution::running;
    e.step(nullptr);
    const auto address = reinterpret_cast<std::uintptr_t>(&word);
    const auto before = static_cast<std::uint32_t>(
        e.values().modify(e.thread(), address, sizeof word,
                          exeunt::model::memory::operation::exchange, value, order, nullptr));
    e.note_store();
    if (e.tracing()) e.record(what, address, before, value, "", nullptr);
    e.check_found(nullptr);
    return before;
}

}  // namespace

extern "C" {

// The initialisation of a static local. What it allocates outlives the execution, and is not the
// scenario's; and it happens once for all executions, so it cannot be explored.
static execution* interrupted = nullptr;
static int initialising = 0;

int __cxa_guard_acquire(std::int64_t* guard) {
    if (*reinterpret_cast<const char*>(guard) != 0) return 0;
    if (initialising++ == 0) interrupted = std::exchange(execution::running, nullptr);
    return 1;
}
void __cxa_guard_release(std::int64_t* guard) noexcept {
    *reinterpret_cast<char*>(guard) = 1;
    if (--initialising == 0) execution::running = interrupted;
}
void __cxa_guard_abort(std::int64_t*) noexcept {
    if (--initialising == 0) execution::running = interrupted;
}

int sched_yield() noexcept {
    exeunt::model::spin();
    return 0;
}

int pthread_setname_np(pthread_t, const char*) noexcept {
    return 0;
}

int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
    if (execution::running == nullptr) return 0;
    std::uint32_t& word = word_of(mutex);
    while (exchange(word, 1, std::memory_order_acquire, "lock") != 0)
        exeunt::model::wait_on_address(&word, 1, sizeof word);
    return 0;
}

int pthread_mutex_trylock(pthread_mutex_t* mutex) noexcept {
    if (execution::running == nullptr) return 0;
    return exchange(word_of(mutex), 1, std::memory_order_acquire, "try_lock") == 0 ? 0 : EBUSY;
}

int pthread_mutex_unlock(pthread_mutex_t* mutex) noexcept {
    if (execution::running == nullptr) return 0;
    std::uint32_t& word = word_of(mutex);
    exchange(word, 0, std::memory_order_release, "unlock");
    exeunt::model::wake_address(&word, true);
    return 0;
}

/// The word counts notifications: whoever waits sleeps until it has changed.
int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
    std::uint32_t& word = word_of(condition);
    const std::uint32_t before = word;
    pthread_mutex_unlock(mutex);
    exeunt::model::wait_on_address(&word, before, sizeof word);
    return pthread_mutex_lock(mutex);
}

int pthread_cond_broadcast(pthread_cond_t* condition) noexcept {
    if (execution::running == nullptr) return 0;
    std::uint32_t& word = word_of(condition);
    exchange(word, word + 1, std::memory_order_relaxed, "notify");
    exeunt::model::wake_address(&word, true);
    return 0;
}

/// Wakes all: whoever waits has to look again anyway, for it may be woken for no reason.
int pthread_cond_signal(pthread_cond_t* condition) noexcept {
    return pthread_cond_broadcast(condition);
}

}  // extern "C"
