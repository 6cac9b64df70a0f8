// SPDX-License-Identifier: Apache-2.0
// What is known before a payment comes: arithmetic on constants, and values whose elements are all the same.
#include <algorithm>
#include <cmath>
#include <map>

#include "base/numerics.hpp"
#include "graph/dense.hpp"
#include "graph/passes/rewrite.hpp"

namespace weighbridge::lib {
namespace {

constexpr int64_t kLargestFold = int64_t{1} << 22;  // elements; more stays computed

bool folds_by_function(Op op) {
    switch (op) {
        case Op::exp:
        case Op::log:
        case Op::log1p:
        case Op::sqrt:
        case Op::rsqrt:
        case Op::reciprocal:
        case Op::sin:
        case Op::cos:
        case Op::tanh:
        case Op::sigmoid:
        case Op::erf:
        case Op::relu:
            return true;
        default:
            return false;
    }
}

// In double, rounded once.
float function(Op op, float value) {
    const auto x = static_cast<double>(value);
    switch (op) {
        case Op::exp:
            return numerics::exp(value);
        case Op::log:
            return numerics::log(value);
        case Op::log1p:
            return numerics::log1p(value);
        case Op::sqrt:
            return std::sqrt(value);
        case Op::rsqrt:
            return static_cast<float>(1.0 / std::sqrt(x));
        case Op::reciprocal:
            return 1.0f / value;
        case Op::sin:
            return numerics::sin(value);
        case Op::cos:
            return numerics::cos(value);
        case Op::tanh:
            return numerics::tanh(value);
        case Op::sigmoid:
            return numerics::sigmoid(value);
        case Op::erf:
            return numerics::erf(value);
        default:
            return value < 0 ? 0.0f : value;
    }
}

Dense dense_of(const Constant &constant) {
    return {constant.dtype, constant.shape, const_cast<std::byte *>(constant.data.get())};
}

// A fill of known size is a constant too, where a fold needs it.
std::optional<Constant> constant_value(const Graph &graph, ValueId id) {
    const Node &node = graph.node(id);
    if (node.op == Op::constant) return graph.constant_of(id);
    if (node.op != Op::full && node.op != Op::iota) return std::nullopt;
    auto elements = product(node.type.shape);
    if (!elements || !elements->known() || elements->terms[0] > kLargestFold) return std::nullopt;
    if (node.op == Op::full && node.type.dtype == DType::int64 && !node.attributes.extents[0].known())
        return std::nullopt;
    std::vector<std::byte> memory(static_cast<size_t>(elements->terms[0]) * size_of(node.type.dtype) + 8);
    Dense result{node.type.dtype, sizes_at(node.type, 0, 0), memory.data()};
    if (!evaluate_exact(node, {}, result, 0, 0).ok()) return std::nullopt;
    return Constant::copy(result.dtype, result.shape, memory.data());
}

}  // namespace

Expected<Graph> fold_constants(const Graph &graph) {
    Rewrite rewrite(graph);
    return rewrite.each([&](ValueId, const Node &node) -> std::optional<ValueId> {
        if (node.op == Op::iota) {
            if (auto constant = constant_value(graph, static_cast<ValueId>(&node - graph.nodes().data())))
                return rewrite.constant(*std::move(constant), node.origin);
            return std::nullopt;
        }
        if (node.operands.empty() || (!is_exact(graph, node) && !folds_by_function(node.op))) return std::nullopt;
        auto elements = product(node.type.shape);
        if (!elements || !elements->known() || elements->terms[0] > kLargestFold) return std::nullopt;
        std::vector<Constant> constants;
        std::vector<Dense> operands;
        for (ValueId id : node.operands) {
            auto constant = constant_value(rewrite.to(), rewrite[id]);
            if (!constant || !constant->data) return std::nullopt;
            constants.push_back(*std::move(constant));
        }
        for (const Constant &constant : constants) operands.push_back(dense_of(constant));
        AlignedBuffer memory((static_cast<size_t>(elements->terms[0]) * size_of(node.type.dtype) / 64 + 1) * 64);
        Dense result{node.type.dtype, sizes_at(node.type, 0, 0), memory.data()};
        if (folds_by_function(node.op)) {
            const auto *from = operands[0].as<const float>();
            std::transform(from, from + result.elements(), result.as<float>(),
                           [&](float value) { return function(node.op, value); });
        } else if (!evaluate_exact(node, operands, result, 0, 0).ok()) {
            return std::nullopt;  // it fails where it is run
        }
        return rewrite.constant({result.dtype, result.shape, share(std::move(memory))}, node.origin);
    });
}

namespace {

// Between which numbers the elements of an int64 lie, as extents in length.
struct Bounds {
    Extent least, most;
};

constexpr int kDeepest = 32;  // sums in one another; a mask's arithmetic has a few

std::optional<Bounds> bounds(const Graph &graph, ValueId id, std::map<ValueId, std::optional<Bounds>> &known,
                             int depth = 0);

std::optional<Bounds> find_bounds(const Graph &graph, ValueId id, std::map<ValueId, std::optional<Bounds>> &known,
                                  int depth) {
    const Node &node = graph.node(id);
    switch (node.op) {
        case Op::full:
            if (node.type.dtype != DType::int64) return std::nullopt;
            return Bounds{node.attributes.extents[0], node.attributes.extents[0]};
        case Op::iota:
            return Bounds{Extent::of(0), *(node.attributes.extents[0] - Extent::of(1))};
        case Op::constant: {
            const Constant &constant = graph.constant_of(id);
            if (constant.dtype != DType::int64 || !constant.data || constant.elements() == 0) return std::nullopt;
            const auto *first = constant.as<int64_t>();
            const auto [least, most] = std::minmax_element(first, first + constant.elements());
            return Bounds{Extent::of(*least), Extent::of(*most)};
        }
        case Op::add:
        case Op::sub: {
            auto a = bounds(graph, node.operands[0], known, depth + 1);
            auto b = bounds(graph, node.operands[1], known, depth + 1);
            if (!a || !b) return std::nullopt;
            const bool sum = node.op == Op::add;
            auto least = sum ? a->least + b->least : a->least - b->most;
            auto most = sum ? a->most + b->most : a->most - b->least;
            if (!least || !most) return std::nullopt;
            return Bounds{*least, *most};
        }
        default:
            return std::nullopt;
    }
}

// As find_bounds, of a value whose bounds `known` may have already.
std::optional<Bounds> bounds(const Graph &graph, ValueId id, std::map<ValueId, std::optional<Bounds>> &known,
                             int depth) {
    id = through_layouts(graph, id);
    if (depth > kDeepest) return std::nullopt;
    if (auto found = known.find(id); found != known.end()) return found->second;
    auto found = find_bounds(graph, id, known, depth);
    known[id] = found;
    return found;
}

// Whether an extent is at least `number` for every length of the graph.
bool at_least(const Graph &graph, const std::optional<Extent> &extent, int64_t number) {
    if (!extent || extent->batch || extent->terms[2] != 0) return false;
    return extent->at(1, graph.least_length) >= number && extent->at(1, graph.largest_length) >= number;
}

std::optional<bool> decided(const Graph &graph, Op op, const Bounds &a, const Bounds &b) {
    const bool less = at_least(graph, b.least - a.most, 1), more = at_least(graph, a.least - b.most, 1);
    const bool at_most = at_least(graph, b.least - a.most, 0), no_less = at_least(graph, a.least - b.most, 0);
    switch (op) {
        case Op::less:
            return less ? std::optional(true) : no_less ? std::optional(false) : std::nullopt;
        case Op::less_equal:
            return at_most ? std::optional(true) : more ? std::optional(false) : std::nullopt;
        case Op::greater:
            return more ? std::optional(true) : at_most ? std::optional(false) : std::nullopt;
        case Op::greater_equal:
            return no_less ? std::optional(true) : less ? std::optional(false) : std::nullopt;
        case Op::equal:
            return at_most && no_less ? std::optional(true) : less || more ? std::optional(false) : std::nullopt;
        case Op::not_equal:
            return at_most && no_less ? std::optional(false) : less || more ? std::optional(true) : std::nullopt;
        default:
            return std::nullopt;
    }
}

// One visit of fold_fills: what a node becomes where fills decide it.
class FillFolder {
  public:
    explicit FillFolder(Rewrite &rewrite) : rewrite_(rewrite) {}

    std::optional<ValueId> fold(const Node &node) {
        if (node.operands.empty()) return std::nullopt;
        const Graph &to = rewrite_.to();
        const ValueId first = rewrite_[node.operands[0]];
        switch (node.op) {
            case Op::reshape:
            case Op::permute:
            case Op::slice:
            case Op::expand:
                if (to.node(first).op != Op::full) return std::nullopt;
                return like(to.node(first), node);
            case Op::cast:
                return cast(node, first);
            case Op::logical_not:
                if (auto value = fill_value(to, first)) return full(node, *value == 0 ? 1 : 0);
                return std::nullopt;
            case Op::where:
                if (auto chosen = fill_value(to, first))
                    return shaped(node, rewrite_[node.operands[*chosen != 0 ? 1 : 2]]);
                return std::nullopt;
            case Op::reduce_sum:
            case Op::reduce_mean:
            case Op::reduce_max:
            case Op::reduce_min:
                return reduce(node, first);
            default:
                if (node.op >= Op::add && node.op < Op::where) return binary(node);
                return std::nullopt;
        }
    }

  private:
    ValueId full(const Node &node, double value) {
        return rewrite_.add(Op::full, {}, {{static_cast<int64_t>(node.type.dtype)}, {value}, node.type.shape},
                            node.origin);
    }
    ValueId full(const Node &node, const Extent &value) {
        Extents extents{value};
        extents.insert(extents.end(), node.type.shape.begin(), node.type.shape.end());
        return rewrite_.add(Op::full, {}, {{static_cast<int64_t>(DType::int64)}, {}, extents}, node.origin);
    }
    // Another full's number in this node's shape. By value: the graph grows meanwhile.
    ValueId like(Node other, const Node &node) {
        if (other.type.dtype == DType::int64) return full(node, other.attributes.extents[0]);
        return full(node, other.attributes.reals[0]);
    }
    // A value in the node's shape.
    ValueId shaped(const Node &node, ValueId value) {
        const Type type = rewrite_.type(value);
        if (type == node.type) return value;
        Extents padded(node.type.rank() - type.rank(), Extent::of(1));
        padded.insert(padded.end(), type.shape.begin(), type.shape.end());
        if (padded != type.shape) value = rewrite_.add(Op::reshape, {value}, {{}, {}, padded}, node.origin);
        if (padded != node.type.shape)
            value = rewrite_.add(Op::expand, {value}, {{}, {}, node.type.shape}, node.origin);
        return value;
    }

    std::optional<ValueId> cast(const Node &node, ValueId first) {
        auto value = fill_value(rewrite_.to(), first);
        if (!value || rewrite_.node(first).op != Op::full) return std::nullopt;
        if (node.type.dtype == DType::boolean) return full(node, *value != 0 ? 1 : 0);
        if (node.type.dtype == DType::float32) return full(node, static_cast<float>(*value));
        if (!(std::fabs(*value) < 0x1p53)) return std::nullopt;
        return full(node, Extent::of(static_cast<int64_t>(*value)));
    }

    std::optional<ValueId> reduce(const Node &node, ValueId first) {
        const Node operand = rewrite_.node(first);
        if (operand.op != Op::full) return std::nullopt;
        const Extent size = operand.type.shape[static_cast<size_t>(node.attributes.ints[0])];
        if (!at_least(rewrite_.to(), size, 1)) return std::nullopt;
        if (node.op != Op::reduce_sum) return like(operand, node);
        if (node.type.dtype == DType::int64) {
            auto sum = operand.attributes.extents[0] * size;
            if (!sum) return std::nullopt;
            return full(node, *sum);
        }
        // So many ones: the count is exact in float32 below 2^24.
        if (operand.attributes.reals[0] != 1.0 || rewrite_.to().largest_length > 1 << 20) return std::nullopt;
        Node counted = node;
        counted.type.dtype = DType::int64;
        const ValueId count = full(counted, size);
        return rewrite_.add(Op::cast, {count}, {{static_cast<int64_t>(DType::float32)}, {}, {}}, node.origin);
    }

    std::optional<ValueId> binary(const Node &node) {
        const Graph &to = rewrite_.to();
        const ValueId a = rewrite_[node.operands[0]], b = rewrite_[node.operands[1]];
        if (node.op >= Op::equal && node.op <= Op::greater_equal && to.type(a).dtype == DType::int64) {
            auto first = bounds(to, a, bounds_), second = bounds(to, b, bounds_);
            if (first && second)
                if (auto value = decided(to, node.op, *first, *second)) return full(node, *value ? 1 : 0);
        }
        const auto x = fill_value(to, a), y = fill_value(to, b);
        if (node.type.dtype == DType::float32) {
            if (x && y && node.op <= Op::maximum) return both(node, static_cast<float>(*x), static_cast<float>(*y));
            // x + 0 and 0 + x lose at most a zero's sign.
            if ((node.op == Op::add || node.op == Op::sub) && y && *y == 0) return shaped(node, a);
            if (node.op == Op::add && x && *x == 0) return shaped(node, b);
            if ((node.op == Op::mul || node.op == Op::div) && y && *y == 1) return shaped(node, a);
            if (node.op == Op::mul && x && *x == 1) return shaped(node, b);
            return std::nullopt;
        }
        if (node.op == Op::logical_and) {
            if ((x && *x == 0) || (y && *y == 0)) return full(node, 0.0);
            if (x) return shaped(node, b);
            if (y) return shaped(node, a);
        }
        if (node.op == Op::logical_or) {
            if ((x && *x != 0) || (y && *y != 0)) return full(node, 1.0);
            if (x) return shaped(node, b);
            if (y) return shaped(node, a);
        }
        if (node.type.dtype == DType::int64 && to.node(a).op == Op::full && to.node(b).op == Op::full) {
            const Extent p = to.node(a).attributes.extents[0], q = to.node(b).attributes.extents[0];
            auto value = node.op == Op::add   ? p + q
                         : node.op == Op::sub ? p - q
                         : node.op == Op::mul ? p * q
                                              : std::nullopt;
            if (value) return full(node, *value);
        }
        if (node.op >= Op::equal && node.op <= Op::greater_equal && x && y && to.type(a).dtype != DType::int64) {
            const bool holds = node.op == Op::equal        ? *x == *y
                               : node.op == Op::not_equal  ? *x != *y
                               : node.op == Op::less       ? *x < *y
                               : node.op == Op::less_equal ? *x <= *y
                               : node.op == Op::greater    ? *x > *y
                                                           : *x >= *y;
            return full(node, holds ? 1.0 : 0.0);
        }
        return std::nullopt;
    }

    std::optional<ValueId> both(const Node &node, float x, float y) {
        switch (node.op) {
            case Op::add:
                return full(node, x + y);
            case Op::sub:
                return full(node, x - y);
            case Op::mul:
                return full(node, x * y);
            case Op::div:
                return full(node, x / y);
            default:
                return std::nullopt;
        }
    }

    Rewrite &rewrite_;
    std::map<ValueId, std::optional<Bounds>> bounds_;  // of values of the new graph
};

}  // namespace

Expected<Graph> fold_fills(const Graph &graph) {
    Rewrite rewrite(graph);
    FillFolder folder(rewrite);
    return rewrite.each([&](ValueId, const Node &node) { return folder.fold(node); });
}

}  // namespace weighbridge::lib
