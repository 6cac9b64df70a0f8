// SPDX-License-Identifier: Apache-2.0
#include "backend/packing.hpp"

#include <algorithm>
#include <optional>

#include "backend/schedule.hpp"

namespace weighbridge::lib {
namespace {

bool varies(const Extent &extent) { return extent.terms[1] != 0 || extent.terms[2] != 0; }
bool of_a_sequence(const Extent &extent) { return extent.batch || varies(extent); }

// By node: whether sequences have values of their own, since its sizes or what it is computed of differ.
std::vector<bool> own_values(const Graph &graph) {
    std::vector<bool> own(graph.nodes().size(), false);
    for (ValueId id = 0; id < own.size(); ++id) {
        const Node &node = graph.node(id);
        const Attributes &has = node.attributes;
        own[id] = std::any_of(node.type.shape.begin(), node.type.shape.end(), of_a_sequence) ||
                  std::any_of(node.operands.begin(), node.operands.end(), [&](ValueId from) { return own[from]; }) ||
                  of_a_sequence(has.start) || of_a_sequence(has.size) || of_a_sequence(has.integer);
    }
    return own;
}

// One of a step's views, with its type and the memory that it looks into.
struct Seen {
    const ValueView &view;
    const Type &type;
    const Storage &storage;

    bool has_length() const {
        return varies(view.offset) || varies(storage.elements) ||
               std::any_of(view.strides.begin(), view.strides.end(), varies) ||
               std::any_of(type.shape.begin(), type.shape.end(), varies);
    }
    // Pieces of one size, each of which is a sequence's row: rows are the outermost axis of the storage.
    bool merges_rows() const {
        if (has_length()) return false;
        if (!storage.own) return true;
        if (!storage.elements.batch || !view.offset.known()) return false;
        for (size_t i = 0; i < type.rank(); ++i) {
            if (type.shape[i].is(1)) continue;
            if (!view.strides[i].known()) return false;
            int64_t piece = 0;
            if (type.shape[i].batch &&
                (__builtin_mul_overflow(view.strides[i].terms[0], type.shape[i].terms[0], &piece) ||
                 piece != storage.elements.terms[0]))
                return false;
        }
        return true;
    }
    // The same for each sequence, at each of its places.
    bool repeats() const {
        if (storage.own || !view.offset.known()) return false;
        for (size_t i = 0; i < type.rank(); ++i)
            if (!view.strides[i].known() || (varies(type.shape[i]) && !view.strides[i].is(0))) return false;
        return true;
    }
    // The places of a sequence, `sizes` along `axis`, are all of its piece, one behind the other.
    bool has_places(size_t axis, const Extent &sizes) const {
        if (!storage.own || !view.offset.known() || axis >= type.rank() || type.shape[axis] != sizes) return false;
        for (size_t i = 0; i < type.rank(); ++i) {
            if (i != axis && varies(type.shape[i])) return false;
            if (!type.shape[i].batch && !view.strides[i].known()) return false;
        }
        for (size_t i = 0; i < sizes.terms.size(); ++i) {
            int64_t whole = 0;
            if (__builtin_mul_overflow(view.strides[axis].terms[0], sizes.terms[i], &whole) ||
                whole != storage.elements.terms[i])
                return false;
        }
        return true;
    }
};

// Whether places of a sequence are computed apart from each other along `axis` of the result.
bool merges_along(const Node &node, size_t axis) {
    const bool last = axis + 1 == node.type.rank();
    switch (family_of(node.op)) {
        case Family::reduction:
        case Family::scan:
            return node.attributes.axis != static_cast<int64_t>(axis);
        case Family::product:
        case Family::last_axis:
            return operator_of(node.op).packs == Packs::by_row && !last;
        case Family::look_up:
            return operator_of(node.op).packs == Packs::by_row && (node.op != Op::embedding || !last);
        default:
            return operator_of(node.op).packs == Packs::by_row;
    }
}

// An operand's axis that stands at the result's `axis`: embeddings add one behind their indices, others broadcast.
size_t axis_of_operand(const StepPlan &step, const Node &node, size_t axis, const Type &operand) {
    if (!step.copies && node.op == Op::embedding) return axis;
    return axis + operand.rank() - step.type.rank();
}

// The result's axis of places, where it has one that a sequence of all of them together can stand for.
std::optional<size_t> axis_of_places(const Type &type) {
    std::optional<size_t> found;
    for (size_t i = 0; i < type.rank(); ++i) {
        if (!varies(type.shape[i])) continue;
        if (found) return std::nullopt;
        found = i;
    }
    if (!found) return found;
    const Extent &sizes = type.shape[*found];
    const bool plain = !sizes.batch && sizes.terms[2] == 0 && (sizes.terms[0] == 0 || sizes.terms[1] == 1);
    return plain ? found : std::nullopt;
}

class Packing {
  public:
    Packing(const Graph &graph, Schedule &schedule) : graph_(graph), schedule_(schedule) {}

    Merge merge_of(const StepPlan &step) const {
        std::vector<Seen> seen;
        for (size_t i = 0; i < step.operands.size(); ++i)
            seen.push_back({step.operands[i], step.operand_types[i], storage(step.operands[i])});
        const Seen result{step.result, step.type, storage(step.result)};
        const Node &node = graph_.node(step.node);
        if (!varies(node.attributes.integer) && result.merges_rows() &&
            std::all_of(seen.begin(), seen.end(), [](const Seen &x) { return x.merges_rows(); }))
            return Merge::rows;
        const auto axis = axis_of_places(step.type);
        if (!axis || !(step.copies || merges_along(node, *axis))) return Merge::none;
        const Extent &sizes = step.type.shape[*axis];
        if (!result.has_places(*axis, sizes)) return Merge::none;
        for (const Seen &x : seen)
            if (!x.repeats() && !x.has_places(axis_of_operand(step, node, *axis, x.type), sizes)) return Merge::none;
        return Merge::places;
    }

    void plan() {
        const std::vector<bool> own = own_values(graph_);
        for (Storage &storage : schedule_.storages)
            storage.own = storage.kind != Storage::Kind::constant && of_a_sequence(storage.elements);
        for (const StepPlan &step : schedule_.steps)
            if (own[step.node]) schedule_.storages[step.result.storage].own = true;
        for (StepPlan &step : schedule_.steps) {
            step.merge = merge_of(step);
            if (step.merge == Merge::places) step.places = step.type.shape[*axis_of_places(step.type)];
        }
    }

  private:
    const Storage &storage(const ValueView &view) const { return schedule_.storages[view.storage]; }

    const Graph &graph_;
    Schedule &schedule_;
};

}  // namespace

int64_t piece_begin(const Storage &storage, const Before &before) {
    if (!storage.own) return 0;
    const auto &terms = storage.elements.terms;
    // Modulo 2^64, as Extent::at, so that a crafted plan's terms overflow nothing: what they come to is bounded.
    const auto part = [](int64_t term, int64_t sum) {
        return static_cast<uint64_t>(term) * static_cast<uint64_t>(sum);
    };
    return static_cast<int64_t>(part(terms[0], before.rows) + part(terms[1], before.places) +
                                part(terms[2], before.squares));
}

int64_t merged_length(const Extent &sizes, const Before &all) {
    return all.places + (sizes.terms[0] == 0 ? 0 : sizes.terms[0] * (all.rows - 1));
}

void plan_packing(const Graph &graph, Schedule &schedule) { Packing(graph, schedule).plan(); }

}  // namespace weighbridge::lib
