// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "bundle/manifest_sections.hpp"

namespace weighbridge::lib {
namespace {

constexpr size_t kMostTensors = 256;
constexpr size_t kMostOutputs = 64;
constexpr size_t kMostFeatures = 4096;      // of one tensor, as of a schema
constexpr size_t kMostCalibration = 65536;  // points of an isotonic table
constexpr size_t kMostBands = 64;
constexpr int64_t kMostSize = INT32_MAX;  // of one dimension
constexpr int64_t kMostWidth = 1 << 20;   // floats of one output a row

bool is_band_name(std::string_view name) { return is_label(name, 31); }

DType read_dtype(const JsonCursor &dtype) {
    constexpr DType types[] = {DType::float32, DType::float64, DType::int64, DType::int32, DType::boolean};
    return types[dtype.choice({"float32", "float64", "int64", "int32", "bool"})];
}

// "batch", then sizes; `symbols` allows "length" and "tokens" among them.
Shape read_shape(const JsonCursor &shape, bool symbols) {
    Shape out;
    const size_t rank = shape.array(1, kMaxRank);
    out.rank = static_cast<int32_t>(rank);
    for (size_t i = 0; i < rank; ++i) {
        const JsonCursor size = shape.element(i);
        if (i == 0) {
            if (size.word() != "batch") size.expected("\"batch\"");
            out.size[0] = kBatch;
        } else if (symbols && size.is_string()) {
            out.size[i] = size.choice({"length", "tokens"}) == 0 ? kLength : kTokens;
        } else {
            out.size[i] = size.integer(1, kMostSize);
        }
    }
    return out;
}

using Places = std::map<std::string_view, uint32_t>;

uint32_t feature_of(const JsonCursor &name, const Places &places) {
    if (name.is_string()) {
        const auto found = places.find(name.word());
        if (found != places.end()) return found->second;
    }
    name.expected("the name of a feature");
    return 0;
}

void read_tensor(const JsonCursor &tensor, const Manifest &manifest, const Places &places, TensorSpec &out) {
    if (!tensor.object({"name", "dtype", "shape", "features", "source", "of"})) return;
    const JsonCursor name = tensor.field("name"), dtype = tensor.field("dtype"), shape = tensor.field("shape"),
                     features = tensor.field("features"), source = tensor.field("source"), of = tensor.field("of");
    out.name = name.text(is_tensor_name, "[A-Za-z_][A-Za-z0-9_.]{0,62}");
    out.dtype = read_dtype(dtype);
    out.shape = read_shape(shape, true);
    if (source) {
        constexpr TensorSpec::Source sources[] = {TensorSpec::Source::features, TensorSpec::Source::lengths,
                                                  TensorSpec::Source::mask};
        out.source = sources[source.choice({"features", "lengths", "mask"})];
    }
    if (out.source == TensorSpec::Source::features) {
        const size_t count = features.array(1, kMostFeatures);
        for (size_t i = 0; i < count; ++i) {
            const JsonCursor feature = features.element(i);
            out.features.push_back(feature_of(feature, places));
        }
    } else if (features) {
        features.refuse("expected no such field beside a source of lengths or mask");
    }
    if (of && out.source != TensorSpec::Source::mask)
        of.refuse("expected no such field beside a source other than mask");
    if (of && !of.report().failed()) {
        out.features.push_back(feature_of(of, places));
        if (manifest.features[out.features.back()].type != StoredType::text) of.expected("the name of a text feature");
    }
    if (out.source == TensorSpec::Source::mask && out.dtype != DType::boolean) dtype.expected("bool for a mask");
}

void read_activation(const JsonCursor &activation, Output &out) {
    out.activation_applied = true;
    if (!activation || !activation.object({"kind", "applied"})) return;
    const JsonCursor kind = activation.field("kind"), applied = activation.field("applied");
    constexpr Output::Activation kinds[] = {Output::Activation::none, Output::Activation::sigmoid,
                                            Output::Activation::softmax};
    out.activation = kinds[kind.choice({"none", "sigmoid", "softmax"})];
    if (applied) out.activation_applied = applied.boolean();
    if (out.activation == Output::Activation::softmax && out.shape.rank < 2)
        kind.refuse("expected a shape of two sizes or more for softmax");
}

Isotonic read_isotonic(const JsonCursor &calibration) {
    Isotonic table;
    if (!calibration.object({"kind", "x", "y"})) return table;
    const JsonCursor x = calibration.field("x"), y = calibration.field("y");
    const size_t count = x.array(2, kMostCalibration);
    if (calibration.report().failed() || y.array(count, count) != count) return table;
    for (size_t i = 0; i < count; ++i) {
        const JsonCursor at = x.element(i), value = y.element(i);
        table.x.push_back(at.number());
        table.y.push_back(value.number(0.0, 1.0));
        if (i > 0 && table.x[i] <= table.x[i - 1]) at.expected("a number above the one before it");
        if (i > 0 && table.y[i] < table.y[i - 1]) value.expected("a number not below the one before it");
    }
    return table;
}

void read_calibration(const JsonCursor &calibration, Output &out) {
    if (!calibration || !calibration.object()) return;
    const JsonCursor kind = calibration.field("kind");
    const size_t chosen = kind.choice({"identity", "platt", "isotonic"});
    if (calibration.report().failed()) return;
    if (chosen == 0) {
        calibration.object({"kind"});
    } else if (chosen == 1 && calibration.object({"kind", "a", "b"})) {
        const JsonCursor a = calibration.field("a"), b = calibration.field("b");
        // A class's logit alone is not the log-odds of its probability.
        if (out.activation == Output::Activation::softmax) return kind.expected("identity or isotonic beside softmax");
        out.calibration = Platt{a.number(), b.number()};
    } else if (chosen == 2) {
        out.calibration = read_isotonic(calibration);
    }
}

void read_bands(const JsonCursor &bands, Output &out) {
    if (!bands) return;
    const size_t count = bands.array(1, kMostBands);
    for (size_t i = 0; i < count && !bands.report().failed(); ++i) {
        const JsonCursor band = bands.element(i);
        if (!band.object({"name", "below"})) return;
        const JsonCursor name = band.field("name"), below = band.field("below");
        Band read{name.text(is_band_name, "1 to 31 of [A-Za-z0-9_.-]"), std::numeric_limits<double>::infinity()};
        if (std::any_of(out.bands.begin(), out.bands.end(), [&](const Band &b) { return b.name == read.name; }))
            return name.expected("each name once");
        if (i + 1 < count) {
            read.below = below.number();
            if (i > 0 && read.below <= out.bands.back().below) return below.expected("a number above the band before");
        } else if (below) {
            return below.refuse("expected no such field on the last band");
        }
        out.bands.push_back(std::move(read));
    }
}

void read_output(const JsonCursor &output, size_t place, size_t count, Output &out) {
    if (!output.object({"name", "source", "shape", "activation", "primary", "class", "calibration", "bands"})) return;
    const JsonCursor name = output.field("name"), source = output.field("source"), shape = output.field("shape"),
                     activation = output.field("activation"), primary = output.field("primary"),
                     index = output.field("class"), calibration = output.field("calibration"),
                     bands = output.field("bands");
    out.name = name.text(is_tensor_name, "[A-Za-z_][A-Za-z0-9_.]{0,62}");
    if (!source)
        out.source.place = static_cast<int64_t>(place);
    else if (source.is_string())
        out.source.key = source.text(1, 255);
    else if (source.is_integer())
        out.source.place = source.integer(0, 1023);
    else
        source.expected("a place or a key");
    out.shape = read_shape(shape, false);
    for (int32_t i = 1; i < out.shape.rank && out.width <= kMostWidth; ++i) out.width *= out.shape.size[i];
    if (out.width > kMostWidth) shape.refuse(formatted("expected at most {} values a row, got more", kMostWidth));
    read_activation(activation, out);
    out.primary = primary ? primary.boolean() : count == 1;
    if (!out.primary)
        for (const JsonCursor *field : {&index, &calibration, &bands})
            if (*field) return field->refuse("expected no such field on an output that is not primary");
    if (index) out.class_index = index.integer(0, out.width - 1);
    read_calibration(calibration, out);
    read_bands(bands, out);
}

}  // namespace

bool is_tensor_name(std::string_view name) {
    return is_label(name, 63) && name.find('-') == std::string_view::npos && name[0] != '.' &&
           !(name[0] >= '0' && name[0] <= '9');
}

void read_tensors(const JsonCursor &tensors, Manifest &out) {
    Places places;
    for (uint32_t i = 0; i < out.features.size(); ++i) places.emplace(out.features[i].name, i);
    const size_t count = tensors.array(1, kMostTensors);
    out.tensors.resize(count);
    std::set<std::string_view> names;
    for (size_t i = 0; i < count; ++i) {
        const JsonCursor tensor = tensors.element(i);
        read_tensor(tensor, out, places, out.tensors[i]);
        if (tensors.report().failed()) return;
        const JsonCursor name = tensor.field("name");
        if (!names.insert(out.tensors[i].name).second) return name.expected("each name once");
    }
}

void read_outputs(const JsonCursor &outputs, Manifest &out) {
    const size_t count = outputs.array(1, kMostOutputs);
    out.outputs.resize(count);
    std::set<std::string_view> names;
    std::set<Output::Source> sources;
    size_t primaries = 0;
    for (size_t i = 0; i < count; ++i) {
        const JsonCursor output = outputs.element(i);
        read_output(output, i, count, out.outputs[i]);
        if (outputs.report().failed()) return;
        const JsonCursor name = output.field("name"), source = output.field("source");
        if (!names.insert(out.outputs[i].name).second) return name.expected("each name once");
        if (!sources.insert(out.outputs[i].source).second) return source.expected("each source once");
        primaries += out.outputs[i].primary ? 1 : 0;
    }
    if (count > 0 && primaries != 1) outputs.refuse(formatted("expected one primary output, got {}", primaries));
}

}  // namespace weighbridge::lib
