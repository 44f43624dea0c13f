// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The command line of the service.

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>

#include "resp.hpp"

namespace kv {

class options {
 public:
    options() {}

    std::uint16_t port = 7379;  ///< 0: any that is free
    std::string bind = "127.0.0.1";
    std::size_t threads = 0;  ///< 0: one for each core that this process may use
    std::size_t max_connections = 20'000;
    limits most;
    bool help = false;
};

/// Its message says what was wrong and what would be right.
class bad_option : public std::runtime_error {
 public:
    using runtime_error::runtime_error;
};

/// What `--help` prints.
extern const char* const usage;

/// Reads the arguments behind the program's name. Throws bad_option.
options read_options(std::span<char* const> arguments);

}  // namespace kv
