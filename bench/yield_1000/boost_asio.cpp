// SPDX-License-Identifier: BSL-1.0
#include "../yield/boost_asio.hpp"

int main(int argc, char** argv) {
    return yield::asio_main(argc, argv, yield::many, yield::full / 2);
}
