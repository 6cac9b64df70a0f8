// SPDX-License-Identifier: Apache-2.0
#include "pool/cpu_limit.hpp"

#include <map>

#include "pool/pool.hpp"
#include "support/catch.hpp"

using namespace weighbridge::lib;

namespace {

FileReader files(std::map<std::string, std::string> texts) {
    return [texts = std::move(texts)](const std::string &path) -> std::optional<std::string> {
        auto found = texts.find(path);
        if (found == texts.end()) return std::nullopt;
        return found->second;
    };
}

const char *const kMounts2 =
    "25 30 0:23 / /sys rw,nosuid - sysfs sysfs rw\n"
    "30 25 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
const char *const kMounts1 =
    "33 25 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
    "34 25 0:30 / /sys/fs/cgroup/memory rw shared:10 - cgroup cgroup rw,memory\n";

}  // namespace

TEST_CASE("cpu.max is rounded up to whole CPUs") {
    REQUIRE(parse_cpu_max("200000 100000\n") == 2);
    REQUIRE(parse_cpu_max("150000 100000\n") == 2);
    REQUIRE(parse_cpu_max("100001 100000") == 2);
    REQUIRE(parse_cpu_max("1000 100000") == 1);
    REQUIRE(parse_cpu_max("9223372036854775807 1") == 2147483647);
}

TEST_CASE("cpu.max without a limit, or of another form, is no limit") {
    for (const char *text : {"max 100000\n", "", "\n", "100000", "100000 0", "0 100000", "-1 100000", "a b", "1 2 3",
                             "99999999999999999999 100000", "100000  100000"})
        REQUIRE_FALSE(parse_cpu_max(text));
}

TEST_CASE("the quota of version 1 is rounded up, -1 is none") {
    REQUIRE(parse_cfs_quota("250000\n", "100000\n") == 3);
    REQUIRE_FALSE(parse_cfs_quota("-1\n", "100000\n"));
    REQUIRE_FALSE(parse_cfs_quota("100000", ""));
    REQUIRE_FALSE(parse_cfs_quota("", "100000"));
}

TEST_CASE("directories go from the process's own cgroup up to the mount") {
    auto found = cgroup_directories("0::/pods/a/b\n", kMounts2);
    REQUIRE(found.size() == 6);
    REQUIRE(found[0] == CgroupDirectory{"/sys/fs/cgroup/pods/a/b", 2});
    REQUIRE(found[1] == CgroupDirectory{"/sys/fs/cgroup/pods/a", 2});
    REQUIRE(found[2] == CgroupDirectory{"/sys/fs/cgroup/pods", 2});
    REQUIRE(found[3] == CgroupDirectory{"/sys/fs/cgroup", 2});
}

TEST_CASE("a mount that shows part of the hierarchy is read from there") {
    auto found = cgroup_directories("4:cpu,cpuacct:/docker/x/y\n3:memory:/docker/x\n",
                                    "33 25 0:29 /docker/x /cg\\040roup rw - cgroup cgroup rw,cpuacct,cpu\n");
    REQUIRE(found[0] == CgroupDirectory{"/cg roup/y", 1});
    REQUIRE(found[1] == CgroupDirectory{"/cg roup", 1});
    auto outside = cgroup_directories("4:cpu:/docker/xx\n", "33 25 0:29 /docker/x /cg rw - cgroup cgroup rw,cpu\n");
    REQUIRE(outside[0] == CgroupDirectory{"/cg", 1});
    auto escaping = cgroup_directories("0::/../../elsewhere\n", kMounts2);
    REQUIRE(escaping[0] == CgroupDirectory{"/sys/fs/cgroup", 2});
}

TEST_CASE("the least quota on the way up binds") {
    std::map<std::string, std::string> texts{{"/proc/self/cgroup", "0::/a/b\n"},
                                             {"/proc/self/mountinfo", kMounts2},
                                             {"/sys/fs/cgroup/a/b/cpu.max", "max 100000\n"},
                                             {"/sys/fs/cgroup/a/cpu.max", "300000 100000\n"}};
    REQUIRE(cgroup_cpu_limit(files(texts)) == 3);
    texts["/sys/fs/cgroup/a/b/cpu.max"] = "800000 100000\n";
    REQUIRE(cgroup_cpu_limit(files(texts)) == 3);
    texts["/sys/fs/cgroup/a/b/cpu.max"] = "50000 100000\n";
    REQUIRE(cgroup_cpu_limit(files(texts)) == 1);
}

TEST_CASE("version 1 and mixed hierarchies are read") {
    REQUIRE(cgroup_cpu_limit(files({{"/proc/self/cgroup", "4:cpu,cpuacct:/svc\n0::/svc\n"},
                                    {"/proc/self/mountinfo", kMounts1},
                                    {"/sys/fs/cgroup/cpu,cpuacct/svc/cpu.cfs_quota_us", "400000\n"},
                                    {"/sys/fs/cgroup/cpu,cpuacct/svc/cpu.cfs_period_us", "100000\n"}})) == 4);
}

TEST_CASE("the plain paths are read where /proc says nothing") {
    REQUIRE(cgroup_cpu_limit(files({{"/sys/fs/cgroup/cpu.max", "200000 100000\n"}})) == 2);
    REQUIRE_FALSE(cgroup_cpu_limit(files({})));
}

TEST_CASE("damaged files are no limit") {
    for (const char *text : {"", ":", "::", "\n\n", "0:", "0::", "x", "0::relative", "4:cpu", "- - - - - - -"})
        REQUIRE_FALSE(cgroup_cpu_limit(files({{"/proc/self/cgroup", text}, {"/proc/self/mountinfo", text}})));
    for (const char *text :
         {"1 2 3 / /p o -", "1 2 3 / /p o - cgroup2", "- cgroup2 a b", "1 2 3 /\\0 /\\04 o - cgroup2 a b"})
        REQUIRE_FALSE(cgroup_cpu_limit(files({{"/proc/self/cgroup", "0::/a"}, {"/proc/self/mountinfo", text}})));
}

TEST_CASE("this machine has at least one context") { REQUIRE(automatic_cpu_contexts() >= 1); }
