// SPDX-License-Identifier: BSL-1.0

// The commands that a connection answers by itself, and INFO's text.

#include <unistd.h>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "commands.hpp"
#include "resp.hpp"

namespace kv {
namespace {

void refuse_subcommand(std::string_view name, std::string_view upper_case, reply_buffer& out) {
    std::string text("ERR unknown subcommand '");
    text.append(name.substr(0, 128)).append("'. Try ").append(upper_case).append(" HELP.");
    out.error(text);
}

struct parameter {
    std::string_view name;
    std::string_view value;
};

// There is nothing to configure; these are what clients of Redis ask about.
constexpr std::array parameters{
    parameter{"appendonly", "no"}, parameter{"databases", "1"}, parameter{"maxmemory", "0"},
    parameter{"save", ""},         parameter{"timeout", "0"},
};

void config_get(argument_list patterns, reply_buffer& out) {
    std::vector<parameter> found;
    for (const parameter& each : parameters) {
        const auto asked_for = [&each](std::string_view pattern) {
            return pattern == "*" || same_word(pattern, each.name);
        };
        if (std::ranges::any_of(patterns, asked_for)) found.push_back(each);
    }
    out.array(found.size() * 2);
    for (const parameter& each : found) {
        out.bulk(each.name);
        out.bulk(each.value);
    }
}

/// First key, last key (negative: from the end) and step, as COMMAND tells them.
std::array<int, 3> key_positions(const command& what) {
    switch (what.where) {
        case reach::key:
            return {1, 1, 1};
        case reach::each_key:
            return {1, -1, 1};
        case reach::each_pair:
            return {1, -1, 2};
        case reach::connection:
        case reach::all_shards:
            break;
    }
    return {0, 0, 0};
}

void describe(const command& what, reply_buffer& out) {
    out.array(10);
    out.bulk(what.name);
    out.integer(what.arity);
    out.array(static_cast<std::size_t>(std::ranges::count(what.flags, ' ')) + 1);
    for (std::string_view rest = what.flags; !rest.empty();) {
        const std::string_view word = rest.substr(0, rest.find(' '));
        out.simple(word);
        rest.remove_prefix(std::min(rest.size(), word.size() + 1));
    }
    for (const int position : key_positions(what))
        out.integer(position);
    for (int i = 0; i < 4; ++i)
        out.array(0);  // categories, tips, key specifications, subcommands
}

void describe_named(argument_list names, reply_buffer& out) {
    out.array(names.size());
    for (const std::string_view name : names) {
        const command* const what = find_command(name);
        if (what == nullptr)
            out.raw("*-1\r\n");
        else
            describe(*what, out);
    }
}

void describe_all(reply_buffer& out) {
    out.array(all_commands().size());
    for (const command& each : all_commands())
        describe(each, out);
}

/// INFO's text, section by section.
class report {
 public:
    explicit report(argument_list sections) : wanted_(sections) {}

    bool section(std::string_view name) {
        const auto names = [name](std::string_view word) {
            return same_word(word, name) || same_word(word, "all") || same_word(word, "default") ||
                   same_word(word, "everything");
        };
        if (!wanted_.empty() && std::ranges::none_of(wanted_, names)) return false;
        if (!text_.empty()) text_.append("\r\n");
        text_.append("# ").append(name).append("\r\n");
        return true;
    }
    void line(std::string_view name, std::string_view value) {
        text_.append(name).append(":").append(value).append("\r\n");
    }
    void line(std::string_view name, std::int64_t value) { line(name, std::to_string(value)); }
    [[nodiscard]] const std::string& text() const { return text_; }

 private:
    argument_list wanted_;
    std::string text_;
};

std::int64_t counted(const std::function<std::uint64_t()>& count) {
    return count ? static_cast<std::int64_t>(count()) : 0;
}

std::int64_t steady_seconds() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

}  // namespace

void write_report(const service_facts& facts, argument_list request, const tally& total,
                  reply_buffer& out) {
    report info(request.subspan(1));
    if (info.section("Server")) {
        info.line("redis_version", "7.0.0");  // what clients go by when they choose commands
        info.line("server_name", "exeunt-kv");
        info.line("redis_mode", "standalone");
        info.line("process_id", getpid());
        info.line("tcp_port", facts.port);
        info.line("uptime_in_seconds", steady_seconds() - facts.started);
        info.line("worker_threads", static_cast<std::int64_t>(facts.threads));
        info.line("shards", static_cast<std::int64_t>(facts.shards));
    }
    if (info.section("Clients")) info.line("connected_clients", counted(facts.clients));
    if (info.section("Stats")) {
        info.line("total_connections_received", counted(facts.connections));
        info.line("total_commands_processed", total.served);
    }
    if (info.section("Keyspace") && total.number > 0) {
        info.line("db0", "keys=" + std::to_string(total.number) +
                             ",expires=" + std::to_string(total.expiring) + ",avg_ttl=0");
    }
    out.bulk(info.text());
}

namespace answering {

void ping(session&, argument_list request, reply_buffer& out) {
    if (request.size() > 2) return refuse_count("ping", out);
    if (request.size() == 2) return out.bulk(request[1]);
    out.raw("+PONG\r\n");
}

void echo(session&, argument_list request, reply_buffer& out) {
    out.bulk(request[1]);
}

void quit(session& with, argument_list, reply_buffer& out) {
    with.closing = true;
    out.raw("+OK\r\n");
}

void select(session&, argument_list request, reply_buffer& out) {
    std::int64_t index = 0;
    if (!parse_integer(request[1], index)) return out.error(not_an_integer);
    if (index < std::numeric_limits<int>::min() || index > std::numeric_limits<int>::max())
        return out.error(
            "ERR value is out of range, value must between -2147483648 and 2147483647");
    if (index != 0) return out.error("ERR DB index is out of range");
    out.raw("+OK\r\n");
}

void config(session&, argument_list request, reply_buffer& out) {
    if (!same_word(request[1], "get")) return refuse_subcommand(request[1], "CONFIG", out);
    if (request.size() < 3) return refuse_count("config|get", out);
    config_get(request.subspan(2), out);
}

void command(session&, argument_list request, reply_buffer& out) {
    if (request.size() == 1) return describe_all(out);
    const std::string_view name = request[1];
    if (same_word(name, "count")) {
        if (request.size() != 2) return refuse_count("command|count", out);
        return out.integer(static_cast<std::int64_t>(all_commands().size()));
    }
    if (same_word(name, "info"))
        return request.size() == 2 ? describe_all(out) : describe_named(request.subspan(2), out);
    if (same_word(name, "list")) {
        out.array(all_commands().size());
        for (const kv::command& each : all_commands())
            out.bulk(each.name);
        return;
    }
    if (same_word(name, "docs")) return out.array(0);  // redis-cli then uses its own
    refuse_subcommand(name, "COMMAND", out);
}

}  // namespace answering
}  // namespace kv
