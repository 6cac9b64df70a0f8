// SPDX-License-Identifier: Apache-2.0
// LibTorch's fused attention and encoder layers, taken apart, and the nested tensors that they pass on.
#include <cmath>
#include <limits>

#include "torch/lower/call.hpp"

namespace weighbridge::torch_plugin {
namespace {

// True where a key may be seen, to broadcast with [batch, heads, length, length]. In the fused operators a mask that is
// true (or not 0) blocks. Types: 0 [length, length], 1 [batch, length], 2 already as wide.
std::optional<ValueId> seen(Call &call, const Tensor &x) {
    Builder &b = call.b;
    const int64_t type = call.integer("mask_type", 0);
    if (!call.has("mask")) {
        if (!x.kept) return std::nullopt;
        return b.unsqueeze(b.unsqueeze(*x.kept, 1), 1);
    }
    ValueId free = b.unary(Op::logical_not, b.cast(call.id("mask"), DType::boolean));
    if (type == 1 || b.shape(free)[0].batch) {
        while (b.rank(free) < 4) free = b.unsqueeze(free, 1);
    }
    if (b.all_true(free)) return std::nullopt;
    return free;
}

struct Attended {
    ValueId out;
    std::optional<ValueId> weights;
};

// Self-attention of x [batch, length, width] with packed projections, or of q, k and v.
Attended self_attention(Call &call, ValueId q, ValueId k, ValueId v, std::optional<ValueId> mask, bool want_weights) {
    Builder &b = call.b;
    const bool layer = call.find("num_heads") != nullptr;
    const Extent heads = call.size(layer ? "num_heads" : "num_head"), width = call.size("embed_dim");
    const auto depth = exact_quotient(width, heads);
    if (!depth) throw Unsupported{"heads that do not divide"};
    auto by_head = [&](ValueId x) {
        const Extents shape = b.shape(x);
        if (shape.size() != 3) throw Unsupported{"fused attention over " + to_string(shape)};
        return b.permute(b.reshape(x, {shape[0], shape[1], heads, *depth}), {0, 2, 1, 3});
    };
    ValueId parts[3];
    const ValueId weight = call.id("qkv_weight");
    const auto bias = call.optional_id("qkv_bias");
    if (q != k || k != v) throw Unsupported{"fused attention of different tensors"};
    const ValueId all = b.linear(q, weight, bias);
    for (size_t i = 0; i < 3; ++i)
        parts[i] = by_head(b.slice(all, 2, Extent::of(static_cast<int64_t>(i) * width.terms[0]), width));
    Attended done{0, std::nullopt};
    const double scale = 1 / std::sqrt(static_cast<double>(depth->terms[0]));
    ValueId mixed = 0;
    if (want_weights) {
        ValueId scores = b.binary(Op::mul, b.matmul(parts[0], b.transpose(parts[1])), b.full(scale, {}));
        if (mask) scores = b.where(*mask, scores, b.full(-std::numeric_limits<double>::infinity(), {}));
        done.weights = b.softmax(scores, 3);
        mixed = b.matmul(*done.weights, parts[2]);
    } else {
        mixed = attend(b, parts[0], parts[1], parts[2], mask, false, scale);
    }
    const Extents from = b.shape(q);
    mixed = b.reshape(b.permute(mixed, {0, 2, 1, 3}), from);
    done.out = b.linear(mixed, call.id("proj_weight"), call.optional_id("proj_bias"));
    return done;
}

Value attention(Call &call) {
    const TensorPtr q = call.tensor("query");
    const bool want = call.flag("need_weights"), average = call.flag("average_attn_weights", true);
    const Attended done =
        self_attention(call, plain(call.b, *q), call.id("key"), call.id("value"), seen(call, *q), want);
    Value weights;
    if (done.weights)
        weights = result(average ? call.b.reduce(Op::reduce_mean, *done.weights, 1, false) : *done.weights);
    TensorPtr out = tensor_of(done.out);
    out->kept = q->kept;
    return tuple_of({out, weights});
}

Value encoder_layer(Call &call) {
    Builder &b = call.b;
    const TensorPtr source = call.tensor("src");
    const bool before = call.flag("norm_first");
    const double epsilon = call.real("eps");
    auto norm = [&](ValueId x, const char *weight, const char *bias) {
        return b.layer_norm(x, 1, epsilon, call.optional_id(weight), call.optional_id(bias));
    };
    ValueId x = plain(b, *source);
    const ValueId first = before ? norm(x, "norm_weight_1", "norm_bias_1") : x;
    x = b.binary(Op::add, x, self_attention(call, first, first, first, seen(call, *source), false).out);
    if (!before) x = norm(x, "norm_weight_1", "norm_bias_1");
    const ValueId second = before ? norm(x, "norm_weight_2", "norm_bias_2") : x;
    ValueId inner = b.linear(second, call.id("ffn_weight_1"), call.optional_id("ffn_bias_1"));
    inner = call.flag("use_gelu") ? b.unary(Op::gelu, inner) : b.unary(Op::relu, inner);
    x = b.binary(Op::add, x, b.linear(inner, call.id("ffn_weight_2"), call.optional_id("ffn_bias_2")));
    if (!before) x = norm(x, "norm_weight_2", "norm_bias_2");
    TensorPtr out = tensor_of(x);
    out->kept = source->kept;
    return out;
}

// A nested tensor is kept whole, with the mask of its real places; only fused operators see it.
Value nested(Call &call) {
    const TensorPtr x = call.tensor("t");
    const ValueId mask = call.b.cast(call.id("mask"), DType::boolean);
    if (call.b.all_true(mask)) return x;
    auto made = std::make_shared<Tensor>(*x);
    made->kept = mask;
    return made;
}

Value padded(Call &call) {
    const TensorPtr x = call.tensor("self");
    const double padding = call.real("padding");
    if (call.has("output_size") && call.sizes("output_size") != shape_of(call.b, *x))
        throw Unsupported{"pads to " + to_string(call.sizes("output_size")) + ", found " +
                          to_string(shape_of(call.b, *x))};
    if (!x->kept) return x;
    const ValueId mask = call.b.unsqueeze(*x->kept, 2);
    return result(call.b.where(mask, plain(call.b, *x), call.b.full(padding, {})));
}

}  // namespace

void add_encoders(Registry &to) {
    const Entry entries[] = {
        {"aten::_native_multi_head_attention",
         "query key value embed_dim num_head qkv_weight qkv_bias proj_weight proj_bias mask need_weights "
         "average_attn_weights mask_type",
         &attention},
        {"aten::_transformer_encoder_layer_fwd",
         "src embed_dim num_heads qkv_weight qkv_bias proj_weight proj_bias use_gelu norm_first eps norm_weight_1 "
         "norm_bias_1 norm_weight_2 norm_bias_2 ffn_weight_1 ffn_bias_1 ffn_weight_2 ffn_bias_2 mask mask_type",
         &encoder_layer},
        {"aten::_nested_tensor_from_mask", "t mask", &nested},
        {"aten::to_padded_tensor", "self padding output_size", &padded},
        {"aten::nested_to_padded_tensor", "self padding output_size", &padded},
    };
    add(to, entries);
}

}  // namespace weighbridge::torch_plugin
