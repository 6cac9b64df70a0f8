// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "torch/lower/value.hpp"

namespace weighbridge::torch_plugin {

// What is known of a value's elements besides their type. Of ints and bools: all within [least, most]. `uniform`: every
// element is `number` (float32), or least == most (int64, bool).
struct Known {
    bool bounded = false;
    Extent least, most;
    bool uniform = false;
    double number = 0.0;
};

// Appends to a graph: the same operator on the same operands is there once, and what is uniform (the mask of real
// positions, and all that follows from it) becomes a `full`. Methods throw Unsupported where lib/graph refuses.
class Builder {
  public:
    explicit Builder(lib::Graph &graph) : graph_(graph) {}

    std::string origin;  // of the nodes added next

    ValueId add(Op op, std::vector<ValueId> operands, lib::Attributes attributes = {});
    // By value: nodes move as others are added.
    lib::Type type(ValueId id) const { return graph_.type(id); }
    Extents shape(ValueId id) const { return graph_.type(id).shape; }
    DType dtype(ValueId id) const { return graph_.type(id).dtype; }
    size_t rank(ValueId id) const { return graph_.type(id).rank(); }
    Known known(ValueId id) const { return known_.at(id); }
    bool all_true(ValueId id) const;
    bool all_false(ValueId id) const;
    const lib::Graph &graph() const { return graph_; }

    // Sources. `value` of ints: an extent without rows.
    ValueId input(int64_t index, DType dtype, Extents shape);
    ValueId constant(const std::shared_ptr<const Folded> &folded);
    ValueId constant(DType dtype, std::vector<int64_t> shape, const void *elements);
    ValueId full(double value, Extents shape, DType dtype = DType::float32);
    ValueId full_int(Extent value, Extents shape);
    ValueId iota(Extent size) { return add(Op::iota, {}, {{}, {}, {size}}); }
    ValueId floats(const std::vector<double> &values);  // float32 [n]

    // Element by element.
    ValueId unary(Op op, ValueId x) { return add(op, {x}); }
    ValueId binary(Op op, ValueId a, ValueId b);
    ValueId where(ValueId condition, ValueId a, ValueId b);
    ValueId cast(ValueId x, DType dtype);
    ValueId clamp(ValueId x, double least, double most) { return add(Op::clamp, {x}, {{}, {least, most}, {}}); }

    // Layout.
    ValueId reshape(ValueId x, Extents shape);
    ValueId permute(ValueId x, const std::vector<size_t> &order);
    ValueId slice(ValueId x, size_t axis, Extent start, Extent size, int64_t step = 1);
    ValueId expand(ValueId x, const Extents &shape);  // leading axes of 1 are added
    ValueId concat(const std::vector<ValueId> &parts, size_t axis);
    ValueId unsqueeze(ValueId x, size_t axis);
    ValueId squeeze(ValueId x, size_t axis);
    ValueId move_axis(ValueId x, size_t from, size_t to);

    // Along axes.
    ValueId reduce(Op op, ValueId x, size_t axis, bool keep);
    ValueId softmax(ValueId x, size_t axis);
    ValueId layer_norm(ValueId x, size_t axes, double epsilon, std::optional<ValueId> scale,
                       std::optional<ValueId> shift);  // over the last `axes`

    // Products. A constant second factor of rank 2 makes a linear.
    ValueId matmul(ValueId a, ValueId b);
    ValueId linear(ValueId x, ValueId weights, std::optional<ValueId> bias);  // weights [n, k], constant or not
    ValueId transpose(ValueId x);                                             // the last two axes; constants as data

    // Raises the least length to the first from which `extent` >= 0 for all longer ones; throws where there is none.
    void require_nonnegative(const Extent &extent, const std::string &what);
    int64_t least_length() const { return graph_.least_length; }
    int64_t largest_length() const { return graph_.largest_length; }

  private:
    ValueId keep(Op op, std::vector<ValueId> operands, lib::Attributes attributes);
    std::optional<Known> foresee(Op op, const std::vector<ValueId> &operands, const lib::Attributes &attributes,
                                 const lib::Type &type) const;
    std::optional<ValueId> simplify(Op op, const std::vector<ValueId> &operands, const lib::Attributes &attributes);

    lib::Graph &graph_;
    std::vector<Known> known_;
    std::map<std::string, ValueId> seen_;
    struct ConstantKey {
        std::shared_ptr<const Folded> folded;
        int64_t version;
        ValueId id;
    };
    std::unordered_map<const Folded *, ConstantKey> folded_;
    std::unordered_map<ValueId, ValueId> transposed_;
};

// For every rows >= 1 and every length in [least, most]: the smallest and greatest value, nullopt for no bound.
struct Bounds {
    std::optional<int64_t> least, most;
};
Bounds bounds_of(const Extent &extent, int64_t least_length, int64_t largest_length);

// The comparison of two sizes where it comes out alike for every rows and length: a < b, a <= b, a == b.
enum class Comparison { less, less_equal, equal };
std::optional<bool> decide(Comparison comparison, const Extent &a, const Extent &b, int64_t least_length,
                           int64_t largest_length);

}  // namespace weighbridge::torch_plugin
