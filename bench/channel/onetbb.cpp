// SPDX-License-Identifier: BSL-1.0
#include "onetbb.hpp"

int main(int argc, char** argv) {
    using mode = oneapi::tbb::filter_mode;
    return channel::onetbb_main<mode::serial_in_order, mode::serial_in_order>(argc, argv);
}
