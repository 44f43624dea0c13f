// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/lean_std.hpp>

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

namespace exeunt {

/// For ask(): wait as long as it takes.
inline constexpr std::chrono::nanoseconds no_deadline = std::chrono::nanoseconds::max();

/// What an actor is started with; setters that chain.
///
///     auto a = scope.spawn(ex::actor_options().capacity(16), account);
class actor_options {
  public:
    actor_options() {}
    explicit actor_options(std::string name) : name_(std::move(name)) {}
    explicit actor_options(const char* name) : name_(name) {}

    /// Messages that wait in the mailbox at most; 1 to 1'000'000. Default 1024.
    actor_options& capacity(std::uint32_t messages) noexcept {
        capacity_ = messages;
        return *this;
    }
    /// How long ask() waits for an answer of this actor when it says nothing else. Default 5 s;
    /// `no_deadline`: for ever.
    actor_options& answer_within(std::chrono::nanoseconds duration) noexcept {
        answer_within_ = duration;
        return *this;
    }
    /// For reports. Default: none.
    actor_options& name(std::string text) {
        name_ = std::move(text);
        return *this;
    }

    std::uint32_t capacity() const noexcept { return capacity_; }
    std::chrono::nanoseconds answer_within() const noexcept { return answer_within_; }
    const std::string& name() const noexcept { return name_; }

  private:
    std::uint32_t capacity_ = 1024;
    std::chrono::nanoseconds answer_within_ = std::chrono::seconds(5);
    std::string name_;
};
static_assert(!std::is_aggregate_v<actor_options>);

}  // namespace exeunt
