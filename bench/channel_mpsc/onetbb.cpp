// SPDX-License-Identifier: BSL-1.0
#include "../channel/onetbb.hpp"

int main(int argc, char** argv) {
    using mode = oneapi::tbb::filter_mode;
    return channel::onetbb_main<mode::parallel, mode::serial_out_of_order>(argc, argv);
}
