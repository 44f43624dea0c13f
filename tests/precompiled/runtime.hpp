// SPDX-License-Identifier: BSL-1.0
// As scheduler.hpp, for the tests of the runtime and of the rooms above it.
#include "scheduler.hpp"

#include <exeunt/runtime/as_completed.hpp>
#include <exeunt/runtime/channel.hpp>
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/race.hpp>
#include <exeunt/runtime/runtime.hpp>
#include <exeunt/runtime/settled.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/timeout.hpp>
#include <exeunt/runtime/yield.hpp>
