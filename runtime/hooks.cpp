// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/hooks.hpp>

#include <cstdio>
#include <mutex>
#include <string>
#include <utility>

namespace exeunt {
namespace {

using hook = std::function<void(std::exception_ptr)>;

struct hooks {
    std::mutex lock;
    hook suppressed;
    hook unhandled;
};

/// Never destroyed: workers may report until the very end of the process.
hooks& installed() {
    static hooks& all = *new hooks;
    return all;
}

std::string text_of(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& e) {
        return e.what();
    } catch (...) {
        return "an exception that is no std::exception";
    }
}

void print(const char* what, const std::exception_ptr& error) {
    std::fprintf(stderr, "exeunt: %s: %s\n", what, text_of(error).c_str());
}

hook current(hook hooks::*which) {
    hooks& all = installed();
    std::lock_guard guard(all.lock);
    return all.*which;
}

hook install(hook hooks::*which, hook wanted) {
    hooks& all = installed();
    std::lock_guard guard(all.lock);
    return std::exchange(all.*which, std::move(wanted));
}

}  // namespace

hook on_suppressed(hook wanted) {
    return install(&hooks::suppressed, std::move(wanted));
}
hook on_unhandled(hook wanted) {
    return install(&hooks::unhandled, std::move(wanted));
}

namespace core {

void report_suppressed(std::exception_ptr error) noexcept {
    if (hook h = current(&hooks::suppressed)) return h(std::move(error));
    print("nobody was left to receive an exception", error);
}

void report_unhandled(std::exception_ptr error) noexcept {
    if (hook h = current(&hooks::unhandled)) return h(std::move(error));
    print("an exception left a detached task", error);
    std::terminate();
}

}  // namespace core
}  // namespace exeunt
