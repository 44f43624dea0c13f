// SPDX-License-Identifier: BSL-1.0
#include "docs/examples/kv/store.hpp"

#include <gtest/gtest.h>

#include <iterator>
#include <map>
#include <random>
#include <set>
#include <string>

namespace {

using kv::instant;
using kv::key_ref;
using kv::never;
using kv::store;

std::string value_of(store& keys, std::string_view key, instant now = 0) {
    const kv::record* const held = keys.find(key_ref(key), now);
    return held == nullptr ? "(none)" : std::string(held->value());
}

TEST(kv_store, holds_what_was_assigned_last) {
    store keys;
    EXPECT_EQ(value_of(keys, "a"), "(none)");
    keys.assign(key_ref("a"), "1", never);
    keys.assign(key_ref(""), "empty key", never);
    keys.assign(key_ref("b"), "", never);
    EXPECT_EQ(value_of(keys, "a"), "1");
    EXPECT_EQ(value_of(keys, ""), "empty key");
    EXPECT_EQ(value_of(keys, "b"), "");
    for (const std::size_t size : std::initializer_list<std::size_t>{1000, 3, 100'000, 0, 17}) {
        keys.assign(key_ref("a"), std::string(size, 'v'), never);
        EXPECT_EQ(value_of(keys, "a"), std::string(size, 'v'));
    }
    EXPECT_EQ(keys.size(), 3u);
    EXPECT_TRUE(keys.erase(key_ref("a"), 0));
    EXPECT_FALSE(keys.erase(key_ref("a"), 0));
    EXPECT_EQ(keys.size(), 2u);
    keys.clear();
    EXPECT_EQ(keys.size(), 0u);
    EXPECT_EQ(value_of(keys, "b"), "(none)");
}

TEST(kv_store, never_shows_an_expired_key) {
    store keys;
    keys.assign(key_ref("a"), "1", 100);
    EXPECT_EQ(keys.expiring(), 1u);
    EXPECT_EQ(value_of(keys, "a", 99), "1");
    EXPECT_EQ(value_of(keys, "a", 100), "(none)");
    EXPECT_EQ(keys.size(), 0u);
    EXPECT_EQ(keys.expiring(), 0u);
    keys.assign(key_ref("a"), "2", 100);
    EXPECT_FALSE(keys.erase(key_ref("a"), 100));
    keys.assign(key_ref("a"), "3", 100);
    keys.expire(key_ref("a"), never);
    EXPECT_EQ(keys.expiring(), 0u);
    EXPECT_EQ(value_of(keys, "a", 1000), "3");
    keys.expire(key_ref("a"), 1001);
    keys.assign(key_ref("a"), "4", never);  // a new value forgets the old one's expiry
    EXPECT_EQ(value_of(keys, "a", 2000), "4");
    EXPECT_EQ(keys.expiring(), 0u);
}

TEST(kv_store, sweeps_what_nobody_asks_for) {
    store keys;
    for (int i = 0; i < 10'000; ++i) {
        const bool expires = i % 2 == 0;
        keys.assign(key_ref("key:" + std::to_string(i)), "v", expires ? 1000 + i : never);
    }
    EXPECT_EQ(keys.sweep(999, 1'000'000), 0u);
    EXPECT_LE(keys.sweep(20'000, 100), 100u);
    std::size_t calls = 0;
    while (keys.expiring() > 0) {
        keys.sweep(20'000, 1000);
        ASSERT_LT(++calls, 100u);
    }
    EXPECT_EQ(keys.size(), 5000u);
    EXPECT_EQ(value_of(keys, "key:1", 20'000), "v");
}

TEST(kv_store, agrees_with_a_plain_map) {
    struct held {
        std::string value;
        instant expires_at;
    };
    std::mt19937 random(11);
    store keys;
    std::map<std::string, held> model;
    instant now = 0;
    for (int step = 0; step < 300'000; ++step) {
        const std::string key = "k" + std::to_string(random() % 5000);
        const key_ref ref(key);
        now += random() % 2;
        const auto found = model.find(key);
        const bool alive = found != model.end() && found->second.expires_at > now;
        switch (random() % 8) {
            case 0:
            case 1:
            case 2: {
                const std::string value(random() % 40, static_cast<char>('a' + step % 26));
                const instant when = random() % 2 == 0 ? never : now + 1 + instant(random() % 5000);
                keys.assign(ref, value, when);
                model[key] = held{value, when};
                break;
            }
            case 3:
                EXPECT_EQ(keys.erase(ref, now), alive);
                if (found != model.end()) model.erase(found);
                break;
            case 4:
                keys.sweep(now, 16);
                break;
            default: {
                const kv::record* const seen = keys.find(ref, now);
                ASSERT_EQ(seen != nullptr, alive);
                if (alive) {
                    ASSERT_EQ(seen->value(), found->second.value);
                }
            }
        }
    }
    for (auto each = model.begin(); each != model.end();)
        each = each->second.expires_at <= now ? model.erase(each) : std::next(each);
    for (int i = 0; i < 5000; ++i)
        keys.find(key_ref("k" + std::to_string(i)), now);
    EXPECT_EQ(keys.size(), model.size());
}

TEST(kv_store, grows_to_a_million_keys) {
    store keys;
    constexpr int count = 1'000'000;
    for (int i = 0; i < count; ++i)
        keys.assign(key_ref(std::to_string(i)), "v", never);
    EXPECT_EQ(keys.size(), std::size_t(count));
    for (int i = 0; i < count; i += 997)
        ASSERT_EQ(value_of(keys, std::to_string(i)), "v");
    for (int i = 0; i < count; i += 2)
        ASSERT_TRUE(keys.erase(key_ref(std::to_string(i)), 0));
    EXPECT_EQ(keys.size(), std::size_t(count / 2));
}

TEST(kv_store, hashes_every_byte_of_a_key) {
    std::set<std::uint64_t> seen;
    std::size_t made = 0;
    for (std::size_t size = 0; size <= 70; ++size) {
        const std::string plain(size, '\0');
        seen.insert(kv::hash_key(plain, 1));
        ++made;
        for (std::size_t at = 0; at < size; ++at) {
            std::string changed = plain;
            changed[at] = 1;
            seen.insert(kv::hash_key(changed, 1));
            ++made;
        }
    }
    EXPECT_EQ(seen.size(), made);
    EXPECT_NE(kv::hash_key("a", 1), kv::hash_key("a", 2));
}

TEST(kv_store, spreads_keys_evenly_over_shards) {
    constexpr std::size_t shards = 7;
    std::size_t counts[shards] = {};
    for (int i = 0; i < 70'000; ++i)
        ++counts[kv::shard_of(key_ref("key:" + std::to_string(i)).hash, shards)];
    for (const std::size_t count : counts)
        EXPECT_NEAR(static_cast<double>(count), 10'000, 500);
}

}  // namespace
