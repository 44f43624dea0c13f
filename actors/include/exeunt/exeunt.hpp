// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The whole library in one include:
///
///     #include <exeunt/exeunt.hpp>
///
/// A file that wants to compile faster includes the headers of what it uses instead, such as
/// <exeunt/runtime/gather.hpp>.

#include <exeunt/actors/version.hpp>
#include <exeunt/runtime/channel.hpp>
#include <exeunt/runtime/event.hpp>
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/hooks.hpp>
#include <exeunt/runtime/mutex.hpp>
#include <exeunt/runtime/options.hpp>
#include <exeunt/runtime/race.hpp>
#include <exeunt/runtime/result.hpp>
#include <exeunt/runtime/runtime.hpp>
#include <exeunt/runtime/semaphore.hpp>
#include <exeunt/runtime/settled.hpp>
#include <exeunt/runtime/shield.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/task.hpp>
#include <exeunt/runtime/task_handle.hpp>
#include <exeunt/runtime/timeout.hpp>
#include <exeunt/runtime/unwinding.hpp>
#include <exeunt/runtime/yield.hpp>
#include <exeunt/scheduler/config.hpp>
