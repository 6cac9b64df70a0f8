// SPDX-License-Identifier: Apache-2.0
#include "cli/bundle_file.hpp"

#include <fstream>
#include <iterator>

#include "cli/records.hpp"
#include "cli/report.hpp"

namespace weighbridge::cli {

std::vector<std::string> band_names(const std::string &directory) {
    std::ifstream file(directory + "/manifest.json");
    const Report manifest = Report::parse(std::string(std::istreambuf_iterator<char>(file), {}));
    const std::vector<Report::Member> &outputs = manifest["outputs"].members();
    std::vector<std::string> names;
    for (const auto &[unnamed, output] : outputs) {
        if (outputs.size() > 1 && !output["primary"].is_true()) continue;
        for (const auto &[also_unnamed, band] : output["bands"].members()) names.push_back(band["name"].text());
    }
    return names;
}

std::vector<std::string> golden_rows(const std::string &directory) {
    RecordReader reader(directory + "/golden.jsonl", Format::ndjson);
    std::vector<std::string> rows;
    for (Record record; reader.next(record);)
        if (record.fault.empty()) rows.push_back(Report::parse(record.text)["row"].json());
    return rows;
}

}  // namespace weighbridge::cli
