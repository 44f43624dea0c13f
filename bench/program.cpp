// SPDX-License-Identifier: BSL-1.0
#include "program.hpp"

#include <benchmark/benchmark.h>

#include <charconv>
#include <cstdio>
#include <exception>
#include <fstream>
#include <string_view>

#if defined(EXEUNT_BENCH_JEMALLOC)
#include <jemalloc/jemalloc.h>
#endif

namespace bench {
namespace {

std::string compiler_name() {
#if defined(__clang__)
    return "clang " + std::to_string(__clang_major__) + "." + std::to_string(__clang_minor__) +
           "." + std::to_string(__clang_patchlevel__);
#else
    return "gcc " + std::to_string(__GNUC__) + "." + std::to_string(__GNUC_MINOR__) + "." +
           std::to_string(__GNUC_PATCHLEVEL__);
#endif
}

// The reference to mallctl also keeps the library linked under --as-needed.
std::string allocator_name() {
#if defined(EXEUNT_BENCH_JEMALLOC)
    const char* version = "";
    std::size_t length = sizeof(version);
    if (mallctl("version", &version, &length, nullptr, 0) != 0) return "jemalloc";
    const std::string_view full(version);
    return "jemalloc " + std::string(full.substr(0, full.find('-')));
#else
    return "the C library's";
#endif
}

// A line of /proc/self/status, such as "VmRSS:", or 0.
double kibibytes(std::string_view key) {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with(key)) return std::stod(line.substr(key.size()));
    }
    return 0.0;
}

// VmHWM is this process's own high-water mark; ru_maxrss would survive exec and show the driver's.
double peak_mebibytes() {
    return kibibytes("VmHWM:") / 1024.0;
}

double reported = 0.0;
benchmark::State* measured_now = nullptr;  // while a body is measured

std::string program_name(std::string_view path) {
    return std::string(path.substr(path.find_last_of('/') + 1));
}

struct flags {
    unsigned threads = 1;
    bool quick = false;
    bool valid = true;
};

// Takes our flags out of argv, so that Google Benchmark sees only its own.
flags take_flags(int& argc, char** argv) {
    constexpr std::string_view threads_flag = "--threads=";
    flags found;
    int kept = 1;
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument(argv[i]);
        if (argument == "--quick") {
            found.quick = true;
        } else if (argument.starts_with(threads_flag)) {
            const std::string_view digits = argument.substr(threads_flag.size());
            const auto [end, error] =
                std::from_chars(digits.data(), digits.data() + digits.size(), found.threads);
            found.valid =
                error == std::errc() && end == digits.data() + digits.size() && found.threads > 0;
        } else {
            argv[kept++] = argv[i];
        }
    }
    argc = kept;
    return found;
}

}  // namespace

untimed::untimed() {
    if (measured_now != nullptr) measured_now->PauseTiming();
}

untimed::~untimed() {
    if (measured_now != nullptr) measured_now->ResumeTiming();
}

void report(double figure) {
    reported = figure;
}

std::uint64_t resident_bytes() {
    return static_cast<std::uint64_t>(kibibytes("VmRSS:")) * 1024;
}

int program(int argc, char** argv, const std::string& version, const contender& prepare) {
    const flags given = take_flags(argc, argv);
    benchmark::Initialize(&argc, argv);
    if (!given.valid || benchmark::ReportUnrecognizedArguments(argc, argv)) {
        std::fprintf(stderr, "usage: %s [--threads=N] [--quick] [--benchmark_...]\n", argv[0]);
        return 2;
    }
    benchmark::AddCustomContext("contender", version);
    benchmark::AddCustomContext("compiler", compiler_name());
    benchmark::AddCustomContext("allocator", allocator_name());

    const setting size(given.threads, given.quick);
    bool correct = true;
    const auto run = [&](benchmark::State& state) {
        bool measured = false;
        const measure hand_over = [&](std::uint64_t items, std::uint64_t expected,
                                      const body& work) {
            const auto check = [&](std::uint64_t result) {
                if (result == expected) return;
                correct = false;
                std::fprintf(stderr, "%s: wrong result %llu, expected %llu\n", argv[0],
                             static_cast<unsigned long long>(result),
                             static_cast<unsigned long long>(expected));
            };
            measured = true;
            check(work());
            measured_now = &state;
            for (auto _ : state)
                check(work());
            measured_now = nullptr;
            state.counters["items"] = static_cast<double>(items);
            state.counters["reported"] = reported;
            state.counters["peak_mib"] = peak_mebibytes();
            state.SetItemsProcessed(static_cast<std::int64_t>(items) * state.iterations());
        };
        try {
            prepare(size, hand_over);
        } catch (const std::exception& error) {
            correct = false;
            measured_now = nullptr;
            std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
        }
        if (!measured) correct = false;
        if (!correct) state.SkipWithError("wrong result");
    };
    benchmark::RegisterBenchmark(program_name(argv[0]).c_str(), run)
        ->UseRealTime()
        ->Iterations(1)
        ->Unit(benchmark::kMillisecond);
    benchmark::RunSpecifiedBenchmarks();
    return correct ? 0 : 1;
}

}  // namespace bench
