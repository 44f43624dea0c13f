// SPDX-License-Identifier: BSL-1.0
#include <exeunt/scheduler/worker.hpp>

namespace exeunt::scheduler {

const std::size_t crowd = 1024;
const std::int64_t unmeasured_item_ns = 100'000;

}  // namespace exeunt::scheduler
