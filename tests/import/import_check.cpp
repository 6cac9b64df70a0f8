// SPDX-License-Identifier: Apache-2.0
// Imports every case of make_cases.py through the plug-in, runs the graphs with the reference backend and compares with
// what LibTorch made of the same inputs: import_check DIRECTORY PLUGIN [-v]. A line for each family, and one for each
// case that was not imported or differs. Exit code 1 where a graph differs, where a refusal's report lacks a word,
// where less than 95 % is imported, or where a family has fewer than 8 modules.
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "backend/reference/evaluate.hpp"
#include "compile/import_request.hpp"
#include "graph/graph_file.hpp"
#include "graph/passes/pipeline.hpp"
#include "scan/module.hpp"
#include "torchscript/plugin_loader.hpp"
#include "weighbridge/c/schema.h"

namespace {

using namespace weighbridge::lib;
using Json = nlohmann::json;

constexpr double kTolerance = 1e-5;  // of the largest |output| of a case
constexpr double kLeastShare = 0.95;
constexpr int kLeastGraphs = 8;  // or refusals, of a family

std::vector<char> read_file(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

DType dtype_of(const std::string &name) {
    for (DType dtype : {DType::float32, DType::float64, DType::int64, DType::int32, DType::boolean})
        if (name == name_of(dtype)) return dtype;
    std::fprintf(stderr, "unknown dtype %s\n", name.c_str());
    std::exit(2);
}

Shape shape_at(const Json &sizes, int64_t rows, int64_t length) {
    Shape shape;
    for (int64_t size : sizes)
        shape.size[static_cast<size_t>(shape.rank++)] = size == kBatch ? rows : size == kLength ? length : size;
    return shape;
}

void keep(const void *bytes, uint64_t size, void *payload) {
    const auto *from = static_cast<const std::byte *>(bytes);
    static_cast<Bytes *>(payload)->assign(from, from + size);
}

struct Outcome {
    bool imported = false;
    bool differs = false;
    double difference = 0.0;  // relative
    std::string report;
    std::string text;  // the graph
};

// Inputs that lie in `data` from `at` on, as copies at multiples of 64 bytes, which a run's inputs are.
struct HeldInputs {
    std::vector<AlignedBuffer> memory;
    std::vector<TensorView> views;

    HeldInputs(const Json &one, const Json &run, const std::vector<char> &data, size_t &at) {
        for (const Json &argument : one["arguments"]) {
            const DType dtype = dtype_of(argument["dtype"]);
            const Shape shape = shape_at(argument["shape"], run["rows"], run["length"]);
            const size_t bytes = static_cast<size_t>(shape.elements()) * size_of(dtype);
            memory.emplace_back(bytes + 64);
            std::memcpy(memory.back().data(), data.data() + at, bytes);
            views.push_back({dtype, shape, memory.back().data()});
            at += bytes;
        }
    }
};

// Whether a run with a row that the module raises for is refused with the module's words, as a caller's fault, or fails
// as LibTorch's.
std::string refused_otherwise(const Graph &graph, const Json &one, const std::vector<char> &data, size_t at) {
    const Json &run = one["spoilt"];
    const HeldInputs inputs(one, run, data, at);
    std::vector<AlignedBuffer> outputs;
    const Status status = evaluate(graph, inputs.views, run["rows"], run["length"], outputs);
    const std::string words = run["says"];
    const int32_t code = run["fails"].get<bool>() ? WB_BACKEND_FAILED : WB_INVALID_INPUT;
    const bool good = status.code == code && std::string(status.message).find(words) != std::string::npos;
    return good ? "" : "expected to be refused with '" + words + "', found '" + status.message + "'";
}

// What comes of a case's runs, for the graph as imported or optimised.
void compare(const Graph &graph, const Json &one, const std::vector<char> &data, Outcome &outcome) {
    const size_t count = one["outputs"].size();
    std::vector<double> largest(count, 0.0), gap(count, 0.0);
    std::vector<std::string> worst(count);
    size_t at = 0;
    for (const Json &run : one["runs"]) {
        const int64_t rows = run["rows"], length = run["length"];
        const HeldInputs inputs(one, run, data, at);
        std::vector<AlignedBuffer> outputs;
        const Status status = evaluate(graph, inputs.views, rows, length, outputs);
        if (!status.ok()) {
            outcome.differs = true;
            outcome.report = status.message;
            return;
        }
        for (size_t i = 0; i < count; ++i) {
            const int64_t elements = shape_at(one["outputs"][i]["shape"], rows, length).elements();
            const auto *found = reinterpret_cast<const float *>(outputs[i].data());
            for (int64_t k = 0; k < elements; ++k) {
                const auto expected = load_unaligned<float>(data.data() + at + static_cast<size_t>(k) * sizeof(float));
                if (std::isnan(expected) && std::isnan(found[k])) continue;
                const double wide = std::abs(static_cast<double>(expected));
                if (std::isfinite(wide)) largest[i] = std::max(largest[i], wide);
                if (expected == found[k]) continue;
                double difference = std::abs(static_cast<double>(found[k]) - static_cast<double>(expected));
                if (std::isnan(difference)) difference = INFINITY;
                if (difference > gap[i])
                    worst[i] = "output " + std::to_string(i) + ", " + std::to_string(rows) + " rows, element " +
                               std::to_string(k) + ": expected " + std::to_string(expected) + ", found " +
                               std::to_string(found[k]);
                gap[i] = std::max(gap[i], difference);
            }
            at += static_cast<size_t>(elements) * sizeof(float);
        }
    }
    for (size_t i = 0; i < count; ++i) {
        const double difference = gap[i] / std::max(largest[i], 1e-30);
        if (difference > kTolerance) outcome.report += worst[i] + "; ";
        outcome.difference = std::max(outcome.difference, difference);
    }
    outcome.differs = outcome.difference > kTolerance;
    if (outcome.differs || !one.contains("spoilt")) return;
    outcome.report = refused_otherwise(graph, one, data, at);
    outcome.differs = !outcome.report.empty();
}

Outcome check(const wb_plugin_v1 &table, const Json &one, const std::string &folder) {
    const std::string name = one["name"];
    ImportRequest request;
    request.largest_length = one["largest_length"];
    for (const Json &from : one["arguments"]) {
        const std::string content = from["content"];
        request.arguments.push_back({dtype_of(from["dtype"]), from["shape"],
                                     content == "lengths"     ? Content::lengths
                                     : content == "real_mask" ? Content::real_mask
                                                              : Content::data});
    }
    for (const Json &from : one["outputs"]) {
        const bool keyed = from.contains("key");
        request.outputs.push_back({"score", keyed ? from["key"].get<std::string>() : std::string(),
                                   keyed ? 0 : request.outputs.size(), from["shape"]});
    }
    const Bytes asked = write_request(request);
    const std::vector<char> module = read_file(folder + "/" + name + ".ts");
    Outcome outcome;
    Bytes file;
    // LibTorch is given what it is given in production: what the scan makes of the file.
    ModuleReport scanned;
    const auto checked = scan_module(as_bytes({module.data(), module.size()}), {}, scanned);
    if (!checked) {
        outcome.report = checked.status().message;
        return outcome;
    }
    const Bytes &archive = *checked->archive;
    if (table.import_module(archive.data(), archive.size(), asked.data(), asked.size(), &keep, &keep, &file) < 0) {
        outcome.report = as_text(file);
        return outcome;
    }
    auto graph = read_graph(file);
    if (!graph) {
        outcome.report = graph.status().message;
        return outcome;
    }
    outcome.imported = true;
    outcome.text = graph->text();
    if (!one["refusal"].empty()) return outcome;
    const std::vector<char> data = read_file(folder + "/" + name + ".bin");
    compare(*graph, one, data, outcome);
    if (outcome.differs) return outcome;
    auto optimised = optimise(*graph);
    if (!optimised) {
        outcome.differs = true;
        outcome.report = optimised.status().message;
        return outcome;
    }
    const double before = outcome.difference;
    compare(*optimised, one, data, outcome);
    if (outcome.differs) {
        outcome.report += "(optimised; as imported " + std::to_string(before) + ")";
        outcome.text += "optimised:\n" + optimised->text();
    }
    outcome.difference = std::max(before, outcome.difference);
    return outcome;
}

struct Count {
    int graphs = 0, scripted = 0, imported = 0, refused = 0;  // refused: meant to be, and with the words meant
    double difference = 0.0;
    void add(bool is_scripted, const Outcome &outcome) {
        ++graphs;
        scripted += is_scripted;
        imported += outcome.imported;
        difference = std::max(difference, outcome.difference);
    }
    void print(const std::string &name) const {
        std::printf("%-28s %6d %9d %7d %8d  %.1e\n", name.c_str(), graphs + refused, scripted, imported, refused,
                    difference);
    }
};

}  // namespace

int main(int count, char **words) {
    if (count < 3) return 2;
    const std::string folder = words[1];
    const bool verbose = count > 3;
    auto plugin = open_plugin(words[2], "", "");
    char error[256] = {};
    if (!plugin || plugin->table->thread_init(error, sizeof error) < 0) {
        std::fprintf(stderr, "%s%s\n", plugin ? "" : plugin.status().message, error);
        return 2;
    }
    const std::vector<char> text = read_file(folder + "/cases.json");
    const Json cases = Json::parse(text.begin(), text.end());
    std::map<std::string, Count> families;
    Count all;
    int wrong = 0;
    for (const Json &one : cases) {
        const Outcome outcome = check(*plugin->table, one, folder);
        const std::string name = one["name"];
        if (!one["refusal"].empty()) {
            bool good = !outcome.imported;
            good = good && outcome.report.find("operators cannot be imported") == std::string::npos;
            for (const std::string word : one["refusal"]) {
                const bool absent = word.starts_with("no:");
                const bool found = outcome.report.find(absent ? word.substr(3) : word) != std::string::npos;
                good = good && found != absent;
            }
            if (!good || verbose)
                std::printf("%s: %s: %s\n", name.c_str(), good ? "refused" : "WRONG REPORT", outcome.report.c_str());
            wrong += !good;
            for (const std::string family : one["families"]) {
                families[family].refused += good;
                families[family].scripted += one["scripted"].get<bool>();
            }
            continue;
        }
        if (!outcome.imported) std::printf("%s: NOT IMPORTED: %s\n", name.c_str(), outcome.report.c_str());
        if (outcome.differs)
            std::printf("%s: DIFFERS: %g %s\n", name.c_str(), outcome.difference, outcome.report.c_str());
        if (verbose) std::printf("%s\n", outcome.text.c_str());
        wrong += outcome.differs;
        all.add(one["scripted"], outcome);
        for (const std::string family : one["families"]) families[family].add(one["scripted"], outcome);
    }
    std::printf("%-28s modules  scripted  native  refused  largest relative difference\n", "family");
    for (const auto &[name, family] : families) {
        family.print(name);
        if (family.graphs + family.refused < kLeastGraphs && !verbose) {
            std::printf("%s: fewer than %d modules\n", name.c_str(), kLeastGraphs);
            ++wrong;
        }
    }
    all.print("all");
    const double share = all.graphs == 0 ? 1.0 : static_cast<double>(all.imported) / all.graphs;
    std::printf("imported: %d of %d, %.1f %%; wrong: %d\n", all.imported, all.graphs, 100 * share, wrong);
    return wrong > 0 || share < kLeastShare ? 1 : 0;
}
