// SPDX-License-Identifier: Apache-2.0
// Which encoding fits which type, and the plan that it makes.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/numerics.hpp"
#include "feature/value_plan.hpp"
#include "feature/vocabulary.hpp"
#include "feature/wordpiece.hpp"

namespace weighbridge::lib {
namespace {

// Most tokens of one text; the same as the longest sequence in lib/bundle/README.md.
constexpr int64_t kMostTokens = 65536;
// Indices stay exact in a double.
constexpr int64_t kMostIndices = int64_t{1} << 53;

class Check {
  public:
    Check(const Feature &feature, ValuePlan &plan) : feature_(feature), plan_(plan) {}

    Status operator()(const Log1p &) {
        Status status = number("log1p");
        if (!status.ok()) return status;
        if (!(low_ > -1)) return refuse("expected log1p behind a range or a clip above -1, got values from {}", low_);
        add(ValuePlan::Step::Op::log1p, 0, 0);
        bound(numerics::log1p(low_), numerics::log1p(high_));
        return Status();
    }
    Status operator()(const Standardise &step) {
        Status status = number("standardise");
        if (!status.ok()) return status;
        if (!std::isfinite(step.mean)) return refuse("expected standardise with a finite mean, got {}", step.mean);
        if (!(step.standard_deviation > 0 && std::isfinite(step.standard_deviation)))
            return refuse("expected standardise with a finite std above 0, got {}", step.standard_deviation);
        add(ValuePlan::Step::Op::standardise, step.mean, step.standard_deviation);
        bound((low_ - step.mean) / step.standard_deviation, (high_ - step.mean) / step.standard_deviation);
        return Status();
    }
    Status operator()(const Clip &step) {
        Status status = number("clip");
        if (!status.ok()) return status;
        if (!(std::isfinite(step.minimum) && std::isfinite(step.maximum) && step.minimum <= step.maximum))
            return refuse("expected clip with finite min <= max, got {} and {}", step.minimum, step.maximum);
        add(ValuePlan::Step::Op::clip, step.minimum, step.maximum);
        auto inside = [&](double x) { return std::fmin(std::fmax(x, step.minimum), step.maximum); };
        bound(inside(low_), inside(high_));
        return Status();
    }
    Status operator()(const Bucketise &step) {
        Status status = number("bucketise");
        if (!status.ok()) return status;
        if (step.edges.empty()) return refuse("expected bucketise with at least one edge, got none");
        for (size_t i = 0; i < step.edges.size(); ++i) {
            if (!std::isfinite(step.edges[i])) return refuse("expected finite edges, got {} at {}", step.edges[i], i);
            if (i > 0 && !(step.edges[i - 1] < step.edges[i]))
                return refuse("expected strictly ascending edges, got {} and {} at {}", step.edges[i - 1],
                              step.edges[i], i);
        }
        plan_.edges = step.edges;
        return end_in_index("bucketise", ValuePlan::Lookup::edges, static_cast<int64_t>(step.edges.size()) + 1);
    }
    Status operator()(const Vocabularise &step) {
        if (!is_category()) return misfit("vocabulary", "a category");
        if (step.vocabulary == nullptr) return refuse("expected vocabulary with keys, got none");
        bool codes = feature_.type == StoredType::code;
        if (step.vocabulary->has_codes() != codes)
            return refuse("expected a vocabulary of {} keys, got one of {} keys", codes ? "int64" : "string",
                          codes ? "string" : "int64");
        plan_.vocabulary = step.vocabulary.get();
        plan_.unknown_is_error = step.unknown_is_error;
        plan_.first_index = step.unknown_is_error ? 0 : 1;
        return end_in_index("vocabulary", ValuePlan::Lookup::vocabulary, step.vocabulary->size() + plan_.first_index);
    }
    Status operator()(const HashBuckets &step) {
        if (!is_category()) return misfit("hash", "a category");
        plan_.seed = step.seed;
        return end_in_index("hash", ValuePlan::Lookup::hash, step.buckets);
    }
    Status operator()(const Identity &step) {
        if (feature_.type != StoredType::code) return misfit("identity", "a category with int64 keys");
        return end_in_index("identity", ValuePlan::Lookup::identity, step.size);
    }
    Status operator()(const Cyclic &step) {
        if (feature_.type != StoredType::timestamp) return misfit("cyclic", "a timestamp");
        if (done_ || stepped_) return refuse("expected cyclic as the only step, got it behind another");
        if (step.zone == nullptr && !feature_.zone.empty() && feature_.zone != "UTC")
            return refuse("expected cyclic with the zone '{}', got none", feature_.zone);
        plan_.result = ValuePlan::Result::cyclic;
        plan_.period = step.period;
        plan_.zone = step.zone.get();
        done_ = true;
        return Status();
    }
    Status operator()(const Tokenise &step) {
        if (feature_.type != StoredType::text) return misfit("wordpiece", "a text");
        if (done_) return refuse("expected wordpiece as the only step, got it behind another");
        if (step.tokeniser == nullptr) return refuse("expected wordpiece with a vocabulary, got none");
        if (step.max_tokens < 2 || step.max_tokens > kMostTokens)
            return refuse("expected max_tokens in [2, {}], got {}", kMostTokens, step.max_tokens);
        plan_.result = ValuePlan::Result::tokens;
        plan_.tokeniser = step.tokeniser.get();
        plan_.max_tokens = step.max_tokens;
        plan_.indices = step.tokeniser->size();
        done_ = true;
        return Status();
    }
    Status operator()(const Truncate &) {
        if (!feature_.sequence) return misfit("truncate", "a sequence");
        if (done_ || stepped_ || truncated_)
            return refuse("expected truncate as the first step, got it behind another");
        truncated_ = true;
        return Status();
    }

    // Before the first step: what is read, and between which values it lies.
    void begin() {
        double least = feature_.minimum.value_or(-HUGE_VAL), most = feature_.maximum.value_or(HUGE_VAL);
        plan_.least = least;
        plan_.most = most;
        plan_.ranged = least > -HUGE_VAL || most < HUGE_VAL;
        switch (feature_.type) {
            case StoredType::float32:
                plan_.single = true;
                plan_.least = round_to_single(least);
                plan_.most = round_to_single(most);
                plan_.kind = ValuePlan::Kind::floating;
                break;
            case StoredType::float64:
                plan_.kind = ValuePlan::Kind::floating;
                break;
            case StoredType::int64:
            case StoredType::timestamp:
                begin_integer();
                break;
            case StoredType::boolean:
                plan_.kind = ValuePlan::Kind::boolean;
                plan_.result = ValuePlan::Result::index;
                plan_.indices = 2;
                break;
            case StoredType::category:
                plan_.kind = ValuePlan::Kind::key;
                break;
            case StoredType::code:
                plan_.kind = ValuePlan::Kind::code;
                break;
            case StoredType::text:
                plan_.kind = ValuePlan::Kind::text;
                break;
        }
        low_ = plan_.least / plan_.divisor;
        high_ = plan_.most / plan_.divisor;
    }

    Status end() {
        if (is_category() && !done_) return refuse("expected an encoding by vocabulary, hash or identity, got none");
        if (feature_.type == StoredType::text && !done_) return refuse("expected an encoding by wordpiece, got none");
        return Status();
    }

  private:
    template <class... Values>
    Status refuse(TextFormat<Values...> format, const Values &...values) const {
        Line<160> text;
        text.add(format, values...);
        return Status::failure(WB_INVALID_BUNDLE, "feature '{}': {}", feature_.name, text.view())
            .with_feature(static_cast<int32_t>(plan_.feature));
    }
    Status misfit(std::string_view step, std::string_view wanted) const {
        return refuse("expected {} on {}, got it on {}{}", step, wanted, feature_.sequence ? "a sequence of " : "",
                      name_of(feature_.type));
    }
    bool is_category() const { return feature_.type == StoredType::category || feature_.type == StoredType::code; }

    Status number(std::string_view step) {
        if (plan_.kind != ValuePlan::Kind::floating && plan_.kind != ValuePlan::Kind::integer)
            return misfit(step, "numbers and timestamps");
        if (done_) return refuse("expected {} before the step that ends the encoding, got it behind", step);
        stepped_ = true;
        return Status();
    }
    Status end_in_index(std::string_view step, ValuePlan::Lookup lookup, int64_t indices) {
        if (done_) return refuse("expected one step that gives an index, got {} behind another", step);
        if (indices < 1 || indices > kMostIndices)
            return refuse("expected {} with 1 to 2^53 indices, got {}", step, indices);
        plan_.result = ValuePlan::Result::index;
        plan_.lookup = lookup;
        plan_.indices = indices;
        done_ = true;
        return Status();
    }
    void begin_integer() {
        plan_.kind = ValuePlan::Kind::integer;
        // A bound that int64 does not reach becomes its end; 2^63 and above do not convert.
        auto integer = [](double bound) {
            if (bound >= 0x1p63) return std::numeric_limits<int64_t>::max();
            if (bound < -0x1p63) return std::numeric_limits<int64_t>::min();
            return static_cast<int64_t>(bound);
        };
        plan_.least_integer = integer(std::ceil(plan_.least));
        plan_.most_integer = integer(std::floor(plan_.most));
        plan_.ticks = std::max<int64_t>(feature_.ticks_per_second, 1);
        plan_.divisor = static_cast<double>(plan_.ticks);
        for (int i = 0; i < feature_.money_exponent; ++i) plan_.divisor *= 10;
    }
    void add(ValuePlan::Step::Op op, double a, double b) { plan_.steps.push_back({op, a, b}); }
    // NaN, of infinity less infinity, is no bound.
    void bound(double low, double high) {
        low_ = low == low ? low : -HUGE_VAL;
        high_ = high == high ? high : HUGE_VAL;
    }

    const Feature &feature_;
    ValuePlan &plan_;
    double low_ = -HUGE_VAL, high_ = HUGE_VAL;  // where x lies behind the steps so far
    bool stepped_ = false, done_ = false, truncated_ = false;
};

}  // namespace

Expected<ValuePlan> plan_value(const Feature &feature, uint32_t index, int64_t text_bytes) {
    ValuePlan plan;
    plan.feature = index;
    plan.most_bytes = text_bytes;
    Check check(feature, plan);
    check.begin();
    for (const Encoding &step : feature.encoding) {
        Status status = std::visit([&](const auto &kind) { return check(kind); }, step);
        if (!status.ok()) return status;
    }
    Status status = check.end();
    if (!status.ok()) return status;
    return plan;
}

}  // namespace weighbridge::lib
