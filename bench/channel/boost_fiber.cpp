// SPDX-License-Identifier: BSL-1.0
#include "../boost_fiber.hpp"

#include "channel.hpp"

using line = boost::fibers::buffered_channel<std::uint64_t>;

static void produce(line& out, std::uint64_t items) {
    for (std::uint64_t i = 0; i < items; ++i)
        out.push(i);
    out.close();
}

static std::uint64_t consume(line& in) {
    std::uint64_t sum = 0;
    for (const std::uint64_t item : in)
        sum += item;
    return sum;
}

static std::uint64_t run(std::uint64_t items) {
    line channel(channel::capacity);
    auto produced = bench::fiber(produce, std::ref(channel), items);
    auto sum = bench::fiber(consume, std::ref(channel));
    produced.get();
    return sum.get();
}

int main(int argc, char** argv) {
    return bench::fiber_program(
        argc, argv, [](const bench::setting& setting, const bench::measure& measure) {
            const std::uint64_t items = setting.size(channel::full / 25, channel::quick / 25);
            measure(items, channel::sum(items), [items] { return run(items); });
        });
}
