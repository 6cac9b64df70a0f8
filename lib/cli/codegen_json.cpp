// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "cli/codegen.hpp"
#include "cli/command.hpp"
#include "cli/text.hpp"

namespace weighbridge::cli {

namespace {

std::string feature_line(const wb_feature_info &f) {
    std::string line = formatted("{{\"name\": {}, \"type\": \"{}\"", json_text(f.name), wb_type_name(f.type));
    if (f.is_sequence) line += ", \"sequence\": true";
    if (f.required) line += ", \"required\": true";
    if (f.currency[0])
        line += formatted(", \"currency\": {}, \"exponent\": {}", json_text(f.currency), f.money_exponent);
    if (f.ticks_per_second) line += formatted(", \"ticks_per_second\": {}", f.ticks_per_second);
    if (f.privacy[0]) line += ", \"privacy\": " + json_text(f.privacy);
    return line + "}";
}

std::string band_line(const wb_band_info &band) {
    std::string line = "{\"name\": " + json_text(band.name);
    if (std::isfinite(band.below)) line += formatted(", \"below\": {}", band.below);
    return line + "}";
}

}  // namespace

std::string json_schema(const CodeRequest &request) {
    if (!request.name.empty()) throw Failure(exit_usage, "--name: expected a language whose types have names");
    if (!request.package.empty()) throw Failure(exit_usage, "--package: expected a language that has packages");
    std::string features, bands;
    for (const wb_feature_info &f : request.schema.features())
        features += (features.empty() ? "\n    " : ",\n    ") + feature_line(f);
    for (uint32_t i = 0; i < request.schema.info().band_count; ++i)
        bands += (bands.empty() ? "\n    " : ",\n    ") + band_line(request.schema.band(i).value());
    return formatted(
        "{{\n  \"weighbridge_codegen\": 1,\n  \"bundle\": {},\n  \"features\": [{}\n  ],\n  \"bands\": [{}{}]\n}}\n",
        json_text(request.bundle), features, bands, bands.empty() ? "" : "\n  ");
}

}  // namespace weighbridge::cli
