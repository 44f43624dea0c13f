// SPDX-License-Identifier: BSL-1.0
#include "shard.hpp"

#include <chrono>
#include <ranges>

namespace kv {

namespace ex = exeunt;
using namespace std::chrono_literals;

namespace {

std::size_t remove_expired(store& keys) {
    constexpr std::size_t at_a_time = 512;
    const auto begin = ex::now();
    const instant now = steady_now();
    for (std::size_t left = keys.slots(); left > 0 && keys.expiring() > 0; left -= at_a_time) {
        keys.sweep(now, at_a_time);
        if (ex::now() - begin > 1ms) break;
    }
    return keys.expiring();
}

ex::task<> serve_one(shard_address shard, lane& work) {
    co_await shard.ask(serve_lane(work), ex::no_deadline);
}

}  // namespace

instant steady_now() {
    const auto now = ex::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

ex::task<> shard(ex::mailbox<serve_lane, sweep> inbox) {
    store keys;
    std::int64_t served = 0;
    while (auto message = co_await inbox.receive()) {
        message->match(
            [&](ex::asked<serve_lane>& request) {
                request->work->serve(keys, steady_now(), served);
                request.reply();
            },
            [&](ex::asked<sweep>& request) { request.reply(remove_expired(keys)); });
    }
}

ex::task<> serve_batch(const std::vector<shard_address>& shards, batch& work) {
    const std::vector<std::size_t>& touched = work.touched();
    if (touched.empty()) co_return;
    if (touched.size() == 1) {
        const std::size_t only = touched.front();
        co_await shards[only].ask(serve_lane(work.at(only)), ex::no_deadline);
        co_return;
    }
    const auto ask = [&](std::size_t each) { return serve_one(shards[each], work.at(each)); };
    co_await ex::gather(touched | std::views::transform(ask));
}

ex::task<> keep_sweeping(std::vector<shard_address> shards) {
    for (;;) {
        std::size_t expiring = 0;
        for (const shard_address& each : shards)
            expiring += co_await each.ask(sweep(), ex::no_deadline);
        co_await ex::sleep(expiring > 0 ? 100ms : 1s);
    }
}

}  // namespace kv
