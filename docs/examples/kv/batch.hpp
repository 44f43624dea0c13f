// SPDX-License-Identifier: BSL-1.0
#pragma once

/// All the commands that one read of a connection has brought, divided by shard, and their
/// replies, put together again in the order of the requests.
///
/// A shard gets one message for a whole batch: its `lane`. So sixteen pipelined commands cost each
/// shard one message, not sixteen, and the connection one write. A batch and its lanes lie in the
/// connection and are used again for the next read: a command costs no allocation.
///
///     parser.next(unread, batch.arguments());  // appends one command's arguments
///     batch.add();                             // plans it
///     for (std::size_t shard : batch.touched()) batch.at(shard).serve(stores[shard], now);
///     write(batch.replies());
///     batch.clear();

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "commands.hpp"

namespace kv {

class batch;

/// One shard's share of a batch. The connection fills it, the shard serves it, the connection
/// reads the replies: never two of them at the same time.
class lane {
 public:
    /// Carries out the shard's parts of the batch, in the order in which the client sent them.
    /// A part that runs out of memory answers so, and the next ones are served.
    /// Adds the requests it has served to `served`. Called by the shard.
    void serve(store& keys, instant now, std::int64_t& served);

 private:
    friend batch;

    struct part {
        const command* what;
        std::uint64_t hash;
        std::uint32_t first;  // argument of the batch
        std::uint32_t count;
        std::size_t reply_end;
        std::int64_t number;
    };
    void prefetch(const store& keys) const;
    [[nodiscard]] std::string_view take_reply();
    void clear();

    std::vector<part> parts_;
    const std::string_view* arguments_ = nullptr;  // of the whole batch; set when it is complete
    reply_buffer out_;
    tally counts_;  // of the shard, when it had served this
    std::size_t taken_ = 0;
    std::size_t taken_bytes_ = 0;
};

/// Not thread-safe but for the lanes, each of which one shard may serve at a time.
class batch {
 public:
    batch(std::size_t shards, session& with);

    /// Where the parser puts the arguments of the next command.
    std::vector<std::string_view>& arguments() { return arguments_; }

    /// Plans the command whose arguments were appended last. The bytes that they view must stay
    /// until the replies have been taken.
    void add();

    /// Answers with an error where the input was not understood; the last thing in a batch.
    void fail(std::string_view why);

    [[nodiscard]] bool empty() const { return requests_.empty(); }

    /// True when a batch is large enough: what else has arrived belongs to the next.
    [[nodiscard]] bool full() const { return arguments_.size() >= most_arguments; }

    /// The shards that have something to do, each once. No `add` follows.
    const std::vector<std::size_t>& touched();

    lane& at(std::size_t shard) { return lanes_[shard]; }

    /// The replies, once every shard of `touched()` has served its lane; called once.
    /// They live until `clear()`.
    std::string_view replies();

    /// Forgets it all and keeps a moderate amount of memory for the next batch.
    void clear();

 private:
    static constexpr std::size_t most_arguments = 4096;

    struct request {
        const command* what;  // null: answered already
        std::uint32_t first;
        std::uint32_t count;
        std::size_t where;  // a shard, or where the reply of the connection itself ends
    };
    void answer_here(std::uint32_t first, std::uint32_t count);
    void give(std::size_t shard, const command& what, std::uint64_t hash, std::uint32_t first,
              std::uint32_t count);
    void merge(const request& done);
    void merge_parts(const request& done);
    [[nodiscard]] lane& lane_of_part(const request& done, std::size_t index);

    session& with_;
    std::vector<lane> lanes_;
    std::vector<std::string_view> arguments_;
    std::vector<request> requests_;
    std::vector<std::uint16_t> routes_;  // the shards of commands with several keys, in order
    std::vector<std::size_t> touched_;
    reply_buffer here_;           // what the connection answers itself
    reply_buffer merged_;         // used unless a single lane holds all replies as they are
    std::size_t planned_ = 0;     // arguments that belong to planned commands
    std::size_t next_route_ = 0;  // while the replies are put together
    std::size_t here_taken_ = 0;
    bool as_served_ = true;  // every reply so far is one that a shard writes as a whole
};

}  // namespace kv
