// SPDX-License-Identifier: BSL-1.0
#include "io_uring_poller.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <system_error>

#include "attempt.hpp"

#if EXEUNT_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace exeunt::scheduler {

namespace {

constexpr unsigned submission_entries = 256;
constexpr unsigned completion_entries = 4096;

/// Completions taken at once: the fairness bound on completions in a row.
constexpr int batch = 128;

// user_data is the operation's address, or one of these.
constexpr std::uint64_t of_a_cancel = 0;
constexpr std::uint64_t of_the_wake_event = 1;

/// operation::backend_state, beside the state: the ring waits for readiness, after which the call
/// is made here.
constexpr std::uint8_t by_readiness = 0x80;

/// Set-up flags from the best to what any kernel that has EXT_ARG takes. Each step drops what the
/// kernels before 6.1, 6.0, 5.19 and 5.18 do not know.
constexpr std::array<unsigned, 5> flag_ladder = {
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
        IORING_SETUP_SUBMIT_ALL,
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
        IORING_SETUP_SUBMIT_ALL,
    IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL,
    IORING_SETUP_SUBMIT_ALL,
    0,
};

/// EXT_ARG (5.11): waiting with a timeout. NODROP: completions are never lost. FAST_POLL: sockets
/// are waited for without a thread. RSRC_TAGS (5.13) stands for multishot polls, of the same age.
constexpr unsigned needed_features =
    IORING_FEAT_EXT_ARG | IORING_FEAT_NODROP | IORING_FEAT_FAST_POLL | IORING_FEAT_RSRC_TAGS;

/// liburing maps and unmaps its rings by system calls of its own, which ThreadSanitizer does not
/// see: when a ring gets the addresses of one that is gone, it would call that a race of their two
/// workers. The kernel has ordered them, and so this says.
struct order_of_rings {
#if EXEUNT_TSAN
    static void opened() noexcept {
        __tsan_acquire(&word);
    }
    static void closes() noexcept {
        __tsan_release(&word);
    }
    static inline char word;
#else
    static void opened() noexcept {}
    static void closes() noexcept {}
#endif
};

/// Returns the flags that the kernel took, without R_DISABLED, or a negated errno value.
int set_up(io_uring& ring) noexcept {
    int error = -EINVAL;
    for (const unsigned flags : flag_ladder) {
        io_uring_params parameters{};
        parameters.flags =
            flags | IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
        parameters.cq_entries = completion_entries;
        error = ::io_uring_queue_init_params(submission_entries, &ring, &parameters);
        if (error == -EINVAL) continue;
        if (error < 0) return error;
        if ((parameters.features & needed_features) == needed_features)
            return static_cast<int>(flags);
        ::io_uring_queue_exit(&ring);
        return -ENOSYS;
    }
    return error;
}

/// The kernel had no memory for a completion that did not fit into the ring. Its operation would
/// wait for ever, and nobody can say which one it is.
[[noreturn]] EXEUNT_COLD void completions_are_lost() noexcept {
    std::fputs(
        "exeunt: the kernel ran out of memory and has dropped completions of an io_uring; "
        "EXEUNT_EVENT_LOOP=epoll does without\n",
        stderr);
    std::abort();
}

/// Where operation::cancel_link lies in an operation.
std::ptrdiff_t cancel_link_offset() noexcept {
    static const std::ptrdiff_t offset = [] {
        operation any(nullptr);
        return reinterpret_cast<std::byte*>(&any.cancel_link) - reinterpret_cast<std::byte*>(&any);
    }();
    return offset;
}

operation& of_cancel_link(work_item& link) noexcept {
    return *reinterpret_cast<operation*>(reinterpret_cast<std::byte*>(&link) -
                                         cancel_link_offset());
}

/// Calls that are worth making directly when the descriptor is thought to be ready. A read or write
/// may block (a file), a connect always does.
bool may_be_tried(opcode code) noexcept {
    return code == opcode::receive || code == opcode::send || code == opcode::accept ||
           code == opcode::send_message || code == opcode::receive_message;
}

}  // namespace

// ---------------------------------------------------------------- set-up

io_uring_poller::io_uring_poller() {
    const int flags = set_up(ring_);
    if (flags < 0)
        throw std::system_error(-flags, std::system_category(), "cannot set up an io_uring");
    order_of_rings::opened();
    can_poll_first_ = (static_cast<unsigned>(flags) & IORING_SETUP_SINGLE_ISSUER) != 0;
}

io_uring_poller::~io_uring_poller() {
    EXEUNT_ASSERT(pending() == 0);
    order_of_rings::closes();
    ::io_uring_queue_exit(&ring_);
}

int io_uring_poller::probe() noexcept {
    try {
        io_uring_poller poller;
        operation nop(nullptr);
        (void)poller.submit(nop);
        while (poller.pending() != 0)
            (void)poller.poll(-1);
        if (nop.result < 0) return -nop.result;
        io_uring_probe* const known = ::io_uring_get_probe_ring(&poller.ring_);
        if (known == nullptr) return ENOSYS;
        bool all = true;
        for (const int code : {IORING_OP_READ, IORING_OP_WRITE, IORING_OP_RECV, IORING_OP_SEND,
                               IORING_OP_ACCEPT, IORING_OP_CONNECT, IORING_OP_SENDMSG,
                               IORING_OP_RECVMSG, IORING_OP_POLL_ADD, IORING_OP_ASYNC_CANCEL})
            all = all && ::io_uring_opcode_supported(known, code) != 0;
        ::io_uring_free_probe(known);
        return all ? 0 : ENOSYS;
    } catch (const std::system_error& error) {
        return error.code().value();
    }
}

bool io_uring_poller::on_owner_thread() const noexcept {
    return enabled_ && ::pthread_equal(owner_, ::pthread_self()) != 0;
}

void io_uring_poller::enable() noexcept {
    enabled_ = true;
    owner_ = ::pthread_self();
    // Raw: some builds of liburing do not export io_uring_enable_rings().
    [[maybe_unused]] const long error =
        ::syscall(SYS_io_uring_register, ring_.ring_fd, IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
    EXEUNT_ASSERT(error == 0);
    arm_wake_event();
}

// ---------------------------------------------------------------- what goes into the ring

io_uring_sqe& io_uring_poller::next_sqe() noexcept {
    for (;;) {
        if (io_uring_sqe* const sqe = ::io_uring_get_sqe(&ring_)) return *sqe;
        const int submitted = ::io_uring_submit(&ring_);
        if (submitted > 0 || submitted == -EINTR) continue;
        // EBUSY, EAGAIN: the kernel wants completions taken, or memory, first.
        (void)::io_uring_get_events(&ring_);
        reap();
    }
}

void io_uring_poller::arm_wake_event() noexcept {
    io_uring_sqe& sqe = next_sqe();
    ::io_uring_prep_poll_multishot(&sqe, wake_event_.descriptor(), POLLIN);
    sqe.user_data = of_the_wake_event;
}

void io_uring_poller::prepare(operation& op, bool drained) noexcept {
    io_uring_sqe& sqe = next_sqe();
    const int fd = op.target == nullptr ? -1 : op.target->fd();
    const std::uint64_t file_position = ~std::uint64_t{0};
    const auto message_flags = static_cast<unsigned>(op.flags);
    switch (op.code) {
        case opcode::nop:
            ::io_uring_prep_nop(&sqe);
            break;
        case opcode::read:
            ::io_uring_prep_read(&sqe, fd, op.buffer, op.length, file_position);
            break;
        case opcode::write:
            ::io_uring_prep_write(&sqe, fd, op.buffer, op.length, file_position);
            break;
        case opcode::receive:
            ::io_uring_prep_recv(&sqe, fd, op.buffer, op.length, op.flags);
            break;
        case opcode::send:
            ::io_uring_prep_send(&sqe, fd, op.buffer, op.length, op.flags | MSG_NOSIGNAL);
            break;
        case opcode::accept:
            ::io_uring_prep_accept(&sqe, fd, static_cast<sockaddr*>(op.address),
                                   op.address_length_out, SOCK_NONBLOCK | SOCK_CLOEXEC);
            break;
        case opcode::connect:
            ::io_uring_prep_connect(&sqe, fd, static_cast<const sockaddr*>(op.address), op.length);
            break;
        case opcode::send_message:
            ::io_uring_prep_sendmsg(&sqe, fd, static_cast<const msghdr*>(op.buffer),
                                    message_flags | MSG_NOSIGNAL);
            break;
        case opcode::receive_message:
            ::io_uring_prep_recvmsg(&sqe, fd, static_cast<msghdr*>(op.buffer),
                                    message_flags | MSG_CMSG_CLOEXEC);
            break;
        case opcode::poll:
            ::io_uring_prep_poll_add(&sqe, fd, message_flags);
            break;
    }
    if (drained && can_poll_first_ && may_be_tried(op.code) && op.code != opcode::accept)
        sqe.ioprio = IORING_RECVSEND_POLL_FIRST;
    sqe.user_data = reinterpret_cast<std::uintptr_t>(&op);
}

void io_uring_poller::prepare_wait_for_readiness(operation& op) noexcept {
    io_uring_sqe& sqe = next_sqe();
    const bool for_input = (descriptor::directions(op) & descriptor::in) != 0;
    ::io_uring_prep_poll_add(&sqe, op.target->fd(), for_input ? POLLIN : POLLOUT);
    sqe.user_data = reinterpret_cast<std::uintptr_t>(&op);
}

void io_uring_poller::prepare_cancel(operation& op) noexcept {
    io_uring_sqe& sqe = next_sqe();
    ::io_uring_prep_cancel(&sqe, &op, 0);
    sqe.user_data = of_a_cancel;
}

bool io_uring_poller::submit(operation& op) {
    if (EXEUNT_UNLIKELY(!enabled_)) enable();
    EXEUNT_ASSERT(on_owner_thread());
    EXEUNT_ASSERT(op.backend_state.load(std::memory_order_relaxed) == idle);
    op.owner = this;
    bool drained = false;
    if (EXEUNT_LIKELY(op.code != opcode::nop)) {
        EXEUNT_ASSERT(op.target != nullptr);
        descriptor& d = *op.target;
        std::lock_guard hold(d.lock_);
        if (EXEUNT_UNLIKELY(!d.serves(op))) {
            op.result = -EBADF;
            return true;
        }
        drained = (d.ready_ & descriptor::directions(op)) == 0;
        if (!drained && may_be_tried(op.code)) {
            // A call that succeeds costs less than a pass through the ring.
            const std::int32_t result = attempt(op, d.fd());
            d.conclude(op, result);
            if (result != -EAGAIN) {
                op.result = result;
                return true;
            }
            drained = true;
        }
        op.backend_state.store(in_kernel, std::memory_order_relaxed);
        ++d.in_flight_;
        d.append(op);
    }
    pending_.store(pending() + 1, std::memory_order_relaxed);
    prepare(op, drained);
    return false;
}

// ---------------------------------------------------------------- cancelling

/// The descriptor's lock is held, and the state is in_kernel. Any thread.
void io_uring_poller::request_cancel(operation& op) noexcept {
    const auto by = op.backend_state.load(std::memory_order_relaxed) & by_readiness;
    op.backend_state.store(static_cast<std::uint8_t>(cancel_queued | by),
                           std::memory_order_relaxed);
    cancels_.push(op.cancel_link);
    wake();
}

bool io_uring_poller::cancel(operation& op) {
    if (op.target == nullptr) return false;  // a nop
    // The record may serve another descriptor by now; then the operation is idle.
    descriptor& d = *op.target;
    {
        std::lock_guard hold(d.lock_);
        const std::uint8_t was = op.backend_state.load(std::memory_order_relaxed);
        if ((was & ~by_readiness) != in_kernel) return false;
        if (!on_owner_thread()) {
            request_cancel(op);
            return false;
        }
        op.backend_state.store(static_cast<std::uint8_t>(cancelling | (was & by_readiness)),
                               std::memory_order_relaxed);
    }
    prepare_cancel(op);
    return false;
}

void io_uring_poller::end_closed(operation& op) noexcept {
    const std::uint8_t was = op.backend_state.load(std::memory_order_relaxed);
    // Also on the owner's thread: a cancellation needs a free entry of the ring, and making room
    // for one may complete operations of this very descriptor, whose lock is held.
    if ((was & ~by_readiness) == in_kernel) request_cancel(op);
}

void io_uring_poller::take_cancels() noexcept {
    for (work_item* link = cancels_.take_all(); link != nullptr;) {
        work_item* const next = link->next;
        operation& op = of_cancel_link(*link);
        bool ended = false;
        {
            std::lock_guard hold(op.target->lock_);
            const std::uint8_t was = op.backend_state.load(std::memory_order_relaxed);
            ended = was == ended_but_queued;
            EXEUNT_ASSERT(ended || (was & ~by_readiness) == cancel_queued);
            op.backend_state.store(
                ended ? std::uint8_t{idle}
                      : static_cast<std::uint8_t>(cancelling | (was & by_readiness)),
                std::memory_order_relaxed);
        }
        if (ended)
            completed_.append(op);
        else
            prepare_cancel(op);
        link = next;
    }
}

// ---------------------------------------------------------------- what comes out of the ring

void io_uring_poller::complete(operation& op, std::int32_t result, std::uint32_t flags) noexcept {
    if (op.target == nullptr || op.code == opcode::nop) {
        pending_.store(pending() - 1, std::memory_order_relaxed);
        op.result = result;
        completed_.append(op);
        return;
    }
    descriptor& d = *op.target;
    d.lock_.lock();
    const std::uint8_t was = op.backend_state.load(std::memory_order_relaxed);
    const std::uint8_t base = was & static_cast<std::uint8_t>(~by_readiness);
    const bool ready_now = (was & by_readiness) != 0 && result >= 0;
    if (ready_now) {
        result = attempt(op, d.fd());
    } else if (EXEUNT_UNLIKELY(result == -ECANCELED && base == in_kernel) &&
               (may_be_tried(op.code) || op.code == opcode::connect)) {
        // Nobody has asked for it: the kernel gives up what it would hand to one of its threads
        // when signals keep it from making that thread. Nothing was moved. (What sockets do never
        // ends like this by itself; reading from a timerfd may.)
        result = -EAGAIN;
    }
    if (result == -EAGAIN) {
        // Some kernels hand EAGAIN through when the file is non-blocking: wait for readiness first.
        if (base != cancelling && !d.closed_) {
            op.backend_state.store(static_cast<std::uint8_t>(base | by_readiness),
                                   std::memory_order_relaxed);
            d.lock_.unlock();
            prepare_wait_for_readiness(op);
            return;
        }
        result = -ECANCELED;
    }
    if (d.closed_ && (result < 0 || (result == 0 && op.code != opcode::accept)))
        result = -ECANCELED;
    if (may_be_tried(op.code) && result > 0) {
        // What the next call will find.
        const std::uint8_t way = descriptor::directions(op);
        // Of a message the length is not known here: the next call will tell.
        const bool sent_all =
            op.code == opcode::send_message || static_cast<std::uint32_t>(result) == op.length;
        const bool more =
            way == descriptor::in ? (flags & IORING_CQE_F_SOCK_NONEMPTY) != 0 : sent_all;
        d.ready_ = static_cast<std::uint8_t>(more ? d.ready_ | way : d.ready_ & ~way);
    }
    op.result = result;
    d.remove(op);
    --d.in_flight_;
    const bool link_is_queued = base == cancel_queued;
    op.backend_state.store(link_is_queued ? ended_but_queued : idle, std::memory_order_relaxed);
    if (EXEUNT_UNLIKELY(d.closed_ && d.in_flight_ == 0))
        (void)::close(d.retire());
    else
        d.lock_.unlock();
    pending_.store(pending() - 1, std::memory_order_relaxed);
    if (!link_is_queued) completed_.append(op);
}

void io_uring_poller::reap() noexcept {
    for (int i = 0; i < batch; ++i) {
        io_uring_cqe* cqe = nullptr;
        unsigned head = 0;
        bool found = false;
        io_uring_for_each_cqe(&ring_, head, cqe) {
            found = true;
            break;
        }
        if (!found) return;
        // Copied and given back first: what follows may enter the ring, and come back here.
        const io_uring_cqe copy{cqe->user_data, cqe->res, cqe->flags};
        ::io_uring_cq_advance(&ring_, 1);
        if (copy.user_data == of_a_cancel) continue;
        if (copy.user_data != of_the_wake_event) {
            complete(*reinterpret_cast<operation*>(static_cast<std::uintptr_t>(copy.user_data)),
                     copy.res, copy.flags);
            continue;
        }
        wake_event_.acknowledge();
        woken_ = true;
        if ((copy.flags & IORING_CQE_F_MORE) == 0) arm_wake_event();
    }
}

void io_uring_poller::enter(std::int64_t timeout_ns) noexcept {
    int result = 0;
    if (timeout_ns == 0) {
        const unsigned kernel_flags = IO_URING_READ_ONCE(*ring_.sq.kflags);
        const bool due = (kernel_flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
        if (!due && ::io_uring_sq_ready(&ring_) == 0) return;
        result = ::io_uring_submit_and_get_events(&ring_);
    } else if (timeout_ns < 0) {
        result = ::io_uring_submit_and_wait(&ring_, 1);
    } else {
        __kernel_timespec limit{timeout_ns / 1'000'000'000, timeout_ns % 1'000'000'000};
        io_uring_cqe* first = nullptr;
        result = ::io_uring_submit_and_wait_timeout(&ring_, &first, 1, &limit, nullptr);
    }
    if (EXEUNT_UNLIKELY(result == -EBADR)) completions_are_lost();
    // What was not submitted (EBUSY, EAGAIN, EINTR) is still there for the next pass.
    EXEUNT_ASSERT(result >= 0 || result == -ETIME || result == -EINTR || result == -EBUSY ||
                  result == -EAGAIN);
}

operation* io_uring_poller::poll(std::int64_t timeout_ns) {
    if (EXEUNT_UNLIKELY(!enabled_)) enable();
    EXEUNT_ASSERT(on_owner_thread());
    if (!cancels_.empty()) take_cancels();
    // Making room in the ring may have taken completions out of it, the wake event's, too.
    if (woken_ || !completed_.empty() || ::io_uring_cq_ready(&ring_) != 0) timeout_ns = 0;
    enter(timeout_ns);
    reap();
    if (!cancels_.empty()) take_cancels();
    woken_ = false;
    return completed_.take();
}

}  // namespace exeunt::scheduler
