// SPDX-License-Identifier: BSL-1.0
#include <exeunt/io/stream_errc.hpp>

#include <string>

namespace exeunt {
namespace {

class category final : public std::error_category {
 public:
    const char* name() const noexcept override { return "exeunt.stream"; }
    std::string message(int value) const override {
        switch (static_cast<stream_errc>(value)) {
            case stream_errc::end_of_stream:
                return "the stream ended before what was asked for had come";
            case stream_errc::limit_exceeded:
                return "the delimiter did not come within the limit";
        }
        return "unknown error of a stream";
    }
};

}  // namespace

const std::error_category& stream_category() noexcept {
    static const category instance;
    return instance;
}

}  // namespace exeunt
