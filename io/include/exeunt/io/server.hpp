// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/io/serve_options.hpp>
#include <exeunt/runtime/event.hpp>
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/semaphore.hpp>
#include <exeunt/runtime/strand.hpp>
#include <exeunt/runtime/task.hpp>
#include <exeunt/scheduler/descriptor.hpp>
#include <exeunt/scheduler/lean_std.hpp>

#include <cstddef>
#include <system_error>
#include <utility>

/// The part of serve() that does not depend on the kind of stream.
namespace exeunt {

/// The only one that writes serve_metrics.
class server_counters {
 public:
    explicit server_counters(serve_metrics* shared) noexcept
        : counts_(shared != nullptr ? *shared : own_) {}
    void accepted() noexcept { add(counts_.accepted_, 1); }
    void began() noexcept { add(counts_.active_, 1); }
    void ended() noexcept { counts_.active_.fetch_sub(1, std::memory_order_relaxed); }
    void rejected() noexcept { add(counts_.rejected_, 1); }
    void error() noexcept { add(counts_.errors_, 1); }
    void timed_out() noexcept { add(counts_.timed_out_, 1); }
    void paused() noexcept { add(counts_.pauses_, 1); }

 private:
    static void add(atomic<std::uint64_t>& count, std::uint64_t n) noexcept {
        count.fetch_add(n, std::memory_order_relaxed);
    }
    serve_metrics own_;
    serve_metrics& counts_;
};

namespace core {

/// `strand& s = co_await this_strand();`
class this_strand {
 public:
    this_strand() noexcept {}
    bool await_ready() const noexcept { return false; }
    template <strand_promise Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
        strand_ = self.promise().strand;
        return false;
    }
    strand& await_resume() const noexcept { return *strand_; }

 private:
    strand* strand_ = nullptr;
};

/// One serve() call: its connections, and how they end.
class server {
 public:
    explicit server(const serve_options& wanted);
    ~server();
    server(const server&) = delete;
    server& operator=(const server&) = delete;

    /// A connection's place among those that are served; from before the accept to the end of the
    /// handler.
    class place {
     public:
        place(server& s, semaphore::permit permit) noexcept;
        place(place&& other) noexcept
            : server_(std::exchange(other.server_, nullptr)),
              counted_(other.counted_),
              permit_(std::move(other.permit_)) {}
        place& operator=(place&&) = delete;
        ~place();
        /// It is taken now: there is a connection.
        void take() noexcept;

     private:
        server* server_;
        bool counted_ = false;
        semaphore::permit permit_;
    };

    /// A handler that runs; a local variable of its coroutine.
    class connection {
     public:
        connection(server& s, strand& runs_on, scheduler::descriptor& socket) noexcept;
        ~connection();
        connection(const connection&) = delete;
        connection& operator=(const connection&) = delete;

     private:
        friend class server;
        server& server_;
        strand& strand_;
        scheduler::descriptor& socket_;
        std::uint32_t generation_;
        bool timed_out_ = false;
        connection* next_ = nullptr;
        connection* previous_ = nullptr;
    };

    /// What to do after an accept.
    enum class verdict { serve, again, end };
    /// Looks at the outcome of an accept on `listener` and waits where that has to be paused.
    /// Errors: std::system_error when accepting can never succeed.
    task<verdict> judge(std::error_code error, int listener);

    /// Runs the group of the handlers until begin_drain() was called and all have ended or been
    /// cancelled.
    task<> run_handlers();
    /// No more connections come.
    void begin_drain() noexcept;
    /// The drain ends at once, now or when it begins.
    void hurry() noexcept;
    /// A connection was accepted.
    void accepted(scheduler::descriptor& socket) noexcept;
    /// The handler of a connection has failed.
    void failed(const std::exception_ptr& error) noexcept;

    semaphore& places() noexcept { return places_; }

    /// Set once `handlers` may be used.
    event open;
    group* handlers = nullptr;

 private:
    bool watches_idle() const noexcept { return options_.idle_timeout().count() > 0; }
    task<> supervise(group& g);
    task<> watch_idle();
    void look_for_idle(std::int64_t longest, connection*& at) noexcept;
    bool reject_one(int listener) noexcept;
    void place_left() noexcept;

    const serve_options options_;
    server_counters counters_;
    semaphore places_;
    event draining_;
    event drained_;
    event place_freed_;
    std::chrono::milliseconds pause_{1};  ///< the next one; of the accepting task
    int passing_errors_ = 0;              ///< in a row; of the accepting task
    int reserve_ = -1;                    ///< a descriptor that can be spared

    std::mutex lock_;
    std::size_t taken_ = 0;         ///< places; under lock_
    bool begun_to_drain_ = false;   ///< under lock_
    connection* first_ = nullptr;   ///< under lock_
    connection* cursor_ = nullptr;  ///< of look_for_idle(); under lock_

    friend void hurry_servers() noexcept;
    server* next_server_ = nullptr;  ///< of all in the process
};

/// The drain of every server in the process ends at once.
void hurry_servers() noexcept;

}  // namespace core
}  // namespace exeunt
