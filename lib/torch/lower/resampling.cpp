// SPDX-License-Identifier: Apache-2.0
// Axes that are padded by their edges, resampled, or shuffled with channels, as operators of images and signals do.
#include <algorithm>
#include <cmath>

#include "torch/lower/formula.hpp"
#include "torch/lower/windows.hpp"

namespace weighbridge::torch_plugin {
namespace {

Value padded_by(Call &call, const char *mode) {
    return lower_as(call, "aten::pad",
                    {{"self", call.at("self")}, {"pad", call.at("padding")}, {"mode", std::string(mode)}});
}

// One axis that is resampled: how many places it gets, and how far apart they lie in what there was.
struct Resampled {
    size_t axis;
    int64_t from, to;
    float step;
    bool corners = false;

    // Where a place of the result lies among those there were; at::native's area_pixel_compute_source_index.
    float source(int64_t place) const {
        const auto at = static_cast<float>(place);
        return corners ? at * step : step * (at + 0.5f) - 0.5f;
    }
};

// The factor that is given for one of the last `axes`.
std::optional<double> factor_of(Call &call, size_t axes, size_t i) {
    constexpr const char *kFactors[] = {"scales_d", "scales_h", "scales_w"};
    const char *own = axes == 1 ? "scales" : kFactors[3 - axes + i];
    std::optional<double> factor;
    if (call.has("scale_factors")) {
        const auto *list = call.at("scale_factors").as<std::shared_ptr<List>>();
        if (!list || (*list)->size() != axes) throw Unsupported{"factors that are no list"};
        factor = Call{call.b, call.name, {{"scale_factors", (**list)[i]}}}.real("scale_factors");
    } else if (call.has(own)) {
        factor = call.real(own);
    }
    if (factor && !(*factor > 1e-6 && *factor < 1e6)) throw Unsupported{"resamples by such a factor"};
    return factor;
}

void require_channels(const Extents &shape, size_t axes) {
    if (shape.size() != axes + 2 || shape[1].batch)
        throw Unsupported{"resamples " + to_string(shape) + "; give [batch, channels, places]"};
}

// What is asked for each of the last axes: their sizes, or factors. A factor that is given decides the step.
std::vector<Resampled> resampled(Call &call, const Extents &shape, size_t axes, bool corners) {
    require_channels(shape, axes);
    std::vector<int64_t> sizes;
    if (call.has("output_size")) sizes = for_axes(call, "output_size", axes, 1);
    std::vector<Resampled> asked;
    for (size_t i = 0; i < axes; ++i) {
        const Extent size = shape[i + 2];
        if (!size.known() || size.terms[0] < 1) throw Unsupported{"resamples " + to_string(size) + " places"};
        const int64_t from = size.terms[0];
        const std::optional<double> factor = factor_of(call, axes, i);
        if (sizes.empty() && !factor) throw Unsupported{"resamples to no size"};
        const int64_t to = sizes.empty() ? static_cast<int64_t>(static_cast<double>(from) * *factor) : sizes[i];
        if (to < 1 || to > 4096) throw Unsupported{"resamples to " + std::to_string(to) + " places"};
        float step = factor ? static_cast<float>(1.0 / *factor) : static_cast<float>(from) / static_cast<float>(to);
        if (corners) step = to > 1 ? static_cast<float>(from - 1) / static_cast<float>(to - 1) : 0.0f;
        asked.push_back({i + 2, from, to, step, corners});
    }
    return asked;
}

ValueId picked(Builder &b, ValueId x, size_t axis, const std::vector<int64_t> &places) {
    Extents line(b.rank(x), Extent::of(1)), shape = b.shape(x);
    shape[axis] = line[axis] = Extent::of(static_cast<int64_t>(places.size()));
    const ValueId at = b.constant(DType::int64, {static_cast<int64_t>(places.size())}, places.data());
    return b.add(Op::gather, {x, b.expand(b.reshape(at, line), shape)}, {.axis = static_cast<int64_t>(axis)});
}

// Between neighbours: offsets from the place below, with their weights by the way from it.
using Weights = std::vector<double> (*)(double);
std::vector<double> linear_weights(double way) { return {1 - way, way}; }
std::vector<double> cubic_weights(double way) {  // R. Keys, 1981, with a = -0.75
    constexpr double kA = -0.75;
    auto near = [](double x) { return ((kA + 2) * x - (kA + 3)) * x * x + 1; };
    auto far = [](double x) { return ((kA * x - 5 * kA) * x + 8 * kA) * x - 4 * kA; };
    return {far(way + 1), near(way), near(1 - way), far(2 - way)};
}

ValueId between(Builder &b, ValueId x, const Resampled &along, Weights weights, int64_t first) {
    if (first == 0 && along.to == along.from) return x;
    const size_t count = weights(0).size();
    std::vector<std::vector<int64_t>> places(count);
    std::vector<std::vector<double>> factors(count);
    for (int64_t i = 0; i < along.to; ++i) {
        float at = along.source(i);
        if (first == 0) at = std::max(at, 0.0f);
        const auto below = static_cast<int64_t>(std::floor(at));
        const std::vector<double> own = weights(static_cast<double>(at - std::floor(at)));
        for (size_t k = 0; k < count; ++k) {
            places[k].push_back(std::clamp<int64_t>(below + first + static_cast<int64_t>(k), 0, along.from - 1));
            factors[k].push_back(own[k]);
        }
    }
    Extents line(b.rank(x) - along.axis, Extent::of(1));
    line[0] = Extent::of(along.to);
    std::optional<Term> sum;
    for (size_t k = 0; k < count; ++k) {
        const Term part =
            Term{&b, picked(b, x, along.axis, places[k])} * Term{&b, b.reshape(b.floats(factors[k]), line)};
        sum = sum ? *sum + part : part;
    }
    return sum->id;
}

template <size_t axes>
Value interpolated(Call &call, Weights weights, int64_t first) {
    Builder &b = call.b;
    ValueId x = call.float_id(call.find("input") ? "input" : "self");
    for (const Resampled &along : resampled(call, b.shape(x), axes, call.flag("align_corners")))
        x = between(b, x, along, weights, first);
    return result(x);
}
template <size_t axes>
Value linear(Call &call) {
    return interpolated<axes>(call, &linear_weights, 0);
}

// The place that a place of the result has its element from: at::native's nearest_idx, and where `exact` that of its
// middle.
int64_t nearest_place(const Resampled &along, int64_t place, bool exact) {
    const float at = (static_cast<float>(place) + (exact ? 0.5f : 0.0f)) * along.step;
    return std::min(static_cast<int64_t>(std::floor(at)), along.from - 1);
}

// Each place of an axis `times` times. The axis may be of any length, as long as LibTorch's floats give the same
// places.
ValueId repeated(Builder &b, ValueId x, size_t axis, int64_t times, bool exact) {
    const int64_t most = b.largest_length();
    for (int64_t place = 0; place < most * times; ++place)
        if (nearest_place({axis, most, most * times, static_cast<float>(1.0 / static_cast<double>(times))}, place,
                          exact) != place / times)
            throw Unsupported{"resamples " + to_string(b.shape(x)[axis]) + " places by " + std::to_string(times)};
    Extents shape = b.shape(x);
    const Extent from = shape[axis];
    shape.insert(shape.begin() + static_cast<ptrdiff_t>(axis) + 1, Extent::of(times));
    const ValueId wide = b.expand(b.unsqueeze(x, axis + 1), shape);
    shape.erase(shape.begin() + static_cast<ptrdiff_t>(axis));
    shape[axis] = *(from * Extent::of(times));
    return b.reshape(wide, shape);
}

template <size_t axes, bool exact>
Value nearest(Call &call) {
    Builder &b = call.b;
    ValueId x = call.id(call.find("input") ? "input" : "self");
    const Extents shape = b.shape(x);
    require_channels(shape, axes);
    if (axes == 1 && !shape[2].known() && !shape[2].batch && !call.has("output_size")) {
        const double factor = factor_of(call, axes, 0).value_or(0.5);
        if (factor != std::floor(factor) || factor > 64)
            throw Unsupported{"resamples " + to_string(shape[2]) + " places by a factor that is no small integer"};
        return result(repeated(b, x, 2, static_cast<int64_t>(factor), exact));
    }
    for (const Resampled &along : resampled(call, shape, axes, false)) {
        std::vector<int64_t> places;
        for (int64_t i = 0; i < along.to; ++i) places.push_back(nearest_place(along, i, exact));
        // LibTorch has a shorter way for equal and for doubled sizes, which it takes by layout and size.
        if (!exact && axes > 1 && (along.to == along.from || along.to == 2 * along.from))
            for (int64_t i = 0; i < along.to; ++i)
                if (places[static_cast<size_t>(i)] != i / (along.to / along.from))
                    throw Unsupported{
                        "resamples by a factor that is not the sizes' ratio; give size, or a whole factor"};
        x = picked(b, x, along.axis, places);
    }
    return result(x);
}

// [..., c r r, h, w] to [..., c, h r, w r], or back.
Value shuffled_pixels(Call &call, bool apart) {
    Builder &b = call.b;
    const ValueId x = call.id("self");
    const Extent by = Extent::of(call.integer(apart ? "downscale_factor" : "upscale_factor"));
    if (by.terms[0] < 1 || by.terms[0] > 4096) throw Unsupported{"shuffles by " + to_string(by)};
    const size_t rank = b.rank(x);
    if (rank < 3) throw Unsupported{"pixels of " + std::to_string(rank) + " axes"};
    const Extents from = b.shape(x);
    const Extent channels = from[rank - 3], height = from[rank - 2], width = from[rank - 1];
    auto quotient = [&](const Extent &size, const Extent &part) {
        const auto found = exact_quotient(size, part);
        if (!found) throw Unsupported{"shuffles " + to_string(from) + " by " + to_string(by)};
        return *found;
    };
    const Extents lead(from.begin(), from.begin() + static_cast<ptrdiff_t>(rank) - 3);
    auto with = [&](std::initializer_list<Extent> sizes) {
        Extents shape = lead;
        shape.insert(shape.end(), sizes);
        return shape;
    };
    const size_t n = lead.size();
    std::vector<size_t> order(n + 5);
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    if (apart) {
        const Extent h = quotient(height, by), w = quotient(width, by);
        const std::vector<size_t> moved{n, n + 2, n + 4, n + 1, n + 3};
        std::copy(moved.begin(), moved.end(), order.begin() + static_cast<ptrdiff_t>(n));
        const ValueId parts = b.permute(b.reshape(x, with({channels, h, by, w, by})), order);
        return result(b.reshape(parts, with({*(channels * *(by * by)), h, w})));
    }
    const Extent c = quotient(channels, *(by * by));
    const std::vector<size_t> moved{n, n + 3, n + 1, n + 4, n + 2};
    std::copy(moved.begin(), moved.end(), order.begin() + static_cast<ptrdiff_t>(n));
    const ValueId parts = b.permute(b.reshape(x, with({c, by, by, height, width})), order);
    return result(b.reshape(parts, with({c, *(height * by), *(width * by)})));
}

// The channels of each group, one after another.
Value shuffled_channels(Call &call) {
    Builder &b = call.b;
    const ValueId x = call.id("self");
    const Extent groups = call.size("groups");
    const Extents from = b.shape(x);
    const auto each = from.size() < 3 ? std::nullopt : exact_quotient(from[1], groups);
    if (!each) throw Unsupported{"shuffles the channels of " + to_string(from)};
    Extents wide = from;
    wide[1] = groups;
    wide.insert(wide.begin() + 2, *each);
    return result(b.reshape(b.move_axis(b.reshape(x, wide), 1, 2), from));
}

}  // namespace

void add_resampling(Registry &to) {
    constexpr const char *kLinear1 = "self input output_size align_corners scales scale_factors";
    constexpr const char *kLinear2 = "self input output_size align_corners scales_h scales_w scale_factors";
    constexpr const char *kLinear3 = "self input output_size align_corners scales_d scales_h scales_w scale_factors";
    const Entry entries[] = {
        {"aten::upsample_linear1d", kLinear1, &linear<1>},
        {"aten::upsample_bilinear2d", kLinear2, &linear<2>},
        {"aten::upsample_trilinear3d", kLinear3, &linear<3>},
        {"aten::upsample_bicubic2d", kLinear2, [](Call &call) { return interpolated<2>(call, &cubic_weights, -1); }},
        {"aten::pixel_shuffle", "self upscale_factor", [](Call &call) { return shuffled_pixels(call, false); }},
        {"aten::pixel_unshuffle", "self downscale_factor", [](Call &call) { return shuffled_pixels(call, true); }},
        {"aten::channel_shuffle", "self groups", &shuffled_channels},
        {"aten::native_channel_shuffle", "self groups", &shuffled_channels},
    };
    add(to, entries);
    const auto nearest_of = [&](const char *name, const char *exact_name, const char *arguments, Lower lower,
                                Lower exact) {
        to.emplace(name, Lowering{lower, arguments});
        to.emplace(exact_name, Lowering{exact, arguments});
    };
    nearest_of("aten::upsample_nearest1d", "aten::_upsample_nearest_exact1d",
               "self input output_size scales scale_factors", &nearest<1, false>, &nearest<1, true>);
    nearest_of("aten::upsample_nearest2d", "aten::_upsample_nearest_exact2d",
               "self input output_size scales_h scales_w scale_factors", &nearest<2, false>, &nearest<2, true>);
    nearest_of("aten::upsample_nearest3d", "aten::_upsample_nearest_exact3d",
               "self input output_size scales_d scales_h scales_w scale_factors", &nearest<3, false>,
               &nearest<3, true>);
    for (const char *name : {"aten::reflection_pad1d", "aten::reflection_pad2d", "aten::reflection_pad3d"})
        to.emplace(name, Lowering{[](Call &call) { return padded_by(call, "reflect"); }, "self padding"});
    for (const char *name : {"aten::replication_pad1d", "aten::replication_pad2d", "aten::replication_pad3d"})
        to.emplace(name, Lowering{[](Call &call) { return padded_by(call, "replicate"); }, "self padding"});
}

}  // namespace weighbridge::torch_plugin
