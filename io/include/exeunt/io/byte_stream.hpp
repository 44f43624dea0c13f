// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/io/io_leaf.hpp>
#include <exeunt/scheduler/descriptor.hpp>
#include <exeunt/scheduler/lean_std.hpp>

#include <cerrno>
#include <cstddef>
#include <span>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

/// Reading and writing on a connected socket; what tcp_stream and unix_stream have in common.
///
///     std::array<std::byte, 4096> bytes;
///     while (auto n = co_await peer.read_some(bytes))
///         co_await peer.write_all(std::span(bytes).first(n));
namespace exeunt {

/// Bytes that are to be written: a pointer and a size, for vectored writes.
class const_buffer {
 public:
    constexpr const_buffer() noexcept = default;
    constexpr const_buffer(const void* data, std::size_t size) noexcept
        : data_(data), size_(size) {}
    constexpr const_buffer(std::span<const std::byte> bytes) noexcept
        : data_(bytes.data()), size_(bytes.size()) {}
    constexpr const_buffer(std::string_view text) noexcept
        : data_(text.data()), size_(text.size()) {}

    constexpr const void* data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }
    /// Takes `n` bytes off the front.
    void advance(std::size_t n) noexcept {
        data_ = static_cast<const std::byte*>(data_) + n;
        size_ -= n;
    }

 private:
    // The layout of an iovec.
    const void* data_ = nullptr;
    std::size_t size_ = 0;
};
static_assert(!std::is_aggregate_v<const_buffer>);

namespace core {
class read_awaiter;
class write_awaiter;
class vector_write_awaiter;
}  // namespace core

/// A connected, non-blocking stream socket. Movable while no operation is pending.
///
/// All operations come in two forms: without an error_code they throw std::system_error, with one
/// they set it and return 0. SIGPIPE is never raised (EPIPE is an error like others). One task may
/// read while another writes, on any workers; several readers, or several writers, get the bytes in
/// an order that is up to the kernel. Bytes and the stream outlive the operation.
///
/// Cancellation of each: ends as cancelled, and has moved no byte; bytes that were moved are
/// reported, and the request stays pending for the next await.
class byte_stream {
 public:
    /// Not connected: every operation fails with EBADF.
    byte_stream() noexcept = default;

    /// Waits for bytes and reads some of them into `into`. Returns how many; 0 at the end of the
    /// stream (or when `into` is empty).
    [[nodiscard]] core::read_awaiter read_some(std::span<std::byte> into) noexcept;
    [[nodiscard]] core::read_awaiter read_some(std::span<std::byte> into,
                                               std::error_code& error) noexcept;

    /// Writes some bytes of `from`, and waits only when there is room for none. Returns how many.
    [[nodiscard]] core::write_awaiter write_some(std::span<const std::byte> from) noexcept;
    [[nodiscard]] core::write_awaiter write_some(std::span<const std::byte> from,
                                                 std::error_code& error) noexcept;

    /// Writes all of `from`. Returns how many bytes were written: fewer than all only when it was
    /// cancelled half-way (the next await then ends as cancelled), or together with an `error`.
    core::write_awaiter write_all(std::span<const std::byte> from) noexcept;
    core::write_awaiter write_all(std::span<const std::byte> from, std::error_code& error) noexcept;
    core::write_awaiter write_all(std::string_view from) noexcept;
    core::write_awaiter write_all(std::string_view from, std::error_code& error) noexcept;

    /// The same with several pieces, by one system call where they fit. What is written is taken
    /// off the pieces.
    core::vector_write_awaiter write_all(std::span<const_buffer> pieces) noexcept;
    core::vector_write_awaiter write_all(std::span<const_buffer> pieces,
                                         std::error_code& error) noexcept;

    /// Tells the peer that no more bytes will come; it reads the end of the stream. Reading goes
    /// on.
    void shutdown_write();
    void shutdown_write(std::error_code& error) noexcept;

    /// Closes. Operations of other tasks that are pending end with ECANCELED, later ones with
    /// EBADF. Idempotent. Any thread, also while others begin operations.
    void close() noexcept { descriptor_.close(); }
    bool is_open() const noexcept { return static_cast<bool>(descriptor_); }
    explicit operator bool() const noexcept { return is_open(); }

    /// The file descriptor, -1 when closed. It stays the stream's.
    int native_handle() const noexcept { return descriptor_.fd(); }
    /// Gives the file descriptor up. No operation is pending.
    int release() noexcept { return descriptor_.release(); }

    scheduler::descriptor* record() const noexcept { return descriptor_.get(); }

 protected:
    explicit byte_stream(scheduler::descriptor_handle owned) noexcept
        : descriptor_(std::move(owned)) {}

 private:
    static std::span<const std::byte> bytes_of(std::string_view text) noexcept {
        return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
    }

    scheduler::descriptor_handle descriptor_;
};

// ------------------------------------------------------------------------------ implementation
namespace core {

class [[nodiscard]] read_awaiter : public io_leaf {
 public:
    read_awaiter(scheduler::descriptor_reference from, std::span<std::byte> into,
                 std::error_code* error) noexcept
        : io_leaf(scheduler::opcode::receive, from), error_(error) {
        operation::buffer = into.data();
        operation::length = bounded(into.size());
    }
    std::size_t await_resume() const {
        return static_cast<std::size_t>(delivered(outcome(), error_, "cannot read from a stream"));
    }

    /// One call moves this much at most.
    static std::uint32_t bounded(std::size_t n) noexcept {
        constexpr std::size_t most = std::size_t{1} << 30;
        return static_cast<std::uint32_t>(n < most ? n : most);
    }

 private:
    std::error_code* error_;
};

class write_awaiter : public io_leaf {
 public:
    write_awaiter(scheduler::descriptor_reference to, std::span<const std::byte> from, bool all,
                  std::error_code* error) noexcept
        : io_leaf(scheduler::opcode::send, to, all ? go_on : nullptr),
          left_(from.size()),
          error_(error) {
        // The kernel only reads them.
        operation::buffer = const_cast<std::byte*>(from.data());
        operation::length = read_awaiter::bounded(left_);
    }
    std::size_t await_resume() const {
        if (moved == 0) {
            return static_cast<std::size_t>(delivered(outcome(), error_, what));
        }
        // Half-way cancelled is no error: see byte_stream::write_all().
        const bool cancelled =
            left_ != 0 && outcome() == -ECANCELED && leaf::frame->strand->cancelled();
        static_cast<void>(delivered(cancelled ? 0 : outcome(), error_, what));
        return moved;
    }

 private:
    static constexpr const char* what = "cannot write to a stream";
    static bool go_on(io_leaf& self) noexcept;

    std::size_t left_;
    std::error_code* error_;
};

/// msghdr, without the system's header.
class message_header {
 public:
    message_header() noexcept;
    void set_pieces(const_buffer* first, std::size_t count) noexcept;
    void* address() noexcept { return storage_; }

 private:
    static constexpr std::size_t size = 56;
    alignas(8) std::byte storage_[size];
};

class vector_write_awaiter : public io_leaf {
 public:
    vector_write_awaiter(scheduler::descriptor_reference to, std::span<const_buffer> pieces,
                         std::error_code* error) noexcept
        : io_leaf(scheduler::opcode::send_message, to, go_on), pieces_(pieces), error_(error) {}

    template <strand_promise Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
        leaf::frame = &self.promise();
        if (!prepare()) return false;
        return start(self);
    }
    std::size_t await_resume() const {
        const bool cancelled =
            moved != 0 && outcome() == -ECANCELED && leaf::frame->strand->cancelled();
        static_cast<void>(delivered(cancelled ? 0 : outcome(), error_, "cannot write to a stream"));
        return moved;
    }

 private:
    static bool go_on(io_leaf& self) noexcept;
    /// Points the operation at what is left; false when nothing is.
    bool prepare() noexcept;

    std::span<const_buffer> pieces_;
    std::error_code* error_;
    message_header header_;
};

}  // namespace core

inline core::read_awaiter byte_stream::read_some(std::span<std::byte> into) noexcept {
    return core::read_awaiter(descriptor_.reference(), into, nullptr);
}
inline core::read_awaiter byte_stream::read_some(std::span<std::byte> into,
                                                 std::error_code& error) noexcept {
    return core::read_awaiter(descriptor_.reference(), into, std::addressof(error));
}
inline core::write_awaiter byte_stream::write_some(std::span<const std::byte> from) noexcept {
    return core::write_awaiter(descriptor_.reference(), from, false, nullptr);
}
inline core::write_awaiter byte_stream::write_some(std::span<const std::byte> from,
                                                   std::error_code& error) noexcept {
    return core::write_awaiter(descriptor_.reference(), from, false, std::addressof(error));
}
inline core::write_awaiter byte_stream::write_all(std::span<const std::byte> from) noexcept {
    return core::write_awaiter(descriptor_.reference(), from, true, nullptr);
}
inline core::write_awaiter byte_stream::write_all(std::span<const std::byte> from,
                                                  std::error_code& error) noexcept {
    return core::write_awaiter(descriptor_.reference(), from, true, std::addressof(error));
}
inline core::write_awaiter byte_stream::write_all(std::string_view from) noexcept {
    return write_all(bytes_of(from));
}
inline core::write_awaiter byte_stream::write_all(std::string_view from,
                                                  std::error_code& error) noexcept {
    return write_all(bytes_of(from), error);
}
inline core::vector_write_awaiter byte_stream::write_all(std::span<const_buffer> pieces) noexcept {
    return core::vector_write_awaiter(descriptor_.reference(), pieces, nullptr);
}
inline core::vector_write_awaiter byte_stream::write_all(std::span<const_buffer> pieces,
                                                         std::error_code& error) noexcept {
    return core::vector_write_awaiter(descriptor_.reference(), pieces, std::addressof(error));
}

}  // namespace exeunt
