// SPDX-License-Identifier: BSL-1.0
// What the tests of the scheduler are slow to read. Precompiled for time alone: each test includes
// what it uses, and a build with -Db_pch=false proves it.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>
