// SPDX-License-Identifier: Apache-2.0
#include "graph/dense.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "graph/scalar_ops.hpp"

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
        if (node.op >= Op::equal) {
            auto *to = result.as<uint8_t>();
            for_each_place(result.shape, strides,
                           [&](const Sizes &at) { to[place++] = compared(node.op, x[at[0]], y[at[1]]); });
        } else {
            T *to = result.as<T>();
            const bool divides = node.op == Op::floor_divide || node.op == Op::remainder;
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
    for (int64_t i = 0; i < count; ++i) {
        if (id[i] < 0 || id[i] >= rows)
            return Status::failure(WB_BACKEND_FAILED,
                                   "embedding: expected indices in [0, {}) as the model's table has rows, got one "
                                   "outside it",
                                   rows);
        if (width > 0)
            std::memcpy(result.as<float>() + i * width, table.as<const float>() + id[i] * width,
                        static_cast<size_t>(width) * sizeof(float));
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

// Along an axis: maxima, minima, argmax, integer sums and running sums.
void along(const Node &node, const Dense &x, const Dense &result) {
    const auto axis = static_cast<size_t>(node.attributes.ints[0]);
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
        std::fill_n(result.as<int64_t>(), count, node.attributes.extents[0].at(rows, length));
    } else if (result.dtype == DType::boolean) {
        std::fill_n(result.as<uint8_t>(), count, node.attributes.reals[0] != 0 ? 1 : 0);
    } else {
        std::fill_n(result.as<float>(), count, static_cast<float>(node.attributes.reals[0]));
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
    const bool floats = !node.operands.empty() && graph.type(node.operands[0]).dtype == DType::float32;
    switch (node.op) {
        case Op::full:
        case Op::iota:
        case Op::logical_not:
        case Op::cast:
        case Op::neg:
        case Op::abs:
        case Op::sign:
        case Op::square:
        case Op::clamp:
        case Op::reshape:
        case Op::permute:
        case Op::slice:
        case Op::expand:
        case Op::concat:
        case Op::embedding:
        case Op::gather:
        case Op::bucketize:
        case Op::reduce_max:
        case Op::reduce_min:
        case Op::argmax:
        case Op::where:
        case Op::cumsum:  // of floats: in ascending order
            return true;
        case Op::reduce_sum:
            return !floats;
        default:
            return node.op >= Op::add && node.op < Op::where && node.op != Op::pow;
    }
}

Status evaluate_exact(const Node &node, std::span<const Dense> operands, const Dense &result, int64_t rows,
                      int64_t length) {
    const auto &attributes = node.attributes;
    switch (node.op) {
        case Op::full:
        case Op::iota:
            fill(node, result, rows, length);
            return {};
        case Op::reshape:
            if (result.elements() > 0)
                std::memcpy(result.data, operands[0].data,
                            static_cast<size_t>(result.elements()) * size_of(result.dtype));
            return {};
        case Op::permute: {
            const Sizes dense = row_major(operands[0].shape);
            Sizes strides;
            for (int64_t axis : attributes.ints) strides.push_back(dense[static_cast<size_t>(axis)]);
            copy_by(operands[0], result.shape, strides, 0, result);
            return {};
        }
        case Op::slice: {
            Sizes strides = row_major(operands[0].shape);
            const auto axis = static_cast<size_t>(attributes.ints[0]);
            const int64_t offset = attributes.extents[0].at(rows, length) * strides[axis];
            strides[axis] *= attributes.ints[1];
            copy_by(operands[0], result.shape, strides, offset, result);
            return {};
        }
        case Op::expand:
            copy_by(operands[0], result.shape, broadcast_strides(operands[0].shape, result.shape), 0, result);
            return {};
        case Op::concat:
            concat(static_cast<size_t>(attributes.ints[0]), operands, result);
            return {};
        case Op::embedding:
            return embedding(operands[0], operands[1], result);
        case Op::gather:
            return gather(static_cast<size_t>(attributes.ints[0]), operands[0], operands[1], result);
        case Op::bucketize:
            bucketize(attributes.ints[0] != 0, operands[0], operands[1], result);
            return {};
        case Op::where: {
            const std::vector<Sizes> strides{broadcast_strides(operands[0].shape, result.shape),
                                             broadcast_strides(operands[1].shape, result.shape),
                                             broadcast_strides(operands[2].shape, result.shape)};
            int64_t place = 0;
            with_type(result.dtype, [&](auto zero) {
                using T = decltype(zero);
                for_each_place(result.shape, strides, [&](const Sizes &at) {
                    result.as<T>()[place++] = operands[0].as<const uint8_t>()[at[0]] ? operands[1].as<const T>()[at[1]]
                                                                                     : operands[2].as<const T>()[at[2]];
                });
            });
            return {};
        }
        case Op::reduce_sum:
        case Op::reduce_max:
        case Op::reduce_min:
        case Op::argmax:
        case Op::cumsum:
            along(node, operands[0], result);
            return {};
        default:
            if (node.op >= Op::add) return binary(node, operands, result);
            unary(node, operands[0], result);
            return {};
    }
}

}  // namespace weighbridge::lib
