// SPDX-License-Identifier: BSL-1.0
#include "matmul.hpp"

#include "../onetbb.hpp"

#include <oneapi/tbb/parallel_invoke.h>

using matmul::block;

static void multiply(block a, block b, block c) {
    if (c.size() == matmul::leaf) return matmul::multiply_leaf(a, b, c);
    for (std::size_t middle = 0; middle < 2; ++middle) {
        const auto product = [&](std::size_t down, std::size_t right) {
            multiply(a.quarter(down, middle), b.quarter(middle, right), c.quarter(down, right));
        };
        oneapi::tbb::parallel_invoke([&] { product(0, 0); }, [&] { product(0, 1); },
                                     [&] { product(1, 0); }, [&] { product(1, 1); });
    }
}

int main(int argc, char** argv) {
    return bench::onetbb_program(argc, argv,
                                 [](const bench::setting& setting, const bench::measure& measure) {
                                     matmul::run(setting, measure, multiply);
                                 });
}
