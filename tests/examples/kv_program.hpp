// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The key-value service as a process, on each event loop and with one thread and several.

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "program.hpp"

namespace examples {

/// A program that the build named in the environment.
inline std::string program_path(const char* variable) {
    const char* const path = std::getenv(variable);
    if (path == nullptr) throw std::runtime_error(std::string(variable) + " names no program");
    return path;
}

struct setting {
    const char* event_loop;
    int threads;
};

inline void PrintTo(const setting& value, std::ostream* out) {
    *out << value.event_loop << ", " << value.threads << " threads";
}

inline launch kv_launch(const setting& with) {
    launch how(program_path("EXEUNT_KV"));
    how.arguments = {"--port", "0", "--threads", std::to_string(with.threads)};
    how.event_loop = with.event_loop;
    return how;
}

/// A fixture: `setting` says how the service is started; io_uring is skipped where it is refused.
class on_every_event_loop : public testing::TestWithParam<setting> {
 protected:
    void SetUp() override {
        if (GetParam().event_loop == std::string("io_uring") && !io_uring_works())
            GTEST_SKIP() << "io_uring cannot be had here";
    }
};

inline const auto every_event_loop = testing::Values(
    setting{"epoll", 1}, setting{"epoll", 2}, setting{"io_uring", 1}, setting{"io_uring", 2});

inline std::string setting_name(const testing::TestParamInfo<setting>& about) {
    return std::string(about.param.event_loop) + "_" + std::to_string(about.param.threads);
}

}  // namespace examples
