// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The whole library in one include:
///
///     #include <exeunt/exeunt.hpp>
///
/// A file that wants to compile faster includes the headers of what it uses instead, such as
/// <exeunt/runtime/gather.hpp>.

#include <exeunt/actors/version.hpp>
#include <exeunt/scheduler/config.hpp>
