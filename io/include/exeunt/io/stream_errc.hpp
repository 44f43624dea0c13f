// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <system_error>
#include <type_traits>

/// Errors of readers that are not the system's.
namespace exeunt {

/// `catch (const std::system_error& e) { if (e.code() == ex::stream_errc::end_of_stream) ... }`
enum class stream_errc {
    end_of_stream = 1,  ///< the stream ended before what was asked for had come
    limit_exceeded,     ///< the delimiter did not come within the limit
};

const std::error_category& stream_category() noexcept;

inline std::error_code make_error_code(stream_errc e) noexcept {
    return std::error_code(static_cast<int>(e), stream_category());
}

}  // namespace exeunt

template <>
struct std::is_error_code_enum<exeunt::stream_errc> : std::true_type {};
