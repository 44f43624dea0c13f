// SPDX-License-Identifier: BSL-1.0
#include "waiting_report.hpp"

#include <exeunt/runtime/strand.hpp>
#include <exeunt/scheduler/code_name.hpp>

#include <cstring>
#include <vector>

namespace exeunt::core {
namespace {

/// The function of a coroutine: the first word of its frame.
const void* code_of(promise_base& coroutine) {
    const void* code = nullptr;
    std::memcpy(&code, coroutine.handle().address(), sizeof code);
    return code;
}

void append_line(std::string& text, std::size_t depth, const leaf& l) {
    // A leaf is known by what takes it off, a combinator by what it does when all have ended.
    const void* const wait = l.take_off != nullptr ? reinterpret_cast<const void*>(l.take_off)
                                                   : reinterpret_cast<const void*>(l.resume);
    text += '\n';
    text.append(2 * depth, ' ');
    text += scheduler::code_name(code_of(*l.frame)) + " waits in " + scheduler::code_name(wait);
}

}  // namespace

void append_waiting(std::string& text, strand& top) {
    if (top.parked_on() == nullptr) return;
    std::vector<strand*> path{&top};  // the last one is the next to be told of
    for (;;) {
        leaf& l = *path.back()->parked_on();
        append_line(text, path.size(), l);
        strand* next = nullptr;
        if (l.take_off == nullptr) next = static_cast<combinator&>(l).parked_child_after(nullptr);
        while (next == nullptr) {
            strand* const told = path.back();
            path.pop_back();
            if (path.empty()) return;
            auto& above = static_cast<combinator&>(*path.back()->parked_on());
            next = above.parked_child_after(told);
        }
        path.push_back(next);
    }
}

}  // namespace exeunt::core
