// SPDX-License-Identifier: Apache-2.0
#include "feature/type_name.hpp"

namespace weighbridge::lib {

std::string_view unit_name(int64_t ticks_per_second) {
    switch (ticks_per_second) {
        case 1:
            return "s";
        case 1'000:
            return "ms";
        case 1'000'000:
            return "us";
        case 1'000'000'000:
            return "ns";
        default:
            return "an unknown unit";
    }
}

std::string describe_type(const Feature &feature) {
    std::string text = feature.sequence ? "sequence of " : "";
    switch (feature.type) {
        case StoredType::float32:
            return text += "float32";
        case StoredType::float64:
            return text += "float64";
        case StoredType::int64:
            return text += "int64";
        case StoredType::boolean:
            return text += "bool";
        case StoredType::category:
            return text += "category";
        case StoredType::code:
            return text += "category with int64 keys";
        case StoredType::text:
            return text += "text";
        case StoredType::timestamp:
            return (text += "timestamp in ") += unit_name(feature.ticks_per_second);
    }
    return text += "unknown type";
}

}  // namespace weighbridge::lib
