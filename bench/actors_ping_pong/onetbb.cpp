// SPDX-License-Identifier: BSL-1.0
#include "ping_pong.hpp"

#include "../onetbb.hpp"

#include <oneapi/tbb/flow_graph.h>

// The nodes of a flow graph are what oneTBB has of actors: a serial node handles one message at a
// time and queues the others. Two of them in a circle; the first one stops it after so many rounds.
static std::uint64_t run(std::uint64_t messages) {
    namespace flow = oneapi::tbb::flow;
    using node = flow::multifunction_node<std::uint64_t, std::tuple<std::uint64_t>>;
    std::uint64_t last = 0;
    flow::graph graph;
    node ping(graph, flow::serial, [&](std::uint64_t ball, node::output_ports_type& ports) {
        last = ball;
        if (ball < messages) std::get<0>(ports).try_put(ball + 1);
    });
    node pong(graph, flow::serial, [](std::uint64_t ball, node::output_ports_type& ports) {
        std::get<0>(ports).try_put(ball + 1);
    });
    flow::make_edge(flow::output_port<0>(ping), pong);
    flow::make_edge(flow::output_port<0>(pong), ping);
    ping.try_put(0);
    graph.wait_for_all();
    return last;
}

int main(int argc, char** argv) {
    return bench::onetbb_program(
        argc, argv, [](const bench::setting& setting, const bench::measure& measure) {
            const std::uint64_t rounds =
                setting.size(actors_ping_pong::full, actors_ping_pong::quick);
            const std::uint64_t messages = rounds * actors_ping_pong::messages_a_round;
            measure(messages, messages, [messages] { return run(messages); });
        });
}
