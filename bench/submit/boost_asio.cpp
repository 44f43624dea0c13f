// SPDX-License-Identifier: BSL-1.0
#include "../boost_asio.hpp"

#include "submit.hpp"

namespace asio = boost::asio;

int main(int argc, char** argv) {
    return bench::asio_program(
        argc, argv,
        [](const bench::setting& setting, asio::thread_pool& pool, const bench::measure& measure) {
            submit::run(setting, measure, [&pool](auto task) { asio::post(pool, task); });
        });
}
