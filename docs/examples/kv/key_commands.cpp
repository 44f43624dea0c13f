// SPDX-License-Identifier: BSL-1.0

// The commands that shards carry out. Each checks its arguments in the order in which Redis does,
// so that a request with several faults gets the same answer.

#include <charconv>
#include <limits>
#include <string>

#include "commands.hpp"
#include "resp.hpp"

namespace kv::serving {
namespace {

constexpr std::int64_t greatest = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();

/// Numbers as text, for values and TTLs.
class decimal {
 public:
    explicit decimal(std::int64_t number)
        : size_(static_cast<std::size_t>(std::to_chars(text_, text_ + sizeof text_, number).ptr -
                                         text_)) {}
    [[nodiscard]] std::string_view view() const { return {text_, size_}; }

 private:
    char text_[24];
    std::size_t size_;
};

void write_value(turn& at, const record* held) {
    if (held == nullptr)
        at.out.nil();
    else
        at.out.bulk(held->value());
}

void refuse_expire_time(turn& at, std::string_view name) {
    std::string text("ERR invalid expire time in '");
    at.out.error(text.append(name).append("' command"));
}

/// SET's options.
struct set_options {
    bool only_new = false;
    bool only_existing = false;
    bool keep_ttl = false;
    bool get = false;
    bool seconds = false;
    bool milliseconds = false;
    std::string_view amount;

    bool parse(argument_list options) {
        for (std::size_t i = 0; i < options.size(); ++i) {
            const std::string_view word = options[i];
            const bool has_next = i + 1 < options.size();
            if (same_word(word, "nx") && !only_existing) {
                only_new = true;
            } else if (same_word(word, "xx") && !only_new) {
                only_existing = true;
            } else if (same_word(word, "get")) {
                get = true;
            } else if (same_word(word, "keepttl") && !seconds && !milliseconds) {
                keep_ttl = true;
            } else if (same_word(word, "ex") && !keep_ttl && !milliseconds && has_next) {
                seconds = true;
                amount = options[++i];
            } else if (same_word(word, "px") && !keep_ttl && !seconds && has_next) {
                milliseconds = true;
                amount = options[++i];
            } else {
                return false;
            }
        }
        return true;
    }
};

/// When a SET with EX or PX expires; false after an error was written.
bool set_expiry(turn& at, const set_options& options, instant& expires_at) {
    if (!options.seconds && !options.milliseconds) return true;
    std::int64_t amount = 0;
    if (!parse_integer(options.amount, amount)) {
        at.out.error(not_an_integer);
        return false;
    }
    const bool fits = amount > 0 && (!options.seconds || amount <= greatest / 1000);
    if (fits && options.seconds) amount *= 1000;
    if (!fits || amount >= greatest - at.now) {
        refuse_expire_time(at, "set");
        return false;
    }
    expires_at = at.now + amount;
    return true;
}

void add(turn& at, key_ref key, std::int64_t amount) {
    const record* const held = at.keys.find(key, at.now);
    std::int64_t number = 0;
    if (held != nullptr && !parse_integer(held->value(), number))
        return at.out.error(not_an_integer);
    if (amount < 0 ? number < least - amount : number > greatest - amount)
        return at.out.error("ERR increment or decrement would overflow");
    number += amount;
    at.keys.assign(key, decimal(number).view(), held != nullptr ? held->expires_at : never);
    at.out.integer(number);
}

/// EXPIRE's conditions; false after an error was written.
struct expire_conditions {
    bool nx = false;
    bool xx = false;
    bool gt = false;
    bool lt = false;

    bool parse(turn& at, argument_list options) {
        for (const std::string_view word : options) {
            if (same_word(word, "nx")) {
                nx = true;
            } else if (same_word(word, "xx")) {
                xx = true;
            } else if (same_word(word, "gt")) {
                gt = true;
            } else if (same_word(word, "lt")) {
                lt = true;
            } else {
                at.out.error(std::string("ERR Unsupported option ").append(word));
                return false;
            }
        }
        if (nx && (xx || gt || lt)) {
            at.out.error("ERR NX and XX, GT or LT options at the same time are not compatible");
            return false;
        }
        if (gt && lt) {
            at.out.error("ERR GT and LT options at the same time are not compatible");
            return false;
        }
        return true;
    }

    [[nodiscard]] bool allow(instant before, instant after) const {
        if (nx && before != never) return false;
        if (xx && before == never) return false;
        if (gt && after <= before) return false;  // a key that never expires lies beyond any time
        return !(lt && after >= before);
    }
};

void expire_in(turn& at, argument_list request, key_ref key, std::int64_t unit) {
    const std::string_view name = unit == 1000 ? "expire" : "pexpire";
    expire_conditions conditions;
    if (!conditions.parse(at, request.subspan(3))) return;
    std::int64_t amount = 0;
    if (!parse_integer(request[2], amount)) return at.out.error(not_an_integer);
    if (amount > greatest / unit || amount < least / unit) return refuse_expire_time(at, name);
    amount *= unit;
    if (amount >= greatest - at.now) return refuse_expire_time(at, name);
    const record* const held = at.keys.find(key, at.now);
    const instant after = at.now + amount;
    if (held == nullptr || !conditions.allow(held->expires_at, after)) return at.out.integer(0);
    if (amount <= 0)
        at.keys.erase(key, at.now);
    else
        at.keys.expire(key, after);
    at.out.integer(1);
}

/// Milliseconds that a key has left, or Redis's -1 (for ever) or -2 (no such key).
std::int64_t left(turn& at, key_ref key) {
    const record* const held = at.keys.find(key, at.now);
    if (held == nullptr) return -2;
    return held->expires_at == never ? -1 : held->expires_at - at.now;
}

}  // namespace

void get(turn& at, argument_list, key_ref key) {
    write_value(at, at.keys.find(key, at.now));
}

void set(turn& at, argument_list request, key_ref key) {
    if (request.size() == 3) {
        at.keys.assign(key, request[2], never);
        return at.out.raw("+OK\r\n");
    }
    set_options options;
    if (!options.parse(request.subspan(3))) return at.out.error(syntax_error);
    instant expires_at = never;
    if (!set_expiry(at, options, expires_at)) return;
    const record* const held = at.keys.find(key, at.now);
    if (options.get) write_value(at, held);
    if (held != nullptr ? options.only_new : options.only_existing) {
        if (!options.get) at.out.nil();
        return;
    }
    if (options.keep_ttl && held != nullptr) expires_at = held->expires_at;
    at.keys.assign(key, request[2], expires_at);
    if (!options.get) at.out.raw("+OK\r\n");
}

void set_pair(turn& at, argument_list request, key_ref key) {
    at.keys.assign(key, request[1], never);
}

void remove(turn& at, argument_list, key_ref key) {
    at.number = at.keys.erase(key, at.now);
}

void exists(turn& at, argument_list, key_ref key) {
    at.number = at.keys.find(key, at.now) != nullptr;
}

void incr(turn& at, argument_list, key_ref key) {
    add(at, key, 1);
}

void decr(turn& at, argument_list, key_ref key) {
    add(at, key, -1);
}

void incrby(turn& at, argument_list request, key_ref key) {
    std::int64_t amount = 0;
    if (!parse_integer(request[2], amount)) return at.out.error(not_an_integer);
    add(at, key, amount);
}

void decrby(turn& at, argument_list request, key_ref key) {
    std::int64_t amount = 0;
    if (!parse_integer(request[2], amount)) return at.out.error(not_an_integer);
    if (amount == least) return at.out.error("ERR decrement would overflow");
    add(at, key, -amount);
}

void expire(turn& at, argument_list request, key_ref key) {
    expire_in(at, request, key, 1000);
}

void pexpire(turn& at, argument_list request, key_ref key) {
    expire_in(at, request, key, 1);
}

void persist(turn& at, argument_list, key_ref key) {
    const record* const held = at.keys.find(key, at.now);
    const bool expires = held != nullptr && held->expires_at != never;
    if (expires) at.keys.expire(key, never);
    at.out.integer(expires ? 1 : 0);
}

void ttl(turn& at, argument_list, key_ref key) {
    const std::int64_t milliseconds = left(at, key);
    at.out.integer(milliseconds < 0 ? milliseconds : (milliseconds + 500) / 1000);
}

void pttl(turn& at, argument_list, key_ref key) {
    at.out.integer(left(at, key));
}

void count(turn& at, argument_list, key_ref) {
    at.number = static_cast<std::int64_t>(at.keys.size());
}

void flush(turn& at, argument_list, key_ref) {
    at.keys.clear();
}

}  // namespace kv::serving
