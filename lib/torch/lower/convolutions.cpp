// SPDX-License-Identifier: Apache-2.0
// Convolutions along one to three axes: a product with slices that are shifted; and windows of a history.
#include <algorithm>
#include <cstdlib>

#include "torch/lower/formula.hpp"
#include "torch/lower/windows.hpp"

namespace weighbridge::torch_plugin {
namespace {

// Constant weights [out, in / groups, taps].
struct Kernel {
    int64_t outputs, inputs, taps, groups;
    std::vector<float> weights;

    float &at(int64_t out, int64_t in, int64_t tap) {
        return weights[static_cast<size_t>((out * inputs + in) * taps + tap)];
    }
};

int64_t product_of(const std::vector<int64_t> &sizes, size_t from) {
    int64_t whole = 1;
    for (size_t i = from; i < sizes.size(); ++i) whole *= sizes[i];
    return whole;
}

const lib::Constant &constant_weights(const Builder &b, ValueId weight, size_t axes) {
    if (b.graph().node(weight).op != Op::constant || b.dtype(weight) != DType::float32)
        throw Unsupported{"a convolution whose weights are no constant"};
    if (b.rank(weight) != axes + 2)
        throw Unsupported{"a convolution whose weights have " + std::to_string(b.rank(weight)) + " axes"};
    return b.graph().constant_of(weight);
}

Kernel kernel_of(const Builder &b, ValueId weight, size_t axes, int64_t groups) {
    const lib::Constant &from = constant_weights(b, weight, axes);
    Kernel kernel{from.shape[0], from.shape[1], product_of(from.shape, 2), groups, {}};
    kernel.weights.assign(from.as<float>(), from.as<float>() + product_of(from.shape, 0));
    return kernel;
}

// That of a transposed convolution, [in, out / groups, taps]: seen from the outputs, and from the last tap.
Kernel turned_kernel(const Builder &b, ValueId weight, size_t axes, int64_t groups) {
    const lib::Constant &from = constant_weights(b, weight, axes);
    if (groups < 1 || from.shape[0] % groups != 0) throw Unsupported{"groups that do not divide the channels"};
    const int64_t in = from.shape[0] / groups, out = from.shape[1];
    Kernel kernel{out * groups, in, product_of(from.shape, 2), groups, {}};
    kernel.weights.resize(static_cast<size_t>(product_of(from.shape, 0)));
    for (int64_t g = 0; g < groups; ++g)
        for (int64_t i = 0; i < in; ++i)
            for (int64_t o = 0; o < out; ++o)
                for (int64_t t = 0; t < kernel.taps; ++t)
                    kernel.at(g * out + o, i, kernel.taps - 1 - t) =
                        from.as<float>()[((g * in + i) * out + o) * kernel.taps + t];
    return kernel;
}

// [outputs of a group, taps * inputs]
ValueId weights_by_tap(Builder &b, Kernel &kernel, int64_t group) {
    const int64_t count = kernel.outputs / kernel.groups;
    std::vector<float> turned;
    for (int64_t o = group * count; o < (group + 1) * count; ++o)
        for (int64_t t = 0; t < kernel.taps; ++t)
            for (int64_t i = 0; i < kernel.inputs; ++i) turned.push_back(kernel.at(o, i, t));
    return b.constant(DType::float32, {count, kernel.taps * kernel.inputs}, turned.data());
}

// One filter a channel: a sum of products element by element.
ValueId by_channel(Builder &b, const std::vector<ValueId> &slices, Kernel &kernel) {
    std::optional<Term> sum;
    for (size_t t = 0; t < slices.size(); ++t) {
        std::vector<double> tap;
        for (int64_t o = 0; o < kernel.outputs; ++o) tap.push_back(kernel.at(o, 0, static_cast<int64_t>(t)));
        const Term product = Term{&b, slices[t]} * Term{&b, b.floats(tap)};
        sum = sum ? *sum + product : product;
    }
    return sum->id;
}

// x [batch, places ..., in] to [batch, windows ..., out].
ValueId convolved(Builder &b, ValueId x, Kernel &kernel, std::optional<ValueId> bias,
                  const std::vector<Windows> &windows) {
    const size_t last = b.rank(x) - 1;
    if (kernel.groups < 1 || kernel.outputs % kernel.groups != 0 || !b.shape(x)[last].is(kernel.inputs * kernel.groups))
        throw Unsupported{"a convolution of " + std::to_string(kernel.inputs) + " channels in " +
                          std::to_string(kernel.groups) + " groups over " + to_string(b.shape(x))};
    if (kernel.inputs == 1 && kernel.outputs == kernel.groups && kernel.groups > 1) {
        const ValueId sum = by_channel(b, shifted(b, x, 1, windows), kernel);
        return bias ? b.binary(Op::add, sum, *bias) : sum;
    }
    std::vector<ValueId> parts;
    for (int64_t g = 0; g < kernel.groups; ++g) {
        const ValueId own =
            kernel.groups == 1 ? x : b.slice(x, last, Extent::of(g * kernel.inputs), Extent::of(kernel.inputs));
        const std::vector<ValueId> slices = shifted(b, own, 1, windows);
        const ValueId wide = slices.size() == 1 ? slices[0] : b.concat(slices, last);
        parts.push_back(b.linear(wide, weights_by_tap(b, kernel, g), kernel.groups == 1 ? bias : std::nullopt));
    }
    if (kernel.groups == 1) return parts[0];
    const ValueId whole = b.concat(parts, last);
    return bias ? b.binary(Op::add, whole, *bias) : whole;
}

// What a convolution is asked for, along each of its axes.
struct Asked {
    std::vector<Windows> windows;
    std::vector<int64_t> before, after;
};
Asked asked_of(const Call &call, const lib::Constant &weight) {
    const size_t axes = weight.shape.size() - 2;
    const auto strides = for_axes(call, "stride", axes, 1), dilations = for_axes(call, "dilation", axes, 1);
    Asked asked;
    for (size_t i = 0; i < axes; ++i) {
        asked.windows.push_back({weight.shape[i + 2], strides[i], dilations[i]});
        require_small(asked.windows.back());
    }
    if (!call.find("padding") || !call.at("padding").is<std::string>()) {
        asked.before = asked.after = for_axes(call, "padding", axes, 0);
        return asked;
    }
    const std::string mode = call.text("padding");
    if (mode != "same" && mode != "valid") throw Unsupported{"padding '" + mode + "'"};
    for (const Windows &along : asked.windows) {
        const int64_t missing = mode == "same" ? along.dilation * (along.taps - 1) : 0;
        asked.before.push_back(missing / 2);
        asked.after.push_back(missing - missing / 2);
    }
    return asked;
}

// x with `stride` - 1 zeros between its places along an axis.
ValueId spread_out(Builder &b, ValueId x, size_t axis, int64_t stride) {
    if (stride == 1) return x;
    const Extent size = b.shape(x)[axis];
    const ValueId wide = padded(b, b.unsqueeze(x, axis + 1), axis + 1, 0, stride - 1, 0);
    Extents shape = b.shape(x);
    const auto whole = size * Extent::of(stride);
    if (!whole) throw Unsupported{"a transposed convolution along " + to_string(size)};
    shape[axis] = *whole;
    b.require_nonnegative(*(size - Extent::of(1)), "an axis that is not empty");
    return b.slice(b.reshape(wide, shape), axis, Extent::of(0), *(*whole - Extent::of(stride - 1)));
}

// A transposed convolution is one of windows that move by one over what is spread out.
ValueId spread_for(Call &call, ValueId x, Asked &asked) {
    Builder &b = call.b;
    const auto more = for_axes(call, "output_padding", asked.windows.size(), 0);
    for (size_t i = 0; i < asked.windows.size(); ++i) {
        Windows &along = asked.windows[i];
        x = spread_out(b, x, i + 1, along.stride);
        const int64_t edge = along.dilation * (along.taps - 1) - std::max<int64_t>(asked.before[i], 0);
        if (edge < 0 || asked.before[i] < 0 || std::abs(more[i]) > along.stride * along.dilation)
            throw Unsupported{"a transposed convolution that is padded by more than its windows"};
        asked.before[i] = edge;
        asked.after[i] = edge + more[i];
        along.stride = 1;
    }
    return x;
}

Value convolution(Call &call, bool transposed) {
    Builder &b = call.b;
    const ValueId x = call.float_id("input"), weight = call.id("weight");
    const size_t axes = b.rank(weight) < 3 ? 0 : b.rank(weight) - 2;
    if (axes < 1 || axes > 3 || b.rank(x) != axes + 2)
        throw Unsupported{"a convolution of " + to_string(b.shape(weight)) + " over " + to_string(b.shape(x)) +
                          "; give [batch, channels, places]"};
    if (b.shape(x)[1].batch) throw Unsupported{"mixes rows: convolves them"};
    const int64_t groups = call.integer("groups", 1);
    Kernel kernel = transposed ? turned_kernel(b, weight, axes, groups) : kernel_of(b, weight, axes, groups);
    Asked asked = asked_of(call, constant_weights(b, weight, axes));
    ValueId places = b.move_axis(x, 1, axes + 1);
    if (transposed)
        places = spread_for(call, places, asked);
    else if (call.find("output_padding"))
        for (int64_t one : call.integers("output_padding"))
            if (one != 0) throw Unsupported{"output_padding of a convolution that is not transposed"};
    for (size_t i = 0; i < axes; ++i) places = padded(b, places, i + 1, asked.before[i], asked.after[i], 0);
    const ValueId found = convolved(b, places, kernel, call.optional_id("bias"), asked.windows);
    return result(b.move_axis(found, axes + 1, 1));
}

Value plain_convolution(Call &call) { return convolution(call, call.flag("transposed")); }
Value transposed_convolution(Call &call) { return convolution(call, true); }

// x [places, batch, in], weight [taps, in, out], padded by `pad`.
Value places_first(Call &call) {
    Builder &b = call.b;
    const ValueId x = call.float_id("self"), weight = call.id("weight");
    const lib::Constant &from = constant_weights(b, weight, 1);
    Kernel kernel{from.shape[2], from.shape[1], from.shape[0], 1, {}};
    kernel.weights.resize(static_cast<size_t>(product_of(from.shape, 0)));
    for (int64_t t = 0; t < kernel.taps; ++t)
        for (int64_t i = 0; i < kernel.inputs; ++i)
            for (int64_t o = 0; o < kernel.outputs; ++o)
                kernel.at(o, i, t) = from.as<float>()[(t * kernel.inputs + i) * kernel.outputs + o];
    if (b.rank(x) != 3 || b.shape(x)[0].batch) throw Unsupported{"a convolution over " + to_string(b.shape(x))};
    const int64_t pad = call.integer("pad", 0);
    const ValueId places = padded(b, b.permute(x, {1, 0, 2}), 1, pad, pad, 0);
    return result(b.permute(convolved(b, places, kernel, call.optional_id("bias"), {{kernel.taps}}), {1, 0, 2}));
}

Value unfold(Call &call) {
    Builder &b = call.b;
    const ValueId x = call.id("self");
    const Windows windows{call.integer("size"), call.integer("step"), 1};
    std::vector<ValueId> slices = shifted(b, x, call.axis("dimension", b.rank(x)), {windows});
    for (ValueId &slice : slices) slice = b.unsqueeze(slice, b.rank(x));
    return result(b.concat(slices, b.rank(x)));
}

// [batch, channels, height, width] to [batch, channels * places of a window, windows].
Value windows_as_columns(Call &call) {
    Builder &b = call.b;
    ValueId x = call.float_id("self");
    if (b.rank(x) != 4 || b.shape(x)[1].batch) throw Unsupported{"windows of " + to_string(b.shape(x))};
    const auto taps = for_axes(call, "kernel_size", 2, 1), strides = for_axes(call, "stride", 2, 1);
    const auto dilations = for_axes(call, "dilation", 2, 1), edges = for_axes(call, "padding", 2, 0);
    std::vector<Windows> windows;
    for (size_t i = 0; i < 2; ++i) {
        x = padded(b, x, i + 2, edges[i], edges[i], 0);
        windows.push_back({taps[i], strides[i], dilations[i]});
    }
    std::vector<ValueId> slices = shifted(b, x, 2, windows);
    for (ValueId &slice : slices) slice = b.unsqueeze(slice, 2);
    const ValueId all = b.concat(slices, 2);
    const Extents shape = b.shape(all);
    const auto count = shape[3] * shape[4];
    if (!count) throw Unsupported{"windows of " + to_string(shape)};
    return result(b.reshape(all, {shape[0], *(shape[1] * shape[2]), *count}));
}

}  // namespace

void add_convolutions(Registry &to) {
    constexpr const char *kPlain = "input weight bias stride padding dilation groups";
    constexpr const char *kTransposed = "input weight bias stride padding output_padding groups dilation";
    constexpr const char *kAny = "input weight bias stride padding dilation transposed output_padding groups";
    const Entry entries[] = {
        {"aten::conv1d", kPlain, &plain_convolution},
        {"aten::conv2d", kPlain, &plain_convolution},
        {"aten::conv3d", kPlain, &plain_convolution},
        {"aten::_convolution_mode", kPlain, &plain_convolution},
        {"aten::_convolution", kAny, &plain_convolution},
        {"aten::convolution", kAny, &plain_convolution},
        {"aten::conv_transpose1d", kTransposed, &transposed_convolution},
        {"aten::conv_transpose2d", kTransposed, &transposed_convolution},
        {"aten::conv_transpose3d", kTransposed, &transposed_convolution},
        {"aten::conv_tbc", "self weight bias pad", &places_first},
        {"aten::unfold", "self dimension size step", &unfold},
        {"aten::im2col", "self kernel_size dilation padding stride", &windows_as_columns},
    };
    add(to, entries);
}

}  // namespace weighbridge::torch_plugin
