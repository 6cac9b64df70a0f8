// SPDX-License-Identifier: Apache-2.0
// The corpora of the data wing without the fuzzer: run_inputs DIR CHANGES runs each file of the folders of DIR that
// kDataInputs names, then so many random changes of each.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "fuzz/data_inputs.hpp"
#include "fuzz/mutation.hpp"

int main(int argc, char **argv) {
    if (argc != 3) return std::fprintf(stderr, "usage: run_inputs DIR CHANGES\n"), 2;
    const int changes = std::atoi(argv[2]);
    bool all = true;
    for (const auto &[name, run] : weighbridge::test::kDataInputs) {
        std::vector<std::filesystem::path> files;
        for (const auto &entry : std::filesystem::directory_iterator(std::filesystem::path(argv[1]) / name))
            files.push_back(entry.path());
        std::sort(files.begin(), files.end());
        int accepted = 0, changed = 0;
        for (const auto &path : files) {
            std::ifstream file(path, std::ios::binary);
            const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
            std::mt19937 random(1);
            for (int i = 0; i <= changes; ++i) {
                std::vector<char> other = bytes;
                if (i > 0) weighbridge::test::mutate(other, random);
                const bool taken = run({reinterpret_cast<const std::byte *>(other.data()), other.size()});
                (i > 0 ? changed : accepted) += taken;
            }
        }
        std::printf("%s: %zu files, %d of them accepted, and %d with bytes changed\n", std::string(name).c_str(),
                    files.size(), accepted, changed);
        all = all && accepted > 0;
    }
    return !all;
}
