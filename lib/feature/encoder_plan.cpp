// SPDX-License-Identifier: Apache-2.0
#include "feature/encoder_plan.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/utf8.hpp"

namespace weighbridge::lib {
namespace {

// lib/bundle/README.md, limits.
constexpr int64_t kMostLength = 65536;
constexpr int64_t kMostRows = 1048576;
constexpr int64_t kMostTextBytes = 1073741824;
// wb_tensor_info.name has 64 bytes, NUL included.
constexpr size_t kLongestName = 63;

bool is_floating(DType dtype) { return dtype == DType::float32 || dtype == DType::float64; }

int64_t bytes_of(DType dtype) { return static_cast<int64_t>(size_of(dtype)); }

std::string shape_text(const Shape &shape) {
    std::string text = "[";
    for (int32_t i = 0; i < std::min(shape.rank, kMaxRank); ++i) {
        int64_t size = shape.size[static_cast<size_t>(i)];
        if (i > 0) text += ", ";
        text += size == kBatch    ? "batch"
                : size == kLength ? "length"
                : size == kTokens ? "tokens"
                                  : std::to_string(size);
    }
    return text + "]";
}

// Integers up to this are exact in the dtype: 24 and 53 bits of mantissa.
int64_t exact_limit(DType dtype) {
    switch (dtype) {
        case DType::float32:
            return int64_t{1} << 24;
        case DType::float64:
            return int64_t{1} << 53;
        case DType::int32:
            return INT32_MAX;
        case DType::int64:
            return INT64_MAX;
        case DType::boolean:
            return 1;
    }
    return 0;
}

class Builder {
  public:
    Builder(const Schema &schema, const std::vector<TensorSpec> &specs, const Limits &limits, Encoder::Plan &plan)
        : features_(schema.features()), specs_(specs), limits_(limits), plan_(plan), made_(features_.size()) {}

    Status build() {
        Status status = check_limits();
        if (status.ok()) status = plan_features();
        for (size_t i = 0; status.ok() && i < specs_.size(); ++i) status = plan_tensor(i);
        if (status.ok()) status = check_use();
        if (status.ok()) status = encode_defaults();
        if (!status.ok()) return status;
        for (size_t i = 0; i < made_.size(); ++i) {
            auto &list = features_[i].sequence                   ? plan_.sequences
                         : features_[i].type == StoredType::text ? plan_.texts
                                                                 : plan_.scalars;
            list.push_back(std::move(made_[i]));
        }
        plan_.longest = limits_.length;
        plan_runs();
        return Status();
    }

  private:
    template <class... Values>
    static Status refuse(std::string_view name, TextFormat<Values...> format, const Values &...values) {
        Line<200> text;
        text.add(format, values...);
        return Status::failure(WB_INVALID_BUNDLE, "tensor '{}': {}", name, text.view());
    }

    Status check_limits() const {
        if (limits_.length < 0 || limits_.length > kMostLength)
            return Status::failure(WB_INVALID_BUNDLE, "limits.length: expected 0 to {}, got {}", kMostLength,
                                   limits_.length);
        if (limits_.least_length < 0 || limits_.least_length > limits_.length)
            return Status::failure(WB_INVALID_BUNDLE, "limits.least_length: expected 0 to limits.length ({}), got {}",
                                   limits_.length, limits_.least_length);
        if (limits_.rows < 1 || limits_.rows > kMostRows)
            return Status::failure(WB_INVALID_BUNDLE, "limits.rows: expected 1 to {}, got {}", kMostRows, limits_.rows);
        if (limits_.text_bytes < 1 || limits_.text_bytes > kMostTextBytes)
            return Status::failure(WB_INVALID_BUNDLE, "limits.text_bytes: expected 1 to {}, got {}", kMostTextBytes,
                                   limits_.text_bytes);
        if (specs_.empty()) return Status::failure(WB_INVALID_BUNDLE, "tensors: expected at least one, got none");
        return Status();
    }

    Status plan_features() {
        const Truncate *common = nullptr;
        const Feature *first = nullptr;  // of the sequences
        for (size_t i = 0; i < features_.size(); ++i) {
            const Feature &feature = features_[i];
            auto value = plan_value(feature, static_cast<uint32_t>(i), limits_.text_bytes);
            if (!value) return value.status();
            made_[i].value = *std::move(value);
            made_[i].sequence = feature.sequence;
            made_[i].optional = feature.missing.has_value();
            made_[i].nan_is_missing = feature.nan_is_missing;
            if (!feature.sequence) continue;
            const Truncate *own = feature.encoding.empty() ? nullptr : std::get_if<Truncate>(&feature.encoding[0]);
            if (first == nullptr) {
                first = &feature;
                common = own;
            }
            bool same = own == nullptr || common == nullptr ? own == common : own->keep_tail == common->keep_tail;
            if (!same)
                return Status::failure(WB_INVALID_BUNDLE, "feature '{}': expected {} as on '{}', got {}", feature.name,
                                       describe(common), first->name, describe(own))
                    .with_feature(static_cast<int32_t>(i));
        }
        plan_.truncate = common != nullptr;
        plan_.keep_tail = common != nullptr && common->keep_tail;
        has_sequences_ = first != nullptr;
        return Status();
    }
    static std::string_view describe(const Truncate *step) {
        return step == nullptr ? "no truncate" : step->keep_tail ? "truncate to the tail" : "truncate to the head";
    }

    Status plan_tensor(size_t index) {
        const TensorSpec &spec = specs_[index];
        if (spec.name.empty() || spec.name.size() > kLongestName || utf8_error(spec.name) != std::string::npos)
            return Status::failure(WB_INVALID_BUNDLE,
                                   "tensor {}: expected a name of 1 to {} bytes of UTF-8, got {} bytes", index,
                                   kLongestName, spec.name.size());
        for (size_t i = 0; i < index; ++i)
            if (specs_[i].name == spec.name)
                return refuse(spec.name, "expected distinct names, got it at {} and {}", i, index);
        if (spec.shape.rank < 1 || spec.shape.rank > kMaxRank || spec.shape.size[0] != kBatch)
            return refuse(spec.name, "expected a shape that begins with batch, got {}", shape_text(spec.shape));
        if (size_of(spec.dtype) == 0)
            return refuse(spec.name, "expected a known dtype, got {}", static_cast<int>(spec.dtype));
        for (uint32_t feature : spec.features)
            if (feature >= features_.size())
                return refuse(spec.name, "expected features below {}, got {}", features_.size(), feature);
        TensorPlan plan;
        plan.dtype = spec.dtype;
        Status status = spec.source == TensorSpec::Source::features  ? plan_values(index, plan)
                        : spec.source == TensorSpec::Source::lengths ? plan_lengths(spec, plan)
                                                                     : plan_mask(spec, plan);
        plan_.tensors.push_back(plan);
        return status;
    }

    static Status expect_shape(const TensorSpec &spec, std::initializer_list<int64_t> sizes, bool or_flat = false) {
        Shape wanted;
        for (int64_t size : sizes) wanted.size[static_cast<size_t>(wanted.rank++)] = size;
        auto same = [](const Shape &a, const Shape &b) {
            return a.rank == b.rank && std::equal(a.size.begin(), a.size.begin() + a.rank, b.size.begin());
        };
        if (same(spec.shape, wanted)) return Status();
        if (!or_flat) return refuse(spec.name, "expected shape {}, got {}", shape_text(wanted), shape_text(spec.shape));
        Shape flat = wanted;
        --flat.rank;
        if (same(spec.shape, flat)) return Status();
        return refuse(spec.name, "expected shape {} or {}, got {}", shape_text(wanted), shape_text(flat),
                      shape_text(spec.shape));
    }

    Status plan_values(size_t index, TensorPlan &plan) {
        const TensorSpec &spec = specs_[index];
        if (spec.features.empty()) return refuse(spec.name, "expected at least one feature, got none");
        const Feature &first = features_[spec.features[0]];
        if (first.type == StoredType::text) return plan_text(spec, index, plan);
        plan.width = 0;
        int64_t bytes = bytes_of(spec.dtype);
        for (size_t i = 0; i < spec.features.size(); ++i) {
            uint32_t at = spec.features[i];
            const Feature &feature = features_[at];
            if (feature.type == StoredType::text || feature.sequence != first.sequence)
                return refuse(spec.name, "expected only scalars, only sequences, or one text, got '{}' beside '{}'",
                              feature.name, first.name);
            if (std::find(spec.features.begin(), spec.features.begin() + static_cast<ptrdiff_t>(i), at) !=
                spec.features.begin() + static_cast<ptrdiff_t>(i))
                return refuse(spec.name, "expected each feature once, got '{}' twice", feature.name);
            Status status = check_dtype(spec, at);
            if (!status.ok()) return status;
            const auto tensor = static_cast<uint32_t>(index);
            const int64_t width = made_[at].value.width();
            made_[at].targets.push_back({tensor, spec.dtype, plan.width * bytes, 0});
            plan_.pieces.push_back({tensor, at, plan.width * bytes, width * bytes, 0, feature.sequence});
            plan.width += width;
        }
        for (size_t i = 0; i < spec.features.size(); ++i) {
            made_[spec.features[i]].targets.back().stride = plan.width * bytes;
            plan_.pieces[plan_.pieces.size() - 1 - i].stride = plan.width * bytes;
        }
        plan.kind = first.sequence ? TensorPlan::Kind::sequences : TensorPlan::Kind::scalars;
        plan.most_elements = plan.width * (first.sequence ? limits_.length : 1);
        bool flat = plan.width == 1;
        return first.sequence ? expect_shape(spec, {kBatch, kLength, plan.width}, flat)
                              : expect_shape(spec, {kBatch, plan.width}, flat);
    }

    Status check_dtype(const TensorSpec &spec, uint32_t feature) {
        ValuePlan &value = made_[feature].value;
        const std::string &name = features_[feature].name;
        if (value.kind == ValuePlan::Kind::boolean) return Status();
        if (value.result == ValuePlan::Result::number || value.result == ValuePlan::Result::cyclic) {
            if (!is_floating(spec.dtype))
                return refuse(spec.name, "expected float32 or float64 for the values of '{}', got {}", name,
                              name_of(spec.dtype));
            value.fits_single |= spec.dtype == DType::float32;
            return Status();
        }
        if (spec.dtype == DType::boolean || value.indices - 1 > exact_limit(spec.dtype))
            return refuse(spec.name, "expected a dtype that holds the {} indices of '{}' exactly, got {}",
                          value.indices, name, name_of(spec.dtype));
        return Status();
    }

    Status plan_text(const TensorSpec &spec, size_t index, TensorPlan &plan) {
        uint32_t at = spec.features[0];
        if (spec.features.size() != 1)
            return refuse(spec.name, "expected one text alone, got {} features", spec.features.size());
        Status status = check_dtype(spec, at);
        if (!status.ok()) return status;
        made_[at].targets.push_back({static_cast<uint32_t>(index), spec.dtype, 0, bytes_of(spec.dtype)});
        plan.kind = TensorPlan::Kind::text;
        return plan_tokens(spec, at, plan);
    }

    Status plan_tokens(const TensorSpec &spec, uint32_t text, TensorPlan &plan) {
        int64_t most = made_[text].value.max_tokens;
        bool symbolic = spec.shape.rank == 2 && spec.shape.size[1] == kTokens;
        plan.text = text;
        made_[text].own_tokens |= symbolic;
        plan.tokens = symbolic ? kTokens : most;
        plan.most_elements = most;
        return symbolic ? Status() : expect_shape(spec, {kBatch, most});
    }

    Status plan_lengths(const TensorSpec &spec, TensorPlan &plan) {
        if (!spec.features.empty())
            return refuse(spec.name, "expected lengths of no feature, got {}", spec.features.size());
        if (!has_sequences_) return refuse(spec.name, "expected lengths beside a sequence, got none");
        if (spec.dtype == DType::boolean) return refuse(spec.name, "expected lengths as numbers, got bool");
        plan.kind = TensorPlan::Kind::lengths;
        plan.most_elements = 1;
        return expect_shape(spec, {kBatch});
    }

    Status plan_mask(const TensorSpec &spec, TensorPlan &plan) {
        if (spec.dtype != DType::boolean)
            return refuse(spec.name, "expected a mask as bool, got {}", name_of(spec.dtype));
        if (spec.features.size() > 1)
            return refuse(spec.name, "expected a mask of at most one text, got {}", spec.features.size());
        if (spec.features.empty()) {
            if (!has_sequences_) return refuse(spec.name, "expected a mask beside a sequence, got none");
            plan.kind = TensorPlan::Kind::length_mask;
            plan.most_elements = limits_.length;
            return expect_shape(spec, {kBatch, kLength});
        }
        const Feature &text = features_[spec.features[0]];
        if (text.type != StoredType::text)
            return refuse(spec.name, "expected a mask of a text, got '{}' of {}", text.name, name_of(text.type));
        plan.kind = TensorPlan::Kind::text_mask;
        return plan_tokens(spec, spec.features[0], plan);
    }

    Status check_use() const {
        for (size_t i = 0; i < features_.size(); ++i)
            if (made_[i].targets.empty())
                return Status::failure(WB_INVALID_BUNDLE, "feature '{}': expected a tensor that uses it, got none",
                                       features_[i].name)
                    .with_feature(static_cast<int32_t>(i));
        return Status();
    }

    // A value of such a feature stands in the tensor as it came.
    static bool is_plain(const FeaturePlan &plan) {
        const ValuePlan &value = plan.value;
        if (plan.targets.size() != 1) return false;
        if (value.kind == ValuePlan::Kind::code)
            return value.lookup == ValuePlan::Lookup::identity && plan.targets[0].dtype == DType::int64;
        return value.kind == ValuePlan::Kind::floating && value.single && value.result == ValuePlan::Result::number &&
               value.steps.empty() && plan.targets[0].dtype == DType::float32;
    }

    static bool continues(const FeaturePlan &before, const FeaturePlan &plan) {
        const ValuePlace &last = before.targets[0], &next = plan.targets[0];
        return plan.value.kind == before.value.kind && plan.value.feature == before.value.feature + 1 &&
               next.tensor == last.tensor && next.offset == last.offset + bytes_of(last.dtype);
    }

    void plan_runs() {
        const auto &scalars = plan_.scalars;
        plan_.least.resize(scalars.size());
        plan_.most.resize(scalars.size());
        plan_.last.resize(scalars.size());
        for (uint32_t i = 0; i < scalars.size(); ++i) {
            const ValuePlan &value = scalars[i].value;
            const bool plain = is_plain(scalars[i]);
            if (plain && value.single) {
                constexpr float kMost = std::numeric_limits<float>::max();
                plan_.least[i] = std::max(static_cast<float>(value.least), -kMost);
                plan_.most[i] = std::min(static_cast<float>(value.most), kMost);
            } else if (plain) {
                plan_.last[i] = value.indices - 1;
            }
            auto *before = plan_.runs.empty() ? nullptr : &plan_.runs.back();
            const bool joins =
                before != nullptr && before->plain == plain &&
                (!plain || (before->count < RowSource::kMostCopied && continues(scalars[i - 1], scalars[i])));
            if (joins)
                ++before->count;
            else
                plan_.runs.push_back({i, 1, plain});
        }
    }

    // A default takes the way of any other value, once.
    Status encode_defaults() {
        for (size_t i = 0; i < features_.size(); ++i) {
            const Feature &feature = features_[i];
            if (!feature.missing || feature.sequence) continue;
            const DefaultValue &value = *feature.missing;
            Cell cell;
            uint8_t flag = value.number != 0 ? 1 : 0;
            switch (made_[i].value.kind) {
                case ValuePlan::Kind::floating:
                    cell.type = CellType::f64;
                    cell.data = reinterpret_cast<const std::byte *>(&value.number);
                    break;
                case ValuePlan::Kind::boolean:
                    cell.type = CellType::boolean;
                    cell.data = reinterpret_cast<const std::byte *>(&flag);
                    break;
                case ValuePlan::Kind::integer:
                case ValuePlan::Kind::code:
                    cell.type = CellType::i64;
                    cell.data = reinterpret_cast<const std::byte *>(&value.integer);
                    break;
                case ValuePlan::Kind::key:
                case ValuePlan::Kind::text:
                    cell.type = CellType::bytes;
                    cell.data = reinterpret_cast<const std::byte *>(value.text.data());
                    cell.count = static_cast<int64_t>(value.text.size());
                    break;
            }
            CellRead read = CellRead::ok;
            Fault fault = made_[i].value.encode(cell, 0, made_[i].default_value, read);
            if (fault == Fault::none) continue;
            Status status = explain(feature, made_[i].value, fault, read, cell, -1);
            return Status::failure(WB_INVALID_BUNDLE, "default of {}", status.message).with_feature(status.feature);
        }
        return Status();
    }

    const std::vector<Feature> &features_;
    const std::vector<TensorSpec> &specs_;
    const Limits &limits_;
    Encoder::Plan &plan_;
    std::vector<FeaturePlan> made_;  // by feature
    bool has_sequences_ = false;
};

}  // namespace

Expected<std::unique_ptr<const Encoder::Plan>> Encoder::Plan::make(const Schema &schema,
                                                                   const std::vector<TensorSpec> &specs,
                                                                   const Limits &limits) {
    auto plan = std::make_unique<Plan>();
    Status status = Builder(schema, specs, limits, *plan).build();
    if (!status.ok()) return status;
    return std::unique_ptr<const Plan>(std::move(plan));
}

}  // namespace weighbridge::lib
