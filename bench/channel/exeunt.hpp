// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../exeunt.hpp"

#include "channel.hpp"

#include <exeunt/runtime/channel.hpp>
#include <exeunt/runtime/gather.hpp>

#include <numeric>
#include <ranges>

/// channel, channel_mpsc, channel_mpmc and channel_unbounded of exeunt.
namespace channel {

static_assert(unbounded.room == ::exeunt::unbounded);

using line = ::exeunt::channel<std::uint64_t>;

inline ::exeunt::task<> produce(line& out, std::uint64_t first, std::uint64_t step,
                                std::uint64_t items) {
    for (std::uint64_t i = first; i < items; i += step)
        co_await out.send(i);
}

inline ::exeunt::task<> produce_all(line& out, std::uint64_t senders, std::uint64_t items) {
    const auto sender = [&](std::uint64_t first) { return produce(out, first, senders, items); };
    co_await ::exeunt::gather(std::views::iota(std::uint64_t{0}, senders) |
                              std::views::transform(sender));
    out.close();
}

inline ::exeunt::task<std::uint64_t> consume(line& in) {
    std::uint64_t sum = 0;
    while (auto item = co_await in.receive())
        sum += *item;
    co_return sum;
}

inline ::exeunt::task<std::uint64_t> consume_all(line& in, std::uint64_t receivers) {
    const auto receiver = [&](std::uint64_t) { return consume(in); };
    const auto sums = co_await ::exeunt::gather(std::views::iota(std::uint64_t{0}, receivers) |
                                                std::views::transform(receiver));
    co_return std::accumulate(sums.begin(), sums.end(), std::uint64_t{0});
}

inline ::exeunt::task<std::uint64_t> pass(ends at, std::uint64_t items) {
    line channel(at.room);
    auto both = co_await ::exeunt::gather(produce_all(channel, at.senders, items),
                                          consume_all(channel, at.receivers));
    co_return std::get<1>(both);
}

/// The main function.
inline int exeunt_main(int argc, char** argv, ends at) {
    const auto prepare = [at](const bench::setting& setting, ::exeunt::runtime& runtime,
                              const bench::measure& measure) {
        const std::uint64_t items = setting.size(full, quick);
        measure(items, sum(items), [&runtime, at, items] { return runtime.run(pass(at, items)); });
    };
    return bench::exeunt_program(argc, argv, prepare);
}

}  // namespace channel
