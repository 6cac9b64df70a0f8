// SPDX-License-Identifier: Apache-2.0
#include "backend/schedule.hpp"

#include <algorithm>
#include <utility>

namespace weighbridge::lib {
namespace {

const Extent kOne = Extent::of(1);

// Row-major strides of a shape that a type checker has seen.
Extents dense_strides(const Extents &shape) {
    Extents strides(shape.size(), kOne);
    for (size_t i = shape.size(); i-- > 1;) strides[i - 1] = *(strides[i] * shape[i]);
    return strides;
}

bool is_view(Op op) { return family_of(op) == Family::view; }
bool is_source(Op op) { return op == Op::input || op == Op::constant; }

// Strides of the same elements in another shape, where no copy is needed for it (as ATen's computeStride).
std::optional<Extents> reshaped(const Extents &from, const Extents &strides, const Extents &to) {
    if (from.empty()) return Extents(to.size(), kOne);
    Extents result(to.size(), kOne);
    size_t next = to.size();  // axes of `to` from here on are placed
    Extent chunk_stride = strides.back(), chunk = kOne, placed = kOne;
    for (size_t axis = from.size(); axis-- > 0;) {
        auto grown = chunk * from[axis];
        auto reach = grown ? *grown * chunk_stride : std::nullopt;
        if (!reach) return std::nullopt;
        chunk = *grown;
        const bool ends = axis == 0 || (from[axis - 1] != kOne && strides[axis - 1] != *reach);
        if (!ends) continue;
        while (next > 0 && (placed != chunk || to[next - 1] == kOne)) {
            --next;
            auto stride = placed * chunk_stride;
            auto wider = placed * to[next];
            if (!stride || !wider) return std::nullopt;
            result[next] = *stride;
            placed = *wider;
        }
        if (placed != chunk) return std::nullopt;
        if (axis > 0) {
            chunk_stride = strides[axis - 1];
            chunk = placed = kOne;
        }
    }
    return next == 0 ? std::optional(result) : std::nullopt;
}

class Builder {
  public:
    explicit Builder(const Graph &graph) : graph_(graph), views_(graph.nodes().size()), uses_(graph.nodes().size(), 0) {
        for (const Node &node : graph.nodes())
            for (ValueId id : node.operands) ++uses_[id];
        for (ValueId id : graph.outputs()) uses_[id] += 2;  // never placed inside something else
    }

    Expected<Schedule> build() {
        for (size_t i = graph_.nodes().size(); i-- > 0;) place_parts(static_cast<ValueId>(i));
        for (ValueId id = 0; id < graph_.nodes().size() && failure_.ok(); ++id) add(id);
        if (!failure_.ok()) return failure_;
        for (ValueId id : graph_.outputs()) {
            const Type &type = graph_.type(id);
            if (type.dtype != DType::float32 || type.rank() == 0 || type.shape[0] != Extent::rows())
                return Status::failure(WB_INVALID_BUNDLE, "outputs: expected float32 [batch, ...], found {}",
                                       to_string(type));
            ValueView view = *views_[id];
            const Storage &storage = schedule_.storages[view.storage];
            if (view.strides != dense_strides(type.shape) || view.offset != Extent::of(0) ||
                storage.elements != *product(type.shape) || storage.kind != Storage::Kind::arena)
                view = copied(id, view, type);
            schedule_.outputs.push_back(view);
            schedule_.output_types.push_back(type);
        }
        // Outputs are read when every step is done, the copies of later outputs too.
        for (const ValueView &view : schedule_.outputs)
            schedule_.storages[view.storage].last = static_cast<int>(schedule_.steps.size());
        return std::move(schedule_);
    }

  private:
    ValueView new_arena(const Type &type) {
        schedule_.storages.push_back({Storage::Kind::arena, 0, type.dtype, *product(type.shape),
                                      static_cast<int>(schedule_.steps.size()),
                                      static_cast<int>(schedule_.steps.size())});
        return {static_cast<uint32_t>(schedule_.storages.size() - 1), Extent::of(0), dense_strides(type.shape)};
    }

    // The node that computes a concat's part, through reshapes that only add or drop sizes of 1.
    std::optional<ValueId> producer(ValueId part) const {
        ValueId id = part;
        while (graph_.node(id).op == Op::reshape && uses_[id] == 1) {
            Extents before, after;
            for (const Extent &size : graph_.type(graph_.node(id).operands[0]).shape)
                if (size != kOne) before.push_back(size);
            for (const Extent &size : graph_.type(id).shape)
                if (size != kOne) after.push_back(size);
            if (before != after) return std::nullopt;
            id = graph_.node(id).operands[0];
        }
        const Op op = graph_.node(id).op;
        if (uses_[id] != 1 || is_view(op) || is_source(op) || op == Op::concat || planned_[id]) return std::nullopt;
        return id;
    }

    // Decides which nodes are computed in their place in a concat: consumers before producers.
    void place_parts(ValueId id) {
        const Node &node = graph_.node(id);
        if (planned_.empty()) planned_.resize(graph_.nodes().size(), std::nullopt);
        if (node.op != Op::concat) return;
        const auto axis = static_cast<size_t>(node.attributes.axis);
        const ValueView whole{0, Extent::of(0), dense_strides(node.type.shape)};
        Extent start = Extent::of(0);
        for (ValueId part : node.operands) {
            auto made = start * whole.strides[axis] ? producer(part) : std::nullopt;
            // Some kernels write their last axis without gaps.
            if (made && writes_dense_last(graph_.node(*made).op) &&
                part_view(whole, part, axis, start, *made).strides.back() != kOne)
                made = std::nullopt;
            if (made) planned_[*made] = Place{id, part, axis, start};
            start = *(start + graph_.type(part).shape[axis]);
        }
    }
    static bool writes_dense_last(Op op) {
        return family_of(op) == Family::product || family_of(op) == Family::last_axis || op == Op::embedding;
    }

    // A part's view in its concat, in the producer's shape.
    ValueView part_view(const ValueView &whole, ValueId part, size_t axis, const Extent &start, ValueId made) const {
        ValueView view{whole.storage, *(whole.offset + *(start * whole.strides[axis])), {}};
        Extents strides;
        const Extents &shape = graph_.type(part).shape, &own = graph_.type(made).shape;
        for (size_t i = 0; i < shape.size(); ++i)
            if (shape[i] != kOne) strides.push_back(whole.strides[i]);
        size_t next = 0;
        for (const Extent &size : own) view.strides.push_back(size == kOne ? kOne : strides[next++]);
        return view;
    }

    // A concat's memory, from its first part on.
    ValueView view_of_result(ValueId id) {
        if (views_[id]) return *views_[id];
        ValueView view;
        if (planned_[id]) {
            const Place &place = *planned_[id];
            view = part_view(view_of_result(place.concat), place.part, place.axis, place.start, id);
        } else {
            view = new_arena(graph_.type(id));
        }
        views_[id] = view;
        return view;
    }

    void touch(const ValueView &view) {
        Storage &storage = schedule_.storages[view.storage];
        storage.last = std::max(storage.last, static_cast<int>(schedule_.steps.size()));
    }

    ValueView copied(ValueId node, const ValueView &from, const Type &type) {
        StepPlan step;
        step.node = node;
        step.copies = true;
        step.operands = {from};
        step.operand_types = {type};
        step.type = type;
        step.result = new_arena(type);
        touch(from);
        const ValueView result = step.result;
        schedule_.steps.push_back(std::move(step));
        return result;
    }

    void add(ValueId id) {
        const Node &node = graph_.node(id);
        if (is_source(node.op)) {
            const bool input = node.op == Op::input;
            schedule_.storages.push_back({input ? Storage::Kind::input : Storage::Kind::constant,
                                          static_cast<uint32_t>(node.attributes.index), node.type.dtype,
                                          *product(node.type.shape), 0, 0});
            views_[id] = ValueView{static_cast<uint32_t>(schedule_.storages.size() - 1), Extent::of(0),
                                   dense_strides(node.type.shape)};
        } else if (is_view(node.op)) {
            add_view(id, node);
        } else if (node.op == Op::concat) {
            add_concat(id, node);
        } else {
            add_step(id, node);
        }
    }

    void add_view(ValueId id, const Node &node) {
        ValueView view = *views_[node.operands[0]];
        const Type &before = graph_.type(node.operands[0]);
        const auto &attributes = node.attributes;
        if (node.op == Op::reshape) {
            auto strides = reshaped(before.shape, view.strides, node.type.shape);
            if (!strides) {
                view = copied(node.operands[0], view, before);
                strides = dense_strides(node.type.shape);
            }
            view.strides = *strides;
        } else if (node.op == Op::permute) {
            Extents strides;
            for (int64_t axis : attributes.order) strides.push_back(view.strides[static_cast<size_t>(axis)]);
            view.strides = strides;
        } else if (node.op == Op::slice) {
            const auto axis = static_cast<size_t>(attributes.axis);
            auto offset = attributes.start * view.strides[axis];
            auto moved = offset ? view.offset + *offset : std::nullopt;
            if (!moved) {  // an offset of unlike terms: from a copy it is a plain one
                view = copied(node.operands[0], view, before);
                moved = attributes.start * view.strides[axis];
            }
            auto stride = view.strides[axis] * Extent::of(attributes.step);
            if (!moved || !stride) return fail(node);
            view.offset = *moved;
            view.strides[axis] = *stride;
        } else {
            for (size_t i = 0; i < view.strides.size(); ++i)
                if (before.shape[i] != node.type.shape[i]) view.strides[i] = Extent::of(0);
        }
        views_[id] = view;
    }

    // An offset or a stride that is no extent: only a crafted graph has one.
    void fail(const Node &node) {
        failure_ = Status::failure(WB_INVALID_BUNDLE, "{}: expected places of rows times a square of length at most",
                                   name_of(node.op));
    }

    // A concat whose parts lie side by side already, as the places of a window do (im2col without a copy): a view from
    // the first on, as wide as all.
    std::optional<ValueView> side_by_side(const Node &node) const {
        const auto axis = static_cast<size_t>(node.attributes.axis);
        if (axis + 1 != node.type.rank()) return std::nullopt;
        const ValueView &first = *views_[node.operands[0]];
        if (first.strides.back() != kOne) return std::nullopt;
        Extent start = first.offset;
        for (ValueId part : node.operands) {
            const ValueView &view = *views_[part];
            if (view.storage != first.storage || view.strides != first.strides || view.offset != start)
                return std::nullopt;
            const auto next = start + graph_.type(part).shape[axis];
            if (!next) return std::nullopt;
            start = *next;
        }
        return first;
    }

    void add_concat(ValueId id, const Node &node) {
        if (!views_[id])  // else a part was computed in its place
            if (auto view = side_by_side(node)) {
                views_[id] = *view;
                return;
            }
        const ValueView whole = view_of_result(id);
        const auto axis = static_cast<size_t>(node.attributes.axis);
        Extent start = Extent::of(0);
        for (ValueId part : node.operands) {
            const Type &type = graph_.type(part);
            const auto offset = start * whole.strides[axis];
            if (!offset) return fail(node);
            if (views_[part]->storage != whole.storage || !in_place(part, id)) {
                StepPlan step;
                step.node = id;
                step.copies = true;
                step.operands = {*views_[part]};
                step.operand_types = {type};
                step.type = type;
                step.result = {whole.storage, *(whole.offset + *offset), whole.strides};
                touch(step.operands[0]);
                touch(whole);
                schedule_.steps.push_back(std::move(step));
            }
            start = *(start + type.shape[axis]);
        }
    }
    bool in_place(ValueId part, ValueId concat) const {
        ValueId id = part;
        while (graph_.node(id).op == Op::reshape) id = graph_.node(id).operands[0];
        return planned_[id] && planned_[id]->concat == concat;
    }

    // Whether a kernel needs operand `index` with its last axis dense.
    bool needs_dense_last(const Node &node, size_t index) const {
        switch (node.op) {
            case Op::linear:
            case Op::recurrent:
                return index != 1;
            case Op::attention:
                return true;
            case Op::embedding:
                return index == 0;
            case Op::bucketize:
                return index == 1;
            case Op::trees:
                return index == 0;
            default:
                return family_of(node.op) == Family::last_axis || family_of(node.op) == Family::reduction;
        }
    }

    void add_step(ValueId id, const Node &node) {
        StepPlan step;
        step.node = id;
        step.type = node.type;
        for (size_t i = 0; i < node.operands.size(); ++i) {
            const Type &type = graph_.type(node.operands[i]);
            ValueView view = *views_[node.operands[i]];
            if (needs_dense_last(node, i) && type.rank() > 0 && type.shape.back() != kOne &&
                view.strides.back() != kOne)
                view = copied(node.operands[i], view, type);
            step.operands.push_back(view);
            step.operand_types.push_back(type);
        }
        step.result = view_of_result(id);
        for (const ValueView &view : step.operands) touch(view);
        touch(step.result);
        schedule_.steps.push_back(std::move(step));
    }

    struct Place {
        ValueId concat, part;
        size_t axis;
        Extent start;
    };

    const Graph &graph_;
    Schedule schedule_;
    std::vector<std::optional<ValueView>> views_;
    std::vector<std::optional<Place>> planned_;
    std::vector<int> uses_;
    Status failure_;
};

}  // namespace

Expected<Schedule> Schedule::make(const Graph &graph) {
    auto schedule = Builder(graph).build();
    if (schedule) plan_packing(graph, *schedule);
    return schedule;
}

MemoryPlan Schedule::arena(const std::vector<int64_t> &elements) const {
    std::vector<MemoryBlock> blocks;
    for (size_t i = 0; i < storages.size(); ++i) {
        const Storage &storage = storages[i];
        const int64_t held = storage.kind == Storage::Kind::arena ? elements[i] : 0;
        blocks.push_back({held * static_cast<int64_t>(size_of(storage.dtype)), storage.first, storage.last});
    }
    return plan_memory(blocks);
}

}  // namespace weighbridge::lib
