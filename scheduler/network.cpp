// SPDX-License-Identifier: BSL-1.0
#include "network.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <initializer_list>
#include <utility>

#include "exeunt/scheduler/descriptor.hpp"
#include "exeunt/scheduler/simulation.hpp"
#include "simulated_poller.hpp"

namespace exeunt::scheduler {
namespace {

thread_local network* in_use_here = nullptr;

/// The port of an internet address, where it has one.
in_port_t* port_of(sockaddr_storage& address) noexcept {
    switch (address.ss_family) {
        case AF_INET:
            return &reinterpret_cast<sockaddr_in&>(address).sin_port;
        case AF_INET6:
            return &reinterpret_cast<sockaddr_in6&>(address).sin6_port;
        default:
            return nullptr;
    }
}

/// The same port of all addresses of the host.
sockaddr_storage any_address(sockaddr_storage address) noexcept {
    if (address.ss_family == AF_INET)
        reinterpret_cast<sockaddr_in&>(address).sin_addr.s_addr = htonl(INADDR_ANY);
    if (address.ss_family == AF_INET6)
        reinterpret_cast<sockaddr_in6&>(address).sin6_addr = in6addr_any;
    return address;
}

/// Who connects to "all addresses" reaches the host itself.
sockaddr_storage reachable_address(sockaddr_storage address) noexcept {
    const sockaddr_storage any = any_address(address);
    if (std::memcmp(&any, &address, sizeof any) != 0) return address;
    if (address.ss_family == AF_INET)
        reinterpret_cast<sockaddr_in&>(address).sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (address.ss_family == AF_INET6)
        reinterpret_cast<sockaddr_in6&>(address).sin6_addr = in6addr_loopback;
    return address;
}

}  // namespace

network* network::current() noexcept {
    return in_use_here;
}
network::in_use::in_use(network& n) noexcept : before_(std::exchange(in_use_here, &n)) {}
network::in_use::~in_use() {
    in_use_here = before_;
}

network::network(simulation& world, const network_settings& settings, std::uint64_t seed)
    : world_(world), settings_(settings), random_(seed) {}

network::~network() {
    for (auto& [fd, s] : sockets_) {
        if (s.record != nullptr) s.record->leave_network(fd, gone);
    }
}

void network::adopted(int fd, descriptor& record) noexcept {
    if (socket* const s = find(fd)) s->record = &record;
}

// ---------------------------------------------------------------- names

void network::socket_name::set(const sockaddr* address, socklen_t length) noexcept {
    size = std::min<socklen_t>(length, sizeof bytes);
    std::memcpy(&bytes, address, size);
}

void network::socket_name::set_unnamed(int family) noexcept {
    bytes = {};
    bytes.ss_family = static_cast<sa_family_t>(family);
    size = sizeof bytes.ss_family;
}

void network::socket_name::copy_to(sockaddr* address, socklen_t* length) const noexcept {
    if (address == nullptr || length == nullptr) return;
    std::memcpy(address, &bytes, std::min(*length, size));
    *length = size;
}

std::string network::socket_name::key() const {
    const auto* const first = reinterpret_cast<const char*>(&bytes);
    return std::string(first, first + size);
}

/// The listener at that address; or at all addresses of its family, or of both.
int network::listener_for(const socket_name& wanted) const {
    socket_name any = wanted;
    any.bytes = any_address(wanted.bytes);
    socket_name any_of_both;
    any_of_both.bytes.ss_family = AF_INET6;
    any_of_both.size = sizeof(sockaddr_in6);
    if (in_port_t* const port = port_of(any.bytes)) *port_of(any_of_both.bytes) = *port;
    for (const socket_name* each :
         std::initializer_list<const socket_name*>{&wanted, &any, &any_of_both}) {
        const auto found = listeners_.find(each->key());
        if (found != listeners_.end()) return found->second;
    }
    return nobody;
}

/// Whether somebody listens there, or at all addresses of the port, or this is all of a port's.
bool network::is_taken(const socket_name& wanted) {
    socket_name any = wanted;
    any.bytes = any_address(wanted.bytes);
    const bool is_any = wanted.family() != AF_UNIX && any.key() == wanted.key();
    for (const auto& [key, fd] : listeners_) {
        socket_name theirs = find(fd)->local;
        if (key == wanted.key() || (wanted.family() != AF_UNIX && key == any.key())) return true;
        theirs.bytes = any_address(theirs.bytes);
        if (is_any && theirs.key() == any.key()) return true;
    }
    return false;
}

/// As the system does: one of the upper ports that nobody listens on.
void network::take_port(socket& s) {
    constexpr std::uint16_t first = 49'152;
    for (int left = 65'536 - first; left > 0; --left) {
        *port_of(s.local.bytes) = htons(next_port_);
        next_port_ = next_port_ == 65'535 ? first : static_cast<std::uint16_t>(next_port_ + 1);
        if (!is_taken(s.local)) return;
    }
}

// ---------------------------------------------------------------- time

std::int64_t network::now() const noexcept {
    return world_.now();
}

std::int64_t network::latency() noexcept {
    const std::int64_t spread = settings_.most_latency_ns - settings_.least_latency_ns;
    if (spread <= 0) return settings_.least_latency_ns;
    return settings_.least_latency_ns +
           static_cast<std::int64_t>(random_.next() % static_cast<std::uint64_t>(spread + 1));
}

std::int64_t network::later(std::int64_t ns) const noexcept {
    return now() > never - ns ? never : now() + ns;
}

/// When what is sent now reaches `to`: not before what was sent earlier.
std::int64_t network::arrival_at(socket& to) noexcept {
    to.last_arrival = std::max(to.last_arrival, later(latency()));
    return to.last_arrival;
}

void network::at(std::int64_t when, int fd, bool knocks) {
    due_.push(event{when, next_order_++, fd, knocks});
}

void network::note(int fd, std::int64_t what) noexcept {
    const auto place = static_cast<std::uint64_t>(fd - first_number) << 40;
    course_ = (course_ ^ place ^ static_cast<std::uint64_t>(what)) * 0x9e37'79b9'7f4a'7c15ULL;
    course_ ^= course_ >> 31;
}

bool network::deliver() {
    bool told = false;
    while (!due_.empty() && due_.top().at <= now()) {
        const event e = due_.top();
        due_.pop();
        if (e.knocks) knock(e.fd);
        socket* const s = find(e.fd);
        if (s == nullptr || s->watched == nullptr) continue;
        std::uint8_t lasting = 0;
        const std::uint8_t ways = ready(*s, lasting);
        if (ways == 0) continue;
        s->home->socket_ready(*s->watched, ways, lasting);
        note(e.fd, ways);
        told = true;
    }
    return told;
}

// ---------------------------------------------------------------- sockets

network::socket* network::find(int fd) noexcept {
    const auto found = sockets_.find(fd);
    return found == sockets_.end() ? nullptr : &found->second;
}

int network::add(int family) {
    const int fd = next_number_++;
    sockets_[fd].family = family;
    return fd;
}

int network::open(int family) {
    if (family != AF_INET && family != AF_INET6 && family != AF_UNIX) return -EAFNOSUPPORT;
    return add(family);
}

int network::pair(int (&both)[2]) {
    for (int& each : both)
        each = add(AF_UNIX);
    for (int i = 0; i < 2; ++i) {
        socket& s = *find(both[i]);
        s.is = state::connected;
        s.peer = both[1 - i];
    }
    return 0;
}

int network::bind(int fd, const sockaddr* address, socklen_t size) {
    socket* const s = find(fd);
    if (s == nullptr) return -EBADF;
    if (s->is != state::fresh) return -EINVAL;
    s->local.set(address, size);
    if (in_port_t* const port = port_of(s->local.bytes); port != nullptr && *port == 0)
        take_port(*s);
    if (is_taken(s->local)) return -EADDRINUSE;
    s->is = state::bound;
    return 0;
}

int network::listen(int fd, int backlog) {
    socket* const s = find(fd);
    if (s == nullptr) return -EBADF;
    if (s->is != state::bound) return -EINVAL;
    if (is_taken(s->local)) return -EADDRINUSE;
    listeners_.emplace(s->local.key(), fd);
    s->is = state::listening;
    s->most_waiting = static_cast<std::size_t>(std::max(backlog, 1));
    return 0;
}

int network::accept(int fd, sockaddr* address, socklen_t* size) {
    socket* const s = find(fd);
    if (s == nullptr) return -EBADF;
    if (s->is != state::listening) return -EINVAL;
    if (s->backlog.empty()) return -EAGAIN;
    if (chance(settings_.failures)) {
        if (random_.below(2) == 0) return -EMFILE;
        const int lost = s->backlog.front();
        s->backlog.pop_front();
        close(lost);
        return -ECONNABORTED;
    }
    const int taken = s->backlog.front();
    s->backlog.pop_front();
    find(taken)->remote.copy_to(address, size);
    return taken;
}

int network::connect(int fd, const sockaddr* address, socklen_t size) {
    socket* const s = find(fd);
    if (s == nullptr) return -EBADF;
    switch (s->is) {
        case state::listening:
            return -EINVAL;
        case state::connected:
            return -EISCONN;
        case state::connecting:
            if (s->settles > now()) return -EAGAIN;
            if (s->failure != 0) return -s->failure;
            s->is = state::connected;
            return 0;
        case state::fresh:
        case state::bound:
            break;
    }
    s->is = state::connecting;
    s->remote.set(address, size);
    s->remote.bytes = reachable_address(s->remote.bytes);
    if (s->local.size == 0 && s->family != AF_UNIX) {
        s->local = s->remote;
        take_port(*s);
    }
    at(later(latency()), fd, true);
    return -EAGAIN;
}

/// A connect has reached the host that it is for.
void network::knock(int fd) {
    socket* const client = find(fd);
    if (client == nullptr || client->is != state::connecting) return;
    const int at_listener = listener_for(client->remote);
    socket* const listener = find(at_listener);
    const bool full = listener != nullptr && listener->backlog.size() >= listener->most_waiting;
    if (full && client->family != AF_UNIX) {
        at(now() + retry_ns, fd, true);  // nobody answers: the client knocks again
        return;
    }
    client->settles = later(latency());
    at(client->settles, fd);
    if (listener == nullptr || full) {
        client->failure = listener == nullptr && client->family == AF_UNIX ? ENOENT : ECONNREFUSED;
        return;
    }
    if (chance(settings_.failures)) {
        client->failure = ETIMEDOUT;
        return;
    }
    const int served = add(client->family);  // leaves the others where they are
    socket& server = *find(served);
    server.is = state::connected;
    server.local = client->remote;
    server.remote = client->local;
    if (server.remote.size == 0) server.remote.set_unnamed(client->family);
    server.peer = fd;
    client->peer = served;
    client->last_arrival = client->settles;
    listener->backlog.push_back(served);
    at(now(), at_listener);
}

int network::name(int fd, sockaddr* address, socklen_t* size, bool of_peer) {
    socket* const s = find(fd);
    if (s == nullptr) return -EBADF;
    if (of_peer && s->is != state::connected) return -ENOTCONN;
    socket_name& asked = of_peer ? s->remote : s->local;
    if (asked.size == 0) asked.set_unnamed(s->family);
    asked.copy_to(address, size);
    return 0;
}

int network::shutdown(int fd, int how) {
    socket* const s = find(fd);
    if (s == nullptr) return -EBADF;
    if (s->is != state::connected) return -ENOTCONN;
    if (how != SHUT_WR) {
        s->reads_no_more = true;
        at(now(), fd);
    }
    if (how != SHUT_RD && !s->writes_no_more) {
        at(now(), fd);
        end_sending(*s);
    }
    return 0;
}

void network::end_sending(socket& s) {
    s.writes_no_more = true;
    if (socket* const peer = find(s.peer)) {
        peer->ends = arrival_at(*peer);
        at(peer->ends, s.peer);
    }
}

/// The socket learns at once that its connection is no more, its peer when the packet arrives.
void network::reset(int fd) {
    socket& s = *find(fd);
    s.breaks = std::min(s.breaks, now());
    at(now(), fd);
    while (!s.inbound.empty() && s.inbound.back().arrives > now()) {
        s.unread -= s.inbound.back().bytes.size();
        s.inbound.pop_back();
    }
    if (socket* const peer = find(s.peer)) {
        peer->breaks = std::min(peer->breaks, arrival_at(*peer));
        at(peer->breaks, s.peer);
        peer->peer = nobody;
    }
    s.peer = nobody;
}

int network::close(int fd) {
    socket* const s = find(fd);
    if (s == nullptr) return -EBADF;
    if (s->is == state::listening) {
        listeners_.erase(s->local.key());
        for (const int each : std::exchange(s->backlog, {})) {
            reset(each);
            sockets_.erase(each);
        }
    } else if (s->peer != nobody) {
        // As TCP: who closes without having read all that was sent to it resets the connection.
        if (s->unread != 0) {
            reset(fd);
        } else {
            if (!s->writes_no_more) end_sending(*s);
            if (socket* const peer = find(s->peer)) peer->peer = nobody;
        }
    }
    sockets_.erase(fd);
    return 0;
}

}  // namespace exeunt::scheduler
