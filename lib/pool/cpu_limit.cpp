// SPDX-License-Identifier: Apache-2.0
#include "pool/cpu_limit.hpp"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdint>

#include "base/number.hpp"
#include "pool/pool.hpp"

namespace weighbridge::lib {
namespace {

std::string_view trim(std::string_view text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
    return text;
}

std::optional<int64_t> parse_integer(std::string_view text) {
    int64_t value = 0;
    return parse_number(text, INT64_MIN, INT64_MAX, value) ? std::optional(value) : std::nullopt;
}

std::optional<int> cpus(std::optional<int64_t> quota_us, std::optional<int64_t> period_us) {
    if (!quota_us || !period_us || *quota_us <= 0 || *period_us <= 0) return std::nullopt;
    int64_t whole = (*quota_us - 1) / *period_us + 1;
    return static_cast<int>(std::min<int64_t>(whole, INT_MAX));
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        size_t end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

bool lists(std::string_view names, std::string_view name) {
    auto parts = split(names, ',');
    return std::find(parts.begin(), parts.end(), name) != parts.end();
}

// mountinfo writes space, tab, newline and backslash as \ and three octal digits (proc(5)).
std::string unescape(std::string_view text) {
    std::string plain;
    for (size_t i = 0; i < text.size(); ++i) {
        auto octal = [&](size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '7'; };
        if (text[i] == '\\' && octal(i + 1) && octal(i + 2) && octal(i + 3)) {
            plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
            i += 3;
        } else {
            plain += text[i];
        }
    }
    return plain;
}

// `path` as seen below a mount that shows `root` of the hierarchy; none where the mount does not show it.
std::optional<std::string> below(const std::string &path, const std::string &root) {
    if (path.find("/..") != std::string::npos) return std::nullopt;
    if (root == "/") return path == "/" ? "" : path;
    if (path == root) return "";
    if (path.size() > root.size() && path.starts_with(root) && path[root.size()] == '/')
        return path.substr(root.size());
    return std::nullopt;
}

struct Mount {
    std::string root, point;
    int version;
};

// Lines "36 35 98:0 /root /point options ... - type source superoptions" (proc(5)).
std::vector<Mount> cgroup_mounts(std::string_view mountinfo) {
    std::vector<Mount> mounts;
    for (std::string_view line : split(mountinfo, '\n')) {
        auto fields = split(line, ' ');
        auto dash = std::find(fields.begin(), fields.end(), "-");
        if (fields.size() < 7 || fields.end() - dash < 4) continue;
        std::string_view type = dash[1], options = dash[3];
        int version = type == "cgroup2" ? 2 : type == "cgroup" && lists(options, "cpu") ? 1 : 0;
        if (version != 0) mounts.push_back({unescape(fields[3]), unescape(fields[4]), version});
    }
    return mounts;
}

}  // namespace

std::optional<int> parse_cpu_max(std::string_view text) {
    auto fields = split(trim(text), ' ');
    if (fields.size() != 2) return std::nullopt;
    return cpus(parse_integer(fields[0]), parse_integer(fields[1]));
}

std::optional<int> parse_cfs_quota(std::string_view quota, std::string_view period) {
    return cpus(parse_integer(trim(quota)), parse_integer(trim(period)));
}

std::vector<CgroupDirectory> cgroup_directories(std::string_view cgroup, std::string_view mountinfo) {
    std::vector<CgroupDirectory> found;
    auto add = [&](CgroupDirectory directory) {
        if (std::find(found.begin(), found.end(), directory) == found.end()) found.push_back(std::move(directory));
    };
    auto mounts = cgroup_mounts(mountinfo);
    for (std::string_view line : split(cgroup, '\n')) {
        // "0::/path" for version 2, "4:cpu,cpuacct:/path" for version 1 (cgroups(7)).
        size_t first = line.find(':');
        size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
        if (second == std::string_view::npos) continue;
        std::string_view controllers = line.substr(first + 1, second - first - 1);
        int version = line.substr(0, first) == "0" && controllers.empty() ? 2 : lists(controllers, "cpu") ? 1 : 0;
        std::string path(line.substr(second + 1));
        for (const Mount &mount : mounts) {
            if (mount.version != version) continue;
            std::string rest = below(path, mount.root).value_or("");
            while (true) {
                add({mount.point + rest, version});
                if (rest.empty()) break;
                rest.erase(rest.rfind('/'));
            }
        }
    }
    add({"/sys/fs/cgroup", 2});
    add({"/sys/fs/cgroup/cpu", 1});
    add({"/sys/fs/cgroup/cpu,cpuacct", 1});
    return found;
}

std::optional<int> cgroup_cpu_limit(const FileReader &read) {
    std::optional<int> least;
    auto directories =
        cgroup_directories(read("/proc/self/cgroup").value_or(""), read("/proc/self/mountinfo").value_or(""));
    for (const auto &[path, version] : directories) {
        std::optional<int> limit;
        if (version == 2)
            limit = parse_cpu_max(read(path + "/cpu.max").value_or(""));
        else
            limit = parse_cfs_quota(read(path + "/cpu.cfs_quota_us").value_or(""),
                                    read(path + "/cpu.cfs_period_us").value_or(""));
        if (limit) least = std::min(least.value_or(*limit), *limit);
    }
    return least;
}

namespace {

// Files of procfs and sysfs have no size to ask for.
std::optional<std::string> read_small_file(const std::string &path) {
    constexpr size_t kLimitBytes = 1 << 20;  // mountinfo of a host with thousands of containers
    int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return std::nullopt;
    std::string text;
    char part[4096];
    ssize_t got = 0;
    while (text.size() < kLimitBytes && (got = read(file, part, sizeof part)) > 0)
        text.append(part, static_cast<size_t>(got));
    close(file);
    if (got < 0) return std::nullopt;
    return text;
}

std::optional<int> affinity_cpus() {
    constexpr int kMostCpus = 1 << 18;  // the kernel's NR_CPUS is at most 8192; the call fails on masks too small
    for (int size = CPU_SETSIZE; size <= kMostCpus; size *= 2) {
        std::vector<unsigned long> mask(CPU_ALLOC_SIZE(size) / sizeof(unsigned long));
        size_t bytes = mask.size() * sizeof(unsigned long);
        auto *set = reinterpret_cast<cpu_set_t *>(mask.data());
        if (sched_getaffinity(0, bytes, set) == 0) return CPU_COUNT_S(bytes, set);
    }
    return std::nullopt;
}

}  // namespace

int automatic_cpu_contexts() {
    auto allowed = affinity_cpus();
    if (!allowed) allowed = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
    int least = std::min(*allowed, cgroup_cpu_limit(read_small_file).value_or(*allowed));
    return std::max(least, 1);
}

}  // namespace weighbridge::lib
