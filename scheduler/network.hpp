// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <queue>
#include <string>
#include <vector>

#include "exeunt/scheduler/network_settings.hpp"
#include "exeunt/scheduler/random.hpp"

struct iovec;

/// A network that exists in a simulation only: stream sockets of one host, whose packets take
/// virtual time, and whose failures come from the seed.
///
/// Its descriptors are numbers that the system never gives. What would be a system call on one of
/// them comes here (sockets.hpp, attempt.hpp), on the simulation's thread. Every call answers at
/// once, as of now: EAGAIN when it would have to wait. What happens later (a packet arrives, the
/// peer makes room) is an event with a time; deliver() brings what is due, and the poller that
/// waits for that socket hears of it.
namespace exeunt::scheduler {

struct operation;
class descriptor;
class simulated_poller;
class simulation;

class network {
 public:
    static constexpr std::int64_t never = INT64_MAX;
    /// Whether a descriptor's number is one of a simulation.
    static constexpr bool owns(int fd) noexcept { return fd >= first_number; }
    /// That of the simulation whose tasks this thread runs, or none.
    static network* current() noexcept;
    /// Makes one current, for a scope.
    class in_use {
     public:
        explicit in_use(network& n) noexcept;
        in_use(const in_use&) = delete;
        in_use& operator=(const in_use&) = delete;
        ~in_use();

     private:
        network* const before_;
    };

    network(simulation& world, const network_settings& settings, std::uint64_t seed);
    network(const network&) = delete;
    network& operator=(const network&) = delete;

    /// Descriptors of it that are still open are nobody's from now on.
    ~network();

    /// A record was made for one of its sockets.
    void adopted(int fd, descriptor& record) noexcept;

    // As the system calls of the same names; an error is a negated errno value.
    int open(int family);
    int pair(int (&both)[2]);
    int bind(int fd, const sockaddr* address, socklen_t size);
    int listen(int fd, int backlog);
    int accept(int fd, sockaddr* address, socklen_t* size);
    int connect(int fd, const sockaddr* address, socklen_t size);
    int name(int fd, sockaddr* address, socklen_t* size, bool of_peer);
    int shutdown(int fd, int how);
    int close(int fd);
    /// As the function of that name.
    std::int32_t attempt(const operation& op, int fd);

    /// From now on `home` is told when the socket may have become ready, as it is now to begin
    /// with.
    int watch(int fd, descriptor& d, simulated_poller& home);
    void unwatch(int fd) noexcept;

    /// When the next thing happens, or never.
    std::int64_t next_event() const noexcept { return due_.empty() ? never : due_.top().at; }
    /// What happens until now. Whether anybody was told.
    bool deliver();
    /// A number that stands for all that was moved and told so far.
    std::uint64_t course() const noexcept { return course_; }

 private:
    static constexpr int first_number = 1 << 30;
    static constexpr int nobody = -1;
    /// The number that a descriptor has when its network is no more.
    static constexpr int gone = INT32_MAX;
    /// After which a connect tries again, when the listener's backlog is full.
    static constexpr std::int64_t retry_ns = 1'000'000'000;

    struct socket_name {
        void set(const sockaddr* address, socklen_t length) noexcept;
        void set_unnamed(int family) noexcept;
        void copy_to(sockaddr* address, socklen_t* length) const noexcept;
        std::string key() const;
        int family() const noexcept { return bytes.ss_family; }
        sockaddr_storage bytes{};
        socklen_t size = 0;
    };

    struct packet {
        std::int64_t arrives = 0;
        std::vector<std::byte> bytes;
        std::size_t read = 0;
    };

    enum class state : std::uint8_t { fresh, bound, listening, connecting, connected };

    struct socket {
        int family = 0;
        state is = state::fresh;
        socket_name local;
        socket_name remote;
        int peer = nobody;
        // What comes from the peer.
        std::deque<packet> inbound;
        std::size_t unread = 0;  ///< in `inbound`, arrived or not
        std::int64_t last_arrival = 0;
        std::int64_t ends = never;    ///< the peer sends no more, from then on
        std::int64_t breaks = never;  ///< the connection is reset, from then on
        bool told_of_reset = false;
        bool reads_no_more = false;
        bool writes_no_more = false;
        // A connect that is under way.
        std::int64_t settles = never;
        int failure = 0;
        // A listener.
        std::deque<int> backlog;
        std::size_t most_waiting = 0;
        descriptor* record = nullptr;
        // Who is told.
        descriptor* watched = nullptr;
        simulated_poller* home = nullptr;
    };

    struct event {
        std::int64_t at;
        std::uint64_t order;
        int fd;
        bool knocks;  ///< a connect reaches the listener; else `fd` may have become ready
    };
    struct comes_later {
        bool operator()(const event& a, const event& b) const noexcept {
            return a.at != b.at ? a.at > b.at : a.order > b.order;
        }
    };

    std::int64_t now() const noexcept;
    std::int64_t latency() noexcept;
    /// So long from now.
    std::int64_t later(std::int64_t ns) const noexcept;
    bool chance(std::uint32_t one_in) noexcept { return one_in != 0 && random_.below(one_in) == 0; }
    socket* find(int fd) noexcept;
    int add(int family);
    void note(int fd, std::int64_t what) noexcept;
    std::int32_t answer(const operation& op, int fd);
    void at(std::int64_t when, int fd, bool knocks = false);
    std::int64_t arrival_at(socket& to) noexcept;

    int listener_for(const socket_name& wanted) const;
    bool is_taken(const socket_name& wanted);
    void take_port(socket& s);
    void knock(int fd);
    void end_sending(socket& s);
    void reset(int fd);
    std::int32_t receive(int fd, const iovec* into, std::size_t count, bool peek);
    std::int32_t send(int fd, const iovec* from, std::size_t count);
    std::int32_t poll(const socket& s, int wanted) const noexcept;
    std::size_t available(const socket& s) const noexcept;
    std::uint8_t ready(const socket& s, std::uint8_t& lasting) const noexcept;

    simulation& world_;
    network_settings settings_;
    xorshift random_;
    std::map<int, socket> sockets_;
    std::map<std::string, int> listeners_;
    int next_number_ = first_number;
    std::uint16_t next_port_ = 49'152;
    std::uint64_t next_order_ = 0;
    std::uint64_t course_ = 0;
    std::priority_queue<event, std::vector<event>, comes_later> due_;
};

}  // namespace exeunt::scheduler
