// SPDX-License-Identifier: Apache-2.0
// Embeddings, bags of them, and numbers sorted into buckets.
#include "torch/lower/call.hpp"

namespace weighbridge::torch_plugin {
namespace {

Value embedding(Call &call) {
    const TensorPtr ids = call.tensor("indices");
    const ValueId table = call.id("weight");
    return tensor_of(call.b.add(Op::embedding, {table, call.b.cast(apart(call.b, *ids), DType::int64)}), ids->merged);
}

// [batch, n] ids, or ids of rows one after another with offsets 0, n, 2 n, ...
ValueId bag_ids(Call &call) {
    const ValueId ids = call.b.cast(call.id("indices"), DType::int64);
    if (call.b.rank(ids) != 1) return ids;
    const TensorPtr offsets = call.tensor("offsets");
    if (offsets->kind != Tensor::Kind::row_index || offsets->rows.shape.size() != 1)
        throw Unsupported{"bags at offsets that depend on data; give ids of two axes"};
    if (call.flag("include_last_offset")) throw Unsupported{"include_last_offset"};
    return call.b.reshape(ids, {offsets->rows.shape[0], offsets->rows.times});
}

Value embedding_bag(Call &call) {
    Builder &b = call.b;
    const ValueId table = call.id("weight"), ids = bag_ids(call);
    const int64_t mode = call.integer("mode", 0);
    int64_t padding = call.integer("padding_idx", -1);
    if (call.has("padding_idx") && padding < 0) padding += b.shape(table)[0].terms[0];  // from the table's end
    if (b.rank(ids) != 2) throw Unsupported{"bags of " + std::to_string(b.rank(ids)) + " axes"};
    ValueId x = b.add(Op::embedding, {table, ids});  // [batch, n, d]
    std::optional<ValueId> counts;
    if (call.has("per_sample_weights")) {
        const ValueId weights = b.reshape(call.float_id("per_sample_weights"), b.shape(ids));
        x = b.binary(Op::mul, x, b.unsqueeze(weights, 2));
    }
    std::optional<ValueId> real;
    if (padding >= 0) real = b.unsqueeze(b.binary(Op::not_equal, ids, b.full_int(Extent::of(padding), {})), 2);
    if (mode == 2) {
        if (real) throw Unsupported{"the largest of a bag with padding"};
        return tuple_of({result(b.reduce(Op::reduce_max, x, 1, false)), Value(), Value(), Value()});
    }
    if (real) x = b.where(*real, x, b.full(0, {}));
    ValueId sum = b.reduce(Op::reduce_sum, x, 1, false);
    if (mode == 1) {
        if (real) {
            const ValueId ones =
                b.cast(b.reduce(Op::reduce_sum, b.cast(*real, DType::int64), 1, false), DType::float32);
            sum = b.binary(Op::div, sum, b.clamp(ones, 1, static_cast<double>(lib::kMaxElements)));
        } else {
            const ValueId size = b.binary(Op::maximum, b.full_int(b.shape(ids)[1], {}), b.full_int(Extent::of(1), {}));
            sum = b.binary(Op::div, sum, b.cast(size, DType::float32));
        }
    }
    return tuple_of({result(sum), Value(), Value(), Value()});
}

Value one_hot(Call &call) {
    Builder &b = call.b;
    const int64_t classes = call.integer("num_classes", -1);
    if (classes <= 0) throw Unsupported{"one_hot without num_classes"};
    const ValueId x = call.id("self");
    return result(b.cast(b.binary(Op::equal, b.unsqueeze(x, b.rank(x)), b.iota(Extent::of(classes))), DType::int64));
}

// How many boundaries lie below (right: at or below), which is where a sorted list takes x.
Value buckets(Call &call) {
    Builder &b = call.b;
    const bool search = call.find("sorted_sequence") != nullptr;
    bool right = call.flag("right");
    if (call.has("side")) right = call.text("side") == "right";
    const TensorPtr limits = call.tensor(search ? "sorted_sequence" : "boundaries");
    const ValueId x = call.float_id("self");
    const ValueId boundaries = b.cast(apart(b, *limits), DType::float32);
    if (b.rank(boundaries) == 1) return result(b.add(Op::bucketize, {x, boundaries}, {.right = right}));
    const ValueId wide = b.unsqueeze(x, b.rank(x)), list = b.unsqueeze(boundaries, b.rank(boundaries) - 1);
    // Behind all where x is NaN.
    const ValueId below = b.unary(Op::logical_not, b.binary(right ? Op::greater : Op::greater_equal, list, wide));
    return result(b.reduce(Op::reduce_sum, b.cast(below, DType::int64), b.rank(below) - 1, false));
}

}  // namespace

void add_look_ups(Registry &to) {
    const Entry entries[] = {
        {"aten::embedding", "weight indices", &embedding},
        {"aten::embedding_bag", "weight indices offsets mode per_sample_weights include_last_offset padding_idx",
         &embedding_bag},
        {"aten::one_hot", "self num_classes", &one_hot},
        {"aten::bucketize", "self boundaries right", &buckets},
        {"aten::searchsorted", "sorted_sequence self right side sorter=", &buckets},
    };
    add(to, entries);
}

}  // namespace weighbridge::torch_plugin
