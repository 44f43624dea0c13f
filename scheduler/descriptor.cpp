// SPDX-License-Identifier: BSL-1.0
#include "exeunt/scheduler/descriptor.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <mutex>
#include <system_error>

#include "attempt.hpp"
#include "descriptor_poller.hpp"
#include "descriptor_pool.hpp"
#include "exeunt/scheduler/sockets.hpp"
#include "network.hpp"
#include "readiness_poller.hpp"

namespace exeunt::scheduler {

// ---------------------------------------------------------------- the pool

descriptor_pool& descriptor_pool::instance() {
    static descriptor_pool* const pool = new descriptor_pool;
    return *pool;
}

descriptor& descriptor_pool::take(int fd, descriptor_kind kind) {
    std::unique_lock holds_pool(lock_);
    while (EXEUNT_UNLIKELY(free_ == nullptr)) {
        holds_pool.unlock();
        std::unique_ptr<descriptor[]> block(new descriptor[block_size]);
        holds_pool.lock();
        blocks_.push_back(block.get());
        for (std::size_t i = 0; i < block_size; ++i) {
            block[i].closed_ = true;
            give_locked(block[i]);
        }
        block.release();
    }
    descriptor& record = *free_;
    free_ = record.next_free_;
    holds_pool.unlock();

    // A stale event or a late cancellation may be looking at the record.
    std::lock_guard hold(record.lock_);
    EXEUNT_ASSERT(record.closed_ && record.first_ == nullptr && record.in_flight_ == 0);
    record.fd_.store(fd, std::memory_order_relaxed);
    // release: pairs with the acquire in generation(). The handle that had it was cleared before.
    record.generation_.store(record.generation() + 1, std::memory_order_release);
    record.waiting_since_.store(descriptor::not_noted, std::memory_order_relaxed);
    record.kind_ = kind;
    record.closed_ = false;
    record.ready_ = descriptor::both;
    record.stays_ready_ = descriptor::none;
    if (network* const n = network::owns(fd) ? network::current() : nullptr) n->adopted(fd, record);
    return record;
}

void descriptor_pool::give(descriptor& record) noexcept {
    std::lock_guard hold(lock_);
    give_locked(record);
}

void descriptor_pool::give_locked(descriptor& record) noexcept {
    record.next_free_ = free_;
    free_ = &record;
}

// ---------------------------------------------------------------- the record

std::uint8_t descriptor::directions(const operation& op) noexcept {
    switch (op.code) {
        case opcode::nop:
            return none;
        case opcode::read:
        case opcode::receive:
        case opcode::receive_message:
        case opcode::accept:
            return in;
        case opcode::write:
        case opcode::send:
        case opcode::send_message:
        case opcode::connect:
            return out;
        case opcode::poll:
            break;
    }
    return static_cast<std::uint8_t>(((op.flags & ~POLLOUT) != 0 ? in : none) |
                                     ((op.flags & POLLOUT) != 0 ? out : none));
}

bool descriptor::serves(const operation& op) const noexcept {
    return !closed_ && (op.generation == 0 || op.generation == generation());
}

void descriptor::append(operation& op) noexcept {
    op.next = nullptr;
    if (last_ != nullptr)
        last_->next = &op;
    else
        first_ = &op;
    last_ = &op;
}

void descriptor::remove(operation& op) noexcept {
    operation* before = nullptr;
    for (operation* at = first_; at != &op; at = static_cast<operation*>(at->next)) {
        EXEUNT_ASSERT(at != nullptr);
        before = at;
    }
    operation* const after = static_cast<operation*>(op.next);
    if (before != nullptr)
        before->next = after;
    else
        first_ = after;
    if (last_ == &op) last_ = before;
}

void descriptor::conclude(const operation& op, std::int32_t result) noexcept {
    const std::uint8_t way = directions(op);
    bool drained = result == -EAGAIN && way != both;
    // TCP's own promise, which Unix sockets, terminals and packets do not make. MSG_PEEK and the
    // like are not transfers. What ends a TCP receive early with more behind it (urgent data, the
    // peer's end) is reported by an event of its own, and then lasts: see stays_ready_.
    if (kind_ == descriptor_kind::tcp_stream && result > 0 &&
        (op.code == opcode::receive || op.code == opcode::send) && op.flags == 0)
        drained = static_cast<std::uint32_t>(result) < op.length;
    if (drained) ready_ = static_cast<std::uint8_t>((ready_ & ~way) | stays_ready_);
}

bool descriptor::may_hide_bytes(const operation& op) const noexcept {
    const bool receives =
        op.code == opcode::receive || op.code == opcode::receive_message || op.code == opcode::read;
    return kind_ == descriptor_kind::tcp_stream && (stays_ready_ & in) != 0 && receives &&
           (op.flags & (MSG_OOB | MSG_ERRQUEUE)) == 0;
}

std::int32_t descriptor::try_now(const operation& op) noexcept {
    std::int32_t result = attempt(op, fd());
    // Before it passes over urgent data, Linux's recv() looks whether a signal is pending for the
    // thread (or other work: io_uring uses the same flag), and says EAGAIN then, whatever lies
    // behind. No event would tell of it again. Each time takes a signal of its own, so what goes on
    // like this is something else, such as a peek beyond the last byte.
    constexpr int most_tries = 100;
    for (int i = 0; i < most_tries && EXEUNT_UNLIKELY(result == -EAGAIN) && may_hide_bytes(op);
         ++i) {
        pollfd entry{fd(), POLLIN, 0};
        if (::poll(&entry, 1, 0) == 0 || (entry.revents & POLLIN) == 0) break;
        result = attempt(op, fd());
    }
    conclude(op, result);
    return result;
}

int descriptor::retire() noexcept {
    EXEUNT_ASSERT(first_ == nullptr && in_flight_ == 0 && home_ == nullptr);
    const int fd = fd_.load(std::memory_order_relaxed);
    fd_.store(-1, std::memory_order_relaxed);
    closed_ = true;
    lock_.unlock();
    descriptor_pool::instance().give(*this);
    return fd;
}

void descriptor::close() noexcept {
    lock_.lock();
    EXEUNT_ASSERT(!closed_);
    closed_ = true;
    if (home_ != nullptr) home_->unwatch(*this);
    // Some leave the list at once (those that wait for readiness), some by their completion.
    for (operation* op = first_; op != nullptr;) {
        operation* const next = static_cast<operation*>(op->next);
        static_cast<descriptor_poller*>(op->owner)->end_closed(*op);
        op = next;
    }
    home_ = nullptr;
    if (in_flight_ == 0) {
        // After the lock: a close may wait (SO_LINGER), and the number is nobody's any more.
        // The result is of no use: EINTR, too, has closed it.
        (void)sockets::close(retire());
        return;
    }
    // The ring holds on to the file; the peer should not have to wait for that.
    (void)::shutdown(fd(), SHUT_RDWR);
    lock_.unlock();
}

void descriptor::end_reading(std::uint32_t generation) noexcept {
    // Under the lock, so that the number is still this socket's.
    std::lock_guard hold(lock_);
    if (closed_ || this->generation() != generation) return;
    (void)sockets::shutdown(fd(), SHUT_RD);  // fails where the peer has gone, and that is as good
}

void descriptor::leave_network(int fd, int gone) noexcept {
    std::lock_guard hold(lock_);
    if (!closed_ && fd_.load(std::memory_order_relaxed) == fd)
        fd_.store(gone, std::memory_order_relaxed);
}

int descriptor::release() noexcept {
    lock_.lock();
    EXEUNT_ASSERT(!closed_ && first_ == nullptr && in_flight_ == 0);
    if (home_ != nullptr) home_->unwatch(*this);
    home_ = nullptr;
    return retire();
}

// ---------------------------------------------------------------- the handle

descriptor_handle::descriptor_handle(int fd, descriptor_kind kind) {
    EXEUNT_ASSERT(fd >= 0);
    try {
        record_.store(&descriptor_pool::instance().take(fd, kind), std::memory_order_relaxed);
    } catch (...) {
        (void)sockets::close(fd);
        throw;
    }
}

descriptor_handle descriptor_handle::adopt(int fd, descriptor_kind kind) {
    const int status = ::fcntl(fd, F_GETFL);
    const int flags = ::fcntl(fd, F_GETFD);
    if (status < 0 || flags < 0 || ::fcntl(fd, F_SETFL, status | O_NONBLOCK) < 0 ||
        ::fcntl(fd, F_SETFD, flags | FD_CLOEXEC) < 0)
        throw std::system_error(errno, std::system_category(),
                                "cannot make a file descriptor non-blocking");
    return descriptor_handle(fd, kind);
}

void descriptor_handle::close() noexcept {
    if (descriptor* const record = take()) record->close();
}

int descriptor_handle::release() noexcept {
    descriptor* const record = take();
    return record == nullptr ? -1 : record->release();
}

}  // namespace exeunt::scheduler
