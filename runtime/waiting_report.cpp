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
    struct level {
        level(strand& s, leaf* l) noexcept : waiting(s), on(l) {}
        strand& waiting;
        leaf* on;  // loaded once: a thread that is no worker may wake the strand meanwhile
    };
    std::vector<level> path;
    for (strand* next = &top;;) {
        leaf* const l = next->parked_on();
        path.emplace_back(*next, l);
        next = nullptr;
        if (l != nullptr) append_line(text, path.size(), *l);
        if (l != nullptr && l->take_off == nullptr)
            next = static_cast<combinator&>(*l).parked_child_after(nullptr);
        while (next == nullptr) {
            strand& told = path.back().waiting;
            path.pop_back();
            if (path.empty()) return;
            next = static_cast<combinator&>(*path.back().on).parked_child_after(&told);
        }
    }
}

}  // namespace exeunt::core
