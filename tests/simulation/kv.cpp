// SPDX-License-Identifier: BSL-1.0
#include <exeunt/io/buffered_reader.hpp>
#include <exeunt/io/tcp.hpp>
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/race.hpp>
#include <exeunt/runtime/sleep.hpp>

#include <array>
#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "check.hpp"
#include "docs/examples/kv/hash.hpp"
#include "docs/examples/kv/server.hpp"
#include "linearizable.hpp"
#include "scenarios.hpp"

/// In the place of the one that is drawn anew for each process.
std::uint64_t kv::hash_seed() {
    return 1;
}

namespace exeunt::simulation_tests {
namespace {

using kind = observation::kind;
using std::chrono::microseconds;

constexpr int clients = 4;
constexpr int commands_each = 12;
constexpr std::array keys{"a", "b", "c"};

/// What all clients have seen. The simulation runs on one thread.
struct history {
    std::map<std::string, std::vector<observation>> of;
    std::size_t events = 0;
};

struct asked_command {
    std::string key;
    std::size_t at;  ///< among those of its key
};

observation drawn(scheduler::xorshift& random) {
    observation o;
    const std::uint32_t dice = random.below(10);
    o.what = dice < 3 ? kind::set : dice < 6 ? kind::get : dice < 9 ? kind::increment : kind::erase;
    if (o.what == kind::set) o.value = std::to_string(random.below(1'000'000));
    return o;
}

std::string words(const observation& o, const std::string& key) {
    switch (o.what) {
        case kind::set:
            return "SET " + key + " " + o.value + "\r\n";
        case kind::increment:
            return "INCR " + key + "\r\n";
        case kind::erase:
            return "DEL " + key + "\r\n";
        case kind::get:
            break;
    }
    return "GET " + key + "\r\n";
}

/// The next reply, as linearizability writes it; empty when the connection is no more.
task<std::string> read_reply(buffered_reader<tcp_stream>& from) {
    std::error_code error;
    auto line = co_await from.read_line(1000, error);
    if (error || !line) co_return "";
    std::string reply(*line);
    if (reply[0] != '$' || reply == "$-1") co_return reply;
    auto value = co_await from.read_line(1000, error);
    if (error || !value) co_return "";
    co_return "$" + std::string(*value);
}

/// One connection, until it breaks or all is said.
task<> converse(tcp_stream& server, history& seen, int& left, scheduler::xorshift& random) {
    buffered_reader reader(server);
    std::error_code error;
    while (left > 0) {
        std::string request;
        std::vector<asked_command> batch;
        for (std::uint32_t i = 1 + random.below(3); i > 0 && left > 0; --i, --left) {
            const std::string key = keys[random.below(keys.size())];
            observation o = drawn(random);
            request += words(o, key);
            o.asked = ++seen.events;
            seen.of[key].push_back(o);
            batch.push_back({key, seen.of[key].size() - 1});
        }
        co_await server.write_all(request, error);
        if (error) co_return;
        if (random.below(16) == 0) co_return;  // goes away without waiting for the answers
        for (const asked_command& each : batch) {
            const std::string reply = co_await read_reply(reader);
            if (reply.empty()) co_return;
            observation& o = seen.of[each.key][each.at];
            o.reply = reply;
            o.answered = ++seen.events;
        }
        if (random.below(4) == 0) co_await sleep(microseconds(random.below(500)));
    }
}

task<> asks(endpoint where, history& seen) {
    auto random = seeded();
    for (int left = commands_each; left > 0;) {
        std::error_code error;
        tcp_stream server = co_await tcp_stream::connect(where, error);
        if (error) {
            co_await sleep(microseconds(100 + random.below(400)));
        } else {
            co_await converse(server, seen, left, random);
        }
    }
}

task<> ask_all(endpoint where, history& seen) {
    std::vector<task<>> all;
    for (int i = 0; i < clients; ++i)
        all.push_back(asks(where, seen));
    co_await gather(std::move(all));
}

}  // namespace

/// The key-value server of docs/examples/kv and four clients, whose connections break now and then:
/// what they see is what one server that does one thing after the other would have answered.
task<> kv() {
    history seen;
    auto listener = tcp_listener::bind({"127.0.0.1", 7379});
    const endpoint here = listener.local_endpoint();
    co_await race(::kv::serve_keys(std::move(listener), ::kv::options()), ask_all(here, seen));
    for (const auto& [key, all] : seen.of) {
        require(all.size() <= 64, "too many commands of one key for the check");
        require(linearizability(all).holds(),
                "what clients saw of key '" + key + "' cannot have happened in any order");
    }
}

}  // namespace exeunt::simulation_tests
