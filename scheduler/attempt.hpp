// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

/// The system calls behind the operations, as one function.

namespace exeunt::scheduler {

struct operation;

/// Makes the call that `op` stands for on `fd`, without blocking, again after each EINTR. Returns
/// its result or a negated errno value; -EAGAIN when it would block. A connect that is under way
/// counts as one that would block: calling it again tells how it went.
std::int32_t attempt(const operation& op, int fd) noexcept;

}  // namespace exeunt::scheduler
