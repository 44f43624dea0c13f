// SPDX-License-Identifier: BSL-1.0
#include "tests/model/symbols.hpp"

#include <link.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <map>
#include <string_view>

#include "tests/model/execution.hpp"

namespace exeunt::model {
namespace {

std::uintptr_t load_address() noexcept {
    std::uintptr_t base = 0;
    // The program itself is the first that is visited.
    dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* result) {
            *static_cast<std::uintptr_t*>(result) = info->dlpi_addr;
            return 1;
        },
        &base);
    return base;
}

bool is_ours(std::string_view place) {
    return place.find("/include/c++/") == place.npos && place.find("??") == place.npos &&
           place.find("/bits/") == place.npos;
}

std::string shortened(std::string_view place) {
    constexpr std::string_view rooms[] = {"/scheduler/", "/runtime/", "/io/", "/actors/",
                                          "/tests/"};
    for (const std::string_view room : rooms) {
        if (const auto at = place.rfind(room); at != place.npos) {
            place.remove_prefix(at + 1);
            break;
        }
    }
    if (const auto at = place.find_first_of(" \n"); at != place.npos) place = place.substr(0, at);
    return std::string(place);
}

std::string ask(std::size_t offset) {
    char text[1024];
    std::snprintf(text, sizeof text, "addr2line -i -e /proc/%d/exe %#zx 2>/dev/null",
                  static_cast<int>(::getpid()), offset);
    std::string answer;
    if (FILE* tool = ::popen(text, "r")) {
        while (std::fgets(text, sizeof text, tool) != nullptr) {
            if (answer.empty() && is_ours(text)) answer = shortened(text);
        }
        ::pclose(tool);
    }
    if (!answer.empty()) return answer;
    std::snprintf(text, sizeof text, "+%#zx", offset);
    return text;
}

}  // namespace

std::size_t offset_in_program(const void* address) noexcept {
    static const std::uintptr_t base = load_address();
    return reinterpret_cast<std::uintptr_t>(address) - base;
}

std::string symbol_of(const void* return_address) {
    if (return_address == nullptr) return "";
    const apart_from_scenario guard;
    static std::map<const void*, std::string> known;
    std::string& answer = known[return_address];
    if (answer.empty()) answer = ask(offset_in_program(return_address) - 1);
    return answer;
}

}  // namespace exeunt::model
