// SPDX-License-Identifier: BSL-1.0
#include "../exeunt.hpp"

#include "submit.hpp"

namespace ex = exeunt;

template <class Task>
static ex::task<> one(Task task) {
    task();
    co_return;
}

int main(int argc, char** argv) {
    return bench::exeunt_program(
        argc, argv,
        [](const bench::setting& setting, ex::runtime& runtime, const bench::measure& measure) {
            submit::run(setting, measure, [&runtime]<class Task>(Task task) {
                runtime.spawn(one<Task>, task).detach();
            });
        });
}
