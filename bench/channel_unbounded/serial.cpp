// SPDX-License-Identifier: BSL-1.0
#include "../channel/serial.hpp"

int main(int argc, char** argv) {
    return channel::serial_main(argc, argv, channel::unbounded.room);
}
