// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/json.hpp"
#include "base/numerics.hpp"
#include "bundle/golden.hpp"
#include "bundle/json_cursor.hpp"

namespace weighbridge::lib {
namespace {

// Sebastiano Vigna's splitmix64 (public domain): the same rows on every machine, which std's distributions are not.
class Random {
  public:
    explicit Random(uint64_t seed) : state_(seed) {}

    uint64_t next() {
        uint64_t z = state_ += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
    double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }  // [0, 1)
    int64_t below(int64_t count) { return static_cast<int64_t>(next() % static_cast<uint64_t>(count)); }
    double spread() { return 2.0 * (unit() + unit() + unit()) - 3.0; }  // about normal, in [-3, 3)

  private:
    uint64_t state_;
};

constexpr int64_t kLongText = 24;                                  // words
constexpr int64_t kUsualLength = 64;                               // of sequences, but for one row at the limit
constexpr int64_t kYear2020 = 1577836800, kYear2030 = 1893456000;  // seconds since 1970

// Largest magnitude of an integer that is made here: exact as a double and as a JSON number elsewhere.
constexpr double kExact = 9007199254740992.0;

bool is_real(StoredType type) { return type == StoredType::float32 || type == StoredType::float64; }

// The raw value that the encoding would turn into about `z`.
double before_encoding(const Feature &feature, double z) {
    double x = z;
    for (auto step = feature.encoding.rbegin(); step != feature.encoding.rend(); ++step) {
        if (const auto *standardise = std::get_if<Standardise>(&*step))
            x = x * standardise->standard_deviation + standardise->mean;
        else if (std::holds_alternative<Log1p>(*step))
            x = numerics::exp(std::clamp(x, -30.0, 30.0)) - 1.0;
        else if (const auto *clip = std::get_if<Clip>(&*step))
            x = std::clamp(x, clip->minimum, clip->maximum);
        else if (const auto *bucketise = std::get_if<Bucketise>(&*step)) {
            const double least = bucketise->edges.front(), most = bucketise->edges.back();
            const double margin = most > least ? (most - least) / 8.0 : 1.0;
            x = least - margin + (z + 3.0) / 6.0 * (most - least + 2.0 * margin);
        }
    }
    constexpr double powers[] = {1.0, 10.0, 100.0, 1000.0, 10000.0};
    if (feature.money_exponent > 0) x *= powers[feature.money_exponent];
    if (feature.ticks_per_second > 0) x *= static_cast<double>(feature.ticks_per_second);
    return x;
}

class RowMaker {
  public:
    RowMaker(const Bundle &bundle, int64_t row) : bundle_(bundle), random_(seed(bundle, row)), row_(row) {
        // Row 0 has the shortest sequences, row 1 the longest; most others are short.
        const Limits &limits = bundle.manifest().limits;
        const int64_t most = std::max(limits.least_length, std::min(limits.length, kUsualLength));
        length_ = row == 0   ? limits.least_length
                  : row == 1 ? limits.length
                             : limits.least_length + random_.below(most - limits.least_length + 1);
    }

    std::string make() {
        JsonValue row = JsonValue::object();
        const auto &features = bundle_.manifest().features;
        for (uint32_t i = 0; i < features.size(); ++i) {
            const Feature &feature = features[i];
            // All sequences of a row have one length, so none is left out.
            if (!feature.sequence && feature.missing && random_.below(8) == 0) continue;
            if (!feature.sequence) {
                row[feature.name] = value(feature, i, row_);
                continue;
            }
            JsonValue elements = JsonValue::array();
            for (int64_t k = 0; k < length_; ++k) elements.push_back(value(feature, i, row_ + k));
            row[feature.name] = std::move(elements);
        }
        return row.text();
    }

  private:
    static uint64_t seed(const Bundle &bundle, int64_t row) {
        return Random(bundle.schema()->digest() + static_cast<uint64_t>(row)).next();
    }

    // `turn` walks through a feature's keys, so that enough rows have seen them all.
    JsonValue value(const Feature &feature, uint32_t index, int64_t turn) {
        switch (feature.type) {
            case StoredType::boolean:
                return random_.below(2) == 1;
            case StoredType::category:
            case StoredType::code:
                return key(feature, index, turn);
            case StoredType::text:
                return text(index);
            default:
                return number(feature);
        }
    }

    JsonValue key(const Feature &feature, uint32_t index, int64_t turn) {
        if (const auto &samples = bundle_.samples(index); !samples.empty()) {
            const std::string &sample = samples[static_cast<size_t>(turn) % samples.size()];
            if (feature.type == StoredType::category) return sample;
            int64_t code = 0;
            std::from_chars(sample.data(), sample.data() + sample.size(), code);
            return code;
        }
        for (const Encoding &step : feature.encoding)
            if (const auto *identity = std::get_if<Identity>(&step))
                return turn < identity->size ? turn : random_.below(identity->size);
        const int64_t code = random_.below(100000);
        if (feature.type == StoredType::code) return code;
        return formatted("key{}", code);
    }

    std::string text(uint32_t index) {
        const auto &samples = bundle_.samples(index);
        const int64_t words = samples.empty() ? 0 : random_.below(kLongText + 1);
        std::string text;
        for (int64_t i = 0; i < words; ++i) {
            if (i > 0) text += ' ';
            text += samples[static_cast<size_t>(random_.below(static_cast<int64_t>(samples.size())))];
        }
        return text;
    }

    double raw_number(const Feature &feature) {
        const bool encoded = std::any_of(feature.encoding.begin(), feature.encoding.end(), [](const Encoding &step) {
            return std::holds_alternative<Standardise>(step) || std::holds_alternative<Clip>(step) ||
                   std::holds_alternative<Bucketise>(step);
        });
        const bool ranged = feature.minimum && feature.maximum;
        // Half of the rows over the range, half where the encoding says that values lie.
        if (ranged && (!encoded || random_.below(2) == 0)) {
            const double share = row_ == 2 ? 0.0 : row_ == 3 ? 1.0 : random_.unit();
            return *feature.minimum + share * (*feature.maximum - *feature.minimum);
        }
        if (encoded) return before_encoding(feature, random_.spread());
        if (feature.type == StoredType::timestamp)
            return static_cast<double>(kYear2020 + random_.below(kYear2030 - kYear2020)) *
                   static_cast<double>(feature.ticks_per_second);
        return is_real(feature.type) ? random_.spread() : static_cast<double>(random_.below(1000));
    }

    JsonValue number(const Feature &feature) {
        const double least = feature.minimum.value_or(-std::numeric_limits<double>::max());
        const double most = feature.maximum.value_or(std::numeric_limits<double>::max());
        double x = raw_number(feature);
        if (!is_real(feature.type)) {
            // Nanoseconds since 1970 are beyond what a double counts one by one, but still whole numbers.
            constexpr double kLeast = -0x1p63, kMost = 0x1.fffffffffffffp62;  // doubles that int64 holds
            const double widest = feature.type == StoredType::timestamp ? kMost : kExact;
            x = std::floor(std::clamp(x, -widest, widest) + 0.5);
            return static_cast<int64_t>(std::clamp(x, std::max(least, kLeast), std::min(most, kMost)));
        }
        x = std::clamp(x, least, most);
        if (feature.type == StoredType::float64) return x;
        constexpr double kWidest = std::numeric_limits<float>::max();
        return static_cast<double>(static_cast<float>(std::clamp(x, -kWidest, kWidest)));
    }

    const Bundle &bundle_;
    Random random_;
    int64_t row_;
    int64_t length_ = 0;
};

}  // namespace

std::vector<std::string> generate_golden_rows(const Bundle &bundle, int64_t count) {
    std::vector<std::string> rows;
    for (int64_t row = 0; row < count; ++row) rows.push_back(RowMaker(bundle, row).make());
    return rows;
}

}  // namespace weighbridge::lib
