// SPDX-License-Identifier: BSL-1.0
// What a compiler calls under -fsanitize=thread: the interface of ThreadSanitizer's runtime
// (compiler-rt, tsan_interface.h and tsan_interface_atomic.h), with the checker behind it.
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "tests/model/execution.hpp"
#include "tests/model/weakening.hpp"

using exeunt::model::execution;
using exeunt::model::memory;
using exeunt::model::weakened;

namespace {

constexpr const char* order_name(std::memory_order order) noexcept {
    switch (order) {
        case std::memory_order_relaxed:
            return "relaxed";
        case std::memory_order_consume:
            return "consume";
        case std::memory_order_acquire:
            return "acquire";
        case std::memory_order_release:
            return "release";
        case std::memory_order_acq_rel:
            return "acq_rel";
        case std::memory_order_seq_cst:
            return "seq_cst";
    }
    return "?";
}

std::uintptr_t number(const volatile void* p) noexcept {
    return reinterpret_cast<std::uintptr_t>(p);
}

/// GCC may set bits above the order.
std::memory_order order_of(int order) noexcept {
    return static_cast<std::memory_order>(order & 0x7fff);
}

void plain(const volatile void* p, std::size_t size, bool writes, const void* at) {
    execution* const e = execution::running;
    if (e == nullptr || e->is_thread_local(number(p))) return;
    e->check_alive(number(p), size, at);
    e->values().access_bytes(e->thread(), number(p), size, writes, at);
    e->check_found(at);
}

template <class T>
T atomic_load(const volatile T* p, int mo, const void* at) {
    execution* const e = execution::running;
    if (e == nullptr) return __atomic_load_n(p, __ATOMIC_SEQ_CST);
    const std::memory_order order = weakened(order_of(mo), at, 'l');
    e->step(at);
    e->check_alive(number(p), sizeof(T), at);
    bool stale = false;
    const auto value = static_cast<T>(
        e->values().load(e->thread(), number(p), sizeof(T), order, at, e->fed_up(), stale));
    e->note_load(stale);
    if (e->tracing())
        e->record(stale ? "load (stale)" : "load", number(p), value, value, order_name(order), at);
    e->check_found(at);
    return value;
}

template <class T>
void atomic_store(volatile T* p, T value, int mo, const void* at) {
    execution* const e = execution::running;
    if (e == nullptr) return __atomic_store_n(p, value, __ATOMIC_SEQ_CST);
    const std::memory_order order = weakened(order_of(mo), at, 's');
    e->step(at);
    e->check_alive(number(p), sizeof(T), at);
    e->values().store(e->thread(), number(p), sizeof(T), value, order, at);
    e->note_store();
    if (e->tracing()) e->record("store", number(p), value, value, order_name(order), at);
    e->check_found(at);
}

template <class T>
T atomic_modify(volatile T* p, T operand, memory::operation what, const char* called, int mo,
                const void* at) {
    execution* const e = execution::running;
    if (e == nullptr) {
        switch (what) {
            case memory::operation::exchange:
                return __atomic_exchange_n(p, operand, __ATOMIC_SEQ_CST);
            case memory::operation::add:
                return __atomic_fetch_add(p, operand, __ATOMIC_SEQ_CST);
            case memory::operation::subtract:
                return __atomic_fetch_sub(p, operand, __ATOMIC_SEQ_CST);
            case memory::operation::bit_and:
                return __atomic_fetch_and(p, operand, __ATOMIC_SEQ_CST);
            case memory::operation::bit_or:
                return __atomic_fetch_or(p, operand, __ATOMIC_SEQ_CST);
            case memory::operation::bit_xor:
                return __atomic_fetch_xor(p, operand, __ATOMIC_SEQ_CST);
            case memory::operation::nand:
                return __atomic_fetch_nand(p, operand, __ATOMIC_SEQ_CST);
        }
    }
    const std::memory_order order = weakened(order_of(mo), at, 'm');
    e->step(at);
    e->check_alive(number(p), sizeof(T), at);
    const auto before = static_cast<T>(
        e->values().modify(e->thread(), number(p), sizeof(T), what, operand, order, at));
    e->note_store();
    if (e->tracing())
        e->record(called, number(p), before, e->values().newest(number(p), sizeof(T)),
                  order_name(order), at);
    e->check_found(at);
    return before;
}

template <class T>
bool atomic_compare_exchange(volatile T* p, T& expected, T desired, int success, int failure,
                             bool weak, const void* at) {
    execution* const e = execution::running;
    if (e == nullptr)
        return __atomic_compare_exchange_n(p, &expected, desired, weak, __ATOMIC_SEQ_CST,
                                           __ATOMIC_SEQ_CST);
    const std::memory_order on_success = weakened(order_of(success), at, 'c');
    const std::memory_order on_failure = weakened(order_of(failure), at, 'f');
    e->step(at);
    e->check_alive(number(p), sizeof(T), at);
    std::uint64_t read = expected;
    const bool done = e->values().compare_exchange(e->thread(), number(p), sizeof(T), read, desired,
                                                   on_success, on_failure, weak, at);
    if (done) e->note_store();
    if (e->tracing())
        e->record(done ? "exchanged" : "not exchanged", number(p), read, done ? desired : read,
                  order_name(done ? on_success : on_failure), at);
    e->check_found(at);
    if (!done) expected = static_cast<T>(read);
    return done;
}

}  // namespace

#define AT __builtin_return_address(0)

#define PLAIN(size)                                   \
    void __tsan_read##size(void* p) {                 \
        plain(p, size, false, AT);                    \
    }                                                 \
    void __tsan_write##size(void* p) {                \
        plain(p, size, true, AT);                     \
    }                                                 \
    void __tsan_unaligned_read##size(void* p) {       \
        plain(p, size, false, AT);                    \
    }                                                 \
    void __tsan_unaligned_write##size(void* p) {      \
        plain(p, size, true, AT);                     \
    }                                                 \
    void __tsan_volatile_read##size(void* p) {        \
        plain(p, size, false, AT);                    \
    }                                                 \
    void __tsan_volatile_write##size(void* p) {       \
        plain(p, size, true, AT);                     \
    }                                                 \
    void __tsan_read_write##size(void* p) {           \
        plain(p, size, false, AT);                    \
        plain(p, size, true, AT);                     \
    }                                                 \
    void __tsan_unaligned_read_write##size(void* p) { \
        plain(p, size, false, AT);                    \
        plain(p, size, true, AT);                     \
    }

#define MODIFY(bits, function, what)                                                             \
    std::uint##bits##_t __tsan_atomic##bits##_##function(volatile std::uint##bits##_t* p,        \
                                                         std::uint##bits##_t value, int order) { \
        return atomic_modify(p, value, memory::operation::what, #function, order, AT);           \
    }

#define ATOMIC(bits)                                                                             \
    std::uint##bits##_t __tsan_atomic##bits##_load(const volatile std::uint##bits##_t* p,        \
                                                   int order) {                                  \
        return atomic_load(p, order, AT);                                                        \
    }                                                                                            \
    void __tsan_atomic##bits##_store(volatile std::uint##bits##_t* p, std::uint##bits##_t value, \
                                     int order) {                                                \
        atomic_store(p, value, order, AT);                                                       \
    }                                                                                            \
    MODIFY(bits, exchange, exchange)                                                             \
    MODIFY(bits, fetch_add, add)                                                                 \
    MODIFY(bits, fetch_sub, subtract)                                                            \
    MODIFY(bits, fetch_and, bit_and)                                                             \
    MODIFY(bits, fetch_or, bit_or)                                                               \
    MODIFY(bits, fetch_xor, bit_xor)                                                             \
    MODIFY(bits, fetch_nand, nand)                                                               \
    int __tsan_atomic##bits##_compare_exchange_strong(                                           \
        volatile std::uint##bits##_t* p, std::uint##bits##_t* expected,                          \
        std::uint##bits##_t desired, int success, int failure) {                                 \
        return atomic_compare_exchange(p, *expected, desired, success, failure, false, AT);      \
    }                                                                                            \
    int __tsan_atomic##bits##_compare_exchange_weak(                                             \
        volatile std::uint##bits##_t* p, std::uint##bits##_t* expected,                          \
        std::uint##bits##_t desired, int success, int failure) {                                 \
        return atomic_compare_exchange(p, *expected, desired, success, failure, true, AT);       \
    }                                                                                            \
    std::uint##bits##_t __tsan_atomic##bits##_compare_exchange_val(                              \
        volatile std::uint##bits##_t* p, std::uint##bits##_t expected,                           \
        std::uint##bits##_t desired, int success, int failure) {                                 \
        atomic_compare_exchange(p, expected, desired, success, failure, false, AT);              \
        return expected;                                                                         \
    }

extern "C" {

void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}

PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

void __tsan_vptr_update(void** p, void*) {
    plain(p, sizeof *p, true, AT);
}
void __tsan_vptr_read(void** p) {
    plain(p, sizeof *p, false, AT);
}
void __tsan_read_range(void* p, std::size_t size) {
    plain(p, size, false, AT);
}
void __tsan_write_range(void* p, std::size_t size) {
    plain(p, size, true, AT);
}
void* __tsan_memcpy(void* to, const void* from, std::size_t size) {
    plain(from, size, false, AT);
    plain(to, size, true, AT);
    return std::memcpy(to, from, size);
}
void* __tsan_memmove(void* to, const void* from, std::size_t size) {
    plain(from, size, false, AT);
    plain(to, size, true, AT);
    return std::memmove(to, from, size);
}
void* __tsan_memset(void* to, int byte, std::size_t size) {
    plain(to, size, true, AT);
    return std::memset(to, byte, size);
}

ATOMIC(8)
ATOMIC(16)
ATOMIC(32)
ATOMIC(64)

void __tsan_atomic_thread_fence(int mo) {
    execution* const e = execution::running;
    if (e == nullptr) return;
    const std::memory_order order = weakened(order_of(mo), AT, 't');
    e->step(AT);
    e->values().fence(e->thread(), order);
    if (e->tracing()) e->record("fence", 0, 0, 0, order_name(order), AT);
}
void __tsan_atomic_signal_fence(int) {}

}  // extern "C"
