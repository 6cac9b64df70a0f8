// SPDX-License-Identifier: Apache-2.0
// The fuzzer's corpus without the fuzzer: run_corpus DIR MUTATIONS runs each file, then so many random changes of each.
// `run_corpus --make DIR` writes the corpus's first files.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "base/file.hpp"
#include "fuzz/plan_input.hpp"

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

// Changes a few places: bits, bytes, words of interest, cuts.
void mutate(std::vector<char> &bytes, std::mt19937 &random) {
    static constexpr int64_t kWords[] = {0, 1, -1, 2, 64, 1 << 20, INT32_MAX, INT64_MAX, INT64_MIN, int64_t{1} << 31};
    for (uint32_t change = 0, changes = 1 + random() % 4; change < changes && bytes.size() > 8; ++change) {
        // Mostly in the header and the graph, which decide what is done with the rest.
        const size_t place = random() % (random() % 4 ? std::min<size_t>(bytes.size(), 4096) : bytes.size());
        switch (random() % 4) {
            case 0:
                bytes[place] = static_cast<char>(bytes[place] ^ (1 << random() % 8));
                break;
            case 1:
                bytes[place] = static_cast<char>(random());
                break;
            case 2: {
                const int64_t word = kWords[random() % (sizeof kWords / sizeof kWords[0])];
                if (place + 8 <= bytes.size()) std::memcpy(bytes.data() + place / 4 * 4, &word, random() % 2 ? 4 : 8);
                break;
            }
            default:
                if (random() % 16 == 0) bytes.resize(place);
        }
    }
}

}  // namespace

int main(int argc, char **argv) {
    if (argc == 3 && std::string(argv[1]) == "--make") return make(argv[2]);
    if (argc != 3) return std::fprintf(stderr, "usage: run_corpus DIR MUTATIONS\n"), 2;
    std::vector<std::string> files;
    for (const auto &entry : fs::directory_iterator(argv[1])) files.push_back(entry.path().string());
    std::sort(files.begin(), files.end());
    const int mutations = std::atoi(argv[2]);
    int plans = 0, changed = 0;
    for (const std::string &path : files) {
        std::ifstream file(path, std::ios::binary);
        const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
        auto view = [](const std::vector<char> &of) {
            return lib::ByteView(reinterpret_cast<const std::byte *>(of.data()), of.size());
        };
        plans += test::try_plan(view(bytes));
        std::mt19937 random(1);
        for (int i = 0; i < mutations; ++i) {
            std::vector<char> other = bytes;
            mutate(other, random);
            changed += test::try_plan(view(other));
        }
    }
    std::printf("%zu files, %d of them plans; of %zu changed ones %d were still plans\n", files.size(), plans,
                files.size() * static_cast<size_t>(mutations), changed);
    return files.empty() || plans == 0;
}
