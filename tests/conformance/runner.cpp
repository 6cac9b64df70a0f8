// SPDX-License-Identifier: Apache-2.0
// conformance_cpp DIRECTORIES CASES...         runs the cases through the C++ API; README.md has the format
// conformance_cpp --flatten FLAT CASES...   writes them as lines for the C runner
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "weighbridge.hpp"

namespace {

using nlohmann::json;
using namespace weighbridge;

struct Counts {
    int cases = 0, failed = 0, skipped = 0;
};

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

bool is_special(const json &value) {
    return value.is_object() && (value.contains("$float") || value.contains("$bytes"));
}

bool is_plain(const json &row) { return std::none_of(row.begin(), row.end(), is_special); }

Expected<void> set_array(Row &row, const std::string &name, const json &values) {
    if (values.empty()) {
        auto index = row.schema().find(name);
        bool texts = index && row.schema().features()[*index].type == WB_TYPE_CATEGORY;
        return texts ? row.set(name, std::vector<std::string>()) : row.set(name, std::vector<int64_t>());
    }
    auto all = [&](auto test) { return std::all_of(values.begin(), values.end(), test); };
    if (all([](const json &v) { return v.is_string(); })) return row.set(name, values.get<std::vector<std::string>>());
    if (all([](const json &v) { return v.is_number_integer(); }))
        return row.set(name, values.get<std::vector<int64_t>>());
    return row.set(name, values.get<std::vector<double>>());
}

Expected<void> set_value(Row &row, const std::string &name, const json &value) {
    if (value.is_null()) return row.set(name, std::nullopt);
    if (value.is_boolean()) return row.set(name, value.get<bool>());
    if (value.is_number_integer()) return row.set(name, value.get<int64_t>());
    if (value.is_number()) return row.set(name, value.get<double>());
    if (value.is_string()) return row.set(name, value.get<std::string>());
    if (value.is_array()) return set_array(row, name, value);
    if (value.contains("$float")) return row.set(name, special_float(value["$float"]));
    if (value.contains("$bytes")) return row.set(name, special_bytes(value["$bytes"]));
    throw std::runtime_error("unknown special value of " + name);
}

Expected<void> set_values(Row &row, const json &values) {
    for (const auto &[name, value] : values.items())
        if (auto set = set_value(row, name, value); !set) return set;
    return {};
}

// What is wrong with the outcome; "" where it is as expected.
std::string judge(const json &expect, const Schema &schema, const Expected<Result> &found) {
    if (expect.contains("status")) {
        std::string status = expect["status"];
        if (found && status == wb_status_name(found->status)) return "";
        if (found) return "expected " + status + ", got score " + std::to_string(found->score);
        if (status != found.error().name())
            return "expected " + status + ", got " + found.error().name() + ": " + found.error().message;
        if (!expect.contains("feature")) return "";
        int32_t index = found.error().feature;
        std::string feature = index < 0 ? "none" : schema.features()[static_cast<size_t>(index)].name;
        std::string wanted = expect["feature"];
        return feature == wanted ? ""
                                 : "expected feature " + wanted + ", got " + feature + ": " + found.error().message;
    }
    double score = expect["score"], tolerance = expect["tolerance"];
    if (!found) return std::string("expected a score, got ") + found.error().name() + ": " + found.error().message;
    if (!(std::fabs(found->score - score) <= tolerance))
        return "expected score " + std::to_string(score) + ", got " + std::to_string(found->score);
    if (expect.contains("band") && expect["band"] != found->band) return "got band " + std::to_string(found->band);
    if (expect.contains("defaulted") && expect["defaulted"] != found->defaulted)
        return "got defaulted " + std::to_string(found->defaulted);
    return "";
}

std::string hex(const Row &row) {
    std::string text;
    for (uint32_t i = 0; i < row.header().used; ++i) {
        char digits[3];
        std::snprintf(digits, sizeof digits, "%02x", std::to_integer<unsigned>(row.data()[i]));
        text += digits;
    }
    return text;
}

// The bytes of a row, in memory of 1,024.
void run_bytes(const json &one, const Schema &schema, const std::string &file, Counts &counts) {
    auto tried = [&](const char *way, auto set) {
        Row row(schema, 1024 - schema.info().fixed_bytes);
        Expected<void> done = set(row);
        const std::vector<std::string> expected = one["expect"]["bytes"];
        if (done && std::find(expected.begin(), expected.end(), hex(row)) != expected.end()) return;
        ++counts.failed;
        std::printf("%s: %s, %s: expected other bytes, got %s\n", file.c_str(), std::string(one["name"]).c_str(), way,
                    done ? hex(row).c_str() : done.error().message.c_str());
    };
    ++counts.cases;
    tried("set", [&](Row &row) { return set_values(row, one["row"]); });
    if (is_plain(one["row"])) tried("set_json", [&](Row &row) { return row.set_json(one["row"].dump()); });
}

void run_case(const json &one, const Model &model, const std::string &file, Counts &counts) {
    auto tried = [&](const char *way, auto set) {
        Row row(model.schema(), 0);
        Expected<void> done = set(row);
        Expected<Result> found = done ? model.score(row) : Expected<Result>(done.error());
        std::string wrong = judge(one["expect"], model.schema(), found);
        if (wrong.empty()) return;
        ++counts.failed;
        std::printf("%s: %s, %s: %s\n", file.c_str(), std::string(one["name"]).c_str(), way, wrong.c_str());
    };
    ++counts.cases;
    if (one.contains("json")) {
        tried("set_json", [&](Row &row) { return row.set_json(std::string(one["json"])); });
        return;
    }
    tried("set", [&](Row &row) { return set_values(row, one["row"]); });
    if (is_plain(one["row"])) tried("set_json", [&](Row &row) { return row.set_json(one["row"].dump()); });
}

void flatten(const json &document, std::ofstream &out) {
    for (const json &one : document["cases"]) {
        json plain = json::object();
        std::string specials;
        const json row = one.value("row", json::object());
        for (const auto &[name, value] : row.items()) {
            if (!is_special(value)) {
                plain[name] = value;
                continue;
            }
            bool number = value.contains("$float");
            specials += (specials.empty() ? "" : " ") + name + (number ? "=f:" : "=b:") +
                        std::string(value[number ? "$float" : "$bytes"]);
        }
        const json &expect = one["expect"];
        auto said = [&](const char *key) {
            if (!expect.contains(key)) return std::string("-");
            return expect[key].is_string() ? std::string(expect[key]) : expect[key].dump();
        };
        std::string text = one.contains("json") ? std::string(one["json"]) : plain.dump();
        out << std::string(document["bundle"]) << '\t' << document.value("engines", "-") << '\t'
            << std::string(one["name"]) << '\t' << text << '\t' << (specials.empty() ? "-" : specials);
        for (const char *key : {"status", "score", "tolerance", "band", "defaulted", "feature"})
            out << '\t' << said(key);
        std::string bytes;
        for (const json &hex : expect.value("bytes", json::array()))
            bytes += (bytes.empty() ? "" : " ") + std::string(hex);
        out << '\t' << (bytes.empty() ? "-" : bytes) << '\n';
    }
}

// The first of the directories, with colons between them, that has the bundle.
std::string find_bundle(const std::string &directories, const std::string &bundle) {
    std::istringstream list(directories);
    for (std::string directory; std::getline(list, directory, ':');)
        if (std::filesystem::exists(directory + "/" + bundle + "/manifest.json")) return directory + "/" + bundle;
    throw std::runtime_error(bundle + ": not in " + directories);
}

void run_file(const Engine &engine, const std::string &directories, const std::string &file, const json &document,
              Counts &counts) {
    std::string path = find_bundle(directories, document["bundle"]);
    if (document["cases"][0]["expect"].contains("bytes")) {
        Schema schema = Schema::load(path).value();
        for (const json &one : document["cases"]) run_bytes(one, schema, file, counts);
        return;
    }
    auto model = Model::load(engine, path, {.engines = document.value("engines", "")});
    if (!model && model.error().code == WB_BACKEND_UNAVAILABLE) {
        counts.skipped += static_cast<int>(document["cases"].size());
        return;
    }
    if (!model) throw Exception(model.error());
    for (const json &one : document["cases"]) run_case(one, *model, file, counts);
}

json read(const char *path) {
    std::ifstream file(path);
    return json::parse(file);
}

}  // namespace

int main(int argc, char **argv) try {
    if (argc < 3) return 2;
    if (std::string(argv[1]) == "--flatten") {
        std::ofstream out(argv[2]);
        for (int i = 3; i < argc; ++i) flatten(read(argv[i]), out);
        return out.flush() ? 0 : 1;
    }
    Counts counts;
    auto engine = Engine::create().value();
    for (int i = 2; i < argc; ++i) run_file(engine, argv[1], argv[i], read(argv[i]), counts);
    std::printf("%d cases, %d failed, %d skipped\n", counts.cases, counts.failed, counts.skipped);
    return counts.failed || !counts.cases;
} catch (const std::exception &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
