// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <gtest/gtest.h>

#include "actors/cell_store.hpp"

/// What the models of actors have in common.
namespace exeunt::model {

/// Cells are kept for ever: the first ones must not lie in the memory of an execution.
class with_cells : public testing::Test {
 protected:
    void SetUp() override {
        auto& store = core::cell_store::instance();
        store.give_back(store.take());
    }
};

/// A message. Its value is plain: a race is reported.
struct number {
    explicit number(int n) : value(n) {}
    int value;
};

}  // namespace exeunt::model
