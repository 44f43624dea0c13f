// SPDX-License-Identifier: BSL-1.0
#include "waiting_report.hpp"

#include <exeunt/runtime/strand.hpp>
#include <exeunt/scheduler/code_name.hpp>

#include <cstring>

namespace exeunt::core {
namespace {

thread_local constinit waiting_report* of_this_thread = nullptr;

/// The function of a coroutine: the first word of its frame.
const void* code_of(promise_base& coroutine) {
    const void* code = nullptr;
    std::memcpy(&code, coroutine.handle().address(), sizeof code);
    return code;
}

}  // namespace

waiting_report::waiting_report() noexcept {
    of_this_thread = this;
}

waiting_report::~waiting_report() {
    of_this_thread = nullptr;
}

waiting_report* waiting_report::current() noexcept {
    return of_this_thread;
}

void waiting_report::visits(const strand& waiting, const leaf& l) {
    std::size_t depth = 1;
    for (const strand* each = &waiting; each->up() != nullptr; each = &each->up()->parent())
        ++depth;
    // A leaf is known by what takes it off, a combinator by what it does when all have ended.
    const void* const wait = l.take_off != nullptr ? reinterpret_cast<const void*>(l.take_off)
                                                   : reinterpret_cast<const void*>(l.resume);
    text_ += '\n';
    text_.append(2 * depth, ' ');
    text_ += scheduler::code_name(code_of(*l.frame)) + " waits in " + scheduler::code_name(wait);
}

}  // namespace exeunt::core
