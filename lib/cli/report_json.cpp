// SPDX-License-Identifier: Apache-2.0
// The only file of the command that includes the JSON parser, which takes seconds to compile.
#include <nlohmann/json.hpp>

#include "cli/report.hpp"
#include "cli/text.hpp"

namespace weighbridge::cli {

namespace {

using Json = nlohmann::ordered_json;

}  // namespace

class ReportReader {
  public:
    static Report read(const Json &json) {
        Report report;
        if (json.is_boolean()) return json.get<bool>();
        if (json.is_string()) return json.get<std::string>();
        if (json.is_number_float()) return json.get<double>();
        if (json.is_number_unsigned()) return json.get<uint64_t>();
        if (json.is_number()) return json.get<int64_t>();
        if (!json.is_structured()) return report;
        report.kind_ = json.is_object() ? Report::Kind::object : Report::Kind::list;
        for (const auto &[name, value] : json.items())
            report.members_.push_back({json.is_object() ? name : std::string(), read(value)});
        return report;
    }
};

Report Report::parse(std::string_view json) { return ReportReader::read(Json::parse(json, nullptr, false)); }

std::string json_text(std::string_view text) { return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace weighbridge::cli
