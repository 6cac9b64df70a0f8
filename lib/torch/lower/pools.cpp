// SPDX-License-Identifier: Apache-2.0
// Pools along one to three last axes: an extreme or a mean of what each window sees.
#include <algorithm>

#include "torch/lower/formula.hpp"
#include "torch/lower/windows.hpp"

namespace weighbridge::torch_plugin {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

ValueId real_of(Call &call) {
    if (!is_real(dtype_of(call.b, *call.tensor("self")))) throw Unsupported{"a pool of integers; write .float()"};
    return call.float_id("self");
}

// A pool's input, whose last axes it moves over.
struct Pooled {
    Builder &b;
    ValueId x;
    size_t axes, first;  // how many, and the first of them
    std::vector<Windows> windows;
    std::vector<int64_t> before, after;
};

// The last window of ceil_mode may reach over the end, but begins before it, or before what pads it.
int64_t beyond_end(const Extent &size, const Windows &windows, int64_t pad) {
    if (!size.known()) throw Unsupported{"a pool with ceil_mode=True along " + to_string(size)};
    const int64_t reach = windows.dilation * (windows.taps - 1) + 1, room = size.terms[0] + 2 * pad - reach;
    int64_t last = (room + windows.stride - 1) / windows.stride;
    if (last * windows.stride >= size.terms[0] + pad) --last;
    return std::max<int64_t>(0, last * windows.stride - room);
}

Pooled pool_of(Call &call, size_t axes) {
    Builder &b = call.b;
    const ValueId x = real_of(call);
    if (b.rank(x) < axes + 1 || b.shape(x)[b.rank(x) - axes].batch)
        throw Unsupported{"a pool along " + std::to_string(axes) + " axes of " + to_string(b.shape(x))};
    Pooled pool{b, x, axes, b.rank(x) - axes, {}, {}, {}};
    const auto taps = for_axes(call, "kernel_size", axes, 1), dilations = for_axes(call, "dilation", axes, 1);
    pool.before = pool.after = for_axes(call, "padding", axes, 0);
    const bool strides_given = call.has("stride") && !call.sizes("stride").empty();
    const auto strides = strides_given ? for_axes(call, "stride", axes, 1) : taps;
    const bool ceil = call.flag("ceil_mode");
    for (size_t i = 0; i < axes; ++i) {
        pool.windows.push_back({taps[i], strides[i], dilations[i]});
        require_small(pool.windows.back());
        if (pool.before[i] < 0 || pool.before[i] > (dilations[i] * (taps[i] - 1) + 1) / 2)
            throw Unsupported{"a pool padded by " + std::to_string(pool.before[i])};
        if (ceil) pool.after[i] += beyond_end(b.shape(x)[pool.first + i], pool.windows[i], pool.before[i]);
    }
    return pool;
}

// Along one axis after another.
ValueId combined(const Pooled &pool, double padding, Op op) {
    Builder &b = pool.b;
    ValueId x = pool.x;
    for (size_t i = 0; i < pool.axes; ++i) {
        const ValueId wide = padded(b, x, pool.first + i, pool.before[i], pool.after[i], padding);
        const std::vector<ValueId> slices = shifted(b, wide, pool.first + i, {pool.windows[i]});
        x = slices[0];
        for (size_t k = 1; k < slices.size(); ++k) x = b.binary(op, x, slices[k]);
    }
    return x;
}

template <size_t axes>
Value largest_of_windows(Call &call) {
    return result(combined(pool_of(call, axes), -kInfinity, Op::maximum));
}

// Where each place of the last axes stands among all of them: int64, one axis after another.
ValueId places_of(Builder &b, ValueId x, size_t first) {
    Extents shape = b.shape(x);
    shape.erase(shape.begin(), shape.begin() + static_cast<ptrdiff_t>(first));
    const auto whole = lib::product(shape);
    if (!whole) throw Unsupported{"the places of " + to_string(shape)};
    return b.reshape(b.iota(*whole), shape);
}

// The largest and where it stands; of several the first, of NaNs the last.
template <size_t axes>
Value largest_with_places(Call &call) {
    const Pooled pool = pool_of(call, axes);
    Builder &b = pool.b;
    ValueId x = pool.x, at = b.cast(places_of(b, x, pool.first), DType::float32);
    for (size_t i = 0; i < axes; ++i) {
        x = padded(b, x, pool.first + i, pool.before[i], pool.after[i], -kInfinity);
        at = padded(b, at, i, pool.before[i], pool.after[i], -1);
    }
    const std::vector<ValueId> values = shifted(b, x, pool.first, pool.windows);
    const std::vector<ValueId> places = shifted(b, at, 0, pool.windows);
    Term most{&b, values[0]}, place{&b, b.expand(places[0], b.shape(values[0]))};
    for (size_t i = 1; i < values.size(); ++i) {
        const Term next{&b, values[i]};
        const Term better = either(either(next > most, is_nan(next)), place < 0.0);  // what pads has no place
        place = choose(better, Term{&b, b.expand(places[i], b.shape(values[i]))}, place);
        most = choose(better, next, most);
    }
    return results({most.id, b.cast(place.id, DType::int64)});
}

// How many places a mean counts along one axis, for each of its windows.
std::vector<double> counted(const Extent &size, const Windows &windows, int64_t pad, int64_t count, bool with_padding) {
    std::vector<double> counts;
    for (int64_t i = 0; i < count; ++i) {
        const int64_t from = i * windows.stride - pad, end = std::min(from + windows.taps, size.terms[0] + pad);
        const int64_t inside = std::min(end, size.terms[0]) - std::max<int64_t>(from, 0);
        counts.push_back(static_cast<double>(with_padding ? end - from : inside));
    }
    return counts;
}

template <size_t axes>
Value mean_of_windows(Call &call) {
    const Pooled pool = pool_of(call, axes);
    Builder &b = pool.b;
    Term mean{&b, combined(pool, 0, Op::add)};
    if (call.has("divisor_override")) return result((mean / call.real("divisor_override")).id);
    const bool with_padding = call.flag("count_include_pad", true);
    for (size_t i = 0; i < axes; ++i) {
        const Windows &windows = pool.windows[i];
        if (pool.before[i] == 0 ? pool.after[i] == 0 : with_padding && pool.after[i] == pool.before[i]) {
            mean = mean / static_cast<double>(windows.taps);
            continue;
        }
        const Extent size = b.shape(pool.x)[pool.first + i], count = b.shape(mean.id)[pool.first + i];
        if (!size.known()) throw Unsupported{"a mean of windows without their padding"};
        const ValueId line = b.floats(counted(size, windows, pool.before[i], count.terms[0], with_padding));
        Extents shape(axes - i, Extent::of(1));
        shape[0] = count;
        mean = mean / Term{&b, b.reshape(line, shape)};
    }
    return result(mean.id);
}

// An axis in a number of parts that overlap where the number does not divide it.
struct Part {
    int64_t from, count;
};
std::vector<Part> parts_of(const Extent &size, int64_t count) {
    if (!size.known() || count < 1 || count > 4096)
        throw Unsupported{"a pool of " + to_string(size) + " places in " + std::to_string(count)};
    std::vector<Part> parts;
    for (int64_t i = 0; i < count; ++i) {
        const int64_t from = i * size.terms[0] / count, end = ((i + 1) * size.terms[0] + count - 1) / count;
        parts.push_back({from, end - from});
    }
    return parts;
}

// How many parts each of the last axes is asked for; None keeps an axis as it is.
std::vector<Extent> parts_asked(Call &call, const Extents &shape, size_t axes) {
    const Value &asked = call.at("output_size");
    const auto *list = asked.as<std::shared_ptr<List>>();
    if (list && (*list)->size() != 1 && (*list)->size() != axes)
        throw Unsupported{"expected " + std::to_string(axes) + " numbers as output_size"};
    std::vector<Extent> wanted;
    for (size_t i = 0; i < axes; ++i) {
        const Value &one = list ? (**list)[(*list)->size() == 1 ? 0 : i] : asked;
        wanted.push_back(one.none() ? shape[shape.size() - axes + i]
                                    : Call{call.b, call.name, {{"output_size", one}}}.size("output_size"));
    }
    return wanted;
}

ValueId reduced_parts(Builder &b, ValueId x, size_t axis, const Extent &count, Op op) {
    const Extent whole = b.shape(x)[axis];
    if (const auto size = exact_quotient(whole, count); size && count.known() && count.terms[0] > 0) {
        Extents shape = b.shape(x);
        shape[axis] = count;
        shape.insert(shape.begin() + static_cast<ptrdiff_t>(axis) + 1, *size);
        return b.reduce(op, b.reshape(x, shape), axis + 1, false);
    }
    if (!count.known()) throw Unsupported{"a pool in " + to_string(count) + " parts"};
    std::vector<ValueId> found;
    for (const Part &part : parts_of(whole, count.terms[0]))
        found.push_back(b.reduce(op, b.slice(x, axis, Extent::of(part.from), Extent::of(part.count)), axis, true));
    return b.concat(found, axis);
}

template <size_t axes>
Value means_of_parts(Call &call) {
    Builder &b = call.b;
    ValueId x = real_of(call);
    if (b.rank(x) < axes + 1 || b.shape(x)[b.rank(x) - axes].batch) throw Unsupported{"a pool without an axis"};
    const auto counts = parts_asked(call, b.shape(x), axes);
    for (size_t i = 0; i < axes; ++i) x = reduced_parts(b, x, b.rank(x) - axes + i, counts[i], Op::reduce_mean);
    return result(x);
}

// The largest of each part. Where it stands is known along one axis that the parts divide.
template <size_t axes>
Value largest_of_parts(Call &call) {
    Builder &b = call.b;
    ValueId x = real_of(call);
    if (b.rank(x) < axes + 1 || b.shape(x)[b.rank(x) - axes].batch) throw Unsupported{"a pool without an axis"};
    const auto counts = parts_asked(call, b.shape(x), axes);
    const size_t first = b.rank(x) - axes;
    if (const auto size = exact_quotient(b.shape(x)[first], counts[0]); axes == 1 && size) {
        Extents shape = b.shape(x);
        shape[first] = counts[0];
        shape.push_back(*size);
        const ValueId parts = b.reshape(x, shape);
        const ValueId largest =
            b.squeeze(b.add(Op::argmax, {parts}, {.axis = static_cast<int64_t>(first + 1)}), first + 1);
        // Of several that are NaN the last.
        const ValueId none = b.full_int(Extent::of(-1), {});
        const ValueId nans = b.where(b.binary(Op::not_equal, parts, parts), b.iota(*size), none);
        const ValueId last = b.reduce(Op::reduce_max, nans, first + 1, false);
        const ValueId place = b.where(b.binary(Op::equal, last, none), largest, last);
        const ValueId start = b.binary(Op::mul, b.iota(counts[0]), b.full_int(*size, {}));
        return results({b.reduce(Op::reduce_max, parts, first + 1, false), b.binary(Op::add, place, start)});
    }
    for (size_t i = 0; i < axes; ++i) x = reduced_parts(b, x, first + i, counts[i], Op::reduce_max);
    return tuple_of({result(x), Value()});
}

}  // namespace

void add_pools(Registry &to) {
    constexpr const char *kLargest = "self kernel_size stride padding dilation ceil_mode";
    constexpr const char *kMean = "self kernel_size stride padding ceil_mode count_include_pad divisor_override";
    const Entry entries[] = {
        {"aten::max_pool1d", kLargest, &largest_of_windows<1>},
        {"aten::max_pool2d", kLargest, &largest_of_windows<2>},
        {"aten::max_pool3d", kLargest, &largest_of_windows<3>},
        {"aten::max_pool1d_with_indices", kLargest, &largest_with_places<1>},
        {"aten::max_pool2d_with_indices", kLargest, &largest_with_places<2>},
        {"aten::max_pool3d_with_indices", kLargest, &largest_with_places<3>},
        {"aten::avg_pool1d", "self kernel_size stride padding ceil_mode count_include_pad", &mean_of_windows<1>},
        {"aten::avg_pool2d", kMean, &mean_of_windows<2>},
        {"aten::avg_pool3d", kMean, &mean_of_windows<3>},
        {"aten::adaptive_avg_pool1d", "self output_size", &means_of_parts<1>},
        {"aten::adaptive_avg_pool2d", "self output_size", &means_of_parts<2>},
        {"aten::adaptive_avg_pool3d", "self output_size", &means_of_parts<3>},
        {"aten::adaptive_max_pool1d", "self output_size", &largest_of_parts<1>},
        {"aten::adaptive_max_pool2d", "self output_size", &largest_of_parts<2>},
        {"aten::adaptive_max_pool3d", "self output_size", &largest_of_parts<3>},
    };
    add(to, entries);
}

}  // namespace weighbridge::torch_plugin
