// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/unwinding.hpp>
#include <exeunt/scheduler/config.hpp>

#include <cxxabi.h>

#include <cstring>

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

bool unwinding_or_handling() noexcept {
    // What std::current_exception() and std::uncaught_exceptions() read, in one look: Itanium C++
    // ABI, Exception Handling, 2.2.2.
    struct {
        void* handled;
        unsigned int in_flight;
    } here;
    std::memcpy(&here, abi::__cxa_get_globals(), sizeof here);
    return unwinding() || here.handled != nullptr || here.in_flight != 0;
}

unwinding_scope::unwinding_scope() noexcept {
    ++unwinding_depth();
}
unwinding_scope::~unwinding_scope() {
    --unwinding_depth();
}

}  // namespace core
}  // namespace exeunt
