// SPDX-License-Identifier: BSL-1.0
#include "yield.hpp"

#include "../coroutine.hpp"
#include "../program.hpp"

// noinline: a compiler that sees the caller too makes one loop of both, and that loop a constant.
[[gnu::noinline]] static bench::coroutine count(std::uint64_t yields, std::uint64_t& done) {
    for (; done < yields; ++done)
        co_await std::suspend_always();
}

int main(int argc, char** argv) {
    return bench::program(argc, argv, "a bare coroutine, resumed in a loop",
                          [](const bench::setting& setting, const bench::measure& measure) {
                              const std::uint64_t yields = setting.size(yield::full, yield::quick);
                              measure(yields, yields, [yields] {
                                  std::uint64_t done = 0;
                                  const bench::coroutine task = count(yields, done);
                                  while (!task.handle().done())
                                      task.handle().resume();
                                  return done;
                              });
                          });
}
