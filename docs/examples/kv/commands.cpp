// SPDX-License-Identifier: BSL-1.0
#include "commands.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "resp.hpp"

namespace kv {
namespace {

constexpr command on_key(std::string_view name, int arity, command::on_shard serve,
                         std::string_view flags) {
    return command{name, arity, reach::key, merging::verbatim, serve, nullptr, flags};
}

constexpr command on_keys(std::string_view name, int arity, reach where, merging merge,
                          command::on_shard serve, std::string_view flags) {
    return command{name, arity, where, merge, serve, nullptr, flags};
}

constexpr command here(std::string_view name, int arity, command::on_connection answer,
                       std::string_view flags) {
    return command{name, arity, reach::connection, merging::verbatim, nullptr, answer, flags};
}

constexpr std::array table{
    here("command", -1, answering::command, "loading stale"),
    here("config", -2, answering::config, "admin loading stale"),
    on_keys("dbsize", 1, reach::all_shards, merging::sum, serving::count, "readonly fast"),
    on_key("decr", 2, serving::decr, "write denyoom fast"),
    on_key("decrby", 3, serving::decrby, "write denyoom fast"),
    on_keys("del", -2, reach::each_key, merging::sum, serving::remove, "write"),
    here("echo", 2, answering::echo, "fast"),
    on_keys("exists", -2, reach::each_key, merging::sum, serving::exists, "readonly fast"),
    on_key("expire", -3, serving::expire, "write fast"),
    on_keys("flushall", -1, reach::all_shards, merging::ok, serving::flush, "write"),
    on_keys("flushdb", -1, reach::all_shards, merging::ok, serving::flush, "write"),
    on_key("get", 2, serving::get, "readonly fast"),
    on_key("incr", 2, serving::incr, "write denyoom fast"),
    on_key("incrby", 3, serving::incrby, "write denyoom fast"),
    on_keys("info", -1, reach::all_shards, merging::report, serving::count, "loading stale"),
    on_keys("mget", -2, reach::each_key, merging::array, serving::get, "readonly fast"),
    on_keys("mset", -3, reach::each_pair, merging::ok, serving::set_pair, "write denyoom"),
    on_key("persist", 2, serving::persist, "write fast"),
    on_key("pexpire", -3, serving::pexpire, "write fast"),
    here("ping", -1, answering::ping, "fast"),
    on_key("pttl", 2, serving::pttl, "readonly fast"),
    here("quit", -1, answering::quit, "fast"),
    here("select", 2, answering::select, "loading stale fast"),
    on_key("set", -3, serving::set, "write denyoom"),
    on_key("ttl", 2, serving::ttl, "readonly fast"),
    on_keys("unlink", -2, reach::each_key, merging::sum, serving::remove, "write fast"),
};

/// A name of at most eight letters as one number, upper and lower case alike: setting this bit
/// turns exactly two characters, a letter's two cases, into the lower one.
constexpr std::uint64_t packed(std::string_view name) {
    std::uint64_t letters = 0;
    for (std::size_t i = 0; i < name.size(); ++i)
        letters |= std::uint64_t(std::uint8_t(name[i] | 0x20)) << (8 * i);
    return letters;
}

constexpr std::size_t name_limit = 8;
constexpr std::size_t index_size = 128;

constexpr std::size_t index_of(std::uint64_t letters) {
    return static_cast<std::size_t>((letters * 0x9e3779b97f4a7c15) >> 57);
}

struct name_index {
    std::array<std::uint64_t, index_size> letters{};
    std::array<std::uint8_t, index_size> position{};  // in the table, from 1
};

constexpr name_index index_names() {
    static_assert(std::ranges::all_of(
        table, [](const command& each) { return each.name.size() <= name_limit; }));
    name_index index;
    for (std::size_t i = 0; i < table.size(); ++i) {
        const std::uint64_t letters = packed(table[i].name);
        std::size_t at = index_of(letters);
        while (index.position[at] != 0)
            at = (at + 1) % index_size;
        index.letters[at] = letters;
        index.position[at] = static_cast<std::uint8_t>(i + 1);
    }
    return index;
}

constexpr name_index names = index_names();

}  // namespace

std::span<const command> all_commands() {
    return table;
}

const command* find_command(std::string_view name) {
    if (name.empty() || name.size() > name_limit) return nullptr;
    const std::uint64_t letters = packed(name);
    for (std::size_t at = index_of(letters); names.position[at] != 0; at = (at + 1) % index_size) {
        if (names.letters[at] != letters) continue;
        return &table[names.position[at] - std::size_t(1)];
    }
    return nullptr;
}

bool accept(const command& what, argument_list request, reply_buffer& out) {
    const auto wanted = static_cast<std::size_t>(what.arity < 0 ? -what.arity : what.arity);
    const bool pairs = what.where != reach::each_pair || request.size() % 2 == 1;
    if (what.arity < 0 ? request.size() < wanted || !pairs : request.size() != wanted) {
        refuse_count(what.name, out);
        return false;
    }
    if (what.serve != serving::flush || request.size() == 1) return true;
    if (request.size() == 2 && (same_word(request[1], "sync") || same_word(request[1], "async")))
        return true;
    out.error(syntax_error);
    return false;
}

void refuse_unknown(argument_list request, reply_buffer& out) {
    constexpr std::size_t shown = 128;
    std::string text("ERR unknown command '");
    text.append(request.front().substr(0, shown)).append("', with args beginning with: ");
    std::string words;
    for (std::size_t i = 1; i < request.size() && words.size() < shown; ++i) {
        const std::string_view word = request[i].substr(0, shown - words.size());
        words.append("'").append(word).append("' ");
    }
    out.error(text + words);
}

void refuse_count(std::string_view name, reply_buffer& out) {
    std::string text("ERR wrong number of arguments for '");
    out.error(text.append(name).append("' command"));
}

}  // namespace kv
