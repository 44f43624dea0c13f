// SPDX-License-Identifier: BSL-1.0
#include "server.hpp"

#include <algorithm>
#include <chrono>

#include "connection.hpp"
#include "shard.hpp"

namespace kv {

namespace ex = exeunt;
using namespace std::chrono_literals;

namespace {

void describe(service& keys, const ex::tcp_listener& listener, const ex::serve_metrics& metrics) {
    const auto now = ex::now().time_since_epoch();
    keys.facts.started = std::chrono::duration_cast<std::chrono::seconds>(now).count();
    keys.facts.port = listener.local_endpoint().port();
    keys.facts.threads = ex::runtime::current()->workers();
    keys.facts.clients = [&metrics] { return metrics.active(); };
    keys.facts.connections = [&metrics] { return metrics.accepted(); };
}

/// One for each worker. Each connection has at most one message in a mailbox, so none is refused.
void start_shards(service& keys, ex::actor_scope& scope, std::size_t connections) {
    constexpr std::size_t most = 1'000'000;
    const auto room = static_cast<std::uint32_t>(std::min(connections + 1, most));
    keys.facts.shards = keys.facts.threads;
    for (std::size_t i = 0; i < keys.facts.shards; ++i)
        keys.shards.push_back(scope.spawn(ex::actor_options("shard").capacity(room), shard));
}

}  // namespace

ex::task<> serve_keys(ex::tcp_listener listener, options wanted) {
    ex::serve_metrics metrics;
    service keys;
    keys.most = wanted.most;
    describe(keys, listener, metrics);
    const auto limits =
        ex::serve_options().connections(wanted.max_connections).drain(5s).metrics(metrics);
    const auto talk = [&keys](ex::tcp_stream peer) { return converse(std::move(peer), keys); };
    // When this is cancelled, serve() drains; the shards end after it, because they are asked
    // still.
    auto service_body = [&](ex::actor_scope& scope) -> ex::task<> {
        start_shards(keys, scope, wanted.max_connections);
        co_await ex::gather(ex::serve(std::move(listener), talk, limits),
                            keep_sweeping(keys.shards));
    };
    co_await ex::with_actors(std::move(service_body));
}

}  // namespace kv
