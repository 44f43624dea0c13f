// SPDX-License-Identifier: BSL-1.0
// What moves through the network of a simulation, and what its sockets are ready for.
#include <poll.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "exeunt/scheduler/operation.hpp"
#include "network.hpp"
#include "simulated_poller.hpp"

namespace exeunt::scheduler {

// ---------------------------------------------------------------- transfers

std::size_t network::available(const socket& s) const noexcept {
    std::size_t bytes = 0;
    for (const packet& each : s.inbound) {
        if (each.arrives > now()) break;
        bytes += each.bytes.size() - each.read;
    }
    return bytes;
}

std::int32_t network::receive(int fd, const iovec* into, std::size_t count, bool peek) {
    socket& s = *find(fd);
    if (s.is != state::connected) return -ENOTCONN;
    std::size_t room = 0;
    for (std::size_t i = 0; i < count; ++i)
        room += into[i].iov_len;
    const std::size_t there = available(s);
    if (there != 0 && chance(settings_.resets)) reset(fd);
    if (there == 0) {
        if (s.ends <= now() && s.ends <= s.breaks) return 0;  // it had ended in order
        if (s.breaks <= now() && !std::exchange(s.told_of_reset, true)) return -ECONNRESET;
        if (s.reads_no_more || s.ends <= now() || s.breaks <= now()) return 0;
        return room == 0 ? 0 : -EAGAIN;
    }
    std::size_t wanted = std::min({room, there, std::size_t{INT32_MAX}});
    if (!peek && wanted > 1 && chance(settings_.short_transfers)) {
        wanted = 1 + random_.below(static_cast<std::uint32_t>(wanted - 1));
        at(now(), fd);  // there is more, as a short one would not let expect
    }
    std::size_t done = 0;
    std::size_t buffer = 0;
    std::size_t used = 0;
    std::size_t read_of_packet = 0;
    auto from = s.inbound.begin();
    if (from != s.inbound.end()) read_of_packet = from->read;
    while (done < wanted) {
        if (used == into[buffer].iov_len) {
            ++buffer;
            used = 0;
            continue;
        }
        const std::size_t part = std::min(
            {wanted - done, into[buffer].iov_len - used, from->bytes.size() - read_of_packet});
        std::memcpy(static_cast<std::byte*>(into[buffer].iov_base) + used,
                    from->bytes.data() + read_of_packet, part);
        done += part;
        used += part;
        read_of_packet += part;
        if (!peek) from->read = read_of_packet;
        if (read_of_packet == from->bytes.size()) {
            ++from;
            read_of_packet = 0;
        }
    }
    if (!peek) {
        while (!s.inbound.empty() && s.inbound.front().read == s.inbound.front().bytes.size())
            s.inbound.pop_front();
        s.unread -= done;
        if (s.peer != nobody) at(later(latency()), s.peer);  // it has room again
    }
    return static_cast<std::int32_t>(done);
}

std::int32_t network::send(int fd, const iovec* from, std::size_t count) {
    socket& s = *find(fd);
    if (s.is == state::connecting) return -EAGAIN;
    if (s.is != state::connected) return -ENOTCONN;
    if (s.writes_no_more) return -EPIPE;
    std::size_t wanted = 0;
    for (std::size_t i = 0; i < count; ++i)
        wanted += from[i].iov_len;
    wanted = std::min(wanted, std::size_t{INT32_MAX});
    socket* peer = find(s.peer);
    if (peer != nullptr && wanted != 0 && peer->unread < settings_.buffer &&
        chance(settings_.resets)) {
        reset(fd);
        peer = nullptr;
    }
    if (s.breaks <= now()) {
        const bool told = std::exchange(s.told_of_reset, true) || s.ends <= s.breaks;
        return told ? -EPIPE : -ECONNRESET;
    }
    if (peer == nullptr) {
        if (s.family == AF_UNIX) return -EPIPE;
        // It has closed, and answers what reaches it with a reset.
        if (s.breaks == never) {
            s.breaks = later(latency() + latency());
            at(s.breaks, fd);
        }
        return static_cast<std::int32_t>(wanted);
    }
    if (wanted == 0) return 0;
    if (peer->unread >= settings_.buffer) return -EAGAIN;
    wanted = std::min(wanted, settings_.buffer - peer->unread);
    if (wanted > 1 && chance(settings_.short_transfers)) {
        wanted = 1 + random_.below(static_cast<std::uint32_t>(wanted - 1));
        at(now(), fd);
    }
    packet sent;
    sent.bytes.reserve(wanted);
    for (std::size_t i = 0; sent.bytes.size() < wanted; ++i) {
        const auto* const first = static_cast<const std::byte*>(from[i].iov_base);
        const std::size_t part = std::min(wanted - sent.bytes.size(), from[i].iov_len);
        sent.bytes.insert(sent.bytes.end(), first, first + part);
    }
    sent.arrives = arrival_at(*peer);
    at(sent.arrives, s.peer);
    peer->unread += wanted;
    peer->inbound.push_back(std::move(sent));
    return static_cast<std::int32_t>(wanted);
}

// ---------------------------------------------------------------- readiness

std::uint8_t network::ready(const socket& s, std::uint8_t& lasting) const noexcept {
    unsigned ways = 0;
    unsigned stays = 0;
    if (s.is == state::listening) return s.backlog.empty() ? 0 : simulated_poller::readable;
    if (s.is == state::connecting)
        return s.settles <= now() ? simulated_poller::writable : std::uint8_t{0};
    if (s.breaks <= now()) stays = simulated_poller::readable | simulated_poller::writable;
    if (s.ends <= now() || s.reads_no_more) stays |= simulated_poller::readable;
    if (s.writes_no_more) stays |= simulated_poller::writable;
    ways = stays;
    if (available(s) != 0) ways |= simulated_poller::readable;
    const auto peer = sockets_.find(s.peer);
    if (peer == sockets_.end() || peer->second.unread < settings_.buffer)
        ways |= simulated_poller::writable;
    lasting = static_cast<std::uint8_t>(stays);
    return static_cast<std::uint8_t>(ways);
}

std::int32_t network::poll(const socket& s, int wanted) const noexcept {
    std::uint8_t lasting = 0;
    const std::uint8_t ways = ready(s, lasting);
    int found = 0;
    if ((ways & simulated_poller::readable) != 0) found |= wanted & POLLIN;
    if ((ways & simulated_poller::writable) != 0) found |= wanted & POLLOUT;
    if (s.breaks <= now()) found |= POLLERR | POLLHUP;
    return found != 0 ? found : -EAGAIN;
}

std::int32_t network::attempt(const operation& op, int fd) {
    const std::int32_t result = answer(op, fd);
    note(fd, result);
    return result;
}

std::int32_t network::answer(const operation& op, int fd) {
    socket* const s = find(fd);
    if (s == nullptr) return -EBADF;
    const iovec whole{op.buffer, op.length};
    switch (op.code) {
        case opcode::nop:
            return 0;
        case opcode::read:
        case opcode::receive:
            return receive(fd, &whole, 1, op.code == opcode::receive && (op.flags & MSG_PEEK) != 0);
        case opcode::write:
        case opcode::send:
            return send(fd, &whole, 1);
        case opcode::receive_message: {
            const auto& message = *static_cast<const msghdr*>(op.buffer);
            return receive(fd, message.msg_iov, message.msg_iovlen, (op.flags & MSG_PEEK) != 0);
        }
        case opcode::send_message: {
            const auto& message = *static_cast<const msghdr*>(op.buffer);
            return send(fd, message.msg_iov, message.msg_iovlen);
        }
        case opcode::accept:
            return accept(fd, static_cast<sockaddr*>(op.address), op.address_length_out);
        case opcode::connect:
            return connect(fd, static_cast<const sockaddr*>(op.address), op.length);
        case opcode::poll:
            return poll(*s, op.flags);
    }
    return -EINVAL;
}

int network::watch(int fd, descriptor& d, simulated_poller& home) {
    socket* const s = find(fd);
    if (s == nullptr) return EBADF;
    s->watched = &d;
    s->home = &home;
    at(now(), fd);
    return 0;
}

void network::unwatch(int fd) noexcept {
    if (socket* const s = find(fd)) {
        s->watched = nullptr;
        s->home = nullptr;
    }
}

}  // namespace exeunt::scheduler
