// SPDX-License-Identifier: BSL-1.0
#include <exeunt/scheduler/topology.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

namespace exeunt::scheduler {

namespace {

/// A small file's text; empty when it cannot be read.
std::string text_of(const std::string& path) {
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
}

/// Takes a number off the front of `text`; false when there is none.
template <class Number>
bool take_number(std::string_view& text, Number& number) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
}

bool take(std::string_view& text, char expected) {
    if (text.empty() || text.front() != expected) return false;
    text.remove_prefix(1);
    return true;
}

double quota_of(long long quota, long long period) {
    if (quota <= 0 || period <= 0) return 0;
    return static_cast<double>(quota) / static_cast<double>(period);
}

double smaller_quota(double a, double b) {
    if (a == 0 || b == 0) return std::max(a, b);
    return std::min(a, b);
}

/// Version 1 keeps the two numbers in files of their own.
double quota_v1(const std::string& group) {
    const std::string quota_text = text_of(group + "/cpu.cfs_quota_us");
    const std::string period_text = text_of(group + "/cpu.cfs_period_us");
    std::string_view quota_view = quota_text;
    std::string_view period_view = period_text;
    long long quota = 0;
    long long period = 0;
    if (!take_number(quota_view, quota) || !take_number(period_view, period)) return 0;
    return quota_of(quota, period);
}

/// The smallest quota of the group `path` below `mount` and of all groups around it. A container
/// may see its own group as the mount's root while `path` is the host's name for it: the files that
/// do not exist count for nothing, and the root is always looked at.
template <class Quota>
double smallest_quota(const std::string& mount, std::string_view path, Quota quota_in) {
    double smallest = quota_in(mount);
    while (path.size() > 1) {
        smallest = smaller_quota(smallest, quota_in(mount + std::string(path)));
        path.remove_suffix(path.size() - std::min(path.rfind('/'), path.size()));
    }
    return smallest;
}

bool has_controller(std::string_view controllers, std::string_view wanted) {
    while (!controllers.empty()) {
        const std::size_t comma = std::min(controllers.find(','), controllers.size());
        if (controllers.substr(0, comma) == wanted) return true;
        controllers.remove_prefix(std::min(comma + 1, controllers.size()));
    }
    return false;
}

int cache_group_of(int cpu, const std::string& sys) {
    const std::string caches = sys + "/devices/system/cpu/cpu" + std::to_string(cpu) + "/cache/";
    int best_level = 0;
    int group = -1;
    for (int index = 0; index < 16; ++index) {
        const std::string cache = caches + "index" + std::to_string(index);
        const std::string level_text = text_of(cache + "/level");
        std::string_view level_view = level_text;
        int level = 0;
        if (!take_number(level_view, level)) break;
        // A first-level cache is shared by the threads of one core at most: no neighbourhood.
        if (level < 2 || level <= best_level) continue;
        const std::vector<int> sharers = parse_cpu_list(text_of(cache + "/shared_cpu_list"));
        if (sharers.empty()) continue;
        best_level = level;
        group = *std::min_element(sharers.begin(), sharers.end());
    }
    return group;
}

}  // namespace

double parse_cpu_max(std::string_view text) {
    long long quota = 0;
    long long period = 100'000;  // the kernel's default, should the file not name it
    if (!take_number(text, quota)) return 0;
    static_cast<void>(take_number(text, period));
    return quota_of(quota, period);
}

std::vector<int> parse_cpu_list(std::string_view text) {
    constexpr int sane = 1 << 16;
    std::vector<int> cpus;
    do {
        int first = 0;
        if (!take_number(text, first)) break;
        int last = first;
        if (take(text, '-') && !take_number(text, last)) break;
        if (first < 0 || last >= sane) break;
        for (int cpu = first; cpu <= last; ++cpu)
            cpus.push_back(cpu);
    } while (take(text, ','));
    return cpus;
}

double cgroup_cpu_quota(std::string_view self_cgroup, const std::string& root) {
    double smallest = 0;
    while (!self_cgroup.empty()) {
        // A line is "number:controllers:path"; version 2 has number 0 and no controllers.
        const std::size_t end = std::min(self_cgroup.find('\n'), self_cgroup.size());
        const std::string_view line = self_cgroup.substr(0, end);
        self_cgroup.remove_prefix(std::min(end + 1, self_cgroup.size()));
        const std::size_t first = line.find(':');
        if (first == std::string_view::npos) continue;
        const std::size_t second = line.find(':', first + 1);
        if (second == std::string_view::npos) continue;
        const std::string_view controllers = line.substr(first + 1, second - first - 1);
        const std::string_view path = line.substr(second + 1);
        if (controllers.empty()) {
            const auto quota = [](const std::string& group) {
                return parse_cpu_max(text_of(group + "/cpu.max"));
            };
            smallest = smaller_quota(smallest, smallest_quota(root, path, quota));
        } else if (has_controller(controllers, "cpu")) {
            // Mounted under the names of all its controllers, with a link for each of them.
            for (const std::string& name : {std::string(controllers), std::string("cpu")})
                smallest =
                    smaller_quota(smallest, smallest_quota(root + "/" + name, path, quota_v1));
        }
    }
    return smallest;
}

std::vector<int> affine_cpus() {
    std::vector<int> cpus;
#if defined(__linux__)
    // The kernel refuses masks shorter than its own; nobody has yet built one for 2^16 processors.
    for (int capacity = 1024; capacity <= 1 << 16; capacity *= 2) {
        const std::size_t bytes = CPU_ALLOC_SIZE(capacity);
        std::vector<cpu_set_t> mask((bytes + sizeof(cpu_set_t) - 1) / sizeof(cpu_set_t));
        if (::sched_getaffinity(0, bytes, mask.data()) != 0) continue;
        for (int cpu = 0; cpu < capacity; ++cpu)
            if (CPU_ISSET_S(static_cast<std::size_t>(cpu), bytes, mask.data())) cpus.push_back(cpu);
        break;
    }
#endif
    return cpus;
}

unsigned available_cores() {
    auto cores = static_cast<unsigned>(affine_cpus().size());
    if (cores == 0) cores = std::max(std::thread::hardware_concurrency(), 1U);
    const double quota = cgroup_cpu_quota(text_of("/proc/self/cgroup"), "/sys/fs/cgroup");
    if (quota > 0 && quota < cores) cores = static_cast<unsigned>(std::ceil(quota));
    return std::max(cores, 1U);
}

std::vector<core_place> core_places(const std::string& sys) {
    return core_places_of(affine_cpus(), sys);
}

std::vector<core_place> core_places_of(std::span<const int> cpus, const std::string& sys) {
    std::vector<core_place> places;
    for (const int cpu : cpus)
        places.emplace_back(cpu, 0, cache_group_of(cpu, sys));
    const std::string nodes = sys + "/devices/system/node/";
    for (const int node : parse_cpu_list(text_of(nodes + "online"))) {
        const std::vector<int> members =
            parse_cpu_list(text_of(nodes + "node" + std::to_string(node) + "/cpulist"));
        for (core_place& place : places)
            if (std::find(members.begin(), members.end(), place.cpu) != members.end())
                place.node = node;
    }
    return places;
}

victim_classes victim_order(unsigned worker, std::span<const core_place> places) {
    const auto workers = static_cast<unsigned>(places.size());
    EXEUNT_ASSERT(worker < workers);
    const core_place& own = places[worker];
    const auto distance = [&](unsigned other) -> std::size_t {
        if (places[other].node != own.node) return 2;
        return places[other].cache_group != own.cache_group ? 1 : 0;
    };
    victim_classes classes(3);
    for (unsigned i = 1; i < workers; ++i) {
        const unsigned other = (worker + i) % workers;
        classes[distance(other)].push_back(other);
    }
    std::erase_if(classes, [](const auto& each) { return each.empty(); });
    return classes;
}

}  // namespace exeunt::scheduler
