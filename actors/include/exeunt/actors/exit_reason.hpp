// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

namespace exeunt {

/// Why an actor has ended.
enum class exit_reason : std::uint8_t {
    gone,      ///< it had ended before anybody asked
    finished,  ///< its function returned by itself
    stopped,   ///< it was asked to stop, and drained its mailbox
    killed,    ///< it was cancelled
    failed,    ///< an exception left its function, and it was not started again
};

/// "finished", "stopped", ...
const char* to_string(exit_reason reason) noexcept;

}  // namespace exeunt
