// SPDX-License-Identifier: BSL-1.0
#include "../exeunt.hpp"

#include "channel.hpp"

#include <exeunt/runtime/channel.hpp>
#include <exeunt/runtime/gather.hpp>

namespace ex = exeunt;

static ex::task<> produce(ex::channel<std::uint64_t>& out, std::uint64_t items) {
    for (std::uint64_t i = 0; i < items; ++i)
        co_await out.send(i);
    out.close();
}

static ex::task<std::uint64_t> consume(ex::channel<std::uint64_t>& in) {
    std::uint64_t sum = 0;
    while (auto item = co_await in.receive())
        sum += *item;
    co_return sum;
}

static ex::task<std::uint64_t> run(std::uint64_t items) {
    ex::channel<std::uint64_t> channel(channel::capacity);
    auto both = co_await ex::gather(produce(channel, items), consume(channel));
    co_return std::get<1>(both);
}

int main(int argc, char** argv) {
    return bench::exeunt_program(
        argc, argv,
        [](const bench::setting& setting, ex::runtime& runtime, const bench::measure& measure) {
            const std::uint64_t items = setting.size(channel::full, channel::quick);
            measure(items, channel::sum(items),
                    [&runtime, items] { return runtime.run(run(items)); });
        });
}
