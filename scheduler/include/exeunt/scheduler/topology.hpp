// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/config.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

/// How many cores this process may use, how they lie to one another, and in which order a worker
/// should therefore visit the others.
///
///     unsigned workers = available_cores();
///     std::vector<core_place> places = core_places();
///     victim_classes victims = victim_order(0, places);
///
/// What the system does not tell is assumed to be flat: one node, one cache, no quota. Nothing here
/// fails; it is called at start-up, reads files and allocates.

namespace exeunt::scheduler {

/// Cores that this process may use at once: those of its affinity mask, but no more than its CPU
/// quota (control groups, version 1 or 2, of all groups around it) rounded up; at least 1.
unsigned available_cores();

/// Where a logical processor lies.
struct core_place {
    core_place(int cpu_number, int node_number, int cache) noexcept
        : cpu(cpu_number), node(node_number), cache_group(cache) {}

    int cpu;          ///< the kernel's number
    int node;         ///< NUMA node, 0 when unknown
    int cache_group;  ///< equal for those that share their largest cache: the lowest cpu among them

    friend bool operator==(const core_place&, const core_place&) = default;
};

/// The processors of this process' affinity mask, by number. `sys` is where sysfs is mounted.
std::vector<core_place> core_places(const std::string& sys = "/sys");

/// The same for given processors: only the files under `sys` are consulted.
std::vector<core_place> core_places_of(std::span<const int> cpus, const std::string& sys);

/// The processors in this thread's affinity mask, ascending; empty when the system does not tell.
std::vector<int> affine_cpus();

/// Workers by their distance, nearest first; no class is empty.
using victim_classes = std::vector<std::vector<unsigned>>;

/// The other workers in the order in which `worker` should try to steal from them: those that share
/// its cache, those of its node, the rest. `places[i]` is the place of worker i. A class begins
/// after `worker` and goes around.
victim_classes victim_order(unsigned worker, std::span<const core_place> places);

/// The CPU quota in cores (1.5 for 150 ms in 100 ms) of the control groups that `self_cgroup` (the
/// text of /proc/self/cgroup) names, below `root` (/sys/fs/cgroup): the smallest of the group's own
/// and those of the groups around it. 0 when there is none.
double cgroup_cpu_quota(std::string_view self_cgroup, const std::string& root);

/// The quota in the text of a cpu.max file, "150000 100000": in cores; 0 for "max ..." or nonsense.
double parse_cpu_max(std::string_view text);

/// The numbers in a list such as "0-3,8,10-11"; stops at what it does not understand.
std::vector<int> parse_cpu_list(std::string_view text);

}  // namespace exeunt::scheduler
