// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tests/model/clocks.hpp"

/// Which execution comes next: all of them in turn, or random ones, or one again.
namespace exeunt::model {

/// The decisions of one execution after another. An execution asks choose() wherever more than one
/// thing may happen; the same answers give the same execution.
class exploration {
 public:
    /// Every sequence of answers, depth first.
    static exploration exhaustive() { return exploration(mode::exhaustive, 0); }
    /// Answers from a generator (xorshift64*), new ones each time.
    static exploration random(std::uint64_t seed) { return exploration(mode::random, seed); }
    /// The answers of `schedule`, as schedule() gave them; 0 behind its end.
    static exploration replay(std::string_view schedule);

    exploration(exploration&&) = default;

    /// One of 0 ... count - 1. 0 is what an undisturbed execution would do. `rarely`: how many
    /// times out of 256 a random exploration takes another answer than 0.
    unsigned choose(unsigned count, unsigned rarely = 128) {
        if (count <= 1 || !exploring_) return 0;
        if (position_ < taken_.size()) {
            const unsigned answer = taken_[position_++].answer;
            if (answer >= count) refuse_schedule();
            return answer;
        }
        ++position_;
        unsigned answer = 0;
        if (mode_ == mode::random && next_random() % 256 < rarely)
            answer = 1 + static_cast<unsigned>(next_random() % (count - 1));
        taken_.push_back({static_cast<std::uint16_t>(answer), static_cast<std::uint16_t>(count)});
        return answer;
    }

    /// Off: nothing is decided, choose() answers 0. Each execution begins with it on.
    void explore(bool on) noexcept { exploring_ = on; }

    /// Whether an execution may go beyond the bounds: a random one, or the replay of one.
    bool is_unbounded() const noexcept { return unbounded_; }

    /// After an execution: prepares the next. False when there is none left.
    bool next();
    /// The answers of the last execution, to be given to replay().
    std::string schedule() const;

 private:
    enum class mode : std::uint8_t { exhaustive, random, replay };
    struct decision {
        std::uint16_t answer;
        std::uint16_t count;
    };
    /// Movable, unlike a pool, by giving its memory away.
    struct decisions : pool<decision> {
        decisions() = default;
        decisions(decisions&& other) noexcept {
            for (const decision& each : other)
                push_back(each);
        }
    };

    exploration(mode m, std::uint64_t seed)
        : mode_(m), unbounded_(m == mode::random), random_(seed * 2 + 1) {}
    /// It is of another scenario, or of another version of this one.
    [[noreturn]] static void refuse_schedule();
    std::uint64_t next_random() noexcept {
        random_ ^= random_ >> 12;
        random_ ^= random_ << 25;
        random_ ^= random_ >> 27;
        return (random_ * 0x2545'f491'4f6c'dd1dULL) >> 32;
    }

    mode mode_;
    bool unbounded_;
    bool exploring_ = true;
    std::uint64_t random_;
    decisions taken_;
    std::size_t position_ = 0;
};

}  // namespace exeunt::model
