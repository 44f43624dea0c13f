// SPDX-License-Identifier: BSL-1.0
#include <exeunt/io/server.hpp>
#include <exeunt/runtime/hooks.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/timeout.hpp>
#include <exeunt/scheduler/sockets.hpp>
#include <exeunt/scheduler/worker.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace exeunt::core {
namespace {

using namespace std::chrono_literals;

constexpr auto longest_pause = 100ms;

/// Servers of the process, for hurry_servers().
struct server_list {
    std::mutex lock;
    server* first = nullptr;  // under the lock
};
server_list& servers() noexcept {
    static server_list& all = *new server_list;
    return all;
}

/// Out of something that connections will give back.
bool is_exhaustion(int error) noexcept {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/// Of one connection that has failed before it was accepted; Linux passes its errors on
/// (accept(2)).
bool is_passing(int error) noexcept {
    switch (error) {
        case EAGAIN:
        case ECONNABORTED:
        case ECONNRESET:
        case EHOSTDOWN:
        case EHOSTUNREACH:
        case EINTR:
        case ENETDOWN:
        case ENETUNREACH:
        case ENONET:
        case ENOPROTOOPT:
        case EOPNOTSUPP:
        case EPERM:
        case EPROTO:
        case ETIMEDOUT:
            return true;
        default:
            return false;
    }
}

bool peer_went_away(const std::error_code& error) noexcept {
    return error == std::errc::connection_reset || error == std::errc::broken_pipe ||
           error == std::errc::timed_out || error == std::errc::connection_aborted;
}

int open_reserve() noexcept {
    return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

}  // namespace

// ---------------------------------------------------------------------------- places, connections

server::place::place(server& s, semaphore::permit permit) noexcept
    : server_(&s), permit_(std::move(permit)) {}

void server::place::take() noexcept {
    std::lock_guard hold(server_->lock_);
    ++server_->taken_;
    counted_ = true;
    server_->counters_.began();
}

server::place::~place() {
    if (server_ != nullptr && counted_) server_->place_left();
}

void server::place_left() noexcept {
    counters_.ended();
    std::lock_guard hold(lock_);
    if (--taken_ == 0 && begun_to_drain_) drained_.set();
    if (!place_freed_.is_set()) place_freed_.set();
}

server::connection::connection(server& s, strand& runs_on, scheduler::descriptor& socket) noexcept
    : server_(s), strand_(runs_on), socket_(socket), generation_(socket.generation()) {
    std::lock_guard hold(s.lock_);
    next_ = s.first_;
    if (next_ != nullptr) next_->previous_ = this;
    s.first_ = this;
    if (s.begun_to_drain_) socket_.end_reading(generation_);
}

server::connection::~connection() {
    // Under the lock also for the sake of a watcher that cancels this very strand.
    std::lock_guard hold(server_.lock_);
    (previous_ != nullptr ? previous_->next_ : server_.first_) = next_;
    if (next_ != nullptr) next_->previous_ = previous_;
    if (server_.cursor_ == this) server_.cursor_ = next_;
}

// ---------------------------------------------------------------------------- the server

server::server(const serve_options& wanted)
    : options_(wanted), counters_(options_.metrics()), places_(options_.connections()) {
    if (options_.rejects_at_descriptor_limit()) reserve_ = open_reserve();
    std::lock_guard hold(servers().lock);
    next_server_ = servers().first;
    servers().first = this;
}

server::~server() {
    EXEUNT_ASSERT(first_ == nullptr && taken_ == 0);
    if (reserve_ >= 0) ::close(reserve_);
    std::lock_guard hold(servers().lock);
    server** at = &servers().first;
    while (*at != this)
        at = &(*at)->next_server_;
    *at = next_server_;
}

void server::accepted(scheduler::descriptor& socket) noexcept {
    counters_.accepted();
    if (watches_idle()) socket.note_waits();
    pause_ = 1ms;
    passing_errors_ = 0;
    // Somebody else may have taken the one that was given up for a moment.
    if (options_.rejects_at_descriptor_limit() && reserve_ < 0) reserve_ = open_reserve();
}

void server::failed(const std::exception_ptr& error) noexcept {
    counters_.error();
    if (options_.on_error()) return options_.on_error()(error);
    try {
        std::rethrow_exception(error);
    } catch (const std::system_error& e) {
        if (peer_went_away(e.code())) return;
    } catch (...) {
    }
    report_suppressed(error);
}

/// Takes one connection with the descriptor in reserve, and closes it.
bool server::reject_one(int listener) noexcept {
    if (reserve_ < 0) return false;
    ::close(reserve_);
    const int fd = scheduler::sockets::accept(listener);
    if (fd >= 0) {
        counters_.rejected();  // before the peer can know of it
        scheduler::sockets::close(fd);
    }
    reserve_ = open_reserve();
    return fd >= 0;
}

task<server::verdict> server::judge(std::error_code error, int listener) {
    const int number = error.value();
    if (number == EBADF || number == ECANCELED) co_return verdict::end;
    if (is_exhaustion(number)) {
        if (reject_one(listener)) co_return verdict::again;
        counters_.paused();
    } else if (!is_passing(number)) {
        throw std::system_error(error, "cannot accept connections");
    } else if (++passing_errors_ % 16 != 0) {
        co_return verdict::again;
    }
    place_freed_.reset();
    static_cast<void>(co_await move_on_after(pause_, place_freed_.wait()));
    pause_ = std::min<std::chrono::milliseconds>(2 * pause_, longest_pause);
    co_return verdict::again;
}

void server::begin_drain() noexcept {
    {
        std::lock_guard hold(lock_);
        begun_to_drain_ = true;
        if (taken_ == 0) drained_.set();
        // Who waits for a request need not wait until the end of the drain: none will come.
        for (connection* c = first_; c != nullptr; c = c->next_)
            c->socket_.end_reading(c->generation_);
    }
    draining_.set();
}

void server::hurry() noexcept {
    drained_.set();
}

task<> server::run_handlers() {
    const auto body = [this](group& g) { return supervise(g); };
    co_await with_group(body);
}

task<> server::supervise(group& g) {
    handlers = &g;
    if (watches_idle()) g.spawn([](server& s) { return s.watch_idle(); }, std::ref(*this));
    open.set();
    co_await draining_.wait();
    static_cast<void>(co_await move_on_after(options_.drain(), drained_.wait()));
    g.cancel();
}

// ---------------------------------------------------------------------------- idle connections

task<> server::watch_idle() {
    const std::chrono::nanoseconds longest = options_.idle_timeout();
    const auto interval = std::clamp<std::chrono::nanoseconds>(longest / 8, 1ms, 1s);
    for (;;) {
        co_await sleep(interval);
        connection* at = nullptr;
        {
            std::lock_guard hold(lock_);
            at = cursor_ = first_;
        }
        while (at != nullptr)
            look_for_idle(longest.count(), at);
    }
}

/// Looks at some connections from the cursor on; `at` becomes null after the last.
void server::look_for_idle(std::int64_t longest, connection*& at) noexcept {
    const std::int64_t now = scheduler::worker::current()->now();
    std::lock_guard hold(lock_);
    connection* c = cursor_;
    for (int i = 0; i < 256 && c != nullptr; ++i) {
        connection* const next = c->next_;
        const std::int64_t since = c->socket_.waiting_since();
        // The record may serve another connection, when the handler has closed its own.
        if (since >= 0 && now - since > longest && !c->timed_out_ &&
            c->socket_.generation() == c->generation_) {
            c->timed_out_ = true;
            counters_.timed_out();
            c->strand_.request_cancel();
        }
        c = next;
    }
    at = cursor_ = c;
}

void hurry_servers() noexcept {
    std::lock_guard hold(servers().lock);
    for (server* each = servers().first; each != nullptr; each = each->next_server_)
        each->hurry();
}

}  // namespace exeunt::core
