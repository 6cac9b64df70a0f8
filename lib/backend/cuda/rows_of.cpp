// SPDX-License-Identifier: Apache-2.0
#include "backend/cuda/rows_of.hpp"

#include <algorithm>

namespace weighbridge::lib::cuda {
namespace {

constexpr size_t kMostLaunches = 64;

Extent of_one_row(const Extent &extent) { return {false, extent.terms}; }

// Axes that every view steps through as through one.
struct Group {
    Extent size;
    Extents strides;  // by view
};

std::optional<std::vector<Group>> groups_of(const Extents &sizes, const std::vector<const SequenceView *> &views) {
    std::vector<Group> groups;
    for (size_t axis = 0; axis + 1 < sizes.size(); ++axis) {
        if (sizes[axis].is(1)) continue;
        Group group{sizes[axis], {}};
        for (const SequenceView *view : views) group.strides.push_back(view->strides[axis]);
        bool joins = !groups.empty();
        for (size_t i = 0; joins && i < views.size(); ++i)
            joins = groups.back().strides[i] == group.strides[i] * group.size;
        if (!joins) {
            groups.push_back(std::move(group));
            continue;
        }
        const auto joined = groups.back().size * group.size;
        if (!joined) return std::nullopt;
        groups.back() = {*joined, std::move(group.strides)};
    }
    return groups;
}

}  // namespace

Terms terms_of(const Extent &extent) { return {extent.terms[0], extent.terms[1], extent.terms[2]}; }

View SequenceView::view(int64_t moved) const {
    View made;
    made.base = base ? base + moved * element_bytes : nullptr;
    if (storage->own) made.piece = terms_of(storage->elements);
    made.offset = terms_of(offset);
    return made;
}

Extents sizes_of_sequence(const Extents &shape) {
    Extents sizes;
    for (const Extent &size : shape)
        if (size != Extent::rows()) sizes.push_back(of_one_row(size));
    return sizes;
}

SequenceView sequence_view(const ValueView &view, const Type &type, const Storage &storage, std::byte *base,
                           const Extents &shape) {
    SequenceView made;
    made.storage = &storage;
    made.base = base;
    made.offset = view.offset;
    made.element_bytes = static_cast<int64_t>(size_of(type.dtype));
    const size_t missing = shape.size() - type.rank();
    for (size_t axis = 0; axis < shape.size(); ++axis) {
        if (shape[axis] == Extent::rows()) continue;
        const bool repeats = axis < missing || (type.shape[axis - missing].is(1) && !shape[axis].is(1));
        made.strides.push_back(repeats ? Extent::of(0) : of_one_row(view.strides[axis - missing]));
    }
    return made;
}

Shape shape_of(const Extents &sizes) {
    Shape shape;
    for (const Extent &size : sizes) shape.size[shape.axes++] = terms_of(size);
    return shape;
}

StridedView strided(const SequenceView &view) {
    StridedView made;
    made.view = view.view();
    for (size_t axis = 0; axis < view.strides.size(); ++axis) made.stride[axis] = terms_of(view.strides[axis]);
    return made;
}

std::optional<RowLoop> loop_over_rows(const Extents &sizes, const std::vector<const SequenceView *> &views) {
    auto groups = groups_of(sizes, views);
    if (!groups) return std::nullopt;
    RowLoop loop{Extent::of(1), Extents(views.size(), Extent::of(0)), {std::vector<int64_t>(views.size(), 0)}};
    if (groups->empty()) return loop;
    // The rows are the group whose size is not known, or else the largest.
    const auto rows = std::max_element(groups->begin(), groups->end(), [](const Group &a, const Group &b) {
        return a.size.known() && (!b.size.known() || a.size.terms[0] < b.size.terms[0]);
    });
    loop.count = rows->size;
    loop.strides = rows->strides;
    for (auto group = groups->begin(); group != groups->end(); ++group) {
        if (group == rows) continue;
        if (!group->size.known() || loop.starts.size() * static_cast<size_t>(group->size.terms[0]) > kMostLaunches)
            return std::nullopt;
        std::vector<std::vector<int64_t>> starts;
        for (const auto &start : loop.starts)
            for (int64_t place = 0; place < group->size.terms[0]; ++place) {
                starts.push_back(start);
                for (size_t i = 0; i < views.size(); ++i) {
                    if (!group->strides[i].known()) return std::nullopt;
                    starts.back()[i] += place * group->strides[i].terms[0];
                }
            }
        loop.starts = std::move(starts);
    }
    return loop;
}

RowView row_view(const SequenceView &view, const Extent &stride, const Extent &count, int64_t start) {
    RowView made;
    made.view = view.view(start);
    made.stride = terms_of(stride);
    if (!view.offset.known()) return made;
    const Storage &storage = *view.storage;
    const Extent &piece = storage.elements;
    if (!storage.own) {
        made.merged = stride.is(0);
    } else if (count.is(1)) {  // a row a sequence: pieces of a known size are the rows
        made.merged = piece.terms[1] == 0 && piece.terms[2] == 0;
        if (made.merged) made.stride = {piece.terms[0], 0, 0};
    } else {  // rows are all that a piece has
        const auto rows = stride.known() ? count * stride : std::nullopt;
        made.merged = rows && rows->terms == piece.terms;
    }
    return made;
}

}  // namespace weighbridge::lib::cuda
