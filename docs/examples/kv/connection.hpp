// SPDX-License-Identifier: BSL-1.0
#pragma once

/// One client: read, ask the shards, write, for as long as it stays.

#include <exeunt/exeunt.hpp>
#include <vector>

#include "commands.hpp"
#include "resp.hpp"
#include "shard.hpp"

namespace kv {

/// What all connections share; it outlives them.
class service {
 public:
    service() {}

    std::vector<shard_address> shards;
    service_facts facts;
    limits most;
};

/// Serves a client until it leaves, breaks the protocol or says QUIT.
exeunt::task<> converse(exeunt::tcp_stream peer, const service& keys);

}  // namespace kv
