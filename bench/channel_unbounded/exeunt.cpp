// SPDX-License-Identifier: BSL-1.0
#include "../channel/exeunt.hpp"

int main(int argc, char** argv) {
    return channel::exeunt_main(argc, argv, channel::unbounded);
}
