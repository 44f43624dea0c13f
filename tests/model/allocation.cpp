// SPDX-License-Identifier: BSL-1.0
// The scenario's memory: handed out once in an execution, so that whoever uses it after it was
// freed is found.
#include <cstdlib>
#include <new>

#include "tests/model/execution.hpp"
#include "tests/model/symbols.hpp"

namespace exeunt::model {
namespace {

struct header {
    std::size_t bytes;
};

}  // namespace

void* execution::allocate(std::size_t bytes, std::size_t alignment) {
    alignment = std::max(alignment, granule);
    const std::size_t rounded = (bytes + granule - 1) / granule * granule;
    const auto base = reinterpret_cast<std::uintptr_t>(arena_);
    std::uintptr_t at = base + arena_used_ + granule;  // room for the header
    at = (at + alignment - 1) / alignment * alignment;
    if (at + rounded > base + arena_size) fail("the scenario needs more memory than there is");
    auto* block = reinterpret_cast<unsigned char*>(at);
    new (block - granule) header{rounded};
    std::memset(marks_ + (at - base) / granule, mark_alive, rounded / granule);
    arena_used_ = at + rounded - base;
    ++alive_;
    return block;
}

void execution::deallocate(void* p, const void* at) {
    auto* block = static_cast<unsigned char*>(p);
    const auto index = static_cast<std::size_t>(block - arena_) / granule;
    if (marks_[index] != mark_alive) fail("memory is freed twice");
    const std::size_t bytes = std::launder(reinterpret_cast<header*>(block - granule))->bytes;
    std::memset(marks_ + index, mark_freed, bytes / granule);
    --alive_;
    memory_.freed(current_, reinterpret_cast<std::uintptr_t>(block), bytes);
    check_found(at);
}

void execution::check_alive_in_arena(std::uintptr_t offset, std::uintptr_t address,
                                     std::size_t size, const void* at) {
    for (std::uintptr_t i = offset / granule; i <= (offset + size - 1) / granule; ++i) {
        if (marks_[i] != mark_freed) continue;
        running = nullptr;
        fail("use of freed memory (" + call(address) + "; thread " + std::to_string(current_) +
             " at " + symbol_of(at) + ")");
    }
}

}  // namespace exeunt::model

using exeunt::model::execution;

namespace {

void* get(std::size_t bytes, std::size_t alignment) {
    if (execution::running != nullptr) return execution::running->allocate(bytes, alignment);
    const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
    void* p = std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
    if (p == nullptr) throw std::bad_alloc();
    return p;
}

void put(void* p) noexcept {
    if (p == nullptr) return;
    if (!execution::owns(p)) return std::free(p);
    if (execution::running != nullptr)
        execution::running->deallocate(p, __builtin_return_address(0));
}

constexpr std::size_t ordinary = __STDCPP_DEFAULT_NEW_ALIGNMENT__;

}  // namespace

void* operator new(std::size_t bytes) {
    return get(bytes, ordinary);
}
void* operator new[](std::size_t bytes) {
    return get(bytes, ordinary);
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
    return get(bytes, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment) {
    return get(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* p) noexcept {
    put(p);
}
void operator delete[](void* p) noexcept {
    put(p);
}
void operator delete(void* p, std::size_t) noexcept {
    put(p);
}
void operator delete[](void* p, std::size_t) noexcept {
    put(p);
}
void operator delete(void* p, std::align_val_t) noexcept {
    put(p);
}
void operator delete[](void* p, std::align_val_t) noexcept {
    put(p);
}
void operator delete(void* p, std::size_t, std::align_val_t) noexcept {
    put(p);
}
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept {
    put(p);
}
