// SPDX-License-Identifier: BSL-1.0
#include "wake.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <system_error>
#include <thread>

namespace {

/// One thread's sleep in the kernel, and the other one's call.
class bell {
 public:
    bell() : descriptor_(eventfd(0, EFD_CLOEXEC)) { check(descriptor_ >= 0); }
    bell(const bell&) = delete;
    bell& operator=(const bell&) = delete;
    ~bell() { close(descriptor_); }

    void ring() const {
        const std::uint64_t one = 1;
        check(write(descriptor_, &one, sizeof(one)) == sizeof(one));
    }
    void wait() const {
        std::uint64_t rung = 0;
        check(read(descriptor_, &rung, sizeof(rung)) == sizeof(rung));
    }

 private:
    static void check(bool good) {
        if (!good) throw std::system_error(errno, std::system_category(), "eventfd");
    }
    int descriptor_;
};

void play(wake::stopwatch& watch, std::uint64_t hops) {
    const bell there;
    const bell back;
    const std::jthread receiver([&] {
        for (std::uint64_t i = 0; i < hops; ++i) {
            there.wait();
            watch.arrived();
            back.ring();
        }
    });
    for (std::uint64_t i = 0; i < hops; ++i) {
        std::this_thread::sleep_for(wake::pause);
        watch.start();
        there.ring();
        back.wait();
    }
}

}  // namespace

int main(int argc, char** argv) {
    return bench::program(argc, argv, "two threads and an eventfd each",
                          [](const bench::setting& setting, const bench::measure& measure) {
                              wake::run(setting, measure, play);
                          });
}
