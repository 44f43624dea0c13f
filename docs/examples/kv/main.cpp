// SPDX-License-Identifier: BSL-1.0

// A key-value server in memory that speaks the protocol of Redis. docs/guide/kv.md tells how it is
// made.

#include <cstdio>
#include <exception>
#include <exeunt/exeunt.hpp>
#include <span>
#include <stdexcept>

#include "options.hpp"
#include "server.hpp"

namespace {

namespace ex = exeunt;

ex::endpoint where(const kv::options& wanted) {
    try {
        return ex::endpoint(wanted.bind, wanted.port);
    } catch (const std::invalid_argument& problem) {
        throw kv::bad_option(std::string("--bind: ") + problem.what());
    }
}

int serve(const kv::options& wanted) {
    auto listener = ex::tcp_listener::bind(where(wanted));
    std::printf("listening on %s\n", listener.local_endpoint().to_string().c_str());
    std::fflush(stdout);
    return ex::run_until_signal(kv::serve_keys(std::move(listener), wanted),
                                ex::options().threads(static_cast<unsigned>(wanted.threads)));
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const kv::options wanted =
            kv::read_options(std::span<char* const>(argv, std::size_t(argc)).subspan(1));
        if (wanted.help) return std::fputs(kv::usage, stdout) < 0;
        return serve(wanted);
    } catch (const kv::bad_option& problem) {
        std::fprintf(stderr, "kv: %s\n", problem.what());
        return 2;
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "kv: %s\n", problem.what());
        return 1;
    }
}
