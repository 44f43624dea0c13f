// SPDX-License-Identifier: BSL-1.0
#include <exeunt/actors/version.hpp>

#define EXEUNT_TEXT(x) #x
#define EXEUNT_DOTTED(a, b, c) EXEUNT_TEXT(a) "." EXEUNT_TEXT(b) "." EXEUNT_TEXT(c)

namespace exeunt {

const char* version() noexcept {
    return EXEUNT_DOTTED(EXEUNT_VERSION_MAJOR, EXEUNT_VERSION_MINOR, EXEUNT_VERSION_PATCH);
}

}  // namespace exeunt
