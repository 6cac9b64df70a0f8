// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.hpp"
#include "feature/schema.hpp"
#include "feature/zone.hpp"

namespace weighbridge::lib {

inline constexpr const char *kHostZones = "/usr/share/zoneinfo";
inline constexpr uint64_t kZonesBytes = 16 << 20;  // most of zones.json; all of tzdata needs about 5 MB

// Time zones by IANA name.
using ZoneTables = std::map<std::string, std::shared_ptr<const Zone>>;

// zones.json and back; the same tables give the same bytes. WB_INVALID_BUNDLE names the path in the JSON.
Expected<ZoneTables> read_zone_tables(std::string_view text);
std::string write_zone_tables(const ZoneTables &tables);

// The tables of every zone that the features name, from TZif files below `zoneinfo`. WB_INVALID_BUNDLE names feature
// and zone.
Expected<ZoneTables> find_zone_tables(const std::string &zoneinfo, const std::vector<Feature> &features);

// Hands each cyclic step its feature's zone. WB_INVALID_BUNDLE where a table is missing.
Status bind_zones(const ZoneTables &tables, std::vector<Feature> &features);

}  // namespace weighbridge::lib
