// SPDX-License-Identifier: BSL-1.0
#include "program.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

namespace examples {
namespace {

using clock = std::chrono::steady_clock;
constexpr milliseconds patience{10'000};

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

/// From here on io_uring_setup fails with EPERM, for this process and what it executes.
void refuse_io_uring() {
    constexpr unsigned number_at = offsetof(seccomp_data, nr);
    std::array<sock_filter, 4> filter{
        sock_filter{BPF_LD | BPF_W | BPF_ABS, 0, 0, number_at},
        sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_io_uring_setup},
        sock_filter{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPERM},
        sock_filter{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
    };
    const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        _exit(126);
}

[[noreturn]] void become(const launch& how, char* const* arguments, int output) {
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    if (how.descriptors != 0) {
        const rlimit limit{how.descriptors, how.descriptors};
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (!how.event_loop.empty()) setenv("EXEUNT_EVENT_LOOP", how.event_loop.c_str(), 1);
    if (how.refuse_io_uring) {
        unsetenv("EXEUNT_EVENT_LOOP");
        refuse_io_uring();
    }
    execv(how.program.c_str(), arguments);
    _exit(127);
}

/// A call again for as long as a signal interrupts it: also a stop and a continuation do, where
/// the socket has a time limit.
template <class Call>
ssize_t uninterrupted(Call call) {
    for (;;) {
        const ssize_t result = call();
        if (result >= 0 || errno != EINTR) return result;
    }
}

}  // namespace

process::process(const launch& how) {
    output_ = memfd_create("output", MFD_CLOEXEC);
    if (output_ < 0) fail("memfd_create");
    std::vector<std::string> texts(how.arguments);
    std::vector<char*> pointers{const_cast<char*>(how.program.c_str())};
    for (std::string& each : texts)
        pointers.push_back(each.data());
    pointers.push_back(nullptr);
    id_ = fork();
    if (id_ < 0) fail("fork");
    if (id_ == 0) become(how, pointers.data(), output_);
    if (how.wait_until_listening) wait_until_listening();
}

process::~process() {
    if (id_ > 0) {
        kill(id_, SIGKILL);
        waitpid(id_, nullptr, 0);
    }
    close(output_);
}

void process::wait_until_listening() {
    constexpr std::string_view announcement = "listening on 127.0.0.1:";
    for (const auto give_up = clock::now() + patience; clock::now() < give_up;) {
        const std::string text = output();
        const std::size_t at = text.find(announcement);
        if (at != std::string::npos && text.find('\n', at) != std::string::npos) {
            const char* const digits = text.c_str() + at + announcement.size();
            port_ = static_cast<std::uint16_t>(std::strtoul(digits, nullptr, 10));
            return;
        }
        if (wait(milliseconds(5)) >= 0) break;
    }
    throw std::runtime_error("the program does not listen; it says: " + output());
}

void process::signal(int number) const {
    if (id_ > 0) kill(id_, number);
}

int process::wait(milliseconds at_most) {
    for (const auto give_up = clock::now() + at_most; id_ > 0;) {
        int status = 0;
        if (waitpid(id_, &status, WNOHANG) == id_) {
            id_ = -1;
            status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        } else if (clock::now() >= give_up) {
            return -1;
        } else {
            std::this_thread::sleep_for(milliseconds(2));
        }
    }
    return status_;
}

std::string process::output() const {
    std::string text;
    std::array<char, 4096> bytes;
    for (ssize_t got;
         (got = pread(output_, bytes.data(), bytes.size(), static_cast<off_t>(text.size()))) > 0;)
        text.append(bytes.data(), static_cast<std::size_t>(got));
    return text;
}

milliseconds process::processor_time() const {
    std::ifstream file("/proc/" + std::to_string(id_) + "/stat");
    std::string word;
    for (int i = 0; i < 13; ++i)
        file >> word;  // the name of the program holds no space here
    long user = 0;
    long system = 0;
    file >> user >> system;
    return milliseconds((user + system) * 1000 / sysconf(_SC_CLK_TCK));
}

client::client(std::uint16_t port, unsigned source) {
    socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket_ < 0) fail("socket");
    const timeval give_up{10, 0};
    const int on = 1;
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &give_up, sizeof give_up);
    setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &give_up, sizeof give_up);
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    if (source != 1) {
        setsockopt(socket_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + source);
        if (bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("bind");
    }
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // A connect() that a signal interrupts goes on by itself; the next one waits for the same.
    while (connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        if (errno == EINTR || errno == EALREADY) continue;
        if (errno == EISCONN) break;
        const int reason = errno;
        close(socket_);
        errno = reason;
        fail("connect");
    }
}

client::~client() {
    if (socket_ >= 0) close(socket_);
}

client::client(client&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}

void client::send(std::string_view bytes) const {
    while (!bytes.empty()) {
        const ssize_t sent = uninterrupted(
            [&] { return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL); });
        if (sent < 0) fail("send");
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

std::size_t client::send_some(std::string_view bytes) const {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent < 0 ? 0 : static_cast<std::size_t>(sent);
}

void client::finish_sending() const {
    shutdown(socket_, SHUT_WR);
}

std::string client::receive(std::size_t bytes) const {
    std::string got(bytes, '\0');
    std::size_t size = 0;
    while (size < bytes) {
        const ssize_t more =
            uninterrupted([&] { return recv(socket_, got.data() + size, bytes - size, 0); });
        if (more < 0) fail("recv");
        if (more == 0) break;
        size += static_cast<std::size_t>(more);
    }
    got.resize(size);
    return got;
}

std::string client::receive_all() const {
    std::string got;
    std::array<char, 16384> bytes;
    for (;;) {
        const ssize_t more =
            uninterrupted([&] { return recv(socket_, bytes.data(), bytes.size(), 0); });
        if (more == 0 || (more < 0 && errno == ECONNRESET)) return got;
        if (more < 0) fail("recv");
        got.append(bytes.data(), static_cast<std::size_t>(more));
    }
}

std::string client::ask(std::string_view request, std::string_view expected) const {
    send(request);
    return receive(expected.size());
}

bool client::readable(milliseconds within) const {
    pollfd wanted{socket_, POLLIN, 0};
    return poll(&wanted, 1, static_cast<int>(within.count())) > 0;
}

void client::abort() {
    const linger at_once{1, 0};
    setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(std::exchange(socket_, -1));
}

bool io_uring_works() {
#ifdef EXEUNT_WITH_IO_URING
    std::array<std::uint32_t, 30> parameters{};  // struct io_uring_params, all zero
    const long ring = syscall(SYS_io_uring_setup, 1, parameters.data());
    if (ring < 0) return false;
    close(static_cast<int>(ring));
    return true;
#else
    return false;  // the programs were built without it
#endif
}

bool allow_descriptors(std::uint64_t count) {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= count) return true;
    limit.rlim_cur = count;
    if (limit.rlim_max < count) limit.rlim_max = count;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

std::string shell(const std::string& command, int& status) {
    FILE* const pipe = popen((command + " 2>&1 </dev/null").c_str(), "r");
    if (pipe == nullptr) fail("popen");
    std::string text;
    std::array<char, 4096> bytes;
    for (std::size_t got; (got = std::fread(bytes.data(), 1, bytes.size(), pipe)) > 0;)
        text.append(bytes.data(), got);
    status = WEXITSTATUS(pclose(pipe));
    return text;
}

bool installed(const std::string& name) {
    int status = 0;
    shell("command -v " + name, status);
    return status == 0;
}

}  // namespace examples
