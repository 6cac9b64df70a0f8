// SPDX-License-Identifier: Apache-2.0
#include "support/fixture.hpp"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <stdexcept>

#include "base/file.hpp"
#include "base/sha256.hpp"
#include "support/fixture_plan.hpp"
#include "support/module_archive.hpp"

namespace weighbridge::test {
namespace {

constexpr float kByCountry[] = {0.125f, 0.5f, -0.5f, 0.25f};

void require(const lib::Status &status) {
    if (!status.ok()) throw std::runtime_error(status.message);
}

std::string features(const FixtureOptions &options) {
    std::string text = R"(    {"name": "amount_minor", "type": "int64", "money": {"currency": "EUR", "exponent": 2},
     "range": [0, 10000000], "privacy": "payment", "encoding": [{"op": "log1p"}]},
)";
    text += fmt::format(R"(    {{"name": "{}", "type": "float32", "missing": {{"default": 0}}, "nan": "missing"}},
)",
                        options.renamed ? "age_in_days" : "age_days");
    text += R"(    {"name": "country", "type": "category",
     "encoding": [{"op": "vocabulary", "values": ["FR", "DE", "IT"], "unknown": "zero"}]},
    {"name": "online", "type": "bool"})";
    if (options.extra_feature)
        text += R"(,
    {"name": "extra", "type": "float32", "missing": {"default": 0}})";
    return text;
}

std::string golden(const FixtureOptions &options) {
    static constexpr const char *kCountries[] = {"XX", "FR", "DE", "IT"};
    std::string lines;
    for (int i = 0; i < 16; ++i) {
        int amount = i * i * 997;
        double age = i * 0.5;
        double logit = 0.5 * std::log1p(amount / 100.0) - 0.25 * options.steep * age +
                       static_cast<double>(kByCountry[i % 4]) + (i % 3 == 0 ? 1.0 : 0.0) + options.bias +
                       (options.wrong_golden && i == 7 ? 0.01 : 0.0);
        const auto score = static_cast<float>(1.0 / (1.0 + std::exp(-logit)));
        lines += fmt::format(R"({{"row": {{"amount_minor": {}, "{}": {}, "country": "{}", "online": {}}}, )", amount,
                             options.renamed ? "age_in_days" : "age_days", age, kCountries[i % 4],
                             i % 3 == 0 ? "true" : "false");
        lines += fmt::format(R"("outputs": {{"fraud": [{}], "logit": [{}]}}, "probability": {}, "band": "{}"}})", score,
                             static_cast<float>(logit), static_cast<double>(score),
                             score < 0.5F   ? "approve"
                             : score < 0.9F ? "review"
                                            : "decline");
        lines += "\n";
    }
    return lines;
}

std::string manifest(const FixtureOptions &options, const std::map<std::string, lib::Bytes> &files) {
    std::string listed;
    for (const auto &[name, bytes] : files) {
        auto digest = lib::sha256(bytes);
        require(digest.status());
        listed += fmt::format("{}\n    \"{}\": {{\"sha256\": \"{}\", \"bytes\": {}}}", listed.empty() ? "" : ",", name,
                              lib::hex(*digest), bytes.size());
    }
    std::string fallback = R"({"score": 0.75)";
    if (!options.fallback_slot.empty())
        fallback += fmt::format(R"(, "slot": "{}", "reserve_us": 1000000)", options.fallback_slot);
    return fmt::format(R"({{
  "weighbridge": {{"format": 1, "requires": "0.1.0"}},
  "identity": {{"name": "fixture", "version": "{}", "purpose": "tests"}},
  "features": [
{}
  ],
  "tensors": [
    {{"name": "numbers", "dtype": "float32", "shape": ["batch", {}], "features": ["amount_minor", "{}", "online"{}]}},
    {{"name": "country", "dtype": "int64", "shape": ["batch"], "features": ["country"]}}
  ],
  "outputs": [
    {{"name": "fraud", "source": 0, "shape": ["batch"], "activation": {{"kind": "sigmoid", "applied": false}},
     "primary": true,
     "bands": [{{"name": "approve", "below": 0.5}}, {{"name": "review", "below": 0.9}}, {{"name": "decline"}}]}},
    {{"name": "logit", "source": 1, "shape": ["batch"]}}
  ],
  "limits": {{"rows": 4096}},
  "fallback": {}}},
  "files": {{{}
  }}
}}
)",
                       options.version, features(options), options.extra_feature ? 4 : 3,
                       options.renamed ? "age_in_days" : "age_days", options.extra_feature ? ", \"extra\"" : "",
                       fallback, listed);
}

}  // namespace

void write_fixture(const std::string &directory, const FixtureOptions &options) {
    std::map<std::string, lib::Bytes> files;
    auto add = [&](const char *name, std::string_view text) {
        auto bytes = lib::as_bytes(text);
        files[name] = lib::Bytes(bytes.begin(), bytes.end());
    };
    files["model.ts"] = module_archive();  // of no use: these bundles serve from their plans
    add("golden.jsonl", options.golden ? options.golden(golden(options)) : golden(options));
    const auto steep = static_cast<float>(options.steep);
    std::vector<float> weights = {0.5f, -0.25f * steep, 1.0f};
    if (options.extra_feature) weights.push_back(0.0625f * steep);
    files["model.plan"] =
        fixture_plan(weights, static_cast<float>(options.bias), kByCountry, *lib::sha256(files.at("model.ts")));
    if (options.plan) files["model.plan"] = options.plan(std::move(files["model.plan"]));
    if (!options.planned) files.erase("model.plan");

    if (!std::filesystem::create_directory(directory))
        throw std::runtime_error(directory + ": expected a folder that does not exist");
    for (const auto &[name, bytes] : files) require(lib::write_file(directory + "/" + name, bytes));
    const std::string text = options.manifest ? options.manifest(manifest(options, files)) : manifest(options, files);
    require(lib::write_file(directory + "/manifest.json", lib::as_bytes(text)));
}

}  // namespace weighbridge::test
