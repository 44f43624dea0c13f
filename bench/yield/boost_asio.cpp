// SPDX-License-Identifier: BSL-1.0
#include "boost_asio.hpp"

int main(int argc, char** argv) {
    return yield::asio_main(argc, argv, 1, yield::full);
}
