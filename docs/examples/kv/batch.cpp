// SPDX-License-Identifier: BSL-1.0
#include "batch.hpp"

#include <algorithm>
#include <new>
#include <span>
#include <string>

namespace kv {
namespace {

/// Replies that a shard writes for one batch; what comes after is refused.
constexpr std::size_t most_reply_bytes = std::size_t(512) << 20;

template <class Vector>
void forget(Vector& items) {
    constexpr std::size_t kept = 4096;
    if (items.capacity() > kept)
        items = Vector();
    else
        items.clear();
}

/// Adds up what the shards have answered for one command.
class sum_of_parts {
 public:
    void add(std::string_view reply, const tally& counts, std::int64_t number) {
        if (error_.empty()) error_ = reply;
        total_.number += number;
        total_.expiring += counts.expiring;
        total_.served += counts.served;
    }
    /// Parts that only count write nothing unless they fail.
    [[nodiscard]] std::string_view error() const { return error_; }
    [[nodiscard]] const tally& total() const { return total_; }

 private:
    std::string_view error_;
    tally total_;
};

}  // namespace

void lane::serve(store& keys, instant now, std::int64_t& served) {
    if (parts_.size() > 1) prefetch(keys);
    turn at(keys, now, out_);
    for (part& each : parts_) {
        const argument_list request(arguments_ + each.first, each.count);
        const bool whole = each.what->where == reach::key;
        const std::string_view key = each.count == 0 ? std::string_view() : request[whole ? 1 : 0];
        const std::size_t begin = out_.size();
        at.number = 0;
        try {
            if (begin < most_reply_bytes)
                each.what->serve(at, request, key_ref(key, each.hash));
            else
                out_.error("OOM too many replies to one pipeline: the command was not carried out");
        } catch (const std::bad_alloc&) {
            out_.truncate(begin);
            out_.error("OOM out of memory: the command was not carried out");
        }
        each.number = at.number;
        each.reply_end = out_.size();
    }
    served += static_cast<std::int64_t>(parts_.size());
    counts_.expiring = static_cast<std::int64_t>(keys.expiring());
    counts_.served = served;
}

/// The parts wait for memory together, not in turn.
void lane::prefetch(const store& keys) const {
    constexpr std::size_t at_most = 64;  // what is loaded earlier may have left the cache again
    const std::span soon = std::span(parts_).first(std::min(parts_.size(), at_most));
    for (const part& each : soon)
        keys.prefetch_slot(each.hash);
    for (const part& each : soon)
        keys.prefetch_record(each.hash);
}

std::string_view lane::take_reply() {
    const std::size_t end = parts_[taken_++].reply_end;
    const std::string_view reply = out_.view().substr(taken_bytes_, end - taken_bytes_);
    taken_bytes_ = end;
    return reply;
}

void lane::clear() {
    forget(parts_);
    out_.clear();
    taken_ = 0;
    taken_bytes_ = 0;
}

batch::batch(std::size_t shards, session& with) : with_(with), lanes_(shards) {}

void batch::add() {
    const auto first = static_cast<std::uint32_t>(planned_);
    const auto count = static_cast<std::uint32_t>(arguments_.size() - planned_);
    planned_ = arguments_.size();
    const argument_list words = argument_list(arguments_).subspan(first, count);
    const command* const what = find_command(words.front());
    if (what == nullptr) {
        refuse_unknown(words, here_);
        return answer_here(first, count);
    }
    if (!accept(*what, words, here_)) return answer_here(first, count);
    if (what->where == reach::key) {
        const std::uint64_t hash = hash_key(words[1], hash_seed());
        const std::size_t shard = shard_of(hash, lanes_.size());
        requests_.push_back(request{what, first, count, shard});
        return give(shard, *what, hash, first, count);
    }
    if (what->where == reach::connection) {
        what->answer(with_, words, here_);
        return answer_here(first, count);
    }
    requests_.push_back(request{what, first, count, 0});
    as_served_ = false;
    if (what->where == reach::all_shards) {
        for (std::size_t shard = 0; shard < lanes_.size(); ++shard)
            give(shard, *what, 0, first, 0);
        return;
    }
    const std::uint32_t step = what->where == reach::each_pair ? 2 : 1;
    for (std::uint32_t i = 1; i < count; i += step) {
        const std::uint64_t hash = hash_key(words[i], hash_seed());
        const std::size_t shard = shard_of(hash, lanes_.size());
        routes_.push_back(static_cast<std::uint16_t>(shard));
        give(shard, *what, hash, first + i, step);
    }
}

void batch::fail(std::string_view why) {
    here_.error("ERR " + std::string(why));
    answer_here(0, 0);
    with_.closing = true;
}

void batch::answer_here(std::uint32_t first, std::uint32_t count) {
    requests_.push_back(request{nullptr, first, count, here_.size()});
    as_served_ = false;
}

void batch::give(std::size_t shard, const command& what, std::uint64_t hash, std::uint32_t first,
                 std::uint32_t count) {
    std::vector<lane::part>& parts = lanes_[shard].parts_;
    if (parts.empty()) touched_.push_back(shard);
    parts.push_back(lane::part{&what, hash, first, count, 0, 0});
}

const std::vector<std::size_t>& batch::touched() {
    for (const std::size_t shard : touched_)
        lanes_[shard].arguments_ = arguments_.data();
    return touched_;
}

std::string_view batch::replies() {
    if (touched_.empty()) return here_.view();
    if (as_served_ && touched_.size() == 1) return lanes_[touched_.front()].out_.view();
    for (const request& each : requests_)
        merge(each);
    return merged_.view();
}

void batch::merge(const request& done) {
    if (done.what == nullptr) {
        merged_.raw(here_.view().substr(here_taken_, done.where - here_taken_));
        here_taken_ = done.where;
    } else if (done.what->where == reach::key) {
        merged_.raw(lanes_[done.where].take_reply());
    } else {
        merge_parts(done);
    }
}

lane& batch::lane_of_part(const request& done, std::size_t index) {
    return lanes_[done.what->where == reach::all_shards ? index : routes_[next_route_++]];
}

void batch::merge_parts(const request& done) {
    const bool everywhere = done.what->where == reach::all_shards;
    const std::size_t step = done.what->where == reach::each_pair ? 2 : 1;
    const std::size_t parts = everywhere ? lanes_.size() : (done.count - 1) / step;
    if (done.what->merge == merging::array) {
        merged_.array(parts);
        for (std::size_t i = 0; i < parts; ++i)
            merged_.raw(lane_of_part(done, i).take_reply());
        return;
    }
    sum_of_parts sum;
    for (std::size_t i = 0; i < parts; ++i) {
        lane& from = lane_of_part(done, i);
        const std::int64_t number = from.parts_[from.taken_].number;
        sum.add(from.take_reply(), from.counts_, number);
    }
    if (!sum.error().empty()) return merged_.raw(sum.error());
    if (done.what->merge == merging::sum) return merged_.integer(sum.total().number);
    if (done.what->merge == merging::ok) return merged_.raw("+OK\r\n");
    const argument_list words = argument_list(arguments_).subspan(done.first, done.count);
    write_report(with_.facts, words, sum.total(), merged_);
}

void batch::clear() {
    for (const std::size_t shard : touched_)
        lanes_[shard].clear();
    forget(arguments_);
    forget(requests_);
    forget(routes_);
    touched_.clear();
    here_.clear();
    merged_.clear();
    planned_ = 0;
    next_route_ = 0;
    here_taken_ = 0;
    as_served_ = true;
}

}  // namespace kv
