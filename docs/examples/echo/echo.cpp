// SPDX-License-Identifier: BSL-1.0
#include <exeunt/exeunt.hpp>

namespace ex = exeunt;
using namespace std::chrono_literals;

ex::task<> echo(ex::tcp_stream peer) {
    std::array<std::byte, 4096> bytes;
    while (auto n = co_await peer.read_some(bytes))  // 0 at the end of the stream
        co_await peer.write_all(std::span(bytes).first(n));
}

int main() {
    auto listener = ex::tcp_listener::bind({"127.0.0.1", 7007});
    return ex::run_until_signal(
        ex::serve(std::move(listener), echo,
                  ex::serve_options().connections(10'000).idle_timeout(30s).drain(5s)));
}
