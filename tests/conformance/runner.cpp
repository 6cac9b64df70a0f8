// SPDX-License-Identifier: Apache-2.0
// conformance_cpp DIRECTORIES CASES...      runs the cases through the C++ API; README.md has the format
// conformance_cpp --flatten FLAT CASES...   writes them as lines for the C runner
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "conformance/flatten.hpp"
#include "weighbridge.hpp"

namespace {

using json = nlohmann::ordered_json;  // features are set in the order in which they are named
using namespace weighbridge;

constexpr uint32_t kRowBytes = 1024;  // of the rows whose bytes are compared

double special_float(const std::string &name) {
    if (name == "nan") return std::nan("");
    if (name == "inf") return HUGE_VAL;
    if (name == "-inf") return -HUGE_VAL;
    throw std::runtime_error("unknown $float " + name);
}

std::string special_bytes(const std::string &hex) {
    std::string bytes;
    for (size_t i = 0; i + 1 < hex.size(); i += 2) bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    return bytes;
}

double number(const json &value) { return value.is_object() ? special_float(value["$float"]) : value.get<double>(); }
std::string text(const json &value) {
    return value.is_object() ? special_bytes(value["$bytes"]) : value.get<std::string>();
}

Expected<void> set_array(Row &row, const std::string &name, const json &values) {
    auto all = [&](auto test) { return !values.empty() && std::all_of(values.begin(), values.end(), test); };
    auto index = row.schema().find(name);
    const bool no_texts = values.empty() && index && row.schema().features()[*index].type == WB_TYPE_CATEGORY;
    if (no_texts || all([](const json &v) { return v.is_string() || v.contains("$bytes"); })) {
        std::vector<std::string> texts;
        for (const json &value : values) texts.push_back(text(value));
        return row.set(name, texts);
    }
    if (values.empty() || all([](const json &v) { return v.is_number_integer(); }))
        return row.set(name, values.get<std::vector<int64_t>>());
    if (all([](const json &v) { return v.is_boolean(); })) return row.set(name, values.get<std::vector<bool>>());
    std::vector<double> numbers;
    for (const json &value : values) numbers.push_back(number(value));
    return row.set(name, numbers);
}

Expected<void> set_value(Row &row, const std::string &name, const json &value) {
    if (value.is_null()) return row.set(name, std::nullopt);
    if (value.is_boolean()) return row.set(name, value.get<bool>());
    if (value.is_number_unsigned()) return row.set(name, value.get<uint64_t>());
    if (value.is_number_integer()) return row.set(name, value.get<int64_t>());
    if (value.is_number()) return row.set(name, value.get<double>());
    if (value.is_array()) return set_array(row, name, value);
    if (value.is_object() && value.contains("$float")) return row.set(name, number(value));
    return row.set(name, text(value));
}

Expected<void> set_values(Row &row, const json &values) {
    for (const auto &[name, value] : values.items())
        if (auto set = set_value(row, name, value); !set) return set;
    return {};
}

std::string hex(const Row &row) {
    std::string digits;
    for (uint32_t i = 0; i < row.header().used; ++i) {
        char pair[3];
        std::snprintf(pair, sizeof pair, "%02x", std::to_integer<unsigned>(row.data()[i]));
        digits += pair;
    }
    return digits;
}

std::string hex(double value) {
    char digits[40];
    std::snprintf(digits, sizeof digits, "%a", value);
    return digits;
}

// What is wrong with a number of the result; "" where it is as expected.
std::string judge_number(const json &expect, const char *key, double found) {
    if (const std::string name = std::string(key) + "_hex"; expect.contains(name)) {
        const std::string wanted = expect[name];
        return std::strtod(wanted.c_str(), nullptr) == found
                   ? ""
                   : "expected " + name + " " + wanted + ", got " + hex(found) + " ";
    }
    if (!expect.contains(key) || std::fabs(found - expect[key].get<double>()) <= expect["tolerance"].get<double>())
        return "";
    return "expected " + std::string(key) + " " + expect[key].dump() + ", got " + std::to_string(found) + " ";
}

std::string judge_result(const json &expect, const Result &found) {
    std::string wrong = judge_number(expect, "score", found.score);
    wrong += judge_number(expect, "probability", found.probability);
    auto compare = [&](const char *key, const json &got) {
        if (expect.contains(key) && expect[key] != got)
            wrong += "expected " + std::string(key) + " " + expect[key].dump() + ", got " + got.dump() + " ";
    };
    compare("band", found.band);
    compare("defaulted", found.defaulted);
    compare("clipped", found.clipped);
    compare("reason", reason_name(found.reason));
    return wrong;
}

std::string judge_error(const json &expect, const Schema &schema, const Error &found) {
    if (!expect.contains("feature")) return "";
    const std::string feature = found.feature < 0 ? "none" : schema.features()[static_cast<size_t>(found.feature)].name;
    if (expect["feature"] == feature) return "";
    return "expected feature " + expect["feature"].dump() + ", got " + feature + ": " + found.message;
}

// What is wrong with the outcome; "" where it is as expected.
std::string judge(const json &expect, const Schema &schema, const Expected<Result> &found) {
    const std::string status = expect.value("status", "WB_OK");
    if (found && status == wb_status_name(found->status)) return judge_result(expect, *found);
    if (found) return "expected " + status + ", got score " + hex(found->score);
    if (status == found.error().name()) return judge_error(expect, schema, found.error());
    return "expected " + status + ", got " + found.error().name() + ": " + found.error().message;
}

std::string judge_bytes(const json &expect, const Row &row) {
    const std::vector<std::string> wanted = expect["bytes"];
    return std::find(wanted.begin(), wanted.end(), hex(row)) == wanted.end()
               ? "expected other bytes, got " + hex(row) + " "
               : "";
}

// A draft is run with its schema alone.
class Runner {
  public:
    Runner(std::string file, Schema schema, std::optional<Model> model)
        : file_(std::move(file)), schema_(std::move(schema)), model_(std::move(model)) {}

    void run(const json &one) {
        ++cases;
        const size_t before = wrongs_;
        if (one.contains("json")) {
            tried(one, "set_json", [&](Row &row) { return row.set_json(std::string(one["json"])); });
        } else {
            tried(one, "set", [&](Row &row) { return set_values(row, one["row"]); });
            // An unknown name is another error in JSON, and has a case of its own there.
            if (conformance::is_plain(one["row"]) && one.value("check", "") != "name")
                tried(one, "set_json", [&](Row &row) { return row.set_json(one["row"].dump()); });
        }
        failed += wrongs_ > before ? 1 : 0;
    }

    int cases = 0, failed = 0;

  private:
    template <class Set>
    void tried(const json &one, const char *way, Set set) {
        Row row(schema_, kRowBytes - schema_.info().fixed_bytes);
        const Expected<void> done = set(row);
        std::string wrong = one["expect"].contains("bytes") ? judge_bytes(one["expect"], row) : "";
        if (model_)
            wrong += judge(one["expect"], schema_, done ? score(row, one) : Expected<Result>(done.error()));
        else if (!done)
            wrong += done.error().message;
        if (wrong.empty()) return;
        ++wrongs_;
        std::printf("%s: %s, %s: %s\n", file_.c_str(), std::string(one["name"]).c_str(), way, wrong.c_str());
    }

    Expected<Result> score(Row &row, const json &one) const {
        const json call = one.value("call", json::object());
        auto options = Call::create();
        if (!options) return options.error();
        if (auto set = options->accept_fallback(call.value("fallback", true)); !set) return set.error();
        return model_->score(row, call.contains("deadline") ? Deadline::at_ns(0) : Deadline(), &*options);
    }

    const std::string file_;
    const Schema schema_;
    const std::optional<Model> model_;
    size_t wrongs_ = 0;
};

// The first of the directories, with colons between them, that has the bundle.
std::string find_bundle(const std::string &directories, const std::string &bundle) {
    std::istringstream list(directories);
    for (std::string directory; std::getline(list, directory, ':');)
        if (std::filesystem::exists(directory + "/" + bundle + "/manifest.json")) return directory + "/" + bundle;
    throw std::runtime_error(bundle + ": not in " + directories);
}

LoadOptions load_options(const json &document) {
    LoadOptions options;
    options.engines = document.value("engines", "");
    const json named = document.value("options", json::object());
    for (const auto &[name, value] : named.items()) options.named.emplace_back(name, value);
    return options;
}

// Runs one file and adds to the counts.
void run_file(const Engine &engine, const std::string &directories, const std::string &file, const json &document,
              int &cases, int &failed) {
    const std::string path = find_bundle(directories, document["bundle"]);
    std::optional<Model> model;
    if (!document.value("schema_only", false)) {
        auto loaded = Model::load(engine, path, load_options(document));
        if (!loaded && document.value("may_refuse", "") == loaded.error().name()) {
            std::printf("%s: refused as it may be: %s\n", file.c_str(), loaded.error().message.c_str());
            cases += static_cast<int>(document["cases"].size());
            return;
        }
        model = std::move(loaded).value();
    }
    Schema schema = model ? model->schema() : Schema::load(path).value();
    Runner runner(file, schema, std::move(model));
    for (const json &one : document["cases"]) runner.run(one);
    cases += runner.cases;
    failed += runner.failed;
}

}  // namespace

int main(int argc, char **argv) try {
    if (argc < 3) return 2;
    if (std::string(argv[1]) == "--flatten") {
        std::ofstream out(argv[2]);
        for (int i = 3; i < argc; ++i) conformance::flatten(conformance::read(argv[i]), out);
        return out.flush() ? 0 : 1;
    }
    int cases = 0, failed = 0;
    auto engine = Engine::create().value();
    for (int i = 2; i < argc; ++i) run_file(engine, argv[1], argv[i], conformance::read(argv[i]), cases, failed);
    std::printf("%d cases, %d failed\n", cases, failed);
    return failed || !cases;
} catch (const std::exception &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
