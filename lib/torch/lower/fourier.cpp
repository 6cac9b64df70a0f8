// SPDX-License-Identifier: Apache-2.0
// Fourier transforms along axes of a known size: products with tables of cosines and sines.
#include <cmath>
#include <numbers>

#include "torch/lower/complex.hpp"

namespace weighbridge::torch_plugin {
namespace {

constexpr int64_t kMostPlaces = 512;  // n^2 numbers a table
constexpr double kInfinity = std::numeric_limits<double>::infinity();

double scale_of(Call &call, int64_t places, bool backwards) {
    const std::string norm = call.has("norm") ? call.text("norm") : "backward";
    if (norm == "ortho") return 1 / std::sqrt(static_cast<double>(places));
    if (norm != "backward" && norm != "forward") throw Unsupported{"a transform scaled by '" + norm + "'"};
    return (norm == "forward") != backwards ? 1 / static_cast<double>(places) : 1;
}

// A table [rows, columns] of cosines or sines of row times column turns out of `places`, exact where they are 0 or 1.
struct Table {
    int64_t rows, columns;
    std::vector<double> values;
};
double turned(double (*function)(double), int64_t turns, int64_t places) {
    const double found =
        function(2 * std::numbers::pi * static_cast<double>(turns % places) / static_cast<double>(places));
    return std::abs(found) < 1e-12 ? 0 : found;
}
template <class Weight>
Table table_of(double (*function)(double), int64_t rows, int64_t columns, int64_t places, const Weight &weight) {
    Table made{rows, columns, {}};
    for (int64_t i = 0; i < rows; ++i)
        for (int64_t k = 0; k < columns; ++k) made.values.push_back(weight(i, k) * turned(function, i * k, places));
    return made;
}

ValueId constant(Builder &b, const Table &table, double (*of)(double)) {
    std::vector<float> values;
    for (double value : table.values) values.push_back(static_cast<float>(of(value)));
    return b.constant(DType::float32, {table.rows, table.columns}, values.data());
}
double sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : 0; }

// x [..., columns] times the table: [..., rows]. A factor of 0 takes nothing, of an infinity or a NaN too: LibTorch
// never multiplies by it. The others' sum is infinite where all infinities that it has are of one sign.
Term product(Term x, const Table &table) {
    Builder &b = *x.b;
    const auto times = [&](Term y, double (*of)(double)) {
        return Term{&b, b.linear(y.id, constant(b, table, of), std::nullopt)};
    };
    const Term finite = magnitude(x) < kInfinity;
    const Term sum = times(choose(finite, x, 0.0), [](double y) { return y; });
    const Term signs = choose(x == kInfinity, 1.0, choose(x == -kInfinity, -1.0, term(x, 0.0)));
    const Term some = times(choose(finite, 0.0, term(x, 1.0)), [](double y) { return std::abs(sign(y)); });
    const Term way = times(signs, &sign);
    const Term special = choose(some > magnitude(way), std::numeric_limits<double>::quiet_NaN(), way * kInfinity);
    return choose(some == 0.0, sum, special);
}

Term along_last(Term x, size_t axis) { return {x.b, x.b->move_axis(x.id, axis, x.b->rank(x.id) - 1)}; }
Term along(Term x, size_t axis) { return {x.b, x.b->move_axis(x.id, x.b->rank(x.id) - 1, axis)}; }

int64_t known_size(Term x, size_t axis) {
    const Extent size = x.b->shape(x.id)[axis];
    if (size.batch) throw Unsupported{"mixes rows in a Fourier transform"};
    if (!size.known() || size.terms[0] < 1 || size.terms[0] > kMostPlaces)
        throw Unsupported{"a Fourier transform of " + to_string(size) + " places, which have to be known and at most " +
                          std::to_string(kMostPlaces)};
    return size.terms[0];
}

// The first `size` places of an axis, zeros behind what there is.
Term fitted(Term x, size_t axis, int64_t size) {
    const int64_t from = known_size(x, axis);
    Builder &b = *x.b;
    if (size < 1 || size > kMostPlaces) throw Unsupported{"a Fourier transform of " + std::to_string(size) + " places"};
    if (size <= from) return {&b, b.slice(x.id, axis, Extent::of(0), Extent::of(size))};
    Extents more = b.shape(x.id);
    more[axis] = Extent::of(size - from);
    return {&b, b.concat({x.id, b.full(0, more)}, axis)};
}

// [n] to [n], both complex.
ComplexParts full(Call &call, ComplexParts x, size_t axis, int64_t n, bool backwards) {
    const double scale = scale_of(call, n, backwards);
    const auto weight = [&](int64_t, int64_t) { return scale; };
    const Term real = along_last(fitted(x.real, axis, n), axis);  // where n is taken at all
    const Table cosines = table_of(&std::cos, n, n, n, weight), sines = table_of(&std::sin, n, n, n, weight);
    Term even = product(real, cosines), odd = product(real, sines);  // of the result's real and imaginary part
    if (!backwards) odd = -odd;
    if (call.b.known(x.imaginary.id).same(DType::float32) != 0.0) {
        const Term imaginary = along_last(fitted(x.imaginary, axis, n), axis);
        const Term across = product(imaginary, sines);
        even = backwards ? even - across : even + across;
        odd = odd + product(imaginary, cosines);
    }
    return {along(even, axis), along(odd, axis)};
}

// Real [n] to complex [n / 2 + 1].
ComplexParts to_half(Call &call, Term x, size_t axis, int64_t n) {
    const double scale = scale_of(call, n, false);
    const auto weight = [&](int64_t, int64_t) { return scale; };
    const Term real = along_last(fitted(x, axis, n), axis);
    const Term cosines = product(real, table_of(&std::cos, n / 2 + 1, n, n, weight));
    const Term sines = product(real, table_of(&std::sin, n / 2 + 1, n, n, weight));
    return {along(cosines, axis), along(-sines, axis)};
}

// Complex [n / 2 + 1] to real [n].
Term from_half(Call &call, ComplexParts x, size_t axis, int64_t n) {
    const double scale = scale_of(call, n, true);
    const auto weight = [&](int64_t, int64_t k) { return k == 0 || 2 * k == n ? scale : 2 * scale; };
    if (n < 1) throw Unsupported{"a Fourier transform of " + std::to_string(n) + " places"};
    const int64_t half = n / 2 + 1;
    const Term real = along_last(fitted(x.real, axis, half), axis);
    const Term imaginary = along_last(fitted(x.imaginary, axis, half), axis);
    const Term found = product(real, table_of(&std::cos, n, half, n, weight)) -
                       product(imaginary, table_of(&std::sin, n, half, n, weight));
    return along(found, axis);
}

enum class Kind { full, backwards, to_half, from_half };

// Sizes that are asked for, by axis; the last axis is the halved one.
Value transform(Call &call, Kind kind, const std::vector<size_t> &axes, const std::vector<int64_t> &sizes) {
    ComplexParts x = parts_of(call, "self");
    if (axes.empty()) throw Unsupported{"a Fourier transform along no axis"};
    const auto size_at = [&](size_t i, int64_t otherwise) {
        return sizes.empty() || sizes[i] < 0 ? otherwise : sizes[i];
    };
    x.imaginary.id = call.b.expand(x.imaginary.id, call.b.shape(x.real.id));
    const size_t last = axes.size() - 1;
    const bool halved = kind == Kind::to_half || kind == Kind::from_half;
    if (kind == Kind::to_half) {
        if (is_complex(call.tensor("self"))) throw Unsupported{"complex numbers in a transform of real ones"};
        x = to_half(call, x.real, axes[last], size_at(last, known_size(x.real, axes[last])));
    }
    for (size_t i = 0; i < axes.size() - (halved ? 1 : 0); ++i)
        x = full(call, x, axes[i], size_at(i, known_size(x.real, axes[i])),
                 kind == Kind::backwards || kind == Kind::from_half);
    if (kind != Kind::from_half) return complex_of(x.real, x.imaginary);
    return result(from_half(call, x, axes[last], size_at(last, 2 * (known_size(x.real, axes[last]) - 1))).id);
}

template <Kind kind>
Value one(Call &call) {
    const size_t rank = shape_of(call.b, *call.tensor("self")).size();
    return transform(call, kind, {call.axis("dim", rank)}, {call.integer("n", -1)});
}

template <Kind kind>
Value several(Call &call) {
    const size_t rank = shape_of(call.b, *call.tensor("self")).size();
    const std::vector<int64_t> sizes = call.has("s") ? call.integers("s") : std::vector<int64_t>();
    std::vector<size_t> axes;
    if (call.has("dim"))
        for (int64_t axis : call.integers("dim")) axes.push_back(wrap_axis(axis, rank));
    else
        for (size_t i = sizes.empty() ? 0 : rank - sizes.size(); i < rank; ++i) axes.push_back(i);
    if (!sizes.empty() && sizes.size() != axes.size())
        throw Unsupported{"other sizes than axes of a Fourier transform"};
    return transform(call, kind, axes, sizes);
}

}  // namespace

void add_fourier(Registry &to) {
    const Entry entries[] = {
        {"aten::fft_fft", "self n dim norm", &one<Kind::full>},
        {"aten::fft_ifft", "self n dim norm", &one<Kind::backwards>},
        {"aten::fft_rfft", "self n dim norm", &one<Kind::to_half>},
        {"aten::fft_irfft", "self n dim norm", &one<Kind::from_half>},
        {"aten::fft_fft2", "self s dim norm", &several<Kind::full>},
        {"aten::fft_ifft2", "self s dim norm", &several<Kind::backwards>},
        {"aten::fft_rfft2", "self s dim norm", &several<Kind::to_half>},
        {"aten::fft_irfft2", "self s dim norm", &several<Kind::from_half>},
        {"aten::fft_fftn", "self s dim norm", &several<Kind::full>},
        {"aten::fft_ifftn", "self s dim norm", &several<Kind::backwards>},
        {"aten::fft_rfftn", "self s dim norm", &several<Kind::to_half>},
        {"aten::fft_irfftn", "self s dim norm", &several<Kind::from_half>},
    };
    add(to, entries);
}

}  // namespace weighbridge::torch_plugin
