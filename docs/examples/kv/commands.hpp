// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The commands: what each is called, how many arguments it takes, where it is carried out and
/// how the answers of several shards become one reply.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "reply.hpp"
#include "store.hpp"

namespace kv {

using argument_list = std::span<const std::string_view>;

/// Where a command is carried out.
enum class reach : std::uint8_t {
    connection,  ///< by the connection itself: it touches no key
    key,         ///< by the shard of its first argument
    each_key,    ///< every argument is a key, served by the key's shard
    each_pair,   ///< every two arguments are a key and its value
    all_shards,
};

/// How the shards' parts of a command become its reply.
enum class merging : std::uint8_t {
    verbatim,  ///< the only part wrote it
    array,     ///< an array of what the parts wrote
    sum,       ///< the sum of the parts' numbers
    ok,        ///< `+OK` once all have done it
    report,    ///< INFO: a text made of all the parts' counts
};

/// What shards count beside the replies they write.
class tally {
 public:
    tally() {}

    std::int64_t number = 0;    ///< what the command counts
    std::int64_t expiring = 0;  ///< keys that will expire
    std::int64_t served = 0;    ///< requests that shards ever carried out
};

/// What a shard has in hand while it serves one batch.
class turn {
 public:
    turn(store& held, instant when, reply_buffer& into) : keys(held), now(when), out(into) {}

    store& keys;
    instant now;
    reply_buffer& out;
    std::int64_t number = 0;  ///< what the part being served counts
};

/// What INFO tells of the service.
class service_facts {
 public:
    service_facts() {}

    int port = 0;
    std::size_t shards = 1;
    std::size_t threads = 1;
    std::int64_t started = 0;                    ///< seconds on the steady clock
    std::function<std::uint64_t()> clients;      ///< connected now
    std::function<std::uint64_t()> connections;  ///< accepted so far
};

/// What commands of the connection itself may see and change.
class session {
 public:
    explicit session(const service_facts& about) : facts(about) {}

    const service_facts& facts;
    bool closing = false;  ///< no command is read any more; the connection ends once it is answered
};

struct command {
    using on_shard = void (*)(turn&, argument_list, key_ref);
    using on_connection = void (*)(session&, argument_list, reply_buffer&);

    std::string_view name;  ///< lower case
    int arity;              ///< the name counts; negative: at least so many
    reach where;
    merging merge;
    on_shard serve;          ///< null where `where` is connection
    on_connection answer;    ///< null elsewhere
    std::string_view flags;  ///< as COMMAND names them, separated by a space
};

/// All of them.
std::span<const command> all_commands();

/// Looks a command up by its name in any case; null when there is none. Constant time.
const command* find_command(std::string_view name);

/// Writes an error and returns false when a command does not take these arguments. What only its
/// own function knows is checked there.
bool accept(const command& what, argument_list request, reply_buffer& out);

/// The errors that any command may end with.
void refuse_unknown(argument_list request, reply_buffer& out);
void refuse_count(std::string_view name, reply_buffer& out);
inline constexpr std::string_view not_an_integer = "ERR value is not an integer or out of range";
inline constexpr std::string_view syntax_error = "ERR syntax error";

/// INFO's reply.
void write_report(const service_facts& facts, argument_list request, const tally& total,
                  reply_buffer& out);

namespace serving {  // carried out by shards: key_commands.cpp
void get(turn& at, argument_list request, key_ref key);
void set(turn& at, argument_list request, key_ref key);
void set_pair(turn& at, argument_list request, key_ref key);
void remove(turn& at, argument_list request, key_ref key);
void exists(turn& at, argument_list request, key_ref key);
void incr(turn& at, argument_list request, key_ref key);
void decr(turn& at, argument_list request, key_ref key);
void incrby(turn& at, argument_list request, key_ref key);
void decrby(turn& at, argument_list request, key_ref key);
void expire(turn& at, argument_list request, key_ref key);
void pexpire(turn& at, argument_list request, key_ref key);
void persist(turn& at, argument_list request, key_ref key);
void ttl(turn& at, argument_list request, key_ref key);
void pttl(turn& at, argument_list request, key_ref key);
void count(turn& at, argument_list request, key_ref key);
void flush(turn& at, argument_list request, key_ref key);
}  // namespace serving

namespace answering {  // carried out by connections: connection_commands.cpp
void ping(session& with, argument_list request, reply_buffer& out);
void echo(session& with, argument_list request, reply_buffer& out);
void quit(session& with, argument_list request, reply_buffer& out);
void select(session& with, argument_list request, reply_buffer& out);
void config(session& with, argument_list request, reply_buffer& out);
void command(session& with, argument_list request, reply_buffer& out);
}  // namespace answering

}  // namespace kv
