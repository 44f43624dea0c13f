// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/unwinding.hpp>
#include <exeunt/scheduler/config.hpp>

namespace exeunt {
namespace {

[[gnu::tls_model("initial-exec")]] thread_local constinit int depth = 0;

EXEUNT_NOINLINE int& unwinding_depth() noexcept {
    return depth;
}

}  // namespace

bool unwinding() noexcept {
    return unwinding_depth() > 0;
}

namespace core {

unwinding_scope::unwinding_scope() noexcept {
    ++unwinding_depth();
}
unwinding_scope::~unwinding_scope() {
    --unwinding_depth();
}

}  // namespace core
}  // namespace exeunt
