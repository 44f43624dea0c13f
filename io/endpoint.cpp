// SPDX-License-Identifier: BSL-1.0
#include <exeunt/io/endpoint.hpp>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <charconv>
#include <cstring>
#include <stdexcept>

namespace exeunt {
namespace {

static_assert(endpoint::capacity() == sizeof(sockaddr_in6));
static_assert(unix_endpoint::capacity() == sizeof(sockaddr_un));

/// Copies in and out, rather than casting, keep the aliasing rules.
template <class Address>
Address read(const void* storage) noexcept {
    Address a;
    std::memcpy(&a, storage, sizeof a);
    return a;
}

[[noreturn]] void refuse(std::string_view text, const char* why) {
    throw std::invalid_argument("endpoint '" + std::string(text) + "': " + why);
}

std::uint32_t scope_of(std::string_view address, std::string_view name) {
    std::uint32_t number = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), number);
    if (parsed.ec == std::errc() && parsed.ptr == name.data() + name.size()) return number;
    number = ::if_nametoindex(std::string(name).c_str());
    if (number == 0) refuse(address, "there is no network interface of that name");
    return number;
}

}  // namespace

endpoint::endpoint() noexcept {
    const auto family = static_cast<sa_family_t>(AF_INET);
    std::memcpy(storage_.data(), &family, sizeof family);
}

endpoint::endpoint(std::string_view address, std::uint16_t port) {
    const std::size_t percent = address.find('%');
    const std::string bare(address.substr(0, percent));
    sockaddr_in v4{};
    sockaddr_in6 v6{};
    if (percent == std::string_view::npos &&
        ::inet_pton(AF_INET, bare.c_str(), &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        std::memcpy(storage_.data(), &v4, sizeof v4);
    } else if (::inet_pton(AF_INET6, bare.c_str(), &v6.sin6_addr) == 1) {
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        if (percent != std::string_view::npos) {
            v6.sin6_scope_id = scope_of(address, address.substr(percent + 1));
        }
        std::memcpy(storage_.data(), &v6, sizeof v6);
    } else {
        refuse(address,
               "not a numeric IP address, such as 127.0.0.1 or ::1 (names are not looked up)");
    }
}

endpoint endpoint::parse(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) refuse(text, "no port; write address:port, [v6]:port");
    std::string_view address = text.substr(0, colon);
    const std::string_view digits = text.substr(colon + 1);
    std::uint16_t port = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (digits.empty() || parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size()) {
        refuse(text, "the port is not a number from 0 to 65535");
    }
    const bool brackets = address.size() >= 2 && address.front() == '[' && address.back() == ']';
    if (brackets) {
        address = address.substr(1, address.size() - 2);
    } else if (address.find(':') != std::string_view::npos) {
        refuse(text, "an IPv6 address with a port stands in brackets: [::1]:80");
    }
    return endpoint(address, port);
}

endpoint endpoint::any_v4(std::uint16_t port) noexcept {
    endpoint e;
    e.set_port(port);
    return e;
}

endpoint endpoint::any_v6(std::uint16_t port) noexcept {
    endpoint e;
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(e.data(), &v6, sizeof v6);
    return e;
}

int endpoint::family() const noexcept {
    return read<sa_family_t>(data());
}
bool endpoint::is_v6() const noexcept {
    return family() == AF_INET6;
}
std::uint32_t endpoint::size() const noexcept {
    return is_v6() ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
}

// The port lies at the same place in both.
static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));

std::uint16_t endpoint::port() const noexcept {
    return ntohs(read<sockaddr_in>(data()).sin_port);
}

void endpoint::set_port(std::uint16_t port) noexcept {
    const in_port_t wire = htons(port);
    std::memcpy(storage_.data() + offsetof(sockaddr_in, sin_port), &wire, sizeof wire);
}

std::string endpoint::address() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (!is_v6()) {
        const sockaddr_in v4 = read<sockaddr_in>(data());
        return ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    }
    const sockaddr_in6 v6 = read<sockaddr_in6>(data());
    std::string out = ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    if (v6.sin6_scope_id != 0) out += "%" + std::to_string(v6.sin6_scope_id);
    return out;
}

std::string endpoint::to_string() const {
    return (is_v6() ? "[" + address() + "]" : address()) + ":" + std::to_string(port());
}

bool operator==(const endpoint& a, const endpoint& b) noexcept {
    if (a.family() != b.family() || a.port() != b.port()) return false;
    if (!a.is_v6()) {
        return read<sockaddr_in>(a.data()).sin_addr.s_addr ==
               read<sockaddr_in>(b.data()).sin_addr.s_addr;
    }
    const sockaddr_in6 x = read<sockaddr_in6>(a.data());
    const sockaddr_in6 y = read<sockaddr_in6>(b.data());
    return x.sin6_scope_id == y.sin6_scope_id &&
           std::memcmp(&x.sin6_addr, &y.sin6_addr, sizeof x.sin6_addr) == 0;
}

unix_endpoint::unix_endpoint() noexcept : size_(sizeof(sa_family_t)) {
    const auto family = static_cast<sa_family_t>(AF_UNIX);
    std::memcpy(storage_.data(), &family, sizeof family);
}

unix_endpoint::unix_endpoint(std::string_view path) : unix_endpoint() {
    constexpr std::size_t begin = offsetof(sockaddr_un, sun_path);
    if (path.empty()) refuse(path, "the path of a Unix socket is empty");
    if (path.size() >= sizeof(sockaddr_un) - begin) {
        refuse(path, "the path of a Unix socket is longer than the system takes (107 bytes)");
    }
    if (path.find('\0') != std::string_view::npos) {
        refuse(path, "the path of a Unix socket has a zero byte in it");
    }
    std::memcpy(storage_.data() + begin, path.data(), path.size());
    // Abstract: a zero byte first, and none at the end.
    const bool abstract = path.front() == '@';
    if (abstract) storage_[begin] = std::byte{0};
    size_ = static_cast<std::uint32_t>(begin + path.size() + (abstract ? 0 : 1));
}

int unix_endpoint::family() const noexcept {
    return AF_UNIX;
}

std::string unix_endpoint::path() const {
    constexpr std::size_t begin = offsetof(sockaddr_un, sun_path);
    if (size_ <= begin) return {};
    const sockaddr_un a = read<sockaddr_un>(data());
    if (a.sun_path[0] == '\0') return "@" + std::string(a.sun_path + 1, size_ - begin - 1);
    return std::string(a.sun_path, ::strnlen(a.sun_path, size_ - begin));
}

}  // namespace exeunt
