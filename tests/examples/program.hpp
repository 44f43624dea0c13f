// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Example programs as their users meet them: started as processes, spoken to through sockets.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace examples {

using std::chrono::milliseconds;

/// How to start a program.
class launch {
 public:
    explicit launch(std::string program_path) : program(std::move(program_path)) {}

    std::string program;
    std::vector<std::string> arguments;
    std::string event_loop;         ///< EXEUNT_EVENT_LOOP, unless empty
    std::uint64_t descriptors = 0;  ///< RLIMIT_NOFILE, unless 0
    bool refuse_io_uring = false;   ///< a seccomp filter answers EPERM, as containers do
    bool wait_until_listening = true;
};

/// A program that runs; killed and reaped at the end of its scope at the latest.
/// Throws std::runtime_error where it does not start.
class process {
 public:
    explicit process(const launch& how);
    ~process();
    process(const process&) = delete;
    process& operator=(const process&) = delete;

    /// The port of its line `listening on 127.0.0.1:PORT`.
    [[nodiscard]] std::uint16_t port() const { return port_; }

    void signal(int number) const;

    /// Its exit status; 128 and the signal's number where one ended it, -1 when time is up.
    int wait(milliseconds at_most);

    /// All that it has printed so far, errors included.
    [[nodiscard]] std::string output() const;

    /// Processor time that it has used so far.
    [[nodiscard]] milliseconds processor_time() const;

 private:
    void wait_until_listening();

    pid_t id_ = -1;
    int output_ = -1;
    int status_ = -1;
    std::uint16_t port_ = 0;
};

/// A connection to 127.0.0.1 with blocking calls, each of which gives up after ten seconds by
/// throwing std::runtime_error.
class client {
 public:
    /// `source` is the last number of a 127.0.0.x to connect from: each has ports of its own.
    explicit client(std::uint16_t port, unsigned source = 1);
    ~client();
    client(client&& other) noexcept;
    client& operator=(client&&) = delete;

    void send(std::string_view bytes) const;

    /// As much as goes into the socket's buffers at once.
    std::size_t send_some(std::string_view bytes) const;

    /// No more bytes will be sent; the other side reads the end of the stream.
    void finish_sending() const;

    /// Exactly so many bytes, fewer at the end of the stream.
    [[nodiscard]] std::string receive(std::size_t bytes) const;

    /// Everything up to the end of the stream; a reset counts as the end.
    [[nodiscard]] std::string receive_all() const;

    /// Sends a request and receives as many bytes as `expected` has.
    [[nodiscard]] std::string ask(std::string_view request, std::string_view expected) const;

    /// True when a byte can be read within the time.
    [[nodiscard]] bool readable(milliseconds within) const;

    /// Closes with a reset instead of a farewell.
    void abort();

 private:
    int socket_ = -1;
};

/// True when this kernel lets this process use io_uring.
bool io_uring_works();

/// Raises this process's limit of descriptors; false where the system does not allow it.
bool allow_descriptors(std::uint64_t count);

/// The output of a shell command, and its exit status in `status`.
std::string shell(const std::string& command, int& status);

/// True when a program of that name is in the path.
bool installed(const std::string& name);

}  // namespace examples
