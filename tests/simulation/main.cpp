// SPDX-License-Identifier: BSL-1.0
// Runs the scenarios, or one of them:
//
//     simulate [--scenario NAME] [--seed S] [--schedules N] [--list]
#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

#include "check.hpp"
#include "scenarios.hpp"

namespace exeunt::simulation_tests {

std::span<const scenario> scenarios() noexcept {
    static const std::array<scenario, 6> all{{
        {"actors", "a pipeline of actors with crashes", actors},
        {"kv", "the key-value server, and clients whose connections break", kv,
         simulated_network().resets(200).failures(20)},
        {"locks", "a mutex and a semaphore with impatient users", locks},
        {"memory", "random trees whose allocations fail", memory, {}, 30},
        {"pipeline", "channels with deadlines everywhere", pipeline},
        {"trees", "random trees of combinators, cut off by deadlines", trees},
    }};
    return all;
}

namespace {

struct wish {
    std::optional<std::string> scenario;
    std::optional<std::uint64_t> seed;
    std::uint64_t schedules = 1000;
};

[[noreturn]] void refuse(const std::string& why) {
    std::fprintf(stderr,
                 "simulate: %s\n"
                 "usage: simulate [--scenario NAME] [--seed S] [--schedules N] [--list]\n",
                 why.c_str());
    std::exit(2);
}

std::uint64_t number(std::string_view option, const char* text) {
    if (text == nullptr) refuse(std::string(option) + " needs a number");
    const std::string_view all = text;
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(all.data(), all.data() + all.size(), value);
    if (error != std::errc() || end != all.data() + all.size())
        refuse(std::string(option) + " needs a number, not '" + text + "'");
    return value;
}

wish parse(char** arguments) {
    wish w;
    while (*++arguments != nullptr) {
        const std::string_view option = *arguments;
        if (option == "--help") {
            std::puts("simulate [--scenario NAME] [--seed S] [--schedules N] [--list]");
            std::exit(0);
        }
        if (option == "--list") {
            for (const scenario& each : scenarios())
                std::printf("%-10s %s\n", each.name, each.about);
            std::exit(0);
        }
        const char* const value = arguments[1];
        if (option == "--scenario") {
            if (value == nullptr) refuse("--scenario needs a name");
            w.scenario = value;
        } else if (option == "--seed") {
            w.seed = number(option, value);
        } else if (option == "--schedules") {
            w.schedules = number(option, value);
            if (w.schedules == 0) refuse("--schedules needs a number above 0");
        } else {
            refuse("unknown option '" + std::string(option) + "'");
        }
        ++arguments;
    }
    return w;
}

bool play(const scenario& s, const wish& w) {
    const auto options = simulation_options()
                             .seed(w.seed.value_or(1))
                             .schedules(w.schedules)
                             .network(s.network)
                             .allocation_failures(s.allocation_failures);
    try {
        const simulation_report r = simulate(options, s.run);
        std::printf(
            "simulation %s: %llu schedules, %llu steps, %.3f s of virtual time, hash %016llx\n",
            s.name, static_cast<unsigned long long>(r.schedules),
            static_cast<unsigned long long>(r.steps), std::chrono::duration<double>(r.time).count(),
            static_cast<unsigned long long>(r.hash));
        return true;
    } catch (const simulation_failure& failure) {
        std::printf("simulation %s FAILED: %s", s.name, failure.what());
        std::printf("replay: ./dev simulate --scenario %s --seed %llu --schedules 1\n", s.name,
                    static_cast<unsigned long long>(failure.seed()));
        return false;
    }
}

int run(char** arguments) {
    const wish w = parse(arguments);
    bool found = false;
    bool good = true;
    for (const scenario& each : scenarios()) {
        if (w.scenario && *w.scenario != each.name) continue;
        found = true;
        good &= play(each, w);
    }
    if (!found) refuse("there is no scenario '" + *w.scenario + "': --list names them");
    return good ? 0 : 1;
}

}  // namespace
}  // namespace exeunt::simulation_tests

int main(int, char** arguments) {
    return exeunt::simulation_tests::run(arguments);
}
