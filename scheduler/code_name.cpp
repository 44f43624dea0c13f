// SPDX-License-Identifier: BSL-1.0
#include <exeunt/scheduler/code_name.hpp>

#include <cxxabi.h>
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

namespace exeunt::scheduler {

std::string code_name(const void* address) {
    char text[32];
    Dl_info found{};
    if (address == nullptr || ::dladdr(address, &found) == 0 || found.dli_fname == nullptr) {
        std::snprintf(text, sizeof text, "%p", address);
        return text;
    }
    if (found.dli_sname == nullptr) {
        const char* const base = static_cast<const char*>(found.dli_fbase);
        std::snprintf(text, sizeof text, "+%#tx", static_cast<const char*>(address) - base);
        return std::string(found.dli_fname) + text;
    }
    int status = 0;
    const std::unique_ptr<char, void (*)(void*)> readable(
        abi::__cxa_demangle(found.dli_sname, nullptr, nullptr, &status), std::free);
    return status == 0 ? readable.get() : found.dli_sname;
}

}  // namespace exeunt::scheduler
