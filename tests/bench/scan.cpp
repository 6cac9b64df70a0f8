// SPDX-License-Identifier: Apache-2.0
// Times the scan and the digest of a TorchScript file: scan [MEGABYTES], default 40. The file is made here: a module
// with that much of weights, in tensors of a quarter of a megabyte. Prints one line of JSON with medians of nine in ms.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "base/sha256.hpp"
#include "scan/module.hpp"
#include "support/module_archive.hpp"

using namespace weighbridge;

namespace {

constexpr size_t kTensorBytes = 256 << 10;

template <class Body>
double median_ms(const Body &body) {
    std::vector<double> times;
    for (int i = 0; i < 9; ++i) {
        const auto start = std::chrono::steady_clock::now();
        body();
        times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
    }
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
}

}  // namespace

int main(int argc, char **argv) {
    const size_t megabytes = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 40;
    test::ModuleFiles files = test::module_files();
    uint32_t state = 1;
    for (size_t i = 0; i < megabytes * 4; ++i) {
        std::string &weights = files["data/" + std::to_string(i)];
        weights.resize(kTensorBytes);
        for (char &one : weights) one = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
    }
    const lib::Bytes module = test::module_archive(files);
    bool accepted = true;
    const double scan_ms = median_ms([&] {
        lib::ModuleReport report;
        accepted = lib::scan_module(module, {}, report).ok() && accepted;
    });
    const double sha256_ms = median_ms([&] { accepted = lib::sha256(module).ok() && accepted; });
    if (!accepted) return std::fprintf(stderr, "scan: expected the file to be accepted\n"), 1;
    std::printf("{\"bytes\": %zu, \"scan_ms\": %.1f, \"sha256_ms\": %.1f}\n", module.size(), scan_ms, sha256_ms);
}
