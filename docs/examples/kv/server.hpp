// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The service: its shards, its connections and the sweep.

#include <exeunt/exeunt.hpp>

#include "options.hpp"

namespace kv {

/// Serves the clients of `listener` until it is cancelled; then it drains: clients get the replies
/// to what they have asked, within five seconds.
exeunt::task<> serve_keys(exeunt::tcp_listener listener, options wanted);

}  // namespace kv
