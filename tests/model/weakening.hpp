// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>

/// Mutation: one memory order of the program under test, weakened by a step.
namespace exeunt::model {

/// The order with which the operation that was called from `at` is to be carried out. `kind`: l for
/// a load, s a store, m a read-modify-write, c and f an exchange that succeeds or fails, t a fence.
///
/// EXEUNT_MODEL_SITES=FILE: each operation with an order that is not relaxed adds a line to FILE at
/// the end of the program. EXEUNT_MODEL_WEAKEN=OFFSET:KIND:ORDER,...: there it is ORDER instead.
std::memory_order weakened(std::memory_order order, const void* at, char kind);

}  // namespace exeunt::model
