// SPDX-License-Identifier: Apache-2.0
#include "cli/bundle_file.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/records.hpp"

namespace weighbridge::cli {

std::vector<std::string> band_names(const std::string &directory) {
    std::ifstream file(directory + "/manifest.json");
    nlohmann::json manifest = nlohmann::json::parse(file);
    const nlohmann::json &outputs = manifest.at("outputs");
    std::vector<std::string> names;
    for (const nlohmann::json &output : outputs) {
        if (outputs.size() > 1 && !output.value("primary", false)) continue;
        for (const nlohmann::json &band : output.value("bands", nlohmann::json::array()))
            names.push_back(band.at("name").get<std::string>());
    }
    return names;
}

std::vector<std::string> golden_rows(const std::string &directory) {
    RecordReader reader(directory + "/golden.jsonl", Format::ndjson);
    std::vector<std::string> rows;
    for (Record record; reader.next(record);)
        if (record.fault.empty()) rows.push_back(nlohmann::json::parse(record.text).at("row").dump());
    return rows;
}

}  // namespace weighbridge::cli
