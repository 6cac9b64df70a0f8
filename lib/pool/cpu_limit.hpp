// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weighbridge::lib {

// What the cgroup files say, apart from where they are read: lib/pool/README.md has the rules.

// A directory that may hold a CPU quota, of cgroup version 1 or 2.
struct CgroupDirectory {
    std::string path;
    int version;
    bool operator==(const CgroupDirectory &) const = default;
};

// cpu.max ("150000 100000", "max 100000"): CPUs rounded up, none for no limit or a text of another form.
std::optional<int> parse_cpu_max(std::string_view text);

// cpu.cfs_quota_us ("-1" for none) and cpu.cfs_period_us.
std::optional<int> parse_cfs_quota(std::string_view quota, std::string_view period);

// The directories whose quotas bind this process, from its own cgroup up to the root of each mount, by
// /proc/self/cgroup and /proc/self/mountinfo; then the usual plain paths.
std::vector<CgroupDirectory> cgroup_directories(std::string_view cgroup, std::string_view mountinfo);

// The least quota found, none for no limit. `read` gives a file's text, none where it cannot be read.
using FileReader = std::function<std::optional<std::string>(const std::string &path)>;
std::optional<int> cgroup_cpu_limit(const FileReader &read);

}  // namespace weighbridge::lib
