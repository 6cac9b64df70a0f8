// SPDX-License-Identifier: Apache-2.0
// Scans every *.ts below the given directories: scan_check DIRECTORY... Prints each that is refused, with its findings;
// exit code 1 where one is that is not made to be (forbidden_..., hostile_..., prints...), or one of those is not.
#include <cstdio>
#include <filesystem>

#include "base/file.hpp"
#include "scan/module.hpp"

using namespace weighbridge::lib;

int main(int argc, char **argv) {
    int accepted = 0, refused = 0, wanted = 0;
    for (int i = 1; i < argc; ++i) {
        for (const auto &entry : std::filesystem::recursive_directory_iterator(argv[i])) {
            const std::string path = entry.path().string();
            if (!path.ends_with(".ts")) continue;
            const auto file = read_file(path, uint64_t{1} << 32);
            if (!file) return std::fprintf(stderr, "%s\n", file.status().message), 2;
            ModuleReport report;
            const bool ok = scan_module(*file, {}, report).ok();
            const std::string name = entry.path().filename().string();
            if (name.starts_with("forbidden_") || name.starts_with("hostile_") || name.starts_with("prints")) {
                wanted += !ok;
                if (ok) std::printf("%s: expected a refusal\n", path.c_str());
                refused += ok;
                continue;
            }
            accepted += ok;
            refused += !ok;
            for (const ScanFinding &one : report.findings.list)
                std::printf("%s: %s: %s:%lld: %s\n", path.c_str(), one.rule.c_str(), one.file.c_str(),
                            static_cast<long long>(one.line), one.text.c_str());
        }
    }
    std::printf("%d modules accepted, %d refused that are made to be, %d wrong\n", accepted, wanted, refused);
    return refused != 0 || accepted == 0;
}
