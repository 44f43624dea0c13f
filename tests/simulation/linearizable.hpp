// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// Whether what clients saw of one key could have happened one operation after the other, each
/// between its request and its reply (Herlihy and Wing, "Linearizability", TOPLAS 1990). A history
/// is linearizable if that of each key is, so keys are looked at one by one.
namespace exeunt::simulation_tests {

/// One command and its reply. `asked` and `answered` are places in the order of all events.
struct observation {
    enum class kind : std::uint8_t { set, get, increment, erase };
    static constexpr std::size_t never = std::numeric_limits<std::size_t>::max();

    kind what = kind::get;
    std::string value;  ///< that is set
    std::size_t asked = 0;
    /// never: no reply has come, and it may have taken place at any time since, or not at all.
    std::size_t answered = never;
    std::string reply;
};

/// What one key holds.
using held = std::optional<std::string>;

/// Does to `value` what the command says, and returns the reply that it should have.
inline std::string apply(const observation& o, held& value) {
    switch (o.what) {
        case observation::kind::set:
            value = o.value;
            return "+OK";
        case observation::kind::increment:
            value = std::to_string((value ? std::stoll(*value) : 0) + 1);
            return ":" + *value;
        case observation::kind::erase:
            return std::exchange(value, std::nullopt) ? ":1" : ":0";
        case observation::kind::get:
            break;
    }
    return value ? "$" + *value : "$-1";
}

/// The search of Wing and Gong ("Testing and Verifying Concurrent Objects", JPDC 1993), which does
/// not look twice at the same set of operations with the same value after them, as Lowe proposes
/// ("Testing for Linearizability", CCPE 2017). At most 64 operations; exponential at worst.
class linearizability {
 public:
    explicit linearizability(std::vector<observation> all) : all_(std::move(all)) {}

    bool holds() { return search(0, std::nullopt); }

 private:
    bool search(std::uint64_t done, const held& value) {
        if (!seen_.emplace(done, value).second) return false;
        // Whoever was asked after an answer that is still missing here cannot have come before it.
        std::size_t first_answer = observation::never;
        for (std::size_t i = 0; i < all_.size(); ++i) {
            if ((done >> i & 1) == 0 && all_[i].answered < first_answer)
                first_answer = all_[i].answered;
        }
        if (first_answer == observation::never) return true;
        for (std::size_t i = 0; i < all_.size(); ++i) {
            const observation& next = all_[i];
            if ((done >> i & 1) != 0 || next.asked > first_answer) continue;
            held after = value;
            const std::string reply = apply(next, after);
            if (next.answered != observation::never && reply != next.reply) continue;
            if (search(done | std::uint64_t{1} << i, after)) return true;
        }
        return false;
    }

    std::vector<observation> all_;
    std::set<std::pair<std::uint64_t, held>> seen_;
};

}  // namespace exeunt::simulation_tests
