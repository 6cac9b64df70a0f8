// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "graph/graph.hpp"

namespace weighbridge::lib {
namespace {

// Wide enough for any terms of 64 bits and any length that a graph may have.
__extension__ using Wide = __int128;
struct WideRange {
    Wide least, most;
};

// Between which numbers an extent's polynomial lies for lengths in [least, largest]: at the ends, or beside the vertex.
WideRange range_of(const Extent &extent, int64_t least, int64_t largest) {
    const Wide a = extent.terms[0], b = extent.terms[1], c = extent.terms[2];
    auto at = [&](Wide length) { return a + (b + c * length) * length; };
    WideRange found{std::min(at(least), at(largest)), std::max(at(least), at(largest))};
    if (c != 0) {
        const Wide vertex = -b / (2 * c);
        for (Wide length : {vertex - 1, vertex, vertex + 1})
            if (length >= least && length <= largest)
                found = {std::min(found.least, at(length)), std::max(found.most, at(length))};
    }
    return found;
}

class Inference {
  public:
    Inference(const Graph &graph, Op op, const std::vector<ValueId> &operands, const Attributes &attributes)
        : graph_(graph), op_(op), operands_(operands), attributes_(attributes) {}

    Expected<Type> result() {
        for (ValueId id : operands_)
            if (id >= graph_.nodes().size()) return fail("operands that come before it", formatted("value {}", id));
        if (operands_.size() > kMaxArguments)
            return fail(formatted("at most {} operands", kMaxArguments), formatted("{}", operands_.size()));
        if (op_ != Op::cast)
            for (ValueId id : operands_)
                if (!computes(graph_.type(id).dtype))
                    return fail("operands of float32, int64 or bool", to_string(graph_.type(id)));
        auto type = dispatch();
        if (!type) return type;
        return checked(*std::move(type));
    }

  private:
    static bool computes(DType dtype) {
        return dtype == DType::float32 || dtype == DType::int64 || dtype == DType::boolean;
    }
    Status fail(std::string_view expected, std::string_view found) const {
        return Status::failure(WB_INVALID_BUNDLE, "{}: expected {}, found {}", name_of(op_), expected, found);
    }
    Status fail_operand(std::string_view expected, size_t index) const {
        return fail(expected, formatted("operand {} of {}", index, to_string(type(index))));
    }
    const Type &type(size_t index) const { return graph_.type(operands_[index]); }

    Status counts(size_t operands, size_t ints = 0, size_t reals = 0, size_t extents = 0) const {
        if (operands_.size() != operands)
            return fail(formatted("{} operand(s)", operands), formatted("{}", operands_.size()));
        if (attributes_.ints.size() != ints || attributes_.reals.size() != reals ||
            attributes_.extents.size() != extents)
            return fail(formatted("{}, {} and {} attributes", ints, reals, extents),
                        formatted("{}, {} and {}", attributes_.ints.size(), attributes_.reals.size(),
                                  attributes_.extents.size()));
        return {};
    }
    Status is(size_t index, std::initializer_list<DType> allowed) const {
        if (std::find(allowed.begin(), allowed.end(), type(index).dtype) != allowed.end()) return {};
        std::string names;
        for (DType dtype : allowed) names += (names.empty() ? "" : " or ") + std::string(name_of(dtype));
        return fail_operand(names, index);
    }
    // An int attribute in [0, end).
    Expected<size_t> index_attribute(size_t place, size_t end) const {
        const int64_t value = attributes_.ints[place];
        if (value < 0 || static_cast<size_t>(value) >= end)
            return fail(formatted("attribute {} in [0, {})", place, end), formatted("{}", value));
        return static_cast<size_t>(value);
    }
    // An axis that does not run over rows: nothing may mix one row with another.
    Expected<size_t> axis_attribute(size_t place, size_t operand = 0) const {
        auto axis = index_attribute(place, type(operand).rank());
        if (axis && type(operand).shape[*axis].batch) return fail_operand("an axis within a row", operand);
        return axis;
    }
    Expected<DType> dtype_attribute(size_t place) const {
        const int64_t value = attributes_.ints[place];
        for (DType dtype : {DType::float32, DType::float64, DType::int64, DType::int32, DType::boolean})
            if (value == static_cast<int64_t>(dtype)) return dtype;
        return fail("a dtype", formatted("{}", value));
    }

    Expected<Extents> broadcast(const Extents &a, const Extents &b) const {
        Extents result(std::max(a.size(), b.size()));
        for (size_t i = 0; i < result.size(); ++i) {
            const Extent one = Extent::of(1);
            const Extent &x = i < a.size() ? a[a.size() - 1 - i] : one;
            const Extent &y = i < b.size() ? b[b.size() - 1 - i] : one;
            if (x != y && x != one && y != one)
                return fail("shapes that broadcast", to_string(a) + " and " + to_string(b));
            result[result.size() - 1 - i] = x == one ? y : x;
        }
        return result;
    }

    WideRange range(const Extent &extent) const { return range_of(extent, graph_.least_length, graph_.largest_length); }

    // Sizes never negative, the whole never beyond the caps, and at most one factor of rows. A size of 0 hides none of
    // the others: strides are products of some of them. The whole is no downward parabola of the length, so that its
    // largest is at the least or the largest length, where executors look for it.
    Expected<Type> checked(Type type) const {
        if (type.rank() > static_cast<size_t>(kMaxRank))
            return fail(formatted("a result of rank {} at most", kMaxRank), to_string(type));
        auto within = [](int64_t term, int64_t most) { return term >= -most && term <= most; };
        Extent whole = Extent::of(1);
        for (const Extent &size : type.shape) {
            if (!within(size.terms[0], kMaxElements) || !within(size.terms[1], kMaxElements) ||
                !within(size.terms[2], kMaxLength) || range(size).least < 0 || range(size).most > kMaxElements)
                return fail("sizes within bounds for every length", to_string(type));
            if (size.terms == Extent{}.terms) {
                if (size.batch) return fail("0 without rows", to_string(type));
                continue;
            }
            auto next = whole * size;
            if (!next) return fail("a size of rows times a square of length at most", to_string(type));
            whole = *next;
            if (range(whole).most > kMaxElements)
                return fail(formatted("at most {} elements a row", kMaxElements), to_string(type));
        }
        if (whole.terms[2] < 0) return fail("a size that no square of the length shrinks", to_string(type));
        return type;
    }

    Expected<Type> dispatch() {
        const auto number = static_cast<uint32_t>(op_);
        if (op_ == Op::input || op_ == Op::constant || op_ == Op::full || op_ == Op::iota) return source();
        if (number >= 10 && number < 50) return unary();
        if (number >= 50 && number < 80) return binary();
        if (number >= 80 && number < 90) return layout();
        if (number >= 90 && number < 100) return look_up();
        if (number >= 100 && number < 120) return along_axis();
        if (number >= 120) return products();
        return unknown();
    }
    Status unknown() const { return fail("a known operator", formatted("number {}", static_cast<uint32_t>(op_))); }

    Expected<Type> source() {
        if (!operands_.empty()) return fail("no operands", formatted("{}", operands_.size()));
        const auto &extents = attributes_.extents;
        switch (op_) {
            case Op::input: {
                if (attributes_.ints.size() != 2 || !attributes_.reals.empty())
                    return fail("index and dtype", "other attributes");
                if (auto index = index_attribute(0, kMaxArguments); !index) return index.status();
                auto dtype = dtype_attribute(1);
                if (!dtype) return dtype.status();
                if (extents.empty() || extents[0] != Extent::rows()) return fail("[batch, ...]", to_string(extents));
                for (size_t i = 1; i < extents.size(); ++i)
                    if (!extents[i].known() && extents[i] != Extent::length())
                        return fail("[batch, ...] of numbers and the length", to_string(extents));
                return Type{*dtype, extents};
            }
            case Op::constant: {
                if (Status status = counts(0, 1); !status.ok()) return status;
                auto index = index_attribute(0, graph_.constants().size());
                if (!index) return index.status();
                const Constant &constant = graph_.constants()[*index];
                Type type{constant.dtype, {}};
                for (int64_t size : constant.shape) type.shape.push_back(Extent::of(size));
                if (!computes(type.dtype)) return fail("float32, int64 or bool", to_string(type));
                return type;
            }
            case Op::full: {
                if (attributes_.ints.size() != 1) return fail("a dtype", "other attributes");
                auto dtype = dtype_attribute(0);
                if (!dtype) return dtype.status();
                if (!computes(*dtype)) return fail("float32, int64 or bool", name_of(*dtype));
                const bool integer = *dtype == DType::int64;
                if (attributes_.reals.size() != (integer ? 0u : 1u) || (integer && extents.empty()))
                    return fail("one value", "other attributes");
                if (integer && extents[0].batch) return fail("a value without rows", to_string(extents[0]));
                return Type{*dtype, Extents(extents.begin() + (integer ? 1 : 0), extents.end())};
            }
            default:
                if (Status status = counts(0, 0, 0, 1); !status.ok()) return status;
                if (extents[0].batch) return fail("a size within a row", to_string(extents[0]));
                return Type{DType::int64, extents};
        }
    }

    Expected<Type> unary() {
        size_t reals = op_ == Op::softplus || op_ == Op::clamp ? 2 : op_ == Op::leaky_relu || op_ == Op::elu ? 1 : 0;
        if (Status status = counts(1, op_ == Op::cast ? 1 : 0, reals); !status.ok()) return status;
        Type result = type(0);
        switch (op_) {
            case Op::cast: {
                auto dtype = dtype_attribute(0);
                if (!dtype) return dtype.status();
                if (!computes(*dtype)) return fail("float32, int64 or bool", name_of(*dtype));
                result.dtype = *dtype;
                return result;
            }
            case Op::logical_not:
                if (Status status = is(0, {DType::boolean}); !status.ok()) return status;
                return result;
            case Op::neg:
            case Op::abs:
            case Op::sign:
            case Op::square:
            case Op::clamp:
                if (Status status = is(0, {DType::float32, DType::int64}); !status.ok()) return status;
                if (op_ == Op::clamp && (!(attributes_.reals[0] < 0x1p62) || !(attributes_.reals[1] > -0x1p62)))
                    return fail("a least below 2^62 and a largest above -2^62", "others");
                return result;
            default:
                if (op_ > Op::cast) return unknown();
                if (Status status = is(0, {DType::float32}); !status.ok()) return status;
                return result;
        }
    }

    Expected<Type> binary() {
        const size_t first = op_ == Op::where ? 1 : 0;
        if (op_ > Op::where) return unknown();
        if (Status status = counts(2 + first); !status.ok()) return status;
        if (type(first).dtype != type(first + 1).dtype)
            return fail("operands of one dtype", to_string(type(first)) + " and " + to_string(type(first + 1)));
        Type result = type(first);
        if (op_ == Op::div || op_ == Op::pow) {
            if (Status status = is(first, {DType::float32}); !status.ok()) return status;
        } else if (op_ == Op::floor_divide || op_ == Op::remainder) {
            if (Status status = is(first, {DType::int64}); !status.ok()) return status;
        } else if (op_ < Op::equal) {
            if (Status status = is(first, {DType::float32, DType::int64}); !status.ok()) return status;
        } else if (op_ < Op::logical_and) {
            result.dtype = DType::boolean;
        } else if (op_ < Op::where) {
            if (Status status = is(first, {DType::boolean}); !status.ok()) return status;
        }
        auto shape = broadcast(type(first).shape, type(first + 1).shape);
        if (!shape) return shape.status();
        if (op_ == Op::where) {
            if (Status status = is(0, {DType::boolean}); !status.ok()) return status;
            shape = broadcast(type(0).shape, *shape);
            if (!shape) return shape.status();
        }
        result.shape = *std::move(shape);
        return result;
    }

    // What lies before the axis of rows: a reshape that keeps it, keeps each row's elements together.
    static std::optional<Extent> before_rows(const Extents &shape) {
        Extents before;
        for (const Extent &size : shape) {
            if (size.batch) return product(before);
            before.push_back(size);
        }
        return Extent::of(-1);
    }

    Expected<Type> reshape() {
        const Extents &from = type(0).shape, &to = attributes_.extents;
        if (operands_.size() != 1 || !attributes_.ints.empty() || !attributes_.reals.empty())
            return fail("one operand and a shape", "others");
        if (to.size() > static_cast<size_t>(kMaxRank)) return fail("a smaller rank", to_string(to));
        auto a = product(from), b = product(to);
        if (!a || !b || *a != *b) return fail("as many elements", to_string(from) + " as " + to_string(to));
        auto p = before_rows(from), q = before_rows(to);
        if (!p || !q || *p != *q)
            return fail("a shape that keeps rows apart", to_string(from) + " as " + to_string(to));
        return Type{type(0).dtype, to};
    }

    Expected<Type> slice() {
        if (Status status = counts(1, 2, 0, 2); !status.ok()) return status;
        auto axis = axis_attribute(0);
        if (!axis) return axis.status();
        const int64_t step = attributes_.ints[1];
        const Extent &start = attributes_.extents[0], &size = attributes_.extents[1];
        Type result = type(0);
        auto steps = size * Extent::of(step);
        auto reach = steps ? start + *steps : std::nullopt;  // one step behind the last element's place
        auto left = reach ? result.shape[*axis] - *reach : std::nullopt;
        if (step < 1 || step > kMaxElements || start.batch || size.batch || !left || range(start).least < 0 ||
            range(size).least < 0 || range(*left).least < 1 - step)
            return fail(
                "places within the axis for every length",
                formatted("{} from {} by {} of {}", to_string(size), to_string(start), step, to_string(result)));
        result.shape[*axis] = size;
        return result;
    }

    Expected<Type> layout() {
        Type result = operands_.empty() ? Type{} : type(0);
        switch (op_) {
            case Op::reshape:
                if (operands_.empty()) return fail("one operand", "none");
                return reshape();
            case Op::permute: {
                if (Status status = counts(1, operands_.empty() ? 0 : result.rank()); !status.ok()) return status;
                std::vector<bool> seen(result.rank(), false);
                for (size_t i = 0; i < result.rank(); ++i) {
                    auto from = index_attribute(i, result.rank());
                    if (!from) return from.status();
                    if (seen[*from]) return fail("each axis once", formatted("axis {} twice", *from));
                    seen[*from] = true;
                    result.shape[i] = type(0).shape[*from];
                }
                return result;
            }
            case Op::slice:
                if (operands_.empty()) return fail("one operand", "none");
                return slice();
            case Op::expand: {
                if (Status status = counts(1, 0, 0, attributes_.extents.size()); !status.ok()) return status;
                auto shape = broadcast(result.shape, attributes_.extents);
                if (!shape) return shape.status();
                if (result.rank() != attributes_.extents.size() || *shape != attributes_.extents)
                    return fail("a shape of the same rank to expand to",
                                to_string(result.shape) + " to " + to_string(attributes_.extents));
                result.shape = *std::move(shape);
                return result;
            }
            case Op::concat: {
                if (operands_.empty()) return fail("one operand or more", "none");
                if (Status status = counts(operands_.size(), 1); !status.ok()) return status;
                auto axis = axis_attribute(0);
                if (!axis) return axis.status();
                for (size_t i = 1; i < operands_.size(); ++i) {
                    Type other = type(i);
                    auto sum = other.rank() == result.rank() ? result.shape[*axis] + other.shape[*axis] : std::nullopt;
                    if (!sum || sum->batch) return fail("operands that differ along the axis only", to_string(type(i)));
                    result.shape[*axis] = other.shape[*axis] = *sum;
                    if (other != result) return fail("operands that differ along the axis only", to_string(type(i)));
                }
                return result;
            }
            default:
                return unknown();
        }
    }

    Expected<Type> look_up() {
        if (op_ > Op::bucketize) return unknown();
        const size_t ints = op_ == Op::embedding ? 0 : 1;
        if (Status status = counts(2, ints); !status.ok()) return status;
        if (op_ == Op::embedding) {
            if (Status status = is(0, {DType::float32}); !status.ok()) return status;
            if (Status status = is(1, {DType::int64}); !status.ok()) return status;
            if (type(0).rank() != 2 || type(0).shape[0].batch || type(0).shape[1].batch)
                return fail_operand("a table [n, d]", 0);
            Type result{DType::float32, type(1).shape};
            result.shape.push_back(type(0).shape[1]);
            return result;
        }
        if (op_ == Op::bucketize) {
            if (Status status = is(0, {DType::float32}); !status.ok()) return status;
            if (Status status = is(1, {DType::float32}); !status.ok()) return status;
            if (type(1).rank() != 1 || type(1).shape[0].batch) return fail_operand("boundaries [n]", 1);
            if (auto right = index_attribute(0, 2); !right) return right.status();
            return Type{DType::int64, type(0).shape};
        }
        if (Status status = is(1, {DType::int64}); !status.ok()) return status;
        auto axis = axis_attribute(0);
        if (!axis) return axis.status();
        Type result{type(0).dtype, type(1).shape};
        bool fits = type(0).rank() == type(1).rank();
        for (size_t i = 0; fits && i < result.rank(); ++i) fits = i == *axis || type(0).shape[i] == type(1).shape[i];
        if (!fits || result.shape[*axis].batch)
            return fail("an index of the operand's shape but along the axis",
                        to_string(type(0)) + " and " + to_string(type(1)));
        return result;
    }

    Expected<Type> along_axis() {
        switch (op_) {
            case Op::reduce_sum:
            case Op::reduce_mean:
            case Op::reduce_max:
            case Op::reduce_min:
            case Op::argmax:
            case Op::cumsum: {
                if (Status status = counts(1, 1); !status.ok()) return status;
                auto axis = axis_attribute(0);
                if (!axis) return axis.status();
                Status fits = op_ == Op::reduce_mean ? is(0, {DType::float32})
                              : op_ == Op::reduce_max || op_ == Op::reduce_min
                                  ? is(0, {DType::float32, DType::int64, DType::boolean})
                                  : is(0, {DType::float32, DType::int64});
                if (!fits.ok()) return fits;
                Type result = type(0);
                if (op_ != Op::cumsum) result.shape[*axis] = Extent::of(1);
                if (op_ == Op::argmax) result.dtype = DType::int64;
                return result;
            }
            case Op::softmax:
                if (Status status = counts(1); !status.ok()) return status;
                if (Status status = is(0, {DType::float32}); !status.ok()) return status;
                if (type(0).rank() == 0 || type(0).shape.back().batch)
                    return fail_operand("a last axis within a row", 0);
                return type(0);
            case Op::layer_norm: {
                if (Status status = counts(3, 0, 1); !status.ok()) return status;
                if (!(attributes_.reals[0] >= 0)) return fail("epsilon >= 0", formatted("{}", attributes_.reals[0]));
                for (size_t i = 0; i < 3; ++i)
                    if (Status status = is(i, {DType::float32}); !status.ok()) return status;
                if (type(0).rank() == 0 || !type(0).shape.back().known()) return fail_operand("a known last size", 0);
                for (size_t i = 1; i < 3; ++i)
                    if (type(i).shape != Extents{type(0).shape.back()}) return fail_operand("one number a place", i);
                return type(0);
            }
            default:
                return unknown();
        }
    }

    Expected<Type> matmul() {
        if (Status status = counts(2); !status.ok()) return status;
        for (size_t i = 0; i < 2; ++i) {
            if (Status status = is(i, {DType::float32}); !status.ok()) return status;
            if (type(i).rank() < 2) return fail_operand("rank 2 at least", i);
        }
        Extents a = type(0).shape, b = type(1).shape;
        const Extent m = a[a.size() - 2], k = a.back(), n = b.back();
        if (k != b[b.size() - 2] || k.batch) return fail("sizes that multiply", to_string(a) + " by " + to_string(b));
        a.resize(a.size() - 2);
        b.resize(b.size() - 2);
        auto shape = broadcast(a, b);
        if (!shape) return shape.status();
        shape->push_back(m);
        shape->push_back(n);
        return Type{DType::float32, *std::move(shape)};
    }

    bool is_constant(size_t index) const { return graph_.node(operands_[index]).op == Op::constant; }

    Expected<Type> linear() {
        const auto &ints = attributes_.ints;
        const bool sound = ints.size() == 4 && attributes_.reals.size() == 1 && attributes_.extents.empty() &&
                           ints[0] >= 0 && ints[0] <= static_cast<int64_t>(Activation::leaky_relu) &&
                           (ints[1] == 0 || ints[1] == 1) && (ints[2] == 0 || ints[2] == 1) && ints[3] >= 0 &&
                           ints[3] <= static_cast<int64_t>(Range::gelu);
        if (!sound) return fail("activation, bias, residual, range and slope", "other attributes");
        const size_t wanted = static_cast<size_t>(2 + ints[1] + ints[2]);
        if (operands_.size() != wanted)
            return fail(formatted("{} operands", wanted), formatted("{}", operands_.size()));
        for (size_t i = 0; i < wanted; ++i)
            if (Status status = is(i, {DType::float32}); !status.ok()) return status;
        if (!is_constant(1) || type(1).rank() != 2) return fail_operand("constant weights [n, k]", 1);
        Type result = type(0);
        if (result.rank() < 1 || result.shape.back() != type(1).shape[1]) return fail_operand("[..., k]", 0);
        if (type(1).shape[0].is(0) || type(1).shape[1].is(0)) return fail_operand("weights that are not empty", 1);
        result.shape.back() = type(1).shape[0];
        if (ints[1] && (!is_constant(2) || type(2).shape != Extents{type(1).shape[0]}))
            return fail_operand("a constant bias [n]", 2);
        if (ints[2] && type(wanted - 1) != result) return fail_operand("a residual " + to_string(result), wanted - 1);
        return result;
    }

    Expected<Type> attention() {
        const auto &ints = attributes_.ints;
        const bool sound = ints.size() == 3 && attributes_.reals.size() == 1 && attributes_.extents.empty() &&
                           std::all_of(ints.begin(), ints.end(), [](int64_t i) { return i == 0 || i == 1; });
        if (!sound) return fail("causal, zero when empty, mask and scale", "other attributes");
        const size_t wanted = static_cast<size_t>(3 + ints[2]);
        if (operands_.size() != wanted)
            return fail(formatted("{} operands", wanted), formatted("{}", operands_.size()));
        for (size_t i = 0; i < 3; ++i)
            if (Status status = is(i, {DType::float32}); !status.ok()) return status;
        const Extents &q = type(0).shape, &k = type(1).shape, &v = type(2).shape;
        const size_t rank = q.size();
        bool fits = rank >= 3 && k.size() == rank && v.size() == rank;
        for (size_t i = 0; fits && i + 2 < rank; ++i) fits = q[i] == k[i] && k[i] == v[i];
        fits = fits && q[rank - 1] == k[rank - 1] && k[rank - 2] == v[rank - 2] && q[rank - 1].known() &&
               v[rank - 1].known() && !q[rank - 2].batch && !k[rank - 2].batch;
        if (!fits) return fail("q, k and v that fit", to_string(q) + ", " + to_string(k) + " and " + to_string(v));
        auto pairs = q[rank - 2] * k[rank - 2];
        if (!pairs || range(*pairs).most > Wide{kMaxLength} * kMaxLength)
            return fail("at most 2^40 pairs of query and key", to_string(q) + " and " + to_string(k));
        if (ints[2]) {
            if (Status status = is(3, {DType::float32, DType::boolean}); !status.ok()) return status;
            Extents scores = q;
            scores[rank - 1] = k[rank - 2];
            auto shape = broadcast(type(3).shape, scores);
            if (!shape) return shape.status();
            if (*shape != scores) return fail_operand("a mask that broadcasts to " + to_string(scores), 3);
        }
        Type result = type(0);
        result.shape[rank - 1] = v[rank - 1];
        return result;
    }

    Expected<Type> products() {
        switch (op_) {
            case Op::matmul:
                return matmul();
            case Op::linear:
                return linear();
            case Op::attention:
                return attention();
            default:
                return unknown();
        }
    }

    const Graph &graph_;
    const Op op_;
    const std::vector<ValueId> &operands_;
    const Attributes &attributes_;
};

}  // namespace

Expected<Type> infer(const Graph &graph, Op op, const std::vector<ValueId> &operands, const Attributes &attributes) {
    return Inference(graph, op, operands, attributes).result();
}

Status validate(const Graph &graph) {
    if (graph.least_length < 0 || graph.least_length > graph.largest_length || graph.largest_length > kMaxLength)
        return Status::failure(WB_INVALID_BUNDLE, "lengths: expected 0 <= least <= largest <= {}, found {} and {}",
                               kMaxLength, graph.least_length, graph.largest_length);
    bool sequences = false;
    for (size_t i = 0; i < graph.nodes().size(); ++i) {
        const Node &node = graph.nodes()[i];
        if (node.op == Op::input)
            sequences = sequences || std::find(node.type.shape.begin(), node.type.shape.end(), Extent::length()) !=
                                         node.type.shape.end();
        for (ValueId id : node.operands)
            if (id >= i)
                return Status::failure(WB_INVALID_BUNDLE, "operator {}: expected operands before it, found value {}", i,
                                       id);
        auto type = infer(graph, node.op, node.operands, node.attributes);
        if (!type) return Status::failure(WB_INVALID_BUNDLE, "operator {}: {}", i, type.status().message);
        if (*type != node.type)
            return Status::failure(WB_INVALID_BUNDLE, "operator {}: {}: expected {}, found {}", i, name_of(node.op),
                                   to_string(*type), to_string(node.type));
    }
    if (!sequences && graph.least_length > 0)
        return Status::failure(WB_INVALID_BUNDLE, "lengths: expected a least of 0 without sequences, found {}",
                               graph.least_length);
    if (graph.outputs().empty() || graph.outputs().size() > kMaxArguments)
        return Status::failure(WB_INVALID_BUNDLE, "outputs: expected 1 to {}, found {}", kMaxArguments,
                               graph.outputs().size());
    for (ValueId id : graph.outputs())
        if (id >= graph.nodes().size())
            return Status::failure(WB_INVALID_BUNDLE, "outputs: expected a value, found {}", id);
    return {};
}

}  // namespace weighbridge::lib
