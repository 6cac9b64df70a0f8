// SPDX-License-Identifier: Apache-2.0
// Conditions about all rows that a row can answer for itself: what a guard on data asks.
#include <map>
#include <set>

#include "graph/requirement.hpp"
#include "torch/lower/scalars.hpp"

namespace weighbridge::torch_plugin {
namespace {

// What is left of x in each row, along all of its axes: [rows].
ValueId by_row(Builder &b, Op op, ValueId x) {
    const Extents from = b.shape(x);
    size_t rows = 0;
    while (!from[rows].batch) ++rows;
    for (size_t axis = from.size(); axis-- > 0;)
        if (axis != rows) x = b.reduce(op, x, axis, true);
    const Extent count = from[rows];
    if (count.terms[1] != 0 || count.terms[2] != 0) throw Unsupported{"a condition about " + to_string(from)};
    if (count == Extent::rows()) return b.reshape(x, {count});
    const ValueId apart = b.reshape(x, {Extent::rows(), Extent::of(count.terms[0])});
    return b.reduce(op, apart, 1, false);
}

std::optional<double> number_of(Builder &b, const Value &value) {
    if (const auto *real = value.as<double>()) return *real;
    if (const auto *extent = value.as<Extent>(); extent && extent->known())
        return static_cast<double>(extent->terms[0]);
    const auto *tensor = value.as<TensorPtr>();
    if (!tensor || (*tensor)->kind != Tensor::Kind::folded || !shape_of(b, **tensor).empty()) return std::nullopt;
    return (*tensor)->folded->numbers()[0];
}

// The least or the largest of all rows beside a number: whether one row's own, or each row's own, is on that side.
std::optional<Value> compared(Builder &b, const std::string &name, const AboutRows &x, const Value &other) {
    static const std::map<std::string, Op> kOps{{"aten::lt", Op::less},
                                                {"aten::le", Op::less_equal},
                                                {"aten::gt", Op::greater},
                                                {"aten::ge", Op::greater_equal}};
    const auto op = kOps.find(name);
    const auto number = number_of(b, other);
    if (op == kOps.end() || !number) return std::nullopt;
    const bool below = op->second == Op::less || op->second == Op::less_equal;
    // Beside a double that no float is: the same floats are on that side of the nearest one, itself with them or not.
    const auto nearest = static_cast<double>(static_cast<float>(*number));
    Op side = op->second;
    if (x.number && nearest > *number) side = below ? Op::less : Op::greater_equal;
    if (x.number && nearest < *number) side = below ? Op::less_equal : Op::greater;
    const ValueId flags = b.binary(side, x.value, b.full(*number, {}));
    return Value(Undecided{
        "a condition that depends on data",
        AboutRows{flags, below == (x.what == AboutRows::What::least) ? AboutRows::What::any : AboutRows::What::all}});
}

Value negated(Builder &b, const AboutRows &x) {
    const bool any = x.what == AboutRows::What::any;
    AboutRows made{b.unary(Op::logical_not, x.value), any ? AboutRows::What::all : AboutRows::What::any};
    made.same = x.same;
    return Undecided{"a condition that depends on data", made};
}

std::optional<Value> asked_of_rows(Builder &b, const std::string &name, const std::vector<Value> &arguments) {
    static const std::set<std::string> kSame{"aten::Bool", "aten::is_nonzero", "aten::detach"};
    static const std::set<std::string> kNumber{"aten::item", "aten::Float", "aten::FloatImplicit",
                                               "aten::ScalarImplicit"};
    static const std::set<std::string> kNot{"aten::__not__", "aten::logical_not", "aten::bitwise_not"};
    const auto *x = arguments.empty() ? nullptr : arguments[0].as<Undecided>();
    if (!x || !x->rows) return std::nullopt;
    if (kSame.count(name)) return arguments[0];
    if (kNumber.count(name)) {
        Undecided number = *x;
        number.rows->number = true;
        return Value(number);
    }
    const bool truth = x->rows->what == AboutRows::What::any || x->rows->what == AboutRows::What::all;
    if (truth && kNot.count(name)) return negated(b, *x->rows);
    if (truth && arguments.size() == 2) {
        if (name == "aten::__or__" || name == "aten::logical_or" || name == "aten::bitwise_or")
            return both(b, arguments[0], arguments[1], true);
        if (name == "aten::__and__" || name == "aten::logical_and" || name == "aten::bitwise_and")
            return both(b, arguments[0], arguments[1], false);
    }
    return truth || arguments.size() != 2 ? std::nullopt : compared(b, name, *x->rows, arguments[1]);
}

}  // namespace

ValueId Builder::required(ValueId result) {
    for (const auto &[holds, text] : requirements_) {
        std::vector<int64_t> characters;
        for (const char character : text.substr(0, static_cast<size_t>(lib::kMaxRequireText)))
            characters.push_back(character >= ' ' && character <= '~' ? character : '?');
        const ValueId words = constant(DType::int64, {static_cast<int64_t>(characters.size())}, characters.data());
        result = add(Op::require, {result, holds, words});
    }
    return result;
}

ValueId Builder::required_places(ValueId places) {
    if (requirements_.empty() || rank(places) == 0 || shape(places)[0] != Extent::rows()) return places;
    ValueId from = places;
    while (graph_.node(from).op != Op::input) {
        const Op op = graph_.node(from).op;
        if (op != Op::cast && op != Op::reshape && op != Op::slice && op != Op::permute && op != Op::expand &&
            op != Op::concat)
            return places;
        const std::vector<ValueId> &operands = graph_.node(from).operands;
        from = graph_.node(operands[0]).op == Op::full ? operands.back() : operands[0];  // zeros stand before it
    }
    return required(places);
}

Value about_rows(Builder &b, AboutRows::What what, ValueId x) {
    const bool most = what == AboutRows::What::any || what == AboutRows::What::largest;
    const bool number = what == AboutRows::What::least || what == AboutRows::What::largest;
    return Undecided{number ? "mixes rows: reduces over an axis of rows" : "a condition that depends on data",
                     AboutRows{by_row(b, most ? Op::reduce_max : Op::reduce_min, x), what}};
}

std::optional<Value> both(Builder &b, const Value &first, const Value &second, bool either) {
    const auto *x = first.as<Undecided>(), *y = second.as<Undecided>();
    const auto what = either ? AboutRows::What::any : AboutRows::What::all;
    if (!x || !y || !x->rows || !y->rows || x->rows->what != what || y->rows->what != what) return std::nullopt;
    const ValueId flags = b.binary(either ? Op::logical_or : Op::logical_and, x->rows->value, y->rows->value);
    return Value(Undecided{x->what, AboutRows{flags, what}});
}

std::optional<Value> condition_operator(Builder &b, const std::string &name, const std::vector<Value> &arguments) {
    if (auto made = asked_of_rows(b, name, arguments)) return made;
    for (const Value &value : arguments)
        if (value.is<Undecided>()) return value;
    return std::nullopt;
}

}  // namespace weighbridge::torch_plugin
