// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/lean_std.hpp>

#include <exception>

/// What happens to exceptions that nobody is left to receive.
namespace exeunt {

/// Called with an exception that was superseded: a gather or group rethrows its first one, the
/// later ones come here; also that of a task whose handle was dropped without being awaited.
/// The default prints a line on standard error. Returns the hook that was set before. An empty
/// function restores the default. Thread safety: any thread; the hook is called on workers, maybe
/// on several at once, and must not throw.
std::function<void(std::exception_ptr)> on_suppressed(std::function<void(std::exception_ptr)> hook);

/// Called with an exception that left a detached task. The default prints it and terminates.
/// Otherwise as on_suppressed().
std::function<void(std::exception_ptr)> on_unhandled(std::function<void(std::exception_ptr)> hook);

namespace core {
void report_suppressed(std::exception_ptr error) noexcept;
void report_unhandled(std::exception_ptr error) noexcept;
}  // namespace core

}  // namespace exeunt
