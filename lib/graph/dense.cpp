// SPDX-License-Identifier: Apache-2.0
#include "graph/dense.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "graph/requirement.hpp"
#include "graph/scalar_ops.hpp"
#include "graph/trees.hpp"

namespace weighbridge::lib {
namespace {

using scalar::arithmetic, scalar::compared, scalar::converted, scalar::with_type;

using Sizes = std::vector<int64_t>;

Sizes row_major(const Sizes &shape) {
    Sizes strides(shape.size());
    int64_t stride = 1;
    for (size_t i = shape.size(); i-- > 0;) {
        strides[i] = stride;
        stride *= shape[i];
    }
    return strides;
}

Status binary(const Node &node, std::span<const Dense> operands, const Dense &result) {
    const Dense &a = operands[0], &b = operands[1];
    const std::vector<Sizes> strides{broadcast_strides(a.shape, result.shape),
                                     broadcast_strides(b.shape, result.shape)};
    int64_t place = 0;
    bool by_zero = false;
    with_type(a.dtype, [&](auto zero) {
        using T = decltype(zero);
        const T *x = a.as<const T>(), *y = b.as<const T>();
        if (result.dtype == DType::boolean) {
            auto *to = result.as<uint8_t>();
            for_each_place(result.shape, strides,
                           [&](const Sizes &at) { to[place++] = compared(node.op, x[at[0]], y[at[1]]); });
        } else {
            T *to = result.as<T>();
            const bool divides = family_of(node.op) == Family::division;
            for_each_place(result.shape, strides, [&](const Sizes &at) {
                by_zero = by_zero || (divides && y[at[1]] == T{});
                to[place++] = by_zero ? T{} : arithmetic(node.op, x[at[0]], y[at[1]]);
            });
        }
    });
    if (by_zero) return Status::failure(WB_BACKEND_FAILED, "{}: expected a divisor other than 0", name_of(node.op));
    return {};
}

void unary(const Node &node, const Dense &x, const Dense &result) {
    const int64_t count = x.elements();
    with_type(x.dtype, [&](auto zero) {
        using T = decltype(zero);
        const T *from = x.as<const T>();
        if (node.op == Op::cast) {
            with_type(result.dtype, [&](auto to_zero) {
                using U = decltype(to_zero);
                U *to = result.as<U>();
                for (int64_t i = 0; i < count; ++i) to[i] = converted<T, U>(from[i]);
            });
            return;
        }
        T *to = result.as<T>();
        for (int64_t i = 0; i < count; ++i) to[i] = scalar::changed(node, from[i]);
    });
}

void copy_by(const Dense &x, const Sizes &shape, const Sizes &strides, int64_t offset, const Dense &result) {
    const size_t size = size_of(x.dtype);
    const auto *from = x.as<const std::byte>() + static_cast<size_t>(offset) * size;
    auto *to = result.as<std::byte>();
    for_each_place(shape, {strides}, [&](const Sizes &at) {
        std::memcpy(to, from + static_cast<ptrdiff_t>(at[0]) * static_cast<ptrdiff_t>(size), size);
        to += size;
    });
}

// `start`: of a slice, in elements along its axis.
void view(const Node &node, const Dense &x, const Dense &result, int64_t start) {
    if (node.op == Op::reshape) {
        const auto bytes = static_cast<size_t>(result.elements()) * size_of(result.dtype);
        if (bytes > 0) std::memcpy(result.data, x.data, bytes);
        return;
    }
    Sizes strides = row_major(x.shape);
    const auto axis = static_cast<size_t>(node.attributes.axis);
    int64_t offset = 0;
    if (node.op == Op::permute) {
        const Sizes dense = strides;
        for (size_t i = 0; i < strides.size(); ++i) strides[i] = dense[static_cast<size_t>(node.attributes.order[i])];
    } else if (node.op == Op::slice) {
        offset = start * strides[axis];
        strides[axis] *= node.attributes.step;
    } else {
        strides = broadcast_strides(x.shape, result.shape);
    }
    copy_by(x, result.shape, strides, offset, result);
}

void concat(size_t axis, std::span<const Dense> operands, const Dense &result) {
    int64_t inner = static_cast<int64_t>(size_of(result.dtype)), outer = 1, begin = 0;
    for (size_t i = axis + 1; i < result.shape.size(); ++i) inner *= result.shape[i];
    for (size_t i = 0; i < axis; ++i) outer *= result.shape[i];
    for (const Dense &x : operands) {
        const int64_t bytes = x.shape[axis] * inner;
        for (int64_t row = 0; row < outer && bytes > 0; ++row)
            std::memcpy(result.as<std::byte>() + row * result.shape[axis] * inner + begin,
                        x.as<const std::byte>() + row * bytes, static_cast<size_t>(bytes));
        begin += bytes;
    }
}

Status embedding(const Dense &table, const Dense &ids, const Dense &result) {
    const int64_t rows = table.shape[0], width = table.shape[1], count = ids.elements();
    const auto *id = ids.as<const int64_t>();
    const size_t bytes = static_cast<size_t>(width) * size_of(table.dtype);
    for (int64_t i = 0; i < count; ++i) {
        if (id[i] < 0 || id[i] >= rows)
            return Status::failure(WB_BACKEND_FAILED,
                                   "embedding: expected indices in [0, {}) as the model's table has rows, got one "
                                   "outside it",
                                   rows);
        if (width > 0)
            std::memcpy(result.as<std::byte>() + static_cast<size_t>(i) * bytes,
                        table.as<const std::byte>() + static_cast<size_t>(id[i]) * bytes, bytes);
    }
    return {};
}

Status gather(size_t axis, const Dense &x, const Dense &index, const Dense &result) {
    Sizes from = row_major(x.shape);
    const int64_t step = from[axis], size = x.shape[axis];
    from[axis] = 0;
    const size_t bytes = size_of(x.dtype);
    const auto *chosen = index.as<const int64_t>();
    int64_t place = 0;
    bool outside = false;
    for_each_place(index.shape, {from}, [&](const Sizes &at) {
        const int64_t i = chosen[place];
        outside = outside || i < 0 || i >= size;
        if (!outside)
            std::memcpy(result.as<std::byte>() + static_cast<size_t>(place) * bytes,
                        x.as<const std::byte>() + static_cast<size_t>(at[0] + i * step) * bytes, bytes);
        ++place;
    });
    if (outside)
        return Status::failure(WB_BACKEND_FAILED, "gather: expected indices in [0, {}), got one outside it", size);
    return {};
}

void bucketize(bool right, const Dense &x, const Dense &boundaries, const Dense &result) {
    const float *first = boundaries.as<const float>(), *last = first + boundaries.elements();
    for (int64_t i = 0, count = x.elements(); i < count; ++i) {
        const float value = x.as<const float>()[i];
        // A NaN is above everything, as torch.bucketize has it.
        const float *found = value != value ? last
                             : right        ? std::upper_bound(first, last, value)
                                            : std::lower_bound(first, last, value);
        result.as<int64_t>()[i] = found - first;
    }
}

Status require(std::span<const Dense> operands, const Dense &result) {
    const auto *holds = operands[1].as<const uint8_t>();
    if (std::any_of(holds, holds + operands[1].elements(), [](uint8_t flag) { return flag == 0; }))
        return not_as_required({operands[2].as<const int64_t>(), static_cast<size_t>(operands[2].elements())});
    if (result.elements() > 0)
        std::memcpy(result.data, operands[0].data, static_cast<size_t>(result.elements()) * size_of(result.dtype));
    return {};
}

Status look_up(const Node &node, std::span<const Dense> operands, const Dense &result) {
    if (node.op == Op::embedding) return embedding(operands[0], operands[1], result);
    if (node.op == Op::gather)
        return gather(static_cast<size_t>(node.attributes.axis), operands[0], operands[1], result);
    if (node.op == Op::require) return require(operands, result);
    if (node.op == Op::trees)
        walk_trees(operands, result);
    else
        bucketize(node.attributes.right, operands[0], operands[1], result);
    return {};
}

void choose(std::span<const Dense> operands, const Dense &result) {
    std::vector<Sizes> strides;
    for (const Dense &x : operands) strides.push_back(broadcast_strides(x.shape, result.shape));
    int64_t place = 0;
    with_type(result.dtype, [&](auto zero) {
        using T = decltype(zero);
        for_each_place(result.shape, strides, [&](const Sizes &at) {
            result.as<T>()[place++] = operands[0].as<const uint8_t>()[at[0]] ? operands[1].as<const T>()[at[1]]
                                                                             : operands[2].as<const T>()[at[2]];
        });
    });
}

// Along an axis: maxima, minima, argmax, running sums, and sums of integers and of float64.
void along(const Node &node, const Dense &x, const Dense &result) {
    const auto axis = static_cast<size_t>(node.attributes.axis);
    const int64_t size = x.shape[axis], step = row_major(x.shape)[axis];
    Sizes outer = x.shape;
    outer[axis] = 1;
    const std::vector<Sizes> strides{row_major(x.shape), row_major(result.shape)};
    with_type(x.dtype, [&](auto zero) {
        using T = decltype(zero);
        for_each_place(outer, strides, [&](const Sizes &at) {
            const T *from = x.as<const T>() + at[0];
            if (node.op == Op::argmax)
                result.as<int64_t>()[at[1]] = scalar::argmax(from, step, size);
            else
                scalar::along(node.op, from, step, size, result.as<T>() + at[1], step);
        });
    });
}

void fill(const Node &node, const Dense &result, int64_t rows, int64_t length) {
    const int64_t count = result.elements();
    if (node.op == Op::iota) {
        for (int64_t i = 0; i < count; ++i) result.as<int64_t>()[i] = i;
    } else if (result.dtype == DType::int64) {
        std::fill_n(result.as<int64_t>(), count, node.attributes.integer.at(rows, length));
    } else if (result.dtype == DType::boolean) {
        std::fill_n(result.as<uint8_t>(), count, node.attributes.value != 0 ? 1 : 0);
    } else if (result.dtype == DType::float64) {
        std::fill_n(result.as<double>(), count, node.attributes.value);
    } else {
        std::fill_n(result.as<float>(), count, static_cast<float>(node.attributes.value));
    }
}

}  // namespace

int64_t Dense::elements() const {
    int64_t count = 1;
    for (int64_t size : shape) count *= size;
    return count;
}

std::vector<int64_t> sizes_at(const Type &type, int64_t rows, int64_t length) {
    Sizes sizes;
    for (const Extent &extent : type.shape) sizes.push_back(extent.at(rows, length));
    return sizes;
}

std::vector<int64_t> broadcast_strides(const std::vector<int64_t> &shape, const std::vector<int64_t> &to) {
    const Sizes dense = row_major(shape);
    Sizes strides(to.size(), 0);
    for (size_t i = 0; i < shape.size(); ++i)
        if (shape[i] != 1) strides[to.size() - shape.size() + i] = dense[i];
    return strides;
}

bool is_exact(const Graph &graph, const Node &node) {
    const Exact exact = operator_of(node.op).exact;
    if (exact == Exact::yes || node.operands.empty()) return exact == Exact::yes;
    const DType dtype = graph.type(node.operands[0]).dtype;
    return dtype == DType::float64 || (exact == Exact::integers && dtype != DType::float32);
}

Status evaluate_exact(const Node &node, std::span<const Dense> operands, const Dense &result, int64_t rows,
                      int64_t length) {
    switch (family_of(node.op)) {
        case Family::source:
            fill(node, result, rows, length);
            return {};
        case Family::view:
            view(node, operands[0], result, node.attributes.start.at(rows, length));
            return {};
        case Family::join:
            concat(static_cast<size_t>(node.attributes.axis), operands, result);
            return {};
        case Family::look_up:
            return look_up(node, operands, result);
        case Family::choice:
            choose(operands, result);
            return {};
        case Family::reduction:
        case Family::scan:
            along(node, operands[0], result);
            return {};
        case Family::unary:
        case Family::conversion:
            unary(node, operands[0], result);
            return {};
        default:
            return binary(node, operands, result);
    }
}

}  // namespace weighbridge::lib
