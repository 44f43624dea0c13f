// SPDX-License-Identifier: BSL-1.0
#include "../yield/boost_fiber.hpp"

int main(int argc, char** argv) {
    return yield::fiber_main(argc, argv, yield::many);
}
