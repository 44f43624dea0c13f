// SPDX-License-Identifier: BSL-1.0
#include "../exeunt.hpp"

#include "matmul.hpp"

#include <exeunt/runtime/gather.hpp>

namespace ex = exeunt;
using matmul::block;

static ex::task<> multiply(block a, block b, block c) {
    if (c.size() == matmul::leaf) {
        matmul::multiply_leaf(a, b, c);
        co_return;
    }
    for (std::size_t middle = 0; middle < 2; ++middle) {
        co_await ex::gather(multiply(a.quarter(0, middle), b.quarter(middle, 0), c.quarter(0, 0)),
                            multiply(a.quarter(0, middle), b.quarter(middle, 1), c.quarter(0, 1)),
                            multiply(a.quarter(1, middle), b.quarter(middle, 0), c.quarter(1, 0)),
                            multiply(a.quarter(1, middle), b.quarter(middle, 1), c.quarter(1, 1)));
    }
}

int main(int argc, char** argv) {
    return bench::exeunt_program(
        argc, argv,
        [](const bench::setting& setting, ex::runtime& runtime, const bench::measure& measure) {
            matmul::run(setting, measure,
                        [&runtime](block a, block b, block c) { runtime.run(multiply(a, b, c)); });
        });
}
