// SPDX-License-Identifier: BSL-1.0
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

// How noisy the machine is: the same arithmetic over and over on every core at once, each slice
// timed. It touches no memory and calls nobody, so what differs between two slices is the machine's
// doing (other programs, the hypervisor, the clock rate). Usage: spin THREADS SLICES; prints
// milliseconds.

namespace {

constexpr std::uint64_t steps_a_slice = 4'000'000;  // about 5 ms, a scheduling quantum

// A chain of dependent multiplications: neither wider nor smarter cores can shorten it by much.
double slice_in_milliseconds() {
    const auto start = std::chrono::steady_clock::now();
    std::uint64_t x = 1;
    for (std::uint64_t i = 0; i < steps_a_slice; ++i) {
        x = x * 6364136223846793005U + 1442695040888963407U;
        asm volatile("" : "+r"(x));
    }
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
        .count();
}

}  // namespace

int main(int argc, char** argv) {
    const int threads = argc > 1 ? std::atoi(argv[1]) : 1;
    const int slices = argc > 2 ? std::atoi(argv[2]) : 20;
    if (threads < 1 || slices < 1) {
        std::fprintf(stderr, "usage: %s THREADS SLICES\n", argv[0]);
        return 2;
    }
    std::vector<std::vector<double>> times(static_cast<std::size_t>(threads));
    std::vector<std::jthread> spinners;
    for (auto& mine : times) {
        spinners.emplace_back([&mine, slices] {
            for (int i = 0; i < slices; ++i)
                mine.push_back(slice_in_milliseconds());
        });
    }
    spinners.clear();  // joins
    for (const auto& mine : times) {
        for (const double time : mine)
            std::printf("%.4f\n", time);
    }
    return 0;
}
