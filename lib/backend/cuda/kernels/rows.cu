// SPDX-License-Identifier: Apache-2.0
// kernel::LayerNorm, Softmax and Reduce along the last axis: 16 threads are the lanes of a row, and four exchanges
// their tree. Lanes are never padded.
#include "backend/cuda/kernels/epilogue.hpp"

namespace weighbridge::lib::cuda {
namespace {

using namespace device;

// Lane j takes elements j, j + 16 and so on in ascending order; then lanes 8, 4, 2 and 1 apart are combined. All lanes
// get lane 0's result.
template <class Step, class Combine>
__device__ float reduce(int64_t width, float start, Step step, Combine combine) {
    float lane = start;
    for (int64_t i = threadIdx.x % kRowLanes; i < width; i += kRowLanes) lane = step(lane, i);
#pragma unroll
    for (int apart = kRowLanes / 2; apart > 0; apart /= 2)
        lane = combine(lane, __shfl_xor_sync(kAllLanes, lane, apart, kRowLanes));
    return __shfl_sync(kAllLanes, lane, 0, kRowLanes);
}
struct Plus {
    __device__ float operator()(float a, float b) const { return a + b; }
};
struct Most {
    __device__ float operator()(float a, float b) const { return formulas::maximum(a, b); }
};
struct Least {
    __device__ float operator()(float a, float b) const { return formulas::minimum(a, b); }
};
template <class Combine>
__device__ float combined(const float *x, int64_t width, float start, Combine combine) {
    return reduce(
        width, start, [&](float lane, int64_t i) { return combine(lane, x[i]); }, combine);
}
__device__ float sum_of(const float *x, int64_t width) { return combined(x, width, 0.0f, Plus{}); }
__device__ float most_of(const float *x, int64_t width) { return combined(x, width, -formulas::kInfinity, Most{}); }
__device__ float least_of(const float *x, int64_t width) { return combined(x, width, formulas::kInfinity, Least{}); }

// Calls visit(row, there) with whole warps: where a warp has a row less, its last lanes go over the last row again, and
// must store nothing (`there` is false).
template <class Visit>
__device__ void each_row(const Rows &rows, bool merged, Visit visit) {
    constexpr int kRowsOfBlock = kRowThreads / kRowLanes;
    const int64_t count = all_rows(rows);
    for (int64_t first = int64_t{blockIdx.x} * kRowsOfBlock; first < count;
         first += int64_t{gridDim.x} * kRowsOfBlock) {
        const int64_t row = first + threadIdx.x / kRowLanes;
        visit(row_at(rows, row < count ? row : count - 1, merged), row < count);
    }
}

__device__ float normed(const LayerNorm &l, float t, int64_t i) {
    if (l.gamma && l.beta) return fused(t, l.gamma[i], l.beta[i]);
    if (l.gamma) return t * l.gamma[i];
    return l.beta ? t + l.beta[i] : t;
}

}  // namespace

extern "C" __global__ void __launch_bounds__(kRowThreads) wb_layer_norm(const __grid_constant__ LayerNorm l) {
    each_row(l.rows, l.x.merged && l.y.merged, [&](const Row &row, bool there) {
        const float *x = row.of<const float>(l.x, l.rows);
        float *y = row.of<float>(l.y, l.rows);
        const int64_t width = row.width(l.rows);
        const float count = static_cast<float>(width), mean = sum_of(x, width) / count;
        auto square = [&](float lane, int64_t i) { return fused(x[i] - mean, x[i] - mean, lane); };
        const float inverse = 1.0f / ::sqrtf(reduce(width, 0.0f, square, Plus{}) / count + l.epsilon);
        if (!there) return;
        for (int64_t i = threadIdx.x % kRowLanes; i < width; i += kRowLanes)
            y[i] = normed(l, (x[i] - mean) * inverse, i);
    });
}

extern "C" __global__ void __launch_bounds__(kRowThreads) wb_softmax(const __grid_constant__ Softmax s) {
    each_row(s.rows, s.x.merged && s.y.merged, [&](const Row &row, bool there) {
        const float *x = row.of<const float>(s.x, s.rows);
        float *y = row.of<float>(s.y, s.rows);
        const int64_t width = row.width(s.rows);
        const float top = most_of(x, width);
        // In place a row that is gone over again may have been written already: its sum is of no use.
        const float total = reduce(
            width, 0.0f, [&](float lane, int64_t i) { return lane + formulas::exp(x[i] - top); }, Plus{});
        if (!there) return;
        for (int64_t i = threadIdx.x % kRowLanes; i < width; i += kRowLanes) y[i] = formulas::exp(x[i] - top) / total;
    });
}

extern "C" __global__ void __launch_bounds__(kRowThreads) wb_reduce_last(const __grid_constant__ ReduceLast r) {
    each_row(r.rows, r.x.merged && r.y.merged, [&](const Row &row, bool there) {
        const float *x = row.of<const float>(r.x, r.rows);
        const int64_t width = row.width(r.rows);
        float result = r.reduction == Reduction::max   ? most_of(x, width)
                       : r.reduction == Reduction::min ? least_of(x, width)
                                                       : sum_of(x, width);
        if (r.reduction == Reduction::mean) result = result / static_cast<float>(width);
        if (there && threadIdx.x % kRowLanes == 0) *row.of<float>(r.y, r.rows) = result;
    });
}

namespace {

// Calls visit(row, column) for the elements of all rows that are this thread's.
template <class Visit>
__device__ void each_place(const Rows &rows, bool merged, Visit visit) {
    const int64_t step = int64_t{gridDim.x} * blockDim.x, first = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
    if (!depends_on_length(rows.width)) {
        const int64_t width = rows.width.a, count = all_rows(rows) * width;
        for (int64_t i = first; i < count; i += step) {
            const int64_t row = width == 1 ? i : i / width;
            visit(row_at(rows, row, merged), i - row * width);
        }
        return;
    }
    const int64_t count = all_rows(rows);  // a thread a row: widths differ
    for (int64_t i = first; i < count; i += step) {
        const Row row = row_at(rows, i, merged);
        for (int64_t column = 0; column < row.width(rows); ++column) visit(row, column);
    }
}

}  // namespace

extern "C" __global__ void __launch_bounds__(kElementThreads) wb_unary_rows(const __grid_constant__ UnaryRows u) {
    each_place(u.rows, u.x.merged && u.y.merged, [&](const Row &row, int64_t i) {
        row.of<float>(u.y, u.rows)[i] = formulas::applied(u.op, u.params, row.of<const float>(u.x, u.rows)[i]);
    });
}

extern "C" __global__ void __launch_bounds__(kElementThreads) wb_binary_rows(const __grid_constant__ BinaryRows b) {
    each_place(b.rows, b.a.merged && b.b.merged && b.y.merged, [&](const Row &row, int64_t i) {
        const float left = row.of<const float>(b.a, b.rows)[i * b.a_step];
        const float right = row.of<const float>(b.b, b.rows)[i * b.b_step];
        row.of<float>(b.y, b.rows)[i] = formulas::applied(b.op, left, right);
    });
}

// A warp a row.
extern "C" __global__ void __launch_bounds__(kRowThreads) wb_embedding(const __grid_constant__ Embedding e) {
    constexpr int kWarps = kRowThreads / 32;
    const bool merged = e.ids.merged && e.y.merged;
    const int64_t count = all_rows(e.rows);
    for (int64_t i = int64_t{blockIdx.x} * kWarps + threadIdx.x / 32; i < count; i += int64_t{gridDim.x} * kWarps) {
        const Row row = row_at(e.rows, i, merged);
        const int64_t id = *row.of<const int64_t>(e.ids, e.rows);
        if (id < 0 || id >= e.entries) {
            if (threadIdx.x % 32 == 0) tell_fault(e.rows.run, sequence_of(e.rows, i).index, e.fault);
            continue;
        }
        const float *from = e.table + id * e.stride;
        float *to = row.of<float>(e.y, e.rows);
        const int64_t width = row.width(e.rows);
        for (int64_t column = threadIdx.x % 32; column < width; column += 32) to[column] = from[column];
    }
}

}  // namespace weighbridge::lib::cuda
