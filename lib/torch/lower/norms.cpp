// SPDX-License-Identifier: Apache-2.0
// Batch, layer, group and root-mean-square normalisation.
#include <cmath>

#include "torch/lower/call.hpp"

namespace weighbridge::torch_plugin {
namespace {

std::optional<std::vector<double>> numbers(const Call &call, const char *argument) {
    if (!call.has(argument)) return std::nullopt;
    const TensorPtr tensor = call.tensor(argument);
    if (tensor->kind != Tensor::Kind::folded) throw Unsupported{std::string("'") + argument + "' is no constant"};
    return tensor->folded->numbers();
}

// A constant [n] along axis 1 of `rank` axes.
ValueId along_channels(Builder &b, const std::vector<double> &values, size_t rank) {
    const ValueId line = b.floats(values);
    Extents shape(rank > 1 ? rank - 1 : 1, Extent::of(1));
    shape[0] = b.shape(line)[0];
    return rank <= 2 ? line : b.reshape(line, shape);
}

ValueId scaled(Builder &b, ValueId x, const std::vector<double> &scale, const std::vector<double> &shift) {
    const size_t rank = b.rank(x);
    return b.binary(Op::add, b.binary(Op::mul, x, along_channels(b, scale, rank)), along_channels(b, shift, rank));
}

// (x - mean) / sqrt(var + epsilon) * weight + bias as a multiplication and an addition, both computed in double.
Value batch_norm(Call &call) {
    if (call.find("training") && call.flag("training"))
        throw Unsupported{"batch normalisation by the batch's own statistics"};
    const TensorPtr x = call.tensor("input");
    const auto mean = numbers(call, "running_mean"), var = numbers(call, "running_var");
    const auto weight = numbers(call, "weight"), bias = numbers(call, "bias");
    if (!mean || !var) throw Unsupported{"batch normalisation by the batch's own statistics"};
    const double epsilon = call.real("eps");
    for (const auto &list : {var, weight, bias})
        if (list && list->size() != mean->size()) throw Unsupported{"statistics of different sizes"};
    std::vector<double> scale(mean->size()), shift(mean->size());
    for (size_t i = 0; i < scale.size(); ++i) {
        scale[i] = (weight ? (*weight)[i] : 1.0) / std::sqrt((*var)[i] + epsilon);
        shift[i] = (bias ? (*bias)[i] : 0.0) - (*mean)[i] * scale[i];
    }
    const Extents shape = shape_of(call.b, *x);
    const size_t rank = shape.size();
    const Aligned first = align(call.b, {x, tensor_of(along_channels(call.b, scale, rank))});
    const TensorPtr product = tensor_of(call.b.binary(Op::mul, first.ids[0], first.ids[1]), first.merged);
    const Aligned second = align(call.b, {product, tensor_of(along_channels(call.b, shift, rank))});
    const Value done = tensor_of(call.b.binary(Op::add, second.ids[0], second.ids[1]), second.merged);
    return done;
}

Value layer_norm(Call &call) {
    const TensorPtr x = call.tensor("input");
    const size_t axes = call.sizes("normalized_shape").size();
    if (x->merged && *x->merged + axes >= shape_of(call.b, *x).size())
        throw Unsupported{"mixes rows: normalises over them"};
    const ValueId done = call.b.layer_norm(apart(call.b, *x), axes, call.real("eps"), call.optional_id("weight"),
                                           call.optional_id("bias"));
    if (call.outputs > 1) return tuple_of({tensor_of(done, x->merged), Value(), Value()});
    return tensor_of(done, x->merged);
}

// Over the last axes of [..., width], whatever the width.
ValueId normalised(Builder &b, ValueId x, double epsilon) {
    const size_t last = b.rank(x) - 1;
    if (b.shape(x)[last].known()) return b.layer_norm(x, 1, epsilon, std::nullopt, std::nullopt);
    const ValueId gap = b.binary(Op::sub, x, b.reduce(Op::reduce_mean, x, last, true));
    const ValueId var = b.reduce(Op::reduce_mean, b.unary(Op::square, gap), last, true);
    return b.binary(Op::mul, gap, b.unary(Op::rsqrt, b.binary(Op::add, var, b.full(epsilon, {}))));
}

Value grouped(Call &call, const Extent &groups, const char *epsilon) {
    Builder &b = call.b;
    const ValueId x = call.id("input");
    const Extents shape = b.shape(x);
    if (shape.size() < 2) throw Unsupported{"normalises " + to_string(shape)};
    const auto whole = lib::product(Extents(shape.begin() + 1, shape.end()));
    const auto width = whole ? exact_quotient(*whole, groups) : std::nullopt;
    if (!width) throw Unsupported{"groups of " + to_string(shape)};
    const ValueId done = b.reshape(normalised(b, b.reshape(x, {shape[0], groups, *width}), call.real(epsilon)), shape);
    const auto weight = numbers(call, "weight"), bias = numbers(call, "bias");
    const auto channels = static_cast<size_t>(shape[1].terms[0]);
    if (!weight && !bias) return result(done);
    return result(scaled(b, done, weight.value_or(std::vector<double>(channels, 1.0)),
                         bias.value_or(std::vector<double>(channels, 0.0))));
}

Value rms_norm(Call &call) {
    Builder &b = call.b;
    const TensorPtr tensor = call.tensor("input");
    const ValueId x = plain(b, *tensor);
    std::vector<size_t> axes;
    const size_t count = call.sizes("normalized_shape").size();
    if (count > b.rank(x)) throw Unsupported{"normalises more axes than there are"};
    for (size_t i = 0; i < count; ++i) axes.push_back(b.rank(x) - count + i);
    const double epsilon = call.real("eps", 1.1920928955078125e-07);  // of float32
    const ValueId mean = reduce_axes(b, Op::reduce_mean, b.unary(Op::square, x), axes, true);
    const ValueId done = b.binary(Op::mul, x, b.unary(Op::rsqrt, b.binary(Op::add, mean, b.full(epsilon, {}))));
    const auto weight = call.optional_id("weight");
    return result(weight ? b.binary(Op::mul, done, *weight) : done);
}

}  // namespace

void add_norms(Registry &to) {
    const Entry entries[] = {
        {"aten::batch_norm", "input weight bias running_mean running_var training eps", &batch_norm},
        {"aten::native_group_norm", "input weight bias group eps",
         [](Call &call) {
             return tuple_of({grouped(call, call.size("group"), "eps"), Value(), Value()});
         }},
        {"aten::layer_norm", "input normalized_shape weight bias eps", &layer_norm},
        {"aten::native_layer_norm", "input normalized_shape weight bias eps", &layer_norm},
        {"aten::rms_norm", "input normalized_shape weight eps", &rms_norm},
        {"aten::group_norm", "input num_groups weight bias eps",
         [](Call &call) { return grouped(call, call.size("num_groups"), "eps"); }},
        {"aten::instance_norm", "input weight bias running_mean running_var use_input_stats eps",
         [](Call &call) {
             if (!call.flag("use_input_stats")) return batch_norm(call);
             for (const char *unread : {"running_mean", "running_var"})
                 if (call.find(unread)) call.at(unread);
             return grouped(call, shape_of(call.b, *call.tensor("input")).at(1), "eps");
         }},
    };
    add(to, entries);
}

}  // namespace weighbridge::torch_plugin
