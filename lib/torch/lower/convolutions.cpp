// SPDX-License-Identifier: Apache-2.0
// Convolutions, pools and windows along one axis: a product, or an extreme, of slices that are shifted.
#include <algorithm>

#include "torch/lower/formula.hpp"

namespace weighbridge::torch_plugin {
namespace {

constexpr int64_t kMostTaps = 64;  // slices of one window

// Windows along one axis: `taps` places, `dilation` apart, every `stride`.
struct Windows {
    int64_t taps, stride, dilation;
};

// The one number of a list that may be empty.
int64_t only(const Call &call, const char *argument, int64_t otherwise) {
    if (!call.find(argument)) return otherwise;
    const auto numbers = call.integers(argument);
    if (numbers.empty()) return otherwise;
    if (numbers.size() != 1) throw Unsupported{"expected one number as " + std::string(argument)};
    return numbers[0];
}

// How many windows an axis has.
Extent count_of(Builder &b, const Extent &size, const Windows &windows) {
    if (windows.taps < 1 || windows.taps > kMostTaps || windows.stride < 1 || windows.dilation < 1)
        throw Unsupported{"windows of " + std::to_string(windows.taps) + " places every " +
                          std::to_string(windows.stride)};
    const auto room = size - Extent::of(windows.dilation * (windows.taps - 1) + 1);
    if (!room) throw Unsupported{"windows along " + to_string(size)};
    b.require_nonnegative(*room, "an axis as long as a window");
    if (windows.stride == 1) return *(*room + Extent::of(1));
    if (!room->known())
        throw Unsupported{"every " + std::to_string(windows.stride) + "th window along " + to_string(size)};
    return Extent::of(room->terms[0] / windows.stride + 1);
}

// The windows' first places, then their second ones, ...
std::vector<ValueId> shifted(Builder &b, ValueId x, size_t axis, const Windows &windows) {
    const Extent count = count_of(b, b.shape(x)[axis], windows);
    std::vector<ValueId> slices;
    for (int64_t i = 0; i < windows.taps; ++i)
        slices.push_back(b.slice(x, axis, Extent::of(i * windows.dilation), count, windows.stride));
    return slices;
}

ValueId padded(Builder &b, ValueId x, size_t axis, int64_t before, int64_t after, double value) {
    if (before < 0 || after < 0) throw Unsupported{"padding below 0"};
    std::vector<ValueId> parts;
    auto add = [&](int64_t count) {
        Extents shape = b.shape(x);
        shape[axis] = Extent::of(count);
        if (count > 0) parts.push_back(b.full(value, shape));
    };
    add(before);
    parts.push_back(x);
    add(after);
    return parts.size() == 1 ? x : b.concat(parts, axis);
}

// A constant [out, in, taps] as [out, taps * in], of the outputs [from, from + count).
ValueId weights_by_tap(Builder &b, ValueId weight, int64_t from, int64_t count) {
    const lib::Constant &constant = b.graph().constant_of(weight);
    const int64_t in = constant.shape[1], taps = constant.shape[2];
    std::vector<float> turned(static_cast<size_t>(count * in * taps));
    const float *data = constant.as<float>() + from * in * taps;
    for (int64_t o = 0; o < count; ++o)
        for (int64_t i = 0; i < in; ++i)
            for (int64_t t = 0; t < taps; ++t)
                turned[static_cast<size_t>((o * taps + t) * in + i)] = data[(o * in + i) * taps + t];
    return b.constant(DType::float32, {count, taps * in}, turned.data());
}

// One filter a channel: a sum of products element by element.
ValueId by_channel(Builder &b, ValueId x, ValueId weight, const Windows &windows) {
    const Extent channels = b.shape(weight)[0];
    std::optional<Term> sum;
    const std::vector<ValueId> slices = shifted(b, x, 1, windows);
    for (size_t i = 0; i < slices.size(); ++i) {
        const ValueId tap =
            b.reshape(b.slice(weight, 2, Extent::of(static_cast<int64_t>(i)), Extent::of(1)), {channels});
        const Term product = Term{&b, slices[i]} * Term{&b, tap};
        sum = sum ? *sum + product : product;
    }
    return sum->id;
}

// x [batch, places, in], weight [out, in / groups, taps], to [batch, windows, out].
ValueId convolved(Builder &b, ValueId x, ValueId weight, std::optional<ValueId> bias, const Windows &windows,
                  int64_t groups) {
    if (b.graph().node(weight).op != Op::constant || b.rank(weight) != 3 || b.dtype(weight) != DType::float32)
        throw Unsupported{"a convolution whose weights are no constant of three axes"};
    const Extents sizes = b.shape(weight);
    const int64_t outputs = sizes[0].terms[0], in = sizes[1].terms[0];
    if (groups < 1 || outputs % groups != 0 || !b.shape(x)[2].is(in * groups))
        throw Unsupported{"a convolution of " + to_string(sizes) + " over " + to_string(b.shape(x))};
    if (in == 1 && outputs == groups && groups > 1) {
        const ValueId sum = by_channel(b, x, weight, windows);
        return bias ? b.binary(Op::add, sum, *bias) : sum;
    }
    std::vector<ValueId> parts;
    for (int64_t g = 0; g < groups; ++g) {
        const ValueId own = groups == 1 ? x : b.slice(x, 2, Extent::of(g * in), Extent::of(in));
        const std::vector<ValueId> slices = shifted(b, own, 1, windows);
        const ValueId wide = slices.size() == 1 ? slices[0] : b.concat(slices, 2);
        const int64_t count = outputs / groups;
        parts.push_back(b.linear(wide, weights_by_tap(b, weight, g * count, count), groups == 1 ? bias : std::nullopt));
    }
    if (groups == 1) return parts[0];
    const ValueId whole = b.concat(parts, 2);
    return bias ? b.binary(Op::add, whole, *bias) : whole;
}

Value convolution(Call &call) {
    Builder &b = call.b;
    if (call.flag("transposed")) throw Unsupported{"a transposed convolution"};
    if (call.find("output_padding"))
        for (int64_t one : call.integers("output_padding"))
            if (one != 0) throw Unsupported{"a transposed convolution"};
    const ValueId x = call.float_id("input"), weight = call.id("weight");
    if (b.rank(x) != 3 || b.rank(weight) != 3)
        throw Unsupported{"a convolution that is not along one axis of [batch, channels, places]"};
    const Windows windows{b.shape(weight)[2].terms[0], only(call, "stride", 1), only(call, "dilation", 1)};
    int64_t before = 0, after = 0;
    if (call.find("padding") && call.at("padding").is<std::string>()) {
        const std::string mode = call.text("padding");
        if (mode != "same" && mode != "valid") throw Unsupported{"padding '" + mode + "'"};
        const int64_t missing = mode == "same" ? windows.dilation * (windows.taps - 1) : 0;
        before = missing / 2;
        after = missing - before;
    } else {
        before = after = only(call, "padding", 0);
    }
    // Channels innermost before the padding: the places of a window then lie one behind another, and nothing is copied.
    const ValueId places = padded(b, b.permute(x, {0, 2, 1}), 1, before, after, 0);
    const ValueId found = convolved(b, places, weight, call.optional_id("bias"), windows, call.integer("groups", 1));
    return result(b.permute(found, {0, 2, 1}));
}

// The windows of a pool, on the last axis.
std::vector<ValueId> pooled(Call &call, double padding) {
    Builder &b = call.b;
    const ValueId x = call.float_id("self");
    if (b.rank(x) == 0) throw Unsupported{"a pool without an axis"};
    if (call.flag("ceil_mode")) throw Unsupported{"a pool with ceil_mode=True"};
    const int64_t taps = only(call, "kernel_size", 1), pad = only(call, "padding", 0);
    const Windows windows{taps, only(call, "stride", taps), only(call, "dilation", 1)};
    const size_t axis = b.rank(x) - 1;
    return shifted(b, padded(b, x, axis, pad, pad, padding), axis, windows);
}

Value largest_of_windows(Call &call) {
    const std::vector<ValueId> slices = pooled(call, -std::numeric_limits<double>::infinity());
    ValueId most = slices[0];
    for (size_t i = 1; i < slices.size(); ++i) most = call.b.binary(Op::maximum, most, slices[i]);
    return result(most);
}

Value mean_of_windows(Call &call) {
    if (only(call, "padding", 0) != 0 && !call.flag("count_include_pad", true))
        throw Unsupported{"a mean of windows without their padding"};
    const std::vector<ValueId> slices = pooled(call, 0);
    Term sum{&call.b, slices[0]};
    for (size_t i = 1; i < slices.size(); ++i) sum = sum + Term{&call.b, slices[i]};
    return result((sum / static_cast<double>(slices.size())).id);
}

// An axis in a number of parts: parts that divide it, or all of it.
Value parts_of_axis(Call &call, Op op) {
    Builder &b = call.b;
    ValueId x = call.float_id("self");
    const int64_t count = only(call, "output_size", 1);
    if (b.rank(x) == 0) throw Unsupported{"a pool without an axis"};
    const size_t axis = b.rank(x) - 1;
    const auto size = exact_quotient(b.shape(x)[axis], Extent::of(count));
    if (count < 1 || !size)
        throw Unsupported{"a pool of " + to_string(b.shape(x)[axis]) + " places in " + std::to_string(count)};
    Extents shape = b.shape(x);
    shape[axis] = Extent::of(count);
    shape.push_back(*size);
    const ValueId parts = b.reshape(x, shape);
    const ValueId found = b.reduce(op, parts, axis + 1, false);
    if (op == Op::reduce_mean) return result(found);
    // The places count from the axis's beginning.
    const ValueId place = b.squeeze(b.add(Op::argmax, {parts}, {.axis = static_cast<int64_t>(axis + 1)}), axis + 1);
    const ValueId first = b.binary(Op::mul, b.iota(Extent::of(count)), b.full_int(*size, {}));
    return results({found, b.binary(Op::add, place, first)});
}

Value unfold(Call &call) {
    Builder &b = call.b;
    const ValueId x = call.id("self");
    const Windows windows{call.integer("size"), call.integer("step"), 1};
    std::vector<ValueId> slices = shifted(b, x, call.axis("dimension", b.rank(x)), windows);
    for (ValueId &slice : slices) slice = b.unsqueeze(slice, b.rank(x));
    return result(b.concat(slices, b.rank(x)));
}

}  // namespace

void add_convolutions(Registry &to) {
    const Entry entries[] = {
        {"aten::conv1d", "input weight bias stride padding dilation groups", &convolution},
        {"aten::_convolution_mode", "input weight bias stride padding dilation groups", &convolution},
        {"aten::_convolution", "input weight bias stride padding dilation transposed output_padding groups",
         &convolution},
        {"aten::convolution", "input weight bias stride padding dilation transposed output_padding groups",
         &convolution},
        {"aten::max_pool1d", "self kernel_size stride padding dilation ceil_mode", &largest_of_windows},
        {"aten::avg_pool1d", "self kernel_size stride padding ceil_mode count_include_pad", &mean_of_windows},
        {"aten::adaptive_avg_pool1d", "self output_size",
         [](Call &call) { return parts_of_axis(call, Op::reduce_mean); }},
        {"aten::adaptive_max_pool1d", "self output_size",
         [](Call &call) { return parts_of_axis(call, Op::reduce_max); }},
        {"aten::unfold", "self dimension size step", &unfold},
    };
    add(to, entries);
}

}  // namespace weighbridge::torch_plugin
