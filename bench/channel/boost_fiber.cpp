// SPDX-License-Identifier: BSL-1.0
#include "boost_fiber.hpp"

int main(int argc, char** argv) {
    return channel::fiber_main(argc, argv, channel::spsc);
}
