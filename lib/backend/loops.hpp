// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "backend/schedule.hpp"

namespace weighbridge::lib {

// A view for one number of rows and one length; sizes and strides in elements, from the left.
struct Bound {
    uint32_t storage = 0;
    int64_t offset = 0;  // bytes
    int rank = 0;
    std::array<int64_t, kMaxRank> size{};
    std::array<int64_t, kMaxRank> stride{};

    static Bound of(const ValueView &view, const Type &type, int64_t rows, int64_t length) {
        Bound bound;
        bound.storage = view.storage;
        bound.offset = view.offset.at(rows, length) * static_cast<int64_t>(size_of(type.dtype));
        bound.rank = static_cast<int>(type.rank());
        for (size_t i = 0; i < type.rank(); ++i) {
            bound.size[i] = type.shape[i].at(rows, length);
            bound.stride[i] = view.strides[i].at(rows, length);
        }
        return bound;
    }
    int64_t last_size() const { return rank == 0 ? 1 : size[static_cast<size_t>(rank - 1)]; }

    // The same, as it broadcasts to a shape of `to` sizes: strides of 0 where it is repeated.
    Bound broadcast(int to_rank) const {
        Bound bound = *this;
        bound.rank = to_rank;
        const int missing = to_rank - rank;
        for (int i = to_rank; i-- > 0;) {
            const auto place = static_cast<size_t>(i);
            const bool there = i >= missing;
            bound.size[place] = there ? size[static_cast<size_t>(i - missing)] : 1;
            bound.stride[place] = there && bound.size[place] != 1 ? stride[static_cast<size_t>(i - missing)] : 0;
        }
        return bound;
    }
};

// The places of N views of one shape, with axes joined where every view allows it: the last loop is the longest that
// one kernel call can do.
template <size_t N>
class Loops {
  public:
    using Places = std::array<int64_t, N>;

    // Over the first `axes` axes of `shape`.
    static Loops over(const Bound &shape, int axes, const std::array<const Bound *, N> &views) {
        Loops loops;
        for (int i = 0; i < axes; ++i) {
            const auto axis = static_cast<size_t>(i);
            if (shape.size[axis] == 0) loops.empty_ = true;
            if (shape.size[axis] == 1) continue;
            Places stride;
            for (size_t k = 0; k < N; ++k) stride[k] = views[k]->stride[axis];
            if (loops.rank_ > 0) {
                const auto last = static_cast<size_t>(loops.rank_ - 1);
                bool joins = true;
                for (size_t k = 0; k < N; ++k) joins = joins && loops.stride_[last][k] == stride[k] * shape.size[axis];
                if (joins) {
                    loops.size_[last] *= shape.size[axis];
                    loops.stride_[last] = stride;
                    continue;
                }
            }
            loops.size_[static_cast<size_t>(loops.rank_)] = shape.size[axis];
            loops.stride_[static_cast<size_t>(loops.rank_++)] = stride;
        }
        if (loops.rank_ == 0) {
            loops.rank_ = 1;
            loops.size_[0] = 1;
            loops.stride_[0] = {};
        }
        return loops;
    }

    int64_t count() const { return empty_ ? 0 : size_[static_cast<size_t>(rank_ - 1)]; }  // of the last loop
    const Places &step() const { return stride_[static_cast<size_t>(rank_ - 1)]; }
    int64_t times() const {  // of the loops before it
        int64_t product = empty_ ? 0 : 1;
        for (int i = 0; i + 1 < rank_; ++i) product *= size_[static_cast<size_t>(i)];
        return product;
    }

    // Calls visit(places) for each run of the last loop; ends early where visit gives false.
    template <class Visit>
    bool each(Visit &&visit) const {
        if (empty_) return true;
        Places places{};
        std::array<int64_t, kMaxRank> index{};
        for (;;) {
            if (!visit(places)) return false;
            int axis = rank_ - 2;
            for (; axis >= 0; --axis) {
                const auto at = static_cast<size_t>(axis);
                for (size_t k = 0; k < N; ++k) places[k] += stride_[at][k];
                if (++index[at] < size_[at]) break;
                for (size_t k = 0; k < N; ++k) places[k] -= stride_[at][k] * size_[at];
                index[at] = 0;
            }
            if (axis < 0) return true;
        }
    }

  private:
    int rank_ = 0;
    bool empty_ = false;
    std::array<int64_t, kMaxRank> size_{};
    std::array<Places, kMaxRank> stride_{};
};

}  // namespace weighbridge::lib
