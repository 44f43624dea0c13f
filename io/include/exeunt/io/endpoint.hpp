// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

/// Addresses of sockets.
///
///     ex::endpoint here("127.0.0.1", 7007);
///     ex::endpoint there = ex::endpoint::parse("[::1]:80");
///     ex::unix_endpoint local("/run/service.sock");
namespace exeunt {

/// An IP address, version 4 or 6, and a port. A plain value.
class endpoint {
 public:
    /// 0.0.0.0, port 0.
    endpoint() noexcept;
    /// `address` is a numeric address: "127.0.0.1", "::1", "fe80::1%eth0". Host names are not
    /// looked up here. Errors: std::invalid_argument, which names the text.
    endpoint(std::string_view address, std::uint16_t port);

    /// "127.0.0.1:80" or "[::1]:80". Errors: std::invalid_argument, which names the text.
    static endpoint parse(std::string_view text);
    /// All addresses of this machine: 0.0.0.0, or :: (which takes version 4 as well).
    static endpoint any_v4(std::uint16_t port) noexcept;
    static endpoint any_v6(std::uint16_t port) noexcept;

    std::uint16_t port() const noexcept;
    void set_port(std::uint16_t port) noexcept;
    bool is_v6() const noexcept;
    /// The address alone.
    std::string address() const;
    /// As parse() reads it.
    std::string to_string() const;

    friend bool operator==(const endpoint& a, const endpoint& b) noexcept;

    // For the system's socket functions: a sockaddr_in or sockaddr_in6.
    void* data() noexcept { return storage_.data(); }
    const void* data() const noexcept { return storage_.data(); }
    std::uint32_t size() const noexcept;
    static constexpr std::uint32_t capacity() noexcept { return capacity_; }
    int family() const noexcept;

 private:
    static constexpr std::size_t capacity_ = 28;  // sizeof(sockaddr_in6)
    alignas(4) std::array<std::byte, capacity_> storage_{};
};
static_assert(!std::is_aggregate_v<endpoint>);

/// The path of a Unix socket; in the abstract namespace of Linux when it begins with '@'.
class unix_endpoint {
 public:
    /// A socket without a name.
    unix_endpoint() noexcept;
    /// Errors: std::invalid_argument when the path is empty or longer than the system takes (107
    /// bytes).
    explicit unix_endpoint(std::string_view path);

    /// Empty for a socket without a name.
    std::string path() const;
    std::string to_string() const { return path(); }

    // For the system's socket functions: a sockaddr_un.
    void* data() noexcept { return storage_.data(); }
    const void* data() const noexcept { return storage_.data(); }
    std::uint32_t size() const noexcept { return size_; }
    void set_size(std::uint32_t bytes) noexcept { size_ = bytes; }
    static constexpr std::uint32_t capacity() noexcept { return capacity_; }
    int family() const noexcept;

 private:
    static constexpr std::size_t capacity_ = 110;  // sizeof(sockaddr_un)
    alignas(4) std::array<std::byte, capacity_> storage_{};
    std::uint32_t size_;
};
static_assert(!std::is_aggregate_v<unix_endpoint>);

}  // namespace exeunt
