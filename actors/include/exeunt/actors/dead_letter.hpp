// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <typeinfo>

/// Messages that came too late.
///
///     ex::on_dead_letter([](const ex::dead_letter& d) noexcept { log(d.type.name()); });
///
/// A message that was told to an actor that has ended (or that lay in its mailbox when it ended) is
/// a dead letter. It is counted, and a hook sees its type. Requests are not dead letters: their
/// asker gets actor_not_found.
namespace exeunt {

struct dead_letter {
    explicit dead_letter(const std::type_info& message) noexcept : type(message) {}
    const std::type_info& type;  ///< of the message
};

/// Dead letters of this process so far. Any thread.
std::uint64_t dead_letters() noexcept;

/// Called with every dead letter, on the thread where it came about; it must be short and must not
/// send. Returns the hook that was set before; null: none. Any thread.
using dead_letter_hook = void (*)(const dead_letter&) noexcept;
dead_letter_hook on_dead_letter(dead_letter_hook hook) noexcept;

}  // namespace exeunt
