// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The keys of one shard: values, expiry, and nothing that knows of clocks, threads or sockets.
///
///     kv::store keys;
///     keys.assign(kv::key_ref("colour"), "red", now + 5000);
///     if (const kv::record* held = keys.find(kv::key_ref("colour"), now)) use(held->value());
///
/// A key that has expired is never seen: `find` removes it. Keys that nobody asks for are removed
/// by `sweep`, a bounded number of slots at a time.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "record_index.hpp"

namespace kv {

/// Not thread-safe: it belongs to one shard.
class store {
 public:
    /// The record of a key, valid until the store is changed; null when there is none that has
    /// not expired.
    const record* find(key_ref key, instant now);

    /// Sets a key, which may exist. Throws std::bad_alloc and changes nothing then.
    void assign(key_ref key, std::string_view value, instant expires_at);

    /// Gives an existing key another time to expire; `never` for none.
    void expire(key_ref key, instant expires_at);

    /// True when the key was there and had not expired.
    bool erase(key_ref key, instant now);

    void clear();

    /// Looks at about `slots` slots, removes what has expired, and returns how many that were.
    std::size_t sweep(instant now, std::size_t slots);

    /// Slots that a whole round of `sweep` looks at.
    [[nodiscard]] std::size_t slots() const { return index_.slots(); }

    /// Begin to load what `find` will need, in two steps; see record_index.
    void prefetch_slot(std::uint64_t hash) const { index_.prefetch_slot(hash); }
    void prefetch_record(std::uint64_t hash) const { index_.prefetch_record(hash); }

    /// Keys held, with those that have expired and were not removed yet.
    [[nodiscard]] std::size_t size() const { return index_.size(); }

    /// Those of them that will expire.
    [[nodiscard]] std::size_t expiring() const { return expiring_; }

 private:
    record_index::place locate(key_ref key, instant now);
    void account(instant before, instant after);

    record_index index_;
    std::size_t expiring_ = 0;
};

}  // namespace kv
