// SPDX-License-Identifier: BSL-1.0
#include "../channel/boost_asio.hpp"

int main(int argc, char** argv) {
    return channel::asio_main(argc, argv, channel::unbounded);
}
