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

}  // namespace

const std::string& waiting_report::name_of(const void* code) {
    std::string& name = names_[code];
    if (name.empty()) name = scheduler::code_name(code);
    return name;
}

void waiting_report::add_line(std::size_t depth, const leaf& l) {
    // A leaf is known by what takes it off, a combinator by what it does when all have ended.
    const void* const wait = l.take_off != nullptr ? reinterpret_cast<const void*>(l.take_off)
                                                   : reinterpret_cast<const void*>(l.resume);
    text_ += '\n';
    text_.append(2 * depth, ' ');
    text_ += name_of(code_of(*l.frame));
    text_ += " waits in ";
    text_ += name_of(wait);
}

void waiting_report::add(strand& top) {
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
        if (l != nullptr) add_line(path.size(), *l);
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
