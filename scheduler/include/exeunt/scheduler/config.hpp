// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What the compiler and the build can do, behind one set of macros.
///
///     EXEUNT_ASSERT(count > 0);              // on unless NDEBUG; EXEUNT_HARDENED keeps it on
///     EXEUNT_MUSTTAIL return next(self);     // a guaranteed tail call where one exists
///
/// Every other header of the library includes this one, so it also refuses, with a sentence, the
/// compilers and language levels that the library cannot work with.

#if !defined(__cplusplus) || __cplusplus < 202002L
#error "exeunt needs C++20: compile with -std=c++20 or newer (in Meson: cpp_std=c++20)."
#elif !defined(__cpp_impl_coroutine)
#error "exeunt needs coroutines: use GCC 12 or newer, or Clang 19 or newer, with -std=c++20."
#elif defined(__clang__) && __clang_major__ < 19
#error "exeunt needs Clang 19 or newer: older ones keep thread-local addresses over a suspension."
#elif !defined(__clang__) && defined(__GNUC__) && __GNUC__ < 12
#error "exeunt needs GCC 12 or newer."
#endif

/// EXEUNT_ASAN, EXEUNT_TSAN: 1 in a build with that sanitizer, 0 otherwise.
#if defined(__SANITIZE_ADDRESS__)
#define EXEUNT_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EXEUNT_ASAN 1
#endif
#endif
#ifndef EXEUNT_ASAN
#define EXEUNT_ASAN 0
#endif

#if defined(__SANITIZE_THREAD__)
#define EXEUNT_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define EXEUNT_TSAN 1
#endif
#endif
#ifndef EXEUNT_TSAN
#define EXEUNT_TSAN 0
#endif

/// EXEUNT_TAIL_CALLS: 1 where a symmetric transfer and a sibling call in an ordinary function are
/// certain to be tail calls. Where it is 0 the runtime bounces deep chains through its run queue.
/// GCC without -O2 has them too under -foptimize-sibling-calls (which our build exports), but the
/// preprocessor cannot see that flag, and its sanitizers break them.
#if defined(__clang__)
#define EXEUNT_TAIL_CALLS 1
#elif defined(__OPTIMIZE__) && !EXEUNT_ASAN && !EXEUNT_TSAN
#define EXEUNT_TAIL_CALLS 1
#else
#define EXEUNT_TAIL_CALLS 0
#endif

/// EXEUNT_MUSTTAIL stands before `return f(...)`: the compiler refuses what it cannot make a jump.
/// Expands to nothing where the compiler has no such attribute.
#if defined(__clang__)
#define EXEUNT_MUSTTAIL [[clang::musttail]]
#elif __has_cpp_attribute(gnu::musttail)
#define EXEUNT_MUSTTAIL [[gnu::musttail]]
#else
#define EXEUNT_MUSTTAIL
#endif

#define EXEUNT_NOINLINE [[gnu::noinline]]
#define EXEUNT_ALWAYS_INLINE [[gnu::always_inline]] inline
/// For a function that Clang has to be told to inline where it is called. GCC is left to itself:
/// what it inlines instead is worth more.
#if defined(__clang__)
#define EXEUNT_CLANG_INLINE EXEUNT_ALWAYS_INLINE
#else
#define EXEUNT_CLANG_INLINE
#endif
#define EXEUNT_COLD [[gnu::cold, gnu::noinline]]

/// `if (EXEUNT_LIKELY(x))`: the branch that the code is laid out for.
#define EXEUNT_LIKELY(condition) (__builtin_expect(static_cast<bool>(condition), true))
#define EXEUNT_UNLIKELY(condition) (__builtin_expect(static_cast<bool>(condition), false))

/// Bytes that two cores pull back and forth as a whole: what different threads write lies this far
/// apart. A constant of ours, because std::hardware_destructive_interference_size may differ
/// between two translation units of one program.
#define EXEUNT_CACHE_LINE 64

/// Attributes that let Clang check how coroutine types are used; nothing on GCC.
/// EXEUNT_CORO_TYPE goes on a coroutine's return type, EXEUNT_CORO_WRAPPER on an ordinary function
/// that returns one, EXEUNT_CORO_LIFETIMEBOUND on a type whose reference parameters must outlive
/// it.
#if defined(__clang__)
#define EXEUNT_CORO_TYPE [[clang::coro_return_type]]
#define EXEUNT_CORO_LIFETIMEBOUND [[clang::coro_lifetimebound]]
#define EXEUNT_CORO_WRAPPER [[clang::coro_wrapper]]
#define EXEUNT_CORO_DISABLE_LIFETIMEBOUND [[clang::coro_disable_lifetimebound]]
#else
#define EXEUNT_CORO_TYPE
#define EXEUNT_CORO_LIFETIMEBOUND
#define EXEUNT_CORO_WRAPPER
#define EXEUNT_CORO_DISABLE_LIFETIMEBOUND
#endif

namespace exeunt::scheduler {

/// Prints "file:line: assertion failed: expression" on standard error and aborts.
[[noreturn]] EXEUNT_COLD void assertion_failed(const char* expression, const char* file,
                                               int line) noexcept;

}  // namespace exeunt::scheduler

/// EXEUNT_ASSERT(condition): a mistake of the programmer's, ours or the user's, ends the program
/// here with a line that names it. Off when NDEBUG is defined and EXEUNT_HARDENED is not; the
/// condition is then not evaluated, but still has to compile.
#if !defined(NDEBUG) || defined(EXEUNT_HARDENED)
#define EXEUNT_ASSERTIONS 1
#define EXEUNT_ASSERT(...)        \
    (EXEUNT_LIKELY((__VA_ARGS__)) \
         ? static_cast<void>(0)   \
         : ::exeunt::scheduler::assertion_failed(#__VA_ARGS__, __FILE__, __LINE__))
#else
#define EXEUNT_ASSERTIONS 0
#define EXEUNT_ASSERT(...) static_cast<void>(sizeof((__VA_ARGS__) ? 1 : 0))
#endif
