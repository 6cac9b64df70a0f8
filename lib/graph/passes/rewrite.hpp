// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <utility>

#include "base/cancel.hpp"
#include "graph/graph.hpp"

namespace weighbridge::lib {

// The state of a pass: the old graph, the new one that grows, and the map from old values to new ones. The first
// failure is sticky: finish() returns it, and values added after it are placeholders.
class Rewrite {
  public:
    explicit Rewrite(const Graph &from);

    const Graph &from() const { return from_; }
    const Graph &to() const { return to_; }
    const Node &node(ValueId id) const { return to_.node(id); }  // of the new graph
    const Type &type(ValueId id) const { return to_.type(id); }
    int uses(ValueId old) const { return uses_[old]; }  // operands and outputs that name it

    ValueId operator[](ValueId old) const { return map_[old]; }
    std::vector<ValueId> mapped(const std::vector<ValueId> &old) const;
    void set(ValueId old, ValueId value) { map_[old] = value; }

    ValueId add(Op op, std::vector<ValueId> operands, Attributes attributes, const std::string &origin);
    ValueId constant(Constant constant, const std::string &origin) {
        return to_.add_constant(std::move(constant), origin);
    }
    ValueId floats(std::vector<int64_t> shape, const std::vector<float> &values, const std::string &origin);
    // The node as it is, on the new operands.
    ValueId copy(ValueId old);

    // Visits every old node in order: visit(id, node) gives the new value, or nothing for a copy.
    template <class Visit>
    Expected<Graph> each(Visit &&visit) {
        for (ValueId id = 0; id < from_.nodes().size() && failure_.ok(); ++id) {
            std::optional<ValueId> value = visit(id, from_.node(id));
            map_[id] = value ? *value : copy(id);
        }
        return finish();
    }
    Expected<Graph> finish();

  private:
    const Graph &from_;
    Graph to_;
    std::vector<ValueId> map_;
    std::vector<int> uses_;
    Status failure_;
};

// The value at the bottom of a chain of reshapes, permutes, slices and expands.
ValueId through_layouts(const Graph &graph, ValueId id);

// Whether the permutation leaves each axis where it is.
bool is_identity(const std::vector<int64_t> &order);
// Whether a layout or a cast gives its operand as it is.
bool changes_nothing(const Graph &graph, Op op, const std::vector<ValueId> &operands, const Attributes &attributes,
                     const Type &result);

// The number of a fill, or of a constant of one element, seen through layouts; none where it depends on the length.
std::optional<double> fill_value(const Graph &graph, ValueId id);

// The passes, in the order in which optimise() runs them; each gives a graph with the same results to rounding. Those
// that take long on crafted graphs ask `stop` meanwhile: WB_CANCELLED, WB_DEADLINE_EXCEEDED.
Expected<Graph> fold_constants(const Graph &graph, const StopSource &stop);
Expected<Graph> fold_fills(const Graph &graph);
Expected<Graph> simplify_layouts(const Graph &graph);
Expected<Graph> share_subexpressions(const Graph &graph);
Expected<Graph> remove_dead(const Graph &graph);
Expected<Graph> recognise_trees(const Graph &graph, const StopSource &stop);
Expected<Graph> fold_norms(const Graph &graph);
Expected<Graph> fuse_attention(const Graph &graph);
Expected<Graph> merge_linears(const Graph &graph);
Expected<Graph> sink_slices(const Graph &graph, const StopSource &stop);
Expected<Graph> fuse_epilogues(const Graph &graph);
Expected<Graph> mark_ranges(const Graph &graph);

}  // namespace weighbridge::lib
