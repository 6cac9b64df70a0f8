// SPDX-License-Identifier: Apache-2.0
// The fuzzer's corpus without the fuzzer: run_corpus DIR CHANGES runs each file, then so many random changes of the
// bytes of each, and a tenth of so many of the graph. `run_corpus --make DIR` writes the corpus's first files.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/file.hpp"
#include "fuzz/mutation.hpp"
#include "fuzz/plan_input.hpp"
#include "fuzz/plan_mutation.hpp"

namespace {

using namespace weighbridge;
namespace fs = std::filesystem;

int make(const std::string &directory) {
    const std::pair<const char *, test::GraphBuilder> graphs[] = {{"mlp", test::mlp_graph(2, 3)},
                                                                  {"mlp-int8", test::mlp_graph(60, 80)},
                                                                  {"transformer", test::transformer_graph(4, 3)}};
    for (const auto &[name, build] : graphs) {
        auto plan = build.plan({WB_PRECISION_FP32, WB_PRECISION_INT8});
        if (!lib::write_file(directory + "/" + name + ".plan", *lib::write_plan(*plan)).ok()) return 1;
    }
    // The smallest layer that is quantised, without the fp32 panels that make the other's file large.
    test::GraphBuilder layer;
    const auto x = layer.input(0, lib::DType::float32, {lib::Extent::rows(), lib::Extent::of(129)});
    layer.output(layer.linear(x, 32, test::fixed_numbers(32 * 129, 1), test::fixed_numbers(32, 2)));
    if (!lib::write_file(directory + "/int8.plan", *lib::write_plan(*layer.plan({WB_PRECISION_INT8}))).ok()) return 1;
    for (uint32_t seed = 0; seed < 12; ++seed) {
        test::RandomGraphOptions options;
        options.sequences = seed % 2 == 1;
        options.operators = 10;
        auto plan = lib::Plan::make(test::random_graph(seed, options), {}, {WB_PRECISION_FP32});
        if (!plan ||
            !lib::write_file(directory + "/random-" + std::to_string(seed) + ".plan", *lib::write_plan(**plan)).ok())
            return 1;
    }
    return 0;
}

}  // namespace

int main(int argc, char **argv) {
    if (argc == 3 && std::string(argv[1]) == "--make") return make(argv[2]);
    if (argc != 3) return std::fprintf(stderr, "usage: run_corpus DIR CHANGES\n"), 2;
    std::vector<std::string> files;
    for (const auto &entry : fs::directory_iterator(argv[1])) files.push_back(entry.path().string());
    std::sort(files.begin(), files.end());
    const int changes = std::atoi(argv[2]);
    int plans = 0, by_bytes = 0, by_graph = 0;
    for (const std::string &path : files) {
        std::ifstream file(path, std::ios::binary);
        const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
        auto view = [](const std::vector<char> &of) {
            return lib::ByteView(reinterpret_cast<const std::byte *>(of.data()), of.size());
        };
        plans += test::try_plan(view(bytes));
        std::mt19937 random(1);
        for (int i = 0; i < changes; ++i) {
            std::vector<char> other = bytes;
            test::mutate(other, random);
            by_bytes += test::try_plan(view(other));
        }
        for (int i = 0; i < changes / 10; ++i) {
            const lib::Bytes other = test::changed_plan(view(bytes), static_cast<uint32_t>(random()));
            by_graph += !other.empty() && test::try_plan(other);
        }
    }
    std::printf("%zu files, %d of them plans; %d plans with bytes changed and %d with the graph changed\n",
                files.size(), plans, by_bytes, by_graph);
    return plans == 0 || by_bytes == 0 || by_graph == 0;
}
