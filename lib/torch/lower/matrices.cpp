// SPDX-License-Identifier: Apache-2.0
// Linear algebra of small matrices, on the last two axes: elimination with pivots, Cholesky's factors and norms,
// unrolled. What LibTorch refuses while running, as a singular matrix, gives infinities or NaN.
#include <algorithm>
#include <cmath>

#include "torch/lower/formula.hpp"

namespace weighbridge::torch_plugin {
namespace {

constexpr int64_t kMost = 16;  // rows of a matrix

// Matrices of a known size, and the cuts that elimination makes of them.
struct Matrices {
    Builder *b;
    ValueId id;

    size_t rank() const { return b->rank(id); }
    int64_t height() const { return b->shape(id)[rank() - 2].terms[0]; }
    int64_t width() const { return b->shape(id)[rank() - 1].terms[0]; }
    Matrices rows(int64_t from, int64_t count) const {
        return {b, b->slice(id, rank() - 2, Extent::of(from), Extent::of(count))};
    }
    Matrices columns(int64_t from, int64_t count) const {
        return {b, b->slice(id, rank() - 1, Extent::of(from), Extent::of(count))};
    }
    Matrices turned() const { return {b, b->move_axis(id, rank() - 1, rank() - 2)}; }
    Matrices below(const Matrices &more) const { return {b, b->concat({id, more.id}, rank() - 2)}; }
    Matrices beside(const Matrices &more) const { return {b, b->concat({id, more.id}, rank() - 1)}; }
    Matrices times(const Matrices &more) const { return {b, b->matmul(id, more.id)}; }
    Term term() const { return {b, id}; }
};
Matrices of(const Matrices &like, Term term) { return {like.b, term.id}; }

Matrices matrices_of(Call &call, const char *argument) {
    Builder &b = call.b;
    const ValueId x = call.float_id(argument);
    const Extents shape = b.shape(x);
    if (shape.size() < 2 || !shape[shape.size() - 1].known() || !shape[shape.size() - 2].known())
        throw Unsupported{"matrices of " + to_string(shape)};
    return {&b, x};
}
Matrices squares_of(Call &call, const char *argument) {
    const Matrices found = matrices_of(call, argument);
    if (found.height() != found.width() || found.height() < 1 || found.height() > kMost)
        throw Unsupported{"linear algebra of " + std::to_string(found.height()) + " by " +
                          std::to_string(found.width()) + " matrices; " + std::to_string(kMost) + " rows at most"};
    return found;
}

Matrices identity(const Matrices &like, int64_t size) {
    Builder &b = *like.b;
    const ValueId places = b.iota(Extent::of(size));
    Extents shape = b.shape(like.id);
    shape.at(like.rank() - 1) = shape.at(like.rank() - 2) = Extent::of(size);
    return {&b, b.expand(b.cast(b.binary(Op::equal, places, b.unsqueeze(places, 1)), DType::float32), shape)};
}

// Both with the same leading axes.
void spread(Matrices &x, Matrices &y) {
    Extents wide_x = x.b->shape(x.id), wide_y = x.b->shape(y.id);
    while (wide_x.size() < wide_y.size()) wide_x.insert(wide_x.begin(), Extent::of(1));
    while (wide_y.size() < wide_x.size()) wide_y.insert(wide_y.begin(), Extent::of(1));
    for (size_t i = 0; i + 2 < wide_x.size(); ++i) {
        if (wide_x[i].is(1)) wide_x[i] = wide_y[i];
        if (wide_y[i].is(1)) wide_y[i] = wide_x[i];
    }
    x.id = x.b->expand(x.id, wide_x);
    y.id = x.b->expand(y.id, wide_y);
}

// Rows of an upper triangle, one after another, with what stands beside them, and the determinant's parts.
struct Eliminated {
    std::vector<Matrices> rows;  // row k from its diagonal on
    Term sign;                   // of the exchanges
};

// Gauss's elimination with the largest of each column as its pivot.
Eliminated eliminated(Matrices x, int64_t size) {
    Builder &b = *x.b;
    const size_t down = x.rank() - 2;
    Eliminated found{{}, term(x.term(), 1.0)};
    for (int64_t k = 0; k < size; ++k) {
        const int64_t left = size - k;
        const Term column = magnitude(x.columns(0, 1).term());
        const ValueId pivot = b.add(Op::argmax, {column.id}, {.axis = static_cast<int64_t>(down)});  // [..., 1, 1]
        Extents line = b.shape(x.id);
        line.at(down) = Extent::of(1);
        const Matrices row{&b, b.add(Op::gather, {x.id, b.expand(pivot, line)}, {.axis = static_cast<int64_t>(down)})};
        found.rows.push_back(row);
        const Term moved = apply(Op::greater, Term{&b, pivot}, Term{&b, b.full_int(Extent::of(0), {})});
        found.sign = choose(moved, -found.sign, found.sign);
        if (left == 1) break;
        const ValueId places = b.unsqueeze(b.iota(Extent::of(left)), 1);
        const Matrices exchanged{&b, b.where(b.binary(Op::equal, places, pivot), x.rows(0, 1).id, x.id)};
        const Matrices rest = exchanged.rows(1, left - 1);
        const Term own = row.columns(0, 1).term();  // of 0 all below are
        const Term factors = rest.columns(0, 1).term() / choose(own == 0.0, 1.0, own);
        const int64_t width = rest.width() - 1;
        x = of(x, rest.columns(1, width).term() - factors * row.columns(1, width).term());
    }
    return found;
}

Matrices solved(Matrices a, Matrices y) {
    spread(a, y);
    const int64_t size = a.height(), width = y.width();
    const Eliminated upper = eliminated(a.beside(y), size);
    std::optional<Matrices> found;
    for (int64_t k = size; k-- > 0;) {
        const Matrices &row = upper.rows[static_cast<size_t>(k)];
        const int64_t behind = size - k - 1;
        Term rest = row.columns(behind + 1, width).term();
        if (found) rest = rest - row.columns(1, behind).times(*found).term();
        const Matrices one = of(a, rest / row.columns(0, 1).term());
        found = found ? one.below(*found) : one;
    }
    return *found;
}

// L x = y of a lower triangle L.
Matrices solved_downwards(Matrices lower, Matrices y, bool unit) {
    spread(lower, y);
    std::optional<Matrices> found;
    for (int64_t k = 0; k < lower.height(); ++k) {
        Term rest = y.rows(k, 1).term();
        if (found) rest = rest - lower.rows(k, 1).columns(0, k).times(*found).term();
        const Matrices one = of(y, unit ? rest : rest / lower.rows(k, 1).columns(k, 1).term());
        found = found ? found->below(one) : one;
    }
    return *found;
}
Matrices solved_upwards(Matrices upper, Matrices y, bool unit) {
    spread(upper, y);
    std::optional<Matrices> found;
    const int64_t size = upper.height();
    for (int64_t k = size; k-- > 0;) {
        Term rest = y.rows(k, 1).term();
        if (found) rest = rest - upper.rows(k, 1).columns(k + 1, size - k - 1).times(*found).term();
        const Matrices one = of(y, unit ? rest : rest / upper.rows(k, 1).columns(k, 1).term());
        found = found ? one.below(*found) : one;
    }
    return *found;
}

// The lower triangle whose product with its transpose is x.
Matrices cholesky_factor(Matrices x) {
    Builder &b = *x.b;
    const size_t down = x.rank() - 2;
    const int64_t size = x.height();
    std::optional<Matrices> found;
    for (int64_t k = 0; k < size; ++k) {
        const Term pivot = root(x.rows(0, 1).columns(0, 1).term());
        const Matrices column = of(x, x.columns(0, 1).term() / pivot);
        Matrices whole = column;
        if (k > 0) {
            Extents shape = b.shape(column.id);
            shape.at(down) = Extent::of(k);
            whole = Matrices{&b, b.full(0, shape)}.below(column);
        }
        found = found ? found->beside(whole) : whole;
        const int64_t left = size - k - 1;
        if (left == 0) break;
        const Matrices rest = column.rows(1, left);
        x = of(x, x.rows(1, left).columns(1, left).term() - rest.times(rest.turned()).term());
    }
    return *found;
}

Matrices inverse_of(const Matrices &x) { return solved(x, identity(x, x.height())); }

Term element(const Matrices &x) { return {x.b, x.b->squeeze(x.b->squeeze(x.id, x.rank() - 1), x.rank() - 2)}; }

// The determinant's sign, and the logarithm of its size.
Value sign_and_log(Call &call) {
    const Matrices x = squares_of(call, call.find("A") ? "A" : "self");
    const Eliminated upper = eliminated(x, x.height());
    Term sign = upper.sign, sum = term(sign, 0.0);
    for (const Matrices &row : upper.rows) {
        const Term pivot = row.columns(0, 1).term();
        sign = sign * apply(Op::sign, pivot);
        sum = sum + logarithm(magnitude(pivot));
    }
    const Term of_sign = element(of(x, sign)), of_size = element(of(x, sum));
    if (call.name != "aten::logdet") return results({of_sign.id, of_size.id});
    return result(choose(of_sign < 0.0, std::nan(""), of_size).id);
}
Value determinant(Call &call) {
    const Matrices x = squares_of(call, call.find("A") ? "A" : "self");
    const Eliminated upper = eliminated(x, x.height());
    Term product = upper.sign;
    for (const Matrices &row : upper.rows) product = product * row.columns(0, 1).term();
    return result(element(of(x, product)).id);
}

Value inverse(Call &call) { return result(inverse_of(squares_of(call, call.find("A") ? "A" : "self")).id); }

Value solve(Call &call) {
    Builder &b = call.b;
    const Matrices a = squares_of(call, "A");
    ValueId y = call.float_id("B");
    const Extents of_a = b.shape(a.id), of_y = b.shape(y);
    const bool vector =
        of_y.size() == 1 || (of_y.size() + 1 == of_a.size() && of_y == Extents(of_a.begin(), of_a.end() - 1));
    if (vector) y = b.unsqueeze(y, b.rank(y));
    if (b.rank(y) < 2 || !b.shape(y).back().known() || !b.shape(y)[b.rank(y) - 2].known())
        throw Unsupported{"matrices of " + to_string(b.shape(y))};
    Matrices found{&b, y};
    if (call.flag("left", true) || vector)
        found = solved(a, found);
    else
        found = solved(a.turned(), found.turned()).turned();
    if (vector) found.id = b.squeeze(found.id, b.rank(found.id) - 1);
    return result(found.id);
}

Value solve_triangle(Call &call) {
    const bool old = call.name == "aten::triangular_solve";
    Matrices a = squares_of(call, old ? "A" : "self"), y = matrices_of(call, old ? "self" : "B");
    bool upper = call.flag("upper", true);
    const bool unit = call.flag("unitriangular"), left = old || call.flag("left", true);
    if ((old && call.flag("transpose")) || !left) {
        a = a.turned();
        upper = !upper;
    }
    if (!left) y = y.turned();
    Matrices found = upper ? solved_upwards(a, y, unit) : solved_downwards(a, y, unit);
    if (!left) found = found.turned();
    return old ? tuple_of({result(found.id), Value()}) : result(found.id);
}

Value cholesky(Call &call) {
    const Matrices x = squares_of(call, "self");
    return result(call.flag("upper") ? cholesky_factor(x.turned()).turned().id : cholesky_factor(x).id);
}
// x of L L^T x = y.
Value cholesky_solve(Call &call) {
    const bool inverse = call.name == "aten::cholesky_inverse";
    Matrices factor = squares_of(call, inverse ? "self" : "input2");
    if (call.flag("upper")) factor = factor.turned();
    const Matrices y = inverse ? identity(factor, factor.height()) : matrices_of(call, "self");
    return result(solved_upwards(factor.turned(), solved_downwards(factor, y, false), false).id);
}

Term norm_of(const Matrices &x, double order, bool of_elements, bool keep) {
    const size_t down = x.rank() - 2;
    if (of_elements) return {x.b, vector_norm(*x.b, x.id, 2, {down, down + 1}, keep)};
    const bool rows = std::isinf(order);
    if (!rows && std::abs(order) != 1) throw Unsupported{"a norm of singular values; write ord='fro', 1 or inf"};
    const ValueId sums = x.b->reduce(Op::reduce_sum, magnitude(x.term()).id, rows ? down + 1 : down, true);
    const ValueId found = reduce_axes(*x.b, order > 0 ? Op::reduce_max : Op::reduce_min, sums, {down, down + 1}, true);
    return keep ? Term{x.b, found} : element({x.b, found});
}
struct Order {
    double order = 2;
    bool of_elements = false;
};
Order order_of(const Call &call, const char *argument) {
    if (!call.has(argument)) return {};
    if (!call.at(argument).is<std::string>()) return {call.real(argument), false};
    if (call.text(argument) == "fro") return {2, true};
    throw Unsupported{"a norm of order '" + call.text(argument) + "'; write ord='fro', 1 or inf"};
}
Value norm(Call &call) {
    Builder &b = call.b;
    const ValueId x = b.cast(call.float_id("self"), call.dtype("dtype").value_or(DType::float32));
    std::vector<size_t> axes;
    if (!call.has("dim")) axes = {b.rank(x) - 2, b.rank(x) - 1};
    for (int64_t axis : call.has("dim") ? call.integers("dim") : std::vector<int64_t>())
        axes.push_back(wrap_axis(axis, b.rank(x)));
    if (b.rank(x) < 2 || axes.size() != 2 || axes[0] >= axes[1])
        throw Unsupported{"a norm of matrices on axes out of order"};
    const bool keep = call.flag("keepdim");
    if (keep && (axes[0] + 2 != b.rank(x) || axes[1] + 1 != b.rank(x)))
        throw Unsupported{"keepdim=True of matrices on other axes than the last two"};
    const ValueId last = b.move_axis(b.move_axis(x, axes[1], b.rank(x) - 1), axes[0], b.rank(x) - 2);
    const Order order = order_of(call, "ord");
    return result(norm_of({&b, last}, order.order, order.of_elements, keep).id);
}
// Halved until its 1-norm is 0.5 at most, by Taylor's series, then squared as often. Of more than 2^15 NaN.
Value exponential_of(Call &call) {
    constexpr int kTerms = 10, kHalvings = 16;
    const Matrices x = squares_of(call, "self");
    const Term size = norm_of(x, 1, false, true);
    Term scale = term(size, 1.0);
    for (int i = 0; i < kHalvings; ++i) scale = choose(size * scale > 0.5, scale * 0.5, scale);
    scale = choose(size * scale > 0.5, std::nan(""), scale);
    const Matrices small = of(x, x.term() * scale), one = identity(x, x.height());
    Matrices sum = one;
    for (int k = kTerms; k >= 1; --k) sum = of(x, one.term() + small.times(sum).term() / static_cast<double>(k));
    for (int i = 0; i < kHalvings; ++i) {
        const Matrices square = sum.times(sum);
        sum = of(x, choose(scale < 1.0, square.term(), sum.term()));
        scale = choose(scale < 1.0, scale * 2.0, scale);
    }
    return result(sum.id);
}

// 1, x, x^2, ... on a new last axis.
Value powers(Call &call) {
    Builder &b = call.b;
    if (!is_real(dtype_of(b, *call.tensor("x")))) throw Unsupported{"powers of integers; write .float()"};
    const Term x{&b, call.float_id("x")};
    const size_t rank = b.rank(x.id);
    if (rank == 0) throw Unsupported{"powers of a number alone"};
    const Extent own = b.shape(x.id).back();
    if (own.batch && !call.has("N")) throw Unsupported{"mixes rows: as many powers as there are rows; name N"};
    const int64_t count = call.has("N") ? call.integer("N") : own.known() ? own.terms[0] : 0;
    if (count < 1 || count > 64) throw Unsupported{"powers up to one of " + to_string(own)};
    std::vector<ValueId> found{b.full(1, b.shape(b.unsqueeze(x.id, rank)))};
    Term now = x;
    for (int64_t k = 1; k < count; ++k) {
        found.push_back(b.unsqueeze(now.id, rank));
        now = now * x;
    }
    if (call.name == "aten::vander" && !call.flag("increasing")) std::reverse(found.begin(), found.end());
    return result(b.concat(found, rank));
}

}  // namespace

void add_matrices(Registry &to) {
    const Entry entries[] = {
        {"aten::det", "self", &determinant},
        {"aten::linalg_det", "A", &determinant},
        {"aten::logdet", "self", &sign_and_log},
        {"aten::slogdet", "self", &sign_and_log},
        {"aten::linalg_slogdet", "A", &sign_and_log},
        {"aten::inverse", "self", &inverse},
        {"aten::linalg_inv", "A", &inverse},
        {"aten::linalg_solve", "A B left", &solve},
        {"aten::linalg_solve_triangular", "self B upper left unitriangular", &solve_triangle},
        {"aten::triangular_solve", "self A upper transpose unitriangular", &solve_triangle},
        {"aten::linalg_cholesky", "self upper", &cholesky},
        {"aten::cholesky_solve", "self input2 upper", &cholesky_solve},
        {"aten::cholesky_inverse", "self upper", &cholesky_solve},
        {"aten::matrix_exp", "self", &exponential_of},
        {"aten::linalg_matrix_exp", "self", &exponential_of},
        {"aten::linalg_matrix_norm", "self ord dim keepdim dtype", &norm},
        {"aten::vander", "x N increasing", &powers},
        {"aten::linalg_vander", "x N", &powers},
    };
    add(to, entries);
}

}  // namespace weighbridge::torch_plugin
