// SPDX-License-Identifier: BSL-1.0
#include <exeunt/io/signals.hpp>
#include <exeunt/scheduler/atomic.hpp>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <mutex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>

namespace exeunt {
namespace {

constexpr int last_signal = 64;
constexpr std::size_t max_listeners = 32;

/// Who wants signals, as the handler sees it.
struct listener {
    /// The pipe's end that is written to, or -1. Written under the registry's lock; read by the
    /// handler.
    atomic<int> writer{-1};
    /// Written under the lock before `writer`; read by the handler after it.
    atomic<std::uint64_t> mask{0};
};

struct registry {
    std::mutex lock;
    std::array<listener, max_listeners> listeners;
    std::array<unsigned, last_signal> users{};             ///< under the lock
    std::array<struct sigaction, last_signal> previous{};  ///< under the lock
    /// Threads inside the handler. Written by those; read by who stops listening.
    atomic<int> inside{0};
};

// Constant-initialised and never destroyed while a handler may run: it is installed only as long as
// some object listens.
registry all;

void handler(int number) {
    const int kept = errno;
    // seq_cst: in one order with the load of `writer` below, against stop_listening(), which first
    // clears `writer` and then waits until nobody is inside: a pipe that was seen here is still
    // open.
    all.inside.fetch_add(1, std::memory_order_seq_cst);
    for (listener& each : all.listeners) {
        // seq_cst: see above. Its acquire half pairs with the release half of the store that filled
        // the slot: the mask belongs to it.
        const int fd = each.writer.load(std::memory_order_seq_cst);
        const std::uint64_t mask = each.mask.load(std::memory_order_relaxed);
        if (fd < 0 || (mask >> (number - 1) & 1) == 0) continue;
        const auto byte = static_cast<unsigned char>(number);
        // A full pipe holds thousands of signals that nobody has asked for yet.
        while (::write(fd, &byte, 1) < 0 && errno == EINTR) {
        }
    }
    // release: pairs with the load in stop_listening(): the pipe is closed after the write.
    all.inside.fetch_sub(1, std::memory_order_release);
    errno = kept;
}

/// Under the lock. Returns an errno value.
int listen_to(int number) noexcept {
    const auto i = static_cast<std::size_t>(number - 1);
    if (all.users[i]++ != 0) return 0;
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigfillset(&action.sa_mask);
    if (::sigaction(number, &action, &all.previous[i]) == 0) return 0;
    all.users[i] = 0;
    return errno;
}

/// Under the lock.
void stop_listening_to(int number) noexcept {
    const auto i = static_cast<std::size_t>(number - 1);
    if (--all.users[i] == 0) static_cast<void>(::sigaction(number, &all.previous[i], nullptr));
}

}  // namespace

signals::signals(std::initializer_list<int> numbers) {
    for (const int number : numbers) {
        if (number < 1 || number > last_signal) {
            throw std::invalid_argument("signals: there is no signal " + std::to_string(number));
        }
    }
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC) < 0) {
        throw std::system_error(errno, std::system_category(), "cannot make a pipe for signals");
    }
    writer_ = ends[1];
    int error = 0;
    try {
        reader_ = scheduler::descriptor_handle(ends[0]);
    } catch (...) {
        ::close(writer_);
        throw;
    }
    {
        std::lock_guard hold(all.lock);
        for (std::size_t i = 0; i < max_listeners && slot_ < 0; ++i) {
            if (all.listeners[i].writer.load(std::memory_order_relaxed) < 0) {
                slot_ = static_cast<int>(i);
            }
        }
        if (slot_ < 0) error = EAGAIN;
        for (const int number : numbers) {
            const std::uint64_t bit = std::uint64_t{1} << (number - 1);
            if (error != 0 || (mask_ & bit) != 0) continue;
            error = listen_to(number);
            if (error == 0) mask_ |= bit;
        }
        if (slot_ >= 0) {
            listener& mine = all.listeners[static_cast<std::size_t>(slot_)];
            mine.mask.store(mask_, std::memory_order_relaxed);
            // seq_cst: its release half pairs with the load in handler().
            mine.writer.store(writer_, std::memory_order_seq_cst);
        }
    }
    if (error == 0) return;
    stop_listening();
    throw std::system_error(error, std::system_category(), "cannot listen to signals");
}

signals::~signals() {
    stop_listening();
}

void signals::stop_listening() noexcept {
    {
        std::lock_guard hold(all.lock);
        for (int number = 1; number <= last_signal; ++number) {
            if ((mask_ >> (number - 1) & 1) != 0) stop_listening_to(number);
        }
        if (slot_ >= 0) {
            // seq_cst: before the load of `inside` in the one order; see handler().
            all.listeners[static_cast<std::size_t>(slot_)].writer.store(-1,
                                                                        std::memory_order_seq_cst);
        }
    }
    // A handler that saw the pipe finishes first. seq_cst: see there; acquire pairs with its
    // release.
    while (all.inside.load(std::memory_order_seq_cst) != 0)
        std::this_thread::yield();
    ::close(writer_);
}

}  // namespace exeunt
