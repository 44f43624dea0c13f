// SPDX-License-Identifier: BSL-1.0
#include "matmul.hpp"

using matmul::block;

static void multiply(block a, block b, block c) {
    if (c.size() == matmul::leaf) return matmul::multiply_leaf(a, b, c);
    for (const std::size_t middle : {0U, 1U}) {
        for (const std::size_t down : {0U, 1U}) {
            for (const std::size_t right : {0U, 1U})
                multiply(a.quarter(down, middle), b.quarter(middle, right), c.quarter(down, right));
        }
    }
}

int main(int argc, char** argv) {
    return bench::program(argc, argv, "plain function calls",
                          [](const bench::setting& setting, const bench::measure& measure) {
                              matmul::run(setting, measure, multiply);
                          });
}
