// SPDX-License-Identifier: BSL-1.0
#include "store.hpp"

namespace kv {

record_index::place store::locate(key_ref key, instant now) {
    const record_index::place found = index_.find(key);
    if (!found || found->expires_at > now) return found;
    index_.erase(key);
    --expiring_;
    return record_index::place();
}

void store::account(instant before, instant after) {
    if (before != never) --expiring_;
    if (after != never) ++expiring_;
}

const record* store::find(key_ref key, instant now) {
    const record_index::place found = locate(key, now);
    return found ? &*found : nullptr;
}

void store::assign(key_ref key, std::string_view value, instant expires_at) {
    const record_index::place found = index_.find(key);
    if (!found) {
        index_.insert(key.hash, record::make(key.text, value, expires_at));
        account(never, expires_at);
        return;
    }
    const instant before = found->expires_at;
    if (found->suits(value.size())) {
        found->assign(value);
        found->expires_at = expires_at;
    } else {
        index_.replace(found, record::make(key.text, value, expires_at));
    }
    account(before, expires_at);
}

void store::expire(key_ref key, instant expires_at) {
    if (const record_index::place found = index_.find(key)) {
        account(found->expires_at, expires_at);
        found->expires_at = expires_at;
    }
}

bool store::erase(key_ref key, instant now) {
    const record_index::place found = locate(key, now);
    if (!found) return false;
    account(found->expires_at, never);
    index_.erase(key);
    return true;
}

void store::clear() {
    index_.clear();
    expiring_ = 0;
}

std::size_t store::sweep(instant now, std::size_t slots) {
    if (expiring_ == 0) return 0;
    const std::size_t removed =
        index_.sweep(slots, [now](const record& held) { return held.expires_at <= now; });
    expiring_ -= removed;
    return removed;
}

}  // namespace kv
