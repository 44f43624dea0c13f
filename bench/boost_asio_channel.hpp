// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "boost_asio.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>

/// A channel between coroutines that run one at a time, from what Boost.Asio 1.74 has: it has no
/// channel of its own yet. Senders wait while it is full; with a capacity that it never reaches
/// they never do.
namespace bench {

class asio_channel {
 public:
    explicit asio_channel(std::size_t capacity) : capacity_(capacity) {}

    boost::asio::awaitable<void> send(std::uint64_t item) {
        while (items_.size() == capacity_)
            co_await not_full_.wait();
        items_.push_back(item);
        not_empty_.wake_one();
    }

    boost::asio::awaitable<std::uint64_t> receive() {
        while (items_.empty())
            co_await not_empty_.wait();
        const std::uint64_t item = items_.front();
        items_.pop_front();
        not_full_.wake_one();
        co_return item;
    }

 private:
    std::size_t capacity_;
    std::deque<std::uint64_t> items_;
    asio_event not_full_;
    asio_event not_empty_;
};

}  // namespace bench
