// SPDX-License-Identifier: Apache-2.0
// Constant folding: operators on constants are computed once, and values whose elements are all one number become
// fills.
#include <algorithm>
#include <cmath>

#include "graph/dense.hpp"
#include "graph/passes/known.hpp"
#include "graph/passes/rewrite.hpp"

namespace weighbridge::lib {
namespace {

constexpr int64_t kLargestFold = int64_t{1} << 22;  // elements; more stays computed
// Bytes of all folds of a graph, beside four times those of its constants: what a crafted graph of many fills may take.
// Thirty masks of 2048 x 2048 floats fit.
constexpr int64_t kMostFolded = int64_t{1} << 29;

Dense dense_of(const Constant &constant) {
    return {constant.dtype, constant.shape, const_cast<std::byte *>(constant.data.get())};
}

// A constant, or a fill of known size as one.
std::optional<Constant> constant_value(const Graph &graph, ValueId id) {
    const Node &node = graph.node(id);
    if (node.op == Op::constant) return graph.constant_of(id);
    if (node.op != Op::full && node.op != Op::iota) return std::nullopt;
    auto elements = product(node.type.shape);
    if (!elements || !elements->known() || elements->terms[0] > kLargestFold) return std::nullopt;
    if (node.op == Op::full && node.type.dtype == DType::int64 && !node.attributes.integer.known()) return std::nullopt;
    std::vector<std::byte> memory(static_cast<size_t>(elements->terms[0]) * size_of(node.type.dtype) + 8);
    Dense result{node.type.dtype, sizes_at(node.type, 0, 0), memory.data()};
    if (!evaluate_exact(node, {}, result, 0, 0).ok()) return std::nullopt;
    return Constant::copy(result.dtype, result.shape, memory.data());
}

// A slice may start where the length says.
bool depends_on_length(const Attributes &attributes) { return !attributes.start.known(); }

// Computes nodes whose operands are constants.
class ConstantFolder {
  public:
    ConstantFolder(Rewrite &rewrite, const StopSource &stop) : rewrite_(rewrite), stop_(stop) {
        for (const Constant &constant : rewrite.from().constants())
            left_ += 4 * bytes_of(constant.dtype, constant.elements());
    }

    int32_t ended() const { return ended_; }  // by `stop`: then nothing is folded any more

    std::optional<ValueId> fold(ValueId id, const Node &node) {
        if (node.op == Op::iota) {
            auto constant = may_fold(node) ? constant_value(rewrite_.from(), id) : std::nullopt;
            if (!constant) return std::nullopt;
            left_ -= bytes_of(constant->dtype, constant->elements());
            return rewrite_.constant(*std::move(constant), node.origin);
        }
        const auto function = operator_of(node.op).fold;
        if (node.operands.empty() || (!is_exact(rewrite_.from(), node) && !function)) return std::nullopt;
        if (depends_on_length(node.attributes) || !are_constants(node.operands) || !may_fold(node)) return std::nullopt;
        std::vector<Constant> constants;
        std::vector<Dense> operands;
        for (ValueId operand : node.operands) {
            auto constant = constant_value(rewrite_.to(), rewrite_[operand]);
            if (!constant || !constant->data) return std::nullopt;
            constants.push_back(*std::move(constant));
        }
        for (const Constant &constant : constants) operands.push_back(dense_of(constant));
        const Extents &shape = node.type.shape;
        AlignedBuffer memory((static_cast<size_t>(elements_of(shape)) * size_of(node.type.dtype) / 64 + 1) * 64);
        Dense result{node.type.dtype, sizes_at(node.type, 0, 0), memory.data()};
        if (function && result.dtype == DType::float32) {
            const auto *from = operands[0].as<const float>();
            std::transform(from, from + result.elements(), result.as<float>(), function);
        } else if (!evaluate_exact(node, operands, result, 0, 0).ok()) {
            return std::nullopt;  // it fails where it is run
        }
        left_ -= bytes_of(node.type.dtype, elements_of(shape));
        return rewrite_.constant({result.dtype, result.shape, share(std::move(memory))}, node.origin);
    }

  private:
    static int64_t bytes_of(DType dtype, int64_t elements) { return elements * static_cast<int64_t>(size_of(dtype)); }
    static int64_t elements_of(const Extents &shape) {
        const auto elements = product(shape);
        return elements && elements->known() ? elements->terms[0] : INT64_MAX;
    }
    bool are_constants(const std::vector<ValueId> &operands) const {
        return std::all_of(operands.begin(), operands.end(), [&](ValueId operand) {
            const Op op = rewrite_.to().node(rewrite_[operand]).op;
            return op == Op::constant || op == Op::full || op == Op::iota;
        });
    }
    bool may_fold(const Node &node) {
        if (ended_ == WB_OK) ended_ = stop_.poll();
        const int64_t elements = elements_of(node.type.shape);
        return ended_ == WB_OK && elements <= kLargestFold && bytes_of(node.type.dtype, elements) <= left_;
    }

    Rewrite &rewrite_;
    const StopSource &stop_;
    int64_t left_ = kMostFolded;  // bytes
    int32_t ended_ = WB_OK;
};

}  // namespace

Expected<Graph> fold_constants(const Graph &graph, const StopSource &stop) {
    Rewrite rewrite(graph);
    ConstantFolder folder(rewrite, stop);
    auto folded = rewrite.each([&](ValueId id, const Node &node) { return folder.fold(id, node); });
    if (folder.ended() != WB_OK) return ended_while(folder.ended(), "folding constants");
    return folded;
}

namespace {

// Folds one node by what the interval analysis knows of its operands.
class FillFolder {
  public:
    explicit FillFolder(Rewrite &rewrite) : rewrite_(rewrite), knowledge_(rewrite.to()) {}

    std::optional<ValueId> fold(const Node &node) {
        if (node.operands.empty()) return std::nullopt;
        const std::vector<ValueId> operands = rewrite_.mapped(node.operands);
        const Known known = knowledge_.deduce(node.op, operands, node.attributes, node.type);
        if (known.uniform) return full(node, known);
        if (const auto same = knowledge_.repeats(node.op, operands, node.attributes, node.type))
            return shaped(node, *same);
        if (node.op == Op::reduce_sum && node.type.dtype == DType::float32) return count(node, operands[0]);
        return std::nullopt;
    }

  private:
    ValueId full(const Node &node, const Known &known) {
        Attributes attributes{.dtype = node.type.dtype, .shape = node.type.shape};
        if (node.type.dtype == DType::int64)
            attributes.integer = known.least;
        else
            attributes.value = *known.same(node.type.dtype);
        return rewrite_.add(Op::full, {}, attributes, node.origin);
    }
    // A value in the node's shape.
    ValueId shaped(const Node &node, ValueId value) {
        const Type type = rewrite_.type(value);
        if (type == node.type) return value;
        Extents padded(node.type.rank() - type.rank(), Extent::of(1));
        padded.insert(padded.end(), type.shape.begin(), type.shape.end());
        if (padded != type.shape) value = rewrite_.add(Op::reshape, {value}, {.shape = padded}, node.origin);
        if (padded != node.type.shape)
            value = rewrite_.add(Op::expand, {value}, {.shape = node.type.shape}, node.origin);
        return value;
    }
    // The sum of as many ones as an axis has places: exact in float32 up to 2^24.
    std::optional<ValueId> count(const Node &node, ValueId summed) {
        const Graph &to = rewrite_.to();
        const Extent size = to.type(summed).shape[static_cast<size_t>(node.attributes.axis)];
        const auto small =
            decide(Comparison::less_equal, size, Extent::of(1 << 24), to.least_length, to.largest_length);
        if (!knowledge_.is(summed, 1.0) || !small.value_or(false)) return std::nullopt;
        const ValueId places =
            rewrite_.add(Op::full, {}, {.dtype = DType::int64, .integer = size, .shape = node.type.shape}, node.origin);
        return rewrite_.add(Op::cast, {places}, {.dtype = DType::float32}, node.origin);
    }

    Rewrite &rewrite_;
    Knowledge knowledge_;  // of the new graph
};

}  // namespace

Expected<Graph> fold_fills(const Graph &graph) {
    Rewrite rewrite(graph);
    FillFolder folder(rewrite);
    return rewrite.each([&](ValueId, const Node &node) { return folder.fold(node); });
}

}  // namespace weighbridge::lib
