// SPDX-License-Identifier: Apache-2.0
// Scores a file of payments in batches of rows through the C++ API: score_cpp BUNDLE ENGINES PLUGIN FILE.ndjson
// writes a line of score, probability and band for each. Exit 1 with one line on stderr where anything fails.
#include <cstdio>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "weighbridge.hpp"

namespace {

// Not a divisor of the number of payments, so that the last batch is a smaller one.
constexpr size_t kBatch = 96;

void score(const weighbridge::Model &model, weighbridge::Batch &batch, const std::vector<std::string> &lines) {
    weighbridge::Rows rows(model.schema());
    weighbridge::Row row(model.schema());
    for (const std::string &line : lines) {
        row.clear();
        row.set_json(line).value();
        rows.push_back(row);
    }
    batch.rows(rows).value();
    if (int32_t status = model.score(batch).value().status; status != WB_OK)
        throw weighbridge::Exception({status, "a row has no score of the model"});
    for (size_t i = 0; i < lines.size(); ++i)
        std::printf("%.17g %.17g %d\n", batch.scores()[i], batch.probabilities()[i],
                    static_cast<int>(batch.bands()[i]));
}

}  // namespace

int main(int argc, char **argv) try {
    if (argc != 5) return 1;
    weighbridge::EngineOptions options;
    options.torch_plugin = argv[3];
    auto engine = weighbridge::Engine::create(options).value();
    auto model = weighbridge::Model::load(engine, argv[1], {.engines = argv[2]}).value();
    auto batch = weighbridge::Batch::create(model.schema()).value();
    std::ifstream file(argv[4]);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) {
        lines.push_back(line);
        if (lines.size() == kBatch) score(model, batch, std::exchange(lines, {}));
    }
    if (!lines.empty()) score(model, batch, lines);
    return 0;
} catch (const std::exception &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
