// SPDX-License-Identifier: BSL-1.0
#include <exeunt/actors/supervisor.hpp>

#include <algorithm>

namespace exeunt {

supervisor::~supervisor() {
    // Those that were never started, because run() was never awaited.
    for (core::actor_cell* cell : policy_.children)
        cell->close(exit_reason::stopped);
}

namespace core {

restart_policy::restart_policy(const one_for_one& strategy) : strategy_(strategy) {
    restarts_.reserve(strategy.restarts());
}

restart_policy::~restart_policy() = default;

void restart_policy::make_room() {
    if (children.size() == children.capacity()) children.reserve(2 * children.size() + 1);
}

void restart_policy::add(actor_cell& child) noexcept {
    children.push_back(&child);
}

bool restart_policy::permits(restart_record& child, std::int64_t now, std::int64_t& wait) noexcept {
    const std::int64_t period = strategy_.period().count();
    std::erase_if(restarts_, [&](std::int64_t when) { return now - when >= period; });
    if (restarts_.size() >= strategy_.restarts()) return false;
    restarts_.push_back(now);  // there is room: see the constructor
    if (child.failures_ > 0 && now - child.failed_at_ >= period) child.failures_ = 0;
    child.failed_at_ = now;
    wait = strategy_.first_wait().count();
    const std::int64_t most = std::max(strategy_.longest_wait().count(), wait);
    for (unsigned i = 0; i < child.failures_ && wait < most; ++i) {
        wait = wait > most / 2 ? most : wait * 2;
    }
    ++child.failures_;
    return true;
}

std::exception_ptr restart_policy::limit_exceeded(const restart_record& child,
                                                  const std::exception_ptr& last) const noexcept {
    const auto milliseconds =
        std::chrono::duration_cast<std::chrono::milliseconds>(strategy_.period()).count();
    try {
        try {
            std::rethrow_exception(last);
        } catch (...) {
            std::throw_with_nested(restart_limit_exceeded(
                "supervisor: the actor '" + child.name() +
                "' failed, and its supervisor's limit of " + std::to_string(strategy_.restarts()) +
                " restarts in " + std::to_string(milliseconds) +
                " ms is used up: mend the failure (nested in this error), or raise intensity()"));
        }
    } catch (...) {
        return std::current_exception();
    }
}

void restart_record::expired(scheduler::timer& t) noexcept {
    restart_record& me = static_cast<alarm&>(t).owner;
    auto& scope = static_cast<actor_scope&>(*me.cell_.owner);
    if (leaf* next = scope.waited(me)) make_ready(*next);
}

}  // namespace core
}  // namespace exeunt
