// SPDX-License-Identifier: BSL-1.0
#include "options.hpp"

#include <string_view>

namespace kv {
namespace {

/// The words of the command line, one option and its value at a time.
class reader {
 public:
    explicit reader(std::span<char* const> words) : words_(words) {}

    bool next() {
        if (at_ == words_.size()) return false;
        option_ = words_[at_++];
        return true;
    }
    [[nodiscard]] std::string_view option() const { return option_; }

    std::string value() {
        if (at_ == words_.size()) fail("needs a value");
        return words_[at_++];
    }

    std::int64_t number(std::int64_t least, std::int64_t most) {
        const std::string text = value();
        std::int64_t read = 0;
        if (!parse_integer(text, read) || read < least || read > most) {
            fail("needs a number from " + std::to_string(least) + " to " + std::to_string(most) +
                 ", not '" + text + "'");
        }
        return read;
    }

    std::size_t count(std::int64_t least, std::int64_t most) {
        return static_cast<std::size_t>(number(least, most));
    }

    [[noreturn]] void fail(const std::string& why) const {
        throw bad_option(std::string(option_).append(" ").append(why));
    }

 private:
    std::span<char* const> words_;
    std::size_t at_ = 0;
    std::string_view option_;
};

}  // namespace

const char* const usage =
    "kv: a key-value server in memory that speaks the protocol of Redis\n"
    "\n"
    "  --port N              where to listen; 0: any free port (default 7379)\n"
    "  --bind ADDRESS        the address to listen on (default 127.0.0.1)\n"
    "  --threads N           worker threads, a shard each (default: one a core)\n"
    "  --max-connections N   connections served at a time, others wait (default 20000)\n"
    "  --max-bulk MIB        the largest key or value (default 64, at most 512)\n"
    "  --help                this\n";

options read_options(std::span<char* const> arguments) {
    options read;
    reader words(arguments);
    while (words.next()) {
        if (words.option() == "--port") {
            read.port = static_cast<std::uint16_t>(words.number(0, 65535));
        } else if (words.option() == "--bind") {
            read.bind = words.value();
        } else if (words.option() == "--threads") {
            read.threads = words.count(1, 1024);
        } else if (words.option() == "--max-connections") {
            read.max_connections = words.count(1, 1'000'000'000);
        } else if (words.option() == "--max-bulk") {
            read.most.bulk_bytes = words.count(1, 512) << 20;
        } else if (words.option() == "--help") {
            read.help = true;
        } else {
            words.fail("is no option; --help lists them");
        }
    }
    return read;
}

}  // namespace kv
