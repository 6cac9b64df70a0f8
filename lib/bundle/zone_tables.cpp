// SPDX-License-Identifier: Apache-2.0
#include "bundle/zone_tables.hpp"

#include <filesystem>

#include "base/file.hpp"
#include "bundle/json_cursor.hpp"
#include "bundle/manifest_reader.hpp"

namespace weighbridge::lib {
namespace {

constexpr uint64_t kTzifBytes = 1 << 20;  // the largest of tzdata has 4 KB
constexpr size_t kMostTransitions = 65536;
constexpr int64_t kMostOffset = 26 * 3600;  // RFC 8536, section 3.2 recommends -25 h to 26 h

std::shared_ptr<const Zone> read_table(const JsonCursor &table) {
    if (!table.object({"initial", "transitions"})) return nullptr;
    const JsonCursor initial = table.field("initial"), transitions = table.field("transitions");
    const auto first = static_cast<int32_t>(initial.integer(-kMostOffset, kMostOffset));
    std::vector<Zone::Transition> list;
    const size_t count = transitions.array(0, kMostTransitions);
    for (size_t i = 0; i < count && !table.report().failed(); ++i) {
        const JsonCursor transition = transitions.element(i);
        if (transition.array(2, 2) != 2) return nullptr;
        const JsonCursor at = transition.element(0), offset = transition.element(1);
        list.push_back(
            {at.integer(INT64_MIN, INT64_MAX), static_cast<int32_t>(offset.integer(-kMostOffset, kMostOffset))});
    }
    if (table.report().failed()) return nullptr;
    auto made = Zone::table(first, std::move(list));
    if (made) return *made;
    table.refuse(made.status().message);
    return nullptr;
}

Expected<std::shared_ptr<const Zone>> read_host_zone(const std::string &zoneinfo, const Feature &feature) {
    // tzdata packages link names to one another; what read_file opens must be no link.
    std::error_code error;
    const auto path = std::filesystem::canonical(std::filesystem::path(zoneinfo) / feature.zone, error);
    Status reason;
    if (error) {
        reason = Status::failure(WB_INVALID_BUNDLE, "{}", error.message());
    } else if (auto bytes = read_file(path.string(), kTzifBytes); !bytes) {
        reason = bytes.status();
    } else {
        auto zone = Zone::from_tzif(*bytes);
        if (zone) return zone;
        reason = zone.status();
    }
    return Status::failure(WB_INVALID_BUNDLE, "feature '{}': time zone '{}' in {}: {}", feature.name, feature.zone,
                           shown_text(zoneinfo, 40), shown_text(reason.message, 80));
}

}  // namespace

Expected<ZoneTables> read_zone_tables(std::string_view text) {
    auto document = parse_json("zones.json", text, kZonesBytes);
    if (!document) return document.status();
    JsonReport report("zones.json");
    const JsonCursor root(report, *document);
    ZoneTables tables;
    if (root.object()) {
        for (std::string_view name : root.names()) {
            const JsonCursor table = root.field(name);
            tables.emplace(name, read_table(table));
            if (report.failed()) break;
        }
    }
    if (report.failed()) return report.status();
    return tables;
}

std::string write_zone_tables(const ZoneTables &tables) {
    std::string text = "{";
    for (const auto &[name, zone] : tables) {
        std::string transitions;
        for (const auto &transition : zone->transitions())
            transitions += formatted("{}[{},{}]", transitions.empty() ? "" : ",", transition.at, transition.offset);
        text += formatted("{}\n  {}: {{\"initial\": {}, \"transitions\": [{}]}}", text.size() > 1 ? "," : "",
                          quoted_json(name), zone->initial_offset(), transitions);
    }
    return text + "\n}\n";
}

Expected<ZoneTables> find_zone_tables(const std::string &zoneinfo, const std::vector<Feature> &features) {
    ZoneTables tables;
    for (const Feature &feature : features) {
        if (!is_named_zone(feature) || tables.contains(feature.zone)) continue;
        auto zone = read_host_zone(zoneinfo, feature);
        if (!zone) return zone.status();
        tables.emplace(feature.zone, *std::move(zone));
    }
    return tables;
}

Status bind_zones(const ZoneTables &tables, std::vector<Feature> &features) {
    for (Feature &feature : features) {
        if (feature.type != StoredType::timestamp) continue;
        std::shared_ptr<const Zone> zone = Zone::from_text(feature.zone);
        if (!zone) {
            const auto found = tables.find(feature.zone);
            if (found == tables.end())
                return Status::failure(WB_INVALID_BUNDLE,
                                       "zones.json: expected a table for '{}' (feature '{}'), got none", feature.zone,
                                       feature.name);
            zone = found->second;
        }
        for (Encoding &step : feature.encoding)
            if (auto *cyclic = std::get_if<Cyclic>(&step)) cyclic->zone = zone;
    }
    return {};
}

}  // namespace weighbridge::lib
