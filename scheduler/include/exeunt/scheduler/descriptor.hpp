// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

#include "exeunt/scheduler/atomic.hpp"
#include "exeunt/scheduler/config.hpp"
#include "exeunt/scheduler/short_lock.hpp"

/// File descriptors as the pollers see them.
///
///     descriptor_handle socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
///                              descriptor_kind::tcp_stream);
///     op.target = socket.get();
///
/// A `descriptor` is the record of one open file descriptor: its number, the operations that wait
/// for it and what the event loop knows of its readiness. Its memory is type-stable: a record that
/// is no longer used serves a later descriptor, but is never given back. So an event that the
/// kernel reported just before a close, or a cancellation that comes late, looks at a record that
/// may have changed its owner, but never at freed memory; and what it finds there is checked under
/// the record's lock. The worst that a stale event does is one futile system call.
///
/// A `descriptor_handle` owns one: it closes the descriptor at its end of life. It may be made
/// before, and outlive, every runtime and poller.

namespace exeunt::scheduler {

struct operation;
class descriptor_pool;
class readiness_poller;
class io_uring_poller;

/// What a poller may conclude from a short transfer.
enum class descriptor_kind : std::uint8_t {
    other,
    /// A connected TCP socket: a receive or send that moved less than was asked for has emptied or
    /// filled the kernel's buffer, so the next one waits for readiness instead of trying first.
    tcp_stream,
};

/// The record of one open file descriptor; see above. Made and ended by descriptor_handle.
class alignas(EXEUNT_CACHE_LINE) descriptor {
 public:
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;

    /// The number, or -1 once it was closed.
    int fd() const noexcept { return fd_.load(std::memory_order_relaxed); }

    // For watching how long somebody has been waiting to read: see waiting_since().
    // Times are those of the event loop's clock.

    /// Counts the descriptors that this record has served; tells a successor from the one meant.
    std::uint32_t generation() const noexcept {
        // acquire: pairs with the release in descriptor_pool::take(); see
        // descriptor_handle::reference().
        return generation_.load(std::memory_order_acquire);
    }

    /// Ends the reading of a socket, unless the record serves another descriptor by now: reads,
    /// also those that wait, give what has arrived and then the end of the stream. Any thread.
    void end_reading(std::uint32_t generation) noexcept;

    /// From now on waits are noted.
    void note_waits() noexcept { waiting_since_.store(not_waiting, std::memory_order_relaxed); }
    bool notes_waits() const noexcept {
        return waiting_since_.load(std::memory_order_relaxed) != not_noted;
    }
    void begin_wait(std::int64_t now) noexcept {
        waiting_since_.store(now, std::memory_order_relaxed);
    }
    /// `began`: what begin_wait() was given. The record may serve another descriptor by now.
    void end_wait(std::int64_t began) noexcept {
        waiting_since_.compare_exchange_strong(began, not_waiting, std::memory_order_relaxed);
    }
    /// When the present wait began; `not_waiting` or `not_noted` (both negative) without one.
    std::int64_t waiting_since() const noexcept {
        return waiting_since_.load(std::memory_order_relaxed);
    }
    static constexpr std::int64_t not_waiting = -1;
    static constexpr std::int64_t not_noted = -2;

    /// The network of a simulation is no more: the record's number is `gone` from now on, if it was
    /// `fd`.
    void leave_network(int fd, int gone) noexcept;

    // ---------------------------------------------------------------- implementation
 private:
    friend class descriptor_handle;
    friend class descriptor_pool;
    friend class readiness_poller;
    friend class io_uring_poller;

    descriptor() = default;

    /// The directions in which a descriptor can be ready, and an operation can wait.
    enum direction : std::uint8_t {
        none = 0,
        in = 1,   // readable, or a peer to accept
        out = 2,  // writable, or connected
        both = in | out,
    };
    static std::uint8_t directions(const operation& op) noexcept;

    /// Under the lock: whether it is open, and the one that `op` was made for.
    bool serves(const operation& op) const noexcept;

    // The lock is held when these are called; retire() releases it.
    void append(operation& op) noexcept;
    void remove(operation& op) noexcept;
    /// Makes the call that `op` stands for, see attempt(); concludes from it.
    std::int32_t try_now(const operation& op) noexcept;
    /// Whether "would block" may be said of `op` although bytes have arrived.
    bool may_hide_bytes(const operation& op) const noexcept;
    /// After an attempt of `op`: in which directions there is nothing more to be had.
    void conclude(const operation& op, std::int32_t result) noexcept;
    /// Gives the record back. Returns the number, which is still open.
    int retire() noexcept;

    void close() noexcept;
    int release() noexcept;

    /// Guards everything below. Held over one non-blocking system call (and, at urgent data, a few
    /// more that ask whether it has said the truth): whoever contends for it uses the same
    /// descriptor at the same moment, and would meet the kernel's lock of the same socket next.
    short_lock lock_;
    /// Written under the lock; read by anyone.
    atomic<int> fd_{-1};
    /// Written under the lock; read by anyone.
    atomic<std::uint32_t> generation_{0};
    descriptor_kind kind_ = descriptor_kind::other;
    bool closed_ = false;
    /// Directions in which a call is worth trying; for a registered descriptor of a readiness
    /// poller, a direction that is missing here would certainly block.
    std::uint8_t ready_ = both;
    /// Directions that never again count as drained: the peer has closed, an error is pending, or
    /// urgent data has come.
    std::uint8_t stays_ready_ = 0;
    /// Operations inside the kernel's ring: they name the descriptor by number, so the number is
    /// closed only after they have ended.
    std::uint32_t in_flight_ = 0;
    /// The readiness poller with which the descriptor is registered.
    readiness_poller* home_ = nullptr;
    /// Operations that wait, oldest first, linked by `next`.
    operation* first_ = nullptr;
    operation* last_ = nullptr;
    descriptor* next_free_ = nullptr;
    /// Written by who waits; read by who watches. Orders nothing.
    atomic<std::int64_t> waiting_since_{not_noted};
};

static_assert(sizeof(descriptor) == EXEUNT_CACHE_LINE, "a record is one cache line, no more");

/// A record, and which of the descriptors is meant that it serves one after another.
struct descriptor_reference {
    constexpr descriptor_reference() noexcept {}
    constexpr descriptor_reference(descriptor* r, std::uint32_t of_it) noexcept
        : record(r), generation(of_it) {}
    descriptor* record = nullptr;
    std::uint32_t generation = 0;
};
static_assert(!std::is_aggregate_v<descriptor_reference>);

/// Owns an open descriptor. A pointer in size. Movable. close() and reference() from any thread;
/// everything else is not thread-safe.
class descriptor_handle {
 public:
    descriptor_handle() noexcept = default;
    /// Takes over `fd`, which is open, non-blocking and close-on-exec. Throws std::bad_alloc, and
    /// has then closed `fd`.
    explicit descriptor_handle(int fd, descriptor_kind kind = descriptor_kind::other);
    descriptor_handle(descriptor_handle&& other) noexcept : record_(other.take()) {}
    descriptor_handle& operator=(descriptor_handle&& other) noexcept {
        if (this != &other) {
            close();
            record_.store(other.take(), std::memory_order_relaxed);
        }
        return *this;
    }
    ~descriptor_handle() { close(); }

    /// Sets O_NONBLOCK and FD_CLOEXEC on `fd` and takes it over. Throws std::system_error (`fd` is
    /// then still the caller's).
    static descriptor_handle adopt(int fd, descriptor_kind kind = descriptor_kind::other);

    /// Closes. Operations that are pending complete with -ECANCELED, those that have moved bytes
    /// already with their result. An operation that is given to io_uring keeps the number open
    /// until it has ended, which it does as soon as its worker polls; the socket is shut down at
    /// once. Does nothing when there is nothing to close.
    void close() noexcept;

    /// Gives up the ownership and returns the number; -1 if there is none. No operation is pending.
    int release() noexcept;

    explicit operator bool() const noexcept { return get() != nullptr; }
    int fd() const noexcept {
        const descriptor* record = get();
        return record == nullptr ? -1 : record->fd();
    }
    /// What operation::target points to: stable until close().
    descriptor* get() const noexcept { return record_.load(std::memory_order_relaxed); }
    /// The same with its generation, for an operation that may be submitted after a close().
    descriptor_reference reference() const noexcept {
        for (;;) {
            descriptor* const record = get();
            if (record == nullptr) return descriptor_reference();
            const std::uint32_t generation = record->generation();
            // The generation was another descriptor's, if somebody has closed this one meanwhile:
            // its acquire load has then seen what take() stored.
            if (get() == record) return descriptor_reference(record, generation);
        }
    }

 private:
    /// relaxed: what another thread may learn from it is ordered by the record's generation, whose
    /// release store comes after this.
    descriptor* take() noexcept { return record_.exchange(nullptr, std::memory_order_relaxed); }

    /// Set by the owner, cleared by whoever closes; read by those who begin operations.
    atomic<descriptor*> record_{nullptr};
};

}  // namespace exeunt::scheduler
