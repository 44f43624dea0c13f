// SPDX-License-Identifier: BSL-1.0
#include <exeunt/actors/dead_letter.hpp>
#include <exeunt/actors/envelope.hpp>
#include <exeunt/actors/exit_reason.hpp>
#include <exeunt/scheduler/atomic.hpp>

namespace exeunt {
namespace {

/// Written by whoever lets a message go, read by dead_letters().
constinit atomic<std::uint64_t> count{0};
/// Written by on_dead_letter(), read by whoever lets a message go.
constinit atomic<dead_letter_hook> installed{nullptr};

}  // namespace

std::uint64_t dead_letters() noexcept {
    return count.load(std::memory_order_relaxed);
}

dead_letter_hook on_dead_letter(dead_letter_hook hook) noexcept {
    // acq_rel: release pairs with the acquire in count_dead_letter(): what the hook uses was made
    // before it was installed; acquire receives what the former hook's installer made.
    return installed.exchange(hook, std::memory_order_acq_rel);
}

const char* to_string(exit_reason reason) noexcept {
    switch (reason) {
        case exit_reason::gone:
            return "gone";
        case exit_reason::finished:
            return "finished";
        case exit_reason::stopped:
            return "stopped";
        case exit_reason::killed:
            return "killed";
        case exit_reason::failed:
            return "failed";
    }
    return "unknown";
}

namespace core {

void count_dead_letter(const envelope& e) noexcept {
    count.fetch_add(1, std::memory_order_relaxed);
    // acquire: pairs with the release in on_dead_letter().
    if (dead_letter_hook hook = installed.load(std::memory_order_acquire))
        hook(dead_letter(*e.kind->type));
}

}  // namespace core
}  // namespace exeunt
