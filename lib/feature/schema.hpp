// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/expected.hpp"
#include "feature/encoding.hpp"
#include "weighbridge/c/schema.h"

namespace weighbridge::lib {

enum class StoredType : int32_t {
    float32 = WB_TYPE_FLOAT32,
    float64 = WB_TYPE_FLOAT64,
    int64 = WB_TYPE_INT64,
    boolean = WB_TYPE_BOOL,
    category = WB_TYPE_CATEGORY,
    code = WB_TYPE_CODE,
    timestamp = WB_TYPE_TIMESTAMP,
    text = WB_TYPE_TEXT,
};

std::string_view name_of(StoredType type);  // "float32", ..., "bool", "category", "code", "timestamp", "text"

// What a missing value becomes. A sequence's default is the empty sequence.
struct DefaultValue {
    double number = 0.0;  // float32, float64, bool
    int64_t integer = 0;  // int64, code, timestamp
    std::string text;     // category, text
};

// One named input of a payment. Plain data; the manifest reader fills it, Schema::make checks and completes it.
struct Feature {
    std::string name;  // [a-z][a-z0-9_]{0,62}
    StoredType type = StoredType::float64;
    bool sequence = false;
    int money_exponent = -1;        // ISO 4217; -1 where it is not money
    std::string currency;           // ISO 4217; "" where it is not money
    int64_t ticks_per_second = 0;   // of a timestamp
    std::string zone;               // of a timestamp: "" is UTC, else "+05:30" or an IANA name in the bundle's tables
    std::string privacy;            // class; "" for none
    std::optional<double> minimum;  // of the raw value (minor units for money), both ends included
    std::optional<double> maximum;
    std::optional<DefaultValue> missing;  // none: a missing value is an error
    bool nan_is_missing = false;
    std::vector<Encoding> encoding;  // applied in order
    uint32_t offset = 0;             // of the fixed field in a row; set by Schema::make

    // Whether a raw value is in the range; of a float32 both it and the ends count as float32 holds them.
    bool in_range(double raw) const;
};

// What reading a feature's field takes, without the rest of the feature.
struct Field {
    uint32_t offset = 0;
    StoredType type = StoredType::float64;
    bool sequence = false;
};

// The ordered, typed list of features with its row layout. Immutable, shared.
class Schema {
  public:
    // Checks the features each on its own, then computes offsets and digest. WB_INVALID_BUNDLE names the feature. The
    // digest covers, in order, each feature's name, type, sequence, money exponent and currency, and timestamp unit:
    // what a caller has to know to fill a row; neither ranges nor encodings. It is the start of the sha256 of a text
    // (README.md).
    static Expected<std::shared_ptr<const Schema>> make(std::vector<Feature> features);

    const std::vector<Feature> &features() const { return features_; }
    const std::vector<Field> &fields() const { return fields_; }  // by feature
    uint64_t digest() const { return digest_; }
    uint32_t fixed_bytes() const { return fixed_bytes_; }
    uint32_t missing_offset() const { return missing_offset_; }
    std::optional<uint32_t> find(std::string_view name) const;

    // The three names nearest to `name` by edit distance, for messages: "'amount', 'amounts', 'account'".
    std::string nearest(std::string_view name) const;

  private:
    std::vector<Feature> features_;
    std::vector<Field> fields_;
    uint64_t digest_ = 0;
    uint32_t fixed_bytes_ = 0;
    uint32_t missing_offset_ = 0;
};

}  // namespace weighbridge::lib
