// SPDX-License-Identifier: BSL-1.0
#include "mixed.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

static int checked(int result) {
    if (result < 0) throw std::system_error(errno, std::generic_category());
    return result;
}

/// Both ends of a connection, with sockets that block.
class connection {
 public:
    connection() {
        sockaddr_in where{};
        where.sin_family = AF_INET;
        where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        auto* const address = reinterpret_cast<sockaddr*>(&where);
        socklen_t size = sizeof(where);
        const int listener = checked(::socket(AF_INET, SOCK_STREAM, 0));
        checked(::bind(listener, address, size));
        checked(::listen(listener, 1));
        checked(::getsockname(listener, address, &size));
        caller_ = checked(::socket(AF_INET, SOCK_STREAM, 0));
        checked(::connect(caller_, address, size));
        server_ = checked(::accept(listener, nullptr, nullptr));
        ::close(listener);
    }
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;
    ~connection() {
        ::close(caller_);
        ::close(server_);
    }

    void call(mixed::caller& caller) const {
        mixed::message bytes;
        pass(caller_, server_, caller.ask(), bytes);
        mixed::message answer;
        pass(server_, caller_, bytes, answer);
        caller.hear(answer);
    }

 private:
    static void pass(int from, int to, const mixed::message& sent, mixed::message& received) {
        checked(static_cast<int>(::send(from, sent.data(), sent.size(), 0)));
        checked(static_cast<int>(::recv(to, received.data(), received.size(), MSG_WAITALL)));
    }

    int caller_;
    int server_;
};

// Round by round, as the callers do. Nobody computes, and nobody sleeps.
static std::uint64_t play(mixed::party& at) {
    const std::vector<connection> connections(mixed::callers);
    while (at.caller_at(0).goes_on()) {
        for (std::size_t i = 0; i < mixed::callers; ++i)
            connections[i].call(at.caller_at(i));
    }
    return at.report();
}

int main(int argc, char** argv) {
    return bench::program(argc, argv, "sockets that block, on one thread",
                          [](const bench::setting& setting, const bench::measure& measure) {
                              mixed::run(setting, measure, play);
                          });
}
