// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A shard: the actor that owns a part of the keys. It is asked to serve lanes of batches, and now
/// and then to remove what has expired.

#include <cstddef>
#include <exeunt/exeunt.hpp>
#include <vector>

#include "batch.hpp"

namespace kv {

/// Carries out one lane of a batch. The lane lies in the asking connection and is lent for as long
/// as the shard works on it: `borrows` makes an ask wait for that, whatever becomes of its task.
class serve_lane {
 public:
    using reply = void;
    static constexpr bool borrows = true;

    explicit serve_lane(lane& lent) : work(&lent) {}

    lane* work;
};

/// Removes expired keys for about a millisecond; the answer is how many keys will still expire.
class sweep {
 public:
    using reply = std::size_t;

    sweep() {}
};

using shard_address = exeunt::address<serve_lane, sweep>;

/// The actor. Its state is a local variable: it ends with the service.
exeunt::task<> shard(exeunt::mailbox<serve_lane, sweep> inbox);

/// Asks all shards of a batch at the same time, and ends when all have served their lanes.
exeunt::task<> serve_batch(const std::vector<shard_address>& shards, batch& work);

/// Sweeps the shards for as long as the service lives: often while keys expire, rarely otherwise.
exeunt::task<> keep_sweeping(std::vector<shard_address> shards);

/// Milliseconds on the steady clock, by which keys expire.
instant steady_now();

}  // namespace kv
