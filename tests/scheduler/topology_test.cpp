// SPDX-License-Identifier: BSL-1.0
#include <exeunt/scheduler/topology.hpp>

#include <gtest/gtest.h>

#include <stdlib.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace {

using namespace exeunt::scheduler;

/// A folder of small files that goes away with it.
class made_up_files {
 public:
    made_up_files() {
        std::string name = (std::filesystem::temp_directory_path() / "exeunt-XXXXXX").string();
        root_ = ::mkdtemp(name.data());
    }
    ~made_up_files() { std::filesystem::remove_all(root_); }
    made_up_files(const made_up_files&) = delete;
    made_up_files& operator=(const made_up_files&) = delete;

    void write(const std::string& path, const std::string& text) const {
        const std::filesystem::path whole = root_ + "/" + path;
        std::filesystem::create_directories(whole.parent_path());
        std::ofstream(whole) << text;
    }
    const std::string& root() const { return root_; }

 private:
    std::string root_;
};

TEST(topology, reads_cpu_lists) {
    EXPECT_EQ(parse_cpu_list("0-3,8,10-11\n"), (std::vector<int>{0, 1, 2, 3, 8, 10, 11}));
    EXPECT_EQ(parse_cpu_list("5"), std::vector<int>{5});
    EXPECT_TRUE(parse_cpu_list("").empty());
    EXPECT_TRUE(parse_cpu_list("\n").empty());
    EXPECT_TRUE(parse_cpu_list("nonsense").empty());
    EXPECT_EQ(parse_cpu_list("1,x"), std::vector<int>{1});
    EXPECT_EQ(parse_cpu_list("1-"), std::vector<int>{});
    EXPECT_TRUE(parse_cpu_list("0-999999999").empty()) << "no more than a sane number";
}

TEST(topology, reads_cpu_max) {
    EXPECT_DOUBLE_EQ(parse_cpu_max("150000 100000\n"), 1.5);
    EXPECT_DOUBLE_EQ(parse_cpu_max("50000 100000"), 0.5);
    EXPECT_DOUBLE_EQ(parse_cpu_max("200000"), 2);
    EXPECT_DOUBLE_EQ(parse_cpu_max("max 100000\n"), 0);
    EXPECT_DOUBLE_EQ(parse_cpu_max(""), 0);
    EXPECT_DOUBLE_EQ(parse_cpu_max("-1 100000"), 0);
    EXPECT_DOUBLE_EQ(parse_cpu_max("100000 0"), 0);
}

TEST(topology, finds_the_smallest_quota_of_version_2) {
    const made_up_files files;
    files.write("a/b/c/cpu.max", "max 100000\n");
    files.write("a/b/cpu.max", "300000 100000\n");
    files.write("a/cpu.max", "800000 100000\n");
    EXPECT_DOUBLE_EQ(cgroup_cpu_quota("0::/a/b/c\n", files.root()), 3);
    EXPECT_DOUBLE_EQ(cgroup_cpu_quota("0::/a\n", files.root()), 8);
    EXPECT_DOUBLE_EQ(cgroup_cpu_quota("0::/\n", files.root()), 0);
    EXPECT_DOUBLE_EQ(cgroup_cpu_quota("", files.root()), 0);
    EXPECT_DOUBLE_EQ(cgroup_cpu_quota("nonsense\n0\n", files.root()), 0);
    EXPECT_DOUBLE_EQ(cgroup_cpu_quota("0::/a/b/c\n", files.root() + "/nowhere"), 0);
    files.write("cpu.max", "150000 100000\n");  // as in a container: its group is the root
    EXPECT_DOUBLE_EQ(cgroup_cpu_quota("0::/\n", files.root()), 1.5);
    EXPECT_DOUBLE_EQ(cgroup_cpu_quota("0::/host/name/of/it\n", files.root()), 1.5);
}

TEST(topology, finds_the_quota_of_version_1) {
    const made_up_files files;
    files.write("cpu,cpuacct/docker/x/cpu.cfs_quota_us", "250000\n");
    files.write("cpu,cpuacct/docker/x/cpu.cfs_period_us", "100000\n");
    files.write("cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
    files.write("cpu,cpuacct/cpu.cfs_period_us", "100000\n");
    const std::string self = "12:memory:/docker/x\n4:cpu,cpuacct:/docker/x\n0::/docker/x\n";
    EXPECT_DOUBLE_EQ(cgroup_cpu_quota(self, files.root()), 2.5);
    EXPECT_DOUBLE_EQ(cgroup_cpu_quota("4:cpuset:/docker/x\n", files.root()), 0);
}

TEST(topology, finds_nodes_and_caches) {
    const made_up_files files;
    const std::string cpus = "devices/system/cpu/cpu";
    for (int cpu = 0; cpu < 8; ++cpu) {
        const std::string cache = cpus + std::to_string(cpu) + "/cache/index";
        files.write(cache + "0/level", "1\n");
        files.write(cache + "0/shared_cpu_list", std::to_string(cpu));
        files.write(cache + "1/level", "2\n");
        files.write(cache + "1/shared_cpu_list", std::to_string(cpu));
        files.write(cache + "2/level", "3\n");
        const int first = cpu / 2 * 2;  // pairs share the third level
        files.write(cache + "2/shared_cpu_list",
                    std::to_string(first) + "-" + std::to_string(first + 1) + "\n");
    }
    files.write("devices/system/node/online", "0-1\n");
    files.write("devices/system/node/node0/cpulist", "0-3\n");
    files.write("devices/system/node/node1/cpulist", "4-7\n");
    const std::array wanted{0, 3, 4, 5};
    const std::vector<core_place> places = core_places_of(wanted, files.root());
    const std::vector<core_place> expected{core_place(0, 0, 0), core_place(3, 0, 2),
                                           core_place(4, 1, 4), core_place(5, 1, 4)};
    EXPECT_EQ(places, expected);
    const std::vector<core_place> flat = core_places_of(wanted, files.root() + "/nowhere");
    ASSERT_EQ(flat.size(), 4U);
    for (const core_place& each : flat) {
        EXPECT_EQ(each.node, 0);
        EXPECT_EQ(each.cache_group, flat[0].cache_group);
    }
}

TEST(topology, victims_come_nearest_first) {
    const std::vector<core_place> places{
        core_place(0, 0, 0), core_place(1, 0, 0), core_place(2, 0, 2), core_place(3, 0, 2),
        core_place(4, 1, 4), core_place(5, 1, 4), core_place(6, 1, 6), core_place(7, 1, 6)};
    EXPECT_EQ(victim_order(0, places), (victim_classes{{1}, {2, 3}, {4, 5, 6, 7}}));
    EXPECT_EQ(victim_order(3, places), (victim_classes{{2}, {0, 1}, {4, 5, 6, 7}}));
    EXPECT_EQ(victim_order(6, places), (victim_classes{{7}, {4, 5}, {0, 1, 2, 3}}));
    const std::vector<core_place> one{core_place(0, 0, 0)};
    EXPECT_TRUE(victim_order(0, one).empty());
    const std::vector<core_place> flat(4, core_place(0, 0, 0));
    EXPECT_EQ(victim_order(2, flat), (victim_classes{{3, 0, 1}}));
}

TEST(topology, this_machine_has_something_to_offer) {
    const std::vector<int> cpus = affine_cpus();
    EXPECT_TRUE(std::is_sorted(cpus.begin(), cpus.end()));
    EXPECT_EQ(core_places().size(), cpus.size());
    EXPECT_GE(available_cores(), 1U);
    EXPECT_TRUE(cpus.empty() || available_cores() <= cpus.size());
}

}  // namespace
