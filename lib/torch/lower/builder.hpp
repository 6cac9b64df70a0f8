// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "graph/passes/known.hpp"
#include "torch/lower/value.hpp"

namespace weighbridge::torch_plugin {

using lib::bounds_of, lib::Comparison, lib::decide, lib::Known;

// Appends to a graph. What the passes' analysis knows to be the same everywhere (the mask of real positions, and all
// that follows from it) becomes a `full`, and what repeats an operand that operand: lowerings look at what they are
// given. Methods throw Unsupported where lib/graph refuses.
class Builder {
  public:
    // A round of an unrolled loop that shorter sequences do not reach. What is made in it is right for those that do;
    // for the others it is anything, but fails no run.
    struct Round {
        ValueId reached;       // a bool of rank 0
        int64_t least_length;  // that reaches it
    };

    explicit Builder(lib::Graph &graph) : graph_(graph), knowledge_(graph) {}

    std::string origin;          // of the nodes added next
    std::optional<Round> round;  // that they are of

    ValueId add(Op op, std::vector<ValueId> operands, lib::Attributes attributes = {});
    // By value: nodes move as others are added.
    lib::Type type(ValueId id) const { return graph_.type(id); }
    Extents shape(ValueId id) const { return graph_.type(id).shape; }
    DType dtype(ValueId id) const { return graph_.type(id).dtype; }
    size_t rank(ValueId id) const { return graph_.type(id).rank(); }
    Known known(ValueId id) { return knowledge_.of(id); }
    bool all_true(ValueId id) { return dtype(id) == DType::boolean && knowledge_.is(id, 1); }
    bool all_false(ValueId id) { return dtype(id) == DType::boolean && knowledge_.is(id, 0); }
    const lib::Graph &graph() const { return graph_; }

    // Sources. `value` of ints: an extent without rows.
    ValueId input(int64_t index, DType dtype, Extents shape);
    ValueId constant(const std::shared_ptr<const Folded> &folded);
    ValueId rounded(ValueId constant);  // of float64, to float32
    ValueId constant(DType dtype, std::vector<int64_t> shape, const void *elements);
    ValueId full(double value, Extents shape, DType dtype = DType::float32);
    ValueId full_int(Extent value, Extents shape);
    ValueId iota(Extent size) { return add(Op::iota, {}, {.size = size}); }
    ValueId floats(const std::vector<double> &values);  // float32 [n]

    // Element by element. A number of rank 0 that a formula writes as float32 is float64 beside one.
    ValueId unary(Op op, ValueId x) { return add(op, {x}); }
    ValueId binary(Op op, ValueId a, ValueId b);
    ValueId where(ValueId condition, ValueId a, ValueId b);
    ValueId cast(ValueId x, DType dtype);
    ValueId clamp(ValueId x, double least, double most) {
        return add(Op::clamp, {x}, {.least = least, .largest = most});
    }

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

    // From here on a row's bool [rows] has to be true, or else the row is refused with the text.
    void require(ValueId holds, std::string text);
    // A result, as it is where all that was required holds.
    ValueId required(ValueId result);
    // Places in a table, of an argument, after what was required: a guard speaks before a look-up outside its table.
    ValueId required_places(ValueId places);

    // Raises the least length to the first from which `extent` >= 0 for all longer ones; throws where there is none.
    void require_nonnegative(const Extent &extent, const std::string &what);
    void require_a_place();  // of every sequence
    // Of what is being made: in a round, of the sequences that reach it.
    int64_t least_length() const { return round ? round->least_length : graph_.least_length; }
    int64_t largest_length() const { return graph_.largest_length; }

  private:
    ValueId product_of_doubles(ValueId a, ValueId b);
    void keep_from_failing(Op op, std::vector<ValueId> &operands, const lib::Attributes &attributes);
    bool is_inside(const Extent &start, const Extent &size, const Extent &whole, int64_t step) const;
    ValueId padded_slice(ValueId x, size_t axis, const Extent &start, const Extent &size, int64_t step);
    ValueId append(Op op, std::vector<ValueId> operands, lib::Attributes attributes);

    lib::Graph &graph_;
    lib::Knowledge knowledge_;
    struct ConstantKey {
        std::shared_ptr<const Folded> folded;
        int64_t version;
        ValueId id;
    };
    std::unordered_map<const Folded *, ConstantKey> folded_;
    std::unordered_map<ValueId, ValueId> transposed_, rounded_;
    std::map<std::tuple<ValueId, size_t, bool>, ValueId> padded_;  // by value, axis and whether zeros come first
    std::vector<std::pair<ValueId, std::string>> requirements_;
};

}  // namespace weighbridge::torch_plugin
