// SPDX-License-Identifier: BSL-1.0
#include "tests/model/weakening.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/model/clocks.hpp"
#include "tests/model/symbols.hpp"

namespace exeunt::model {
namespace {

struct site {
    const void* at;
    std::memory_order order;
    char kind;
};

struct replacement {
    std::size_t offset;
    std::memory_order order;
    char kind;
};

constexpr const char* names[] = {"relaxed", "consume", "acquire", "release", "acq_rel", "seq_cst"};

/// What the environment asks for, read once.
class wishes {
 public:
    wishes() : file_(std::getenv("EXEUNT_MODEL_SITES")) {
        const char* list = std::getenv("EXEUNT_MODEL_WEAKEN");
        while (list != nullptr && *list != '\0') {
            char order[16];
            replacement r{};
            if (std::sscanf(list, "%zx:%c:%15[a-z_]", &r.offset, &r.kind, order) != 3) {
                std::fprintf(stderr, "EXEUNT_MODEL_WEAKEN: cannot read \"%s\"\n", list);
                std::exit(2);
            }
            for (int i = 0; i < 6; ++i) {
                if (std::strcmp(order, names[i]) == 0) r.order = static_cast<std::memory_order>(i);
            }
            replacements_.push_back(r);
            list = std::strchr(list, ',');
            if (list != nullptr) ++list;
        }
    }
    ~wishes() {
        if (file_ == nullptr) return;
        FILE* out = std::fopen(file_, "a");
        if (out == nullptr) return;
        for (const site& each : sites_)
            std::fprintf(out, "%zx %c %s\n", offset_in_program(each.at), each.kind,
                         names[static_cast<int>(each.order)]);
        std::fclose(out);
    }
    wishes(const wishes&) = delete;

    bool none() const noexcept { return file_ == nullptr && replacements_.empty(); }

    std::memory_order apply(std::memory_order order, const void* at, char kind) {
        if (file_ != nullptr) note(order, at, kind);
        if (replacements_.empty()) return order;
        const std::size_t offset = offset_in_program(at);
        for (const replacement& each : replacements_) {
            if (each.offset == offset && each.kind == kind) return each.order;
        }
        return order;
    }

 private:
    void note(std::memory_order order, const void* at, char kind) {
        if (order == std::memory_order_relaxed) return;
        for (const site& each : sites_) {
            if (each.at == at && each.kind == kind) return;
        }
        sites_.push_back({at, order, kind});
    }

    const char* file_;
    pool<replacement> replacements_;
    pool<site> sites_;
};

}  // namespace

std::memory_order weakened(std::memory_order order, const void* at, char kind) {
    static wishes all;
    return all.none() ? order : all.apply(order, at, kind);
}

}  // namespace exeunt::model
