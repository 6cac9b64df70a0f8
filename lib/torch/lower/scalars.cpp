// SPDX-License-Identifier: Apache-2.0
#include "torch/lower/scalars.hpp"

#include <algorithm>
#include <set>

namespace weighbridge::torch_plugin {
namespace {

// A number that depends on length, as a tensor of rank 0 that counts as a Python number.
Value number_tensor(Builder &b, const Extent &extent) {
    auto made = std::make_shared<Tensor>();
    made->number = true;
    if (extent.batch) throw Unsupported{"computes with the number of rows"};
    made->id = b.cast(b.full_int(extent, {}), DType::float32);
    return made;
}

std::optional<Extent> extent_of(const Value &value) {
    if (const auto *extent = value.as<Extent>()) return *extent;
    if (const auto *flag = value.as<bool>()) return Extent::of(*flag);
    if (const auto *tensor = value.as<TensorPtr>(); tensor && (*tensor)->kind == Tensor::Kind::size)
        return (*tensor)->size;
    return std::nullopt;
}

Value or_undecided(const std::optional<Extent> &extent, const std::string &what) {
    if (extent) return *extent;
    return Undecided{what};
}
Value or_undecided(const std::optional<bool> &flag, const std::string &what) {
    if (flag) return *flag;
    return Undecided{"a condition that depends on sizes: " + what};
}

// A comparison of lengths, which a guard can ask where it is not decided.
Value compared(Builder &b, Op op, const std::optional<bool> &known, const Extent &x, const Extent &y,
               const std::string &text) {
    if (known || x.batch || y.batch) return or_undecided(known, text);
    AboutRows rows{b.expand(b.binary(op, b.full_int(x, {}), b.full_int(y, {})), {Extent::rows()})};
    rows.same = true;
    return Undecided{"a condition that depends on sizes: " + text, rows};
}

Value extreme(Builder &b, bool largest, const Extent &x, const Extent &y) {
    if (decide(Comparison::less_equal, x, y, b.least_length(), b.largest_length()).value_or(false))
        return largest ? y : x;
    if (decide(Comparison::less_equal, y, x, b.least_length(), b.largest_length()).value_or(false))
        return largest ? x : y;
    return Undecided{std::string(largest ? "max(" : "min(") + to_string(x) + ", " + to_string(y) + ")"};
}

// Of a list: how many rounds zip() has.
std::optional<Value> extreme_of(Builder &b, bool largest, const List &list) {
    Value found = list.empty() ? Value() : list[0];
    for (const Value &one : list) {
        const auto *x = found.as<Extent>(), *y = one.as<Extent>();
        if (!x || !y) return std::nullopt;
        found = extreme(b, largest, *x, *y);
    }
    return found;
}

std::optional<Value> of_sizes(Builder &b, const std::string &name, const Extent &x, const Extent &y) {
    auto text = [&](const char *op) { return to_string(x) + " " + op + " " + to_string(y); };
    auto compare = [&](Comparison how, const Extent &p, const Extent &q) {
        return decide(how, p, q, b.least_length(), b.largest_length());
    };
    auto negated = [](std::optional<bool> flag) { return flag ? std::optional(!*flag) : flag; };
    if (name == "aten::add") return or_undecided(x + y, text("+"));
    if (name == "aten::sub") return or_undecided(x - y, text("-"));
    if (name == "aten::mul") return or_undecided(x * y, text("*"));
    if (name == "aten::floordiv" || name == "aten::floor_divide") return or_undecided(exact_quotient(x, y), text("//"));
    if (name == "aten::remainder")
        return or_undecided(exact_quotient(x, y) ? std::optional(Extent::of(0)) : std::nullopt, text("%"));
    if (name == "aten::div") {
        if (const auto whole = exact_quotient(x, y); whole && whole->known())
            return Value(static_cast<double>(whole->terms[0]));
        const ValueId ratio =
            b.binary(Op::div, (*number_tensor(b, x).as<TensorPtr>())->id, (*number_tensor(b, y).as<TensorPtr>())->id);
        TensorPtr made = tensor_of(ratio);
        made->number = true;
        return Value(made);
    }
    const auto ordered = [&](Op op, const std::optional<bool> &known, const char *sign) {
        return compared(b, op, known, x, y, text(sign));
    };
    if (name == "aten::eq") return ordered(Op::equal, compare(Comparison::equal, x, y), "==");
    if (name == "aten::ne") return ordered(Op::not_equal, negated(compare(Comparison::equal, x, y)), "!=");
    if (name == "aten::lt") return ordered(Op::less, compare(Comparison::less, x, y), "<");
    if (name == "aten::le") return ordered(Op::less_equal, compare(Comparison::less_equal, x, y), "<=");
    if (name == "aten::gt") return ordered(Op::greater, compare(Comparison::less, y, x), ">");
    if (name == "aten::ge") return ordered(Op::greater_equal, compare(Comparison::less_equal, y, x), ">=");
    if (name == "prim::max" || name == "prim::min") return extreme(b, name == "prim::max", x, y);
    return std::nullopt;
}

std::optional<Value> of_lists(Builder &b, const std::string &name, const List &x, const List &y) {
    if (name != "aten::eq" && name != "aten::ne") return std::nullopt;
    std::optional<bool> same = x.size() == y.size();
    for (size_t i = 0; *same && i < x.size(); ++i) {
        const auto p = extent_of(x[i]), q = extent_of(y[i]);
        if (!p || !q) return std::nullopt;
        const auto equal = decide(Comparison::equal, *p, *q, b.least_length(), b.largest_length());
        if (!equal)
            return Value(Undecided{"a condition that depends on sizes: " + to_string(*p) + " == " + to_string(*q)});
        same = *equal;
    }
    return Value(*same == (name == "aten::eq"));
}

// How many range(start, end, step) has; 0 or less for none.
std::optional<Value> range_length(const std::vector<Value> &arguments) {
    const auto *start = arguments[0].as<Extent>(), *end = arguments[1].as<Extent>(), *step = arguments[2].as<Extent>();
    if (!start || !end || !step || !(step->is(1) || step->is(-1))) return std::nullopt;
    return or_undecided(step->is(1) ? *end - *start : *start - *end, to_string(*end) + " - " + to_string(*start));
}

// The number of range(start, end, step) at a round.
std::optional<Value> place_of_round(const std::vector<Value> &arguments) {
    const auto *start = arguments[1].as<Extent>(), *step = arguments[2].as<Extent>();
    if (!start || !step) return std::nullopt;
    if (arguments[0].is<EachPlace>()) return start->is(0) && step->is(1) ? std::optional(arguments[0]) : std::nullopt;
    const auto *round = arguments[0].as<Extent>();
    const auto gone = round ? *round * *step : std::nullopt;
    return or_undecided(gone ? *start + *gone : std::nullopt,
                        to_string(*start) + " + " + to_string(*step) + " * round");
}

}  // namespace

std::optional<Value> scalar_operator(Builder &b, const std::string &name, const std::vector<Value> &arguments) {
    if (name == "aten::__is__" || name == "aten::__isnot__") {
        const bool none = arguments[0].none() && arguments[1].none();
        const bool either = arguments[0].none() || arguments[1].none();
        const auto *x = arguments[0].as<TensorPtr>(), *y = arguments[1].as<TensorPtr>();
        if (!either && x && y) return Value((*x == *y) == (name == "aten::__is__"));
        if (!either) return std::nullopt;
        return Value(none == (name == "aten::__is__"));
    }
    if (name == "aten::__and__" || name == "aten::__or__") {
        const bool stops = name == "aten::__or__";
        for (const Value &value : arguments)
            if (const auto *flag = value.as<bool>(); flag && *flag == stops) return Value(stops);
        for (size_t i = 0; i < 2; ++i)
            if (arguments[i].is<bool>()) return arguments[1 - i];
    }
    if (auto undecided = condition_operator(b, name, arguments)) return undecided;
    if (arguments.size() == 2) {
        const auto x = extent_of(arguments[0]), y = extent_of(arguments[1]);
        const bool tensors = arguments[0].is<TensorPtr>() || arguments[1].is<TensorPtr>();
        if (x && y && !tensors) return of_sizes(b, name, *x, *y);
        const List *first = list_of_value(arguments[0]), *second = list_of_value(arguments[1]);
        if (first && second) return of_lists(b, name, *first, *second);
    }
    if (arguments.size() == 3 && name == "aten::__range_length") return range_length(arguments);
    if (arguments.size() == 3 && name == "aten::__derive_index") return place_of_round(arguments);
    if (arguments.empty()) return std::nullopt;
    if (const List *list = list_of_value(arguments[0]); list && (name == "prim::max" || name == "prim::min"))
        return extreme_of(b, name == "prim::max", *list);
    const auto x = extent_of(arguments[0]);
    if (!x) return std::nullopt;
    if (name == "aten::neg") return or_undecided(Extent::of(0) - *x, "-" + to_string(*x));
    if (name == "aten::Int" || name == "aten::IntImplicit" || name == "aten::ScalarImplicit" || name == "aten::item" ||
        name == "prim::unchecked_cast" || name == "aten::sym_size")
        return Value(*x);
    if (name == "aten::Float" || name == "aten::FloatImplicit") return number_tensor(b, *x);
    if (name == "aten::Bool")
        return or_undecided(decide(Comparison::less, Extent::of(0), *x, b.least_length(), b.largest_length()),
                            to_string(*x) + " > 0");
    if (name == "prim::NumToTensor") {
        auto made = std::make_shared<Tensor>();
        made->kind = Tensor::Kind::size;
        made->size = *x;
        return Value(made);
    }
    if (name == "aten::sqrt" || name == "math::sqrt" || name == "aten::log" || name == "aten::exp") {
        const ValueId id = (*number_tensor(b, *x).as<TensorPtr>())->id;
        TensorPtr made = tensor_of(b.unary(name == "aten::log"   ? Op::log
                                           : name == "aten::exp" ? Op::exp
                                                                 : Op::sqrt,
                                           id));
        made->number = true;
        return Value(made);
    }
    return std::nullopt;
}

namespace {

// What the sizes of a tensor answer.
std::optional<Value> of_shape(Builder &b, const std::string &name, const Tensor &x,
                              const std::vector<Value> &arguments) {
    if (name == "aten::size" || name == "aten::sym_size") {
        const Extents shape = shape_of(b, x);
        if (arguments.size() > 1) {
            const auto place = extent_of(arguments[1]);
            if (!place || !place->known()) throw Unsupported{"the size of an axis that depends on sizes"};
            return Value(shape[wrap_axis(place->terms[0], shape.size())]);
        }
        List list;
        for (const Extent &size : shape) list.push_back(size);
        return list_of(std::move(list));
    }
    if (name == "aten::dim" || name == "aten::ndimension")
        return Value(Extent::of(static_cast<int64_t>(shape_of(b, x).size())));
    if (name == "aten::numel" || name == "aten::len") {
        const Extents shape = shape_of(b, x);
        const auto whole = name == "aten::len" ? std::optional(shape.at(0)) : lib::product(shape);
        return or_undecided(whole, "the product of " + to_string(shape));
    }
    return std::nullopt;
}

// What the kind of a tensor answers: every graph value is dense, strided and on the CPU.
std::optional<Value> of_kind(Builder &b, const std::string &name, const Tensor &x,
                             const std::vector<Value> &arguments) {
    static const std::set<std::string, std::less<>> kNo{
        "prim::is_cuda",      "prim::is_cpu_only", "prim::requires_grad", "prim::is_sparse",     "prim::is_mkldnn",
        "prim::is_quantized", "prim::is_meta",     "prim::is_xpu",        "prim::is_mps",        "prim::is_vulkan",
        "aten::is_conj",      "aten::is_neg",      "prim::is_xla",        "prim::is_sparse_csr", "prim::is_ort",
        "prim::is_maia",      "prim::is_ipu",      "prim::is_mtia"};
    const auto foreign = foreign_of(x);
    if (name == "aten::is_complex") return Value(foreign == Foreign::complex64);
    if (kNo.count(name)) return Value(false);
    if (name == "prim::dtype")
        return Value(Extent::of(foreign ? scalar_type_of(*foreign) : scalar_type_of(dtype_of(b, x))));
    if (name == "prim::layout") return Value(Extent::of(0));
    if (name == "prim::is_nested" || name == "aten::is_nested") return Value(x.kept.has_value());
    if (name == "aten::is_floating_point")
        return Value(foreign ? foreign != Foreign::complex64 : is_real(dtype_of(b, x)));
    if (name == "aten::is_contiguous" && arguments.size() > 1 && !same_key(arguments[1], Extent::of(0)))
        return Value(Undecided{"a condition that depends on strides"});
    if (name == "prim::is_cpu" || name == "aten::is_contiguous") return Value(true);
    if (name == "aten::is_same_size") {
        const auto *other = arguments[1].as<TensorPtr>();
        if (other) return Value(shape_of(b, x) == shape_of(b, **other));
    }
    if (name == "aten::_nested_tensor_from_mask_left_aligned") {
        const auto *mask = arguments[1].as<TensorPtr>();
        if (mask && b.all_true(b.cast(plain(b, **mask), DType::boolean))) return Value(true);
        return Value(Undecided{"a condition that depends on data"});
    }
    return std::nullopt;
}

// The one element of a tensor as a Python number or bool, where it is known or stays a tensor of rank 0.
std::optional<Value> element_of(Builder &b, const std::string &name, const Tensor &x,
                                const std::vector<Value> &arguments) {
    const bool truth = name == "aten::Bool" || name == "aten::is_nonzero";
    const bool integer = name == "aten::Int" || name == "aten::IntImplicit";
    const bool real = name == "aten::Float" || name == "aten::FloatImplicit";
    const bool any = name == "aten::ScalarImplicit" || name == "aten::item";
    if (!truth && !integer && !real && !any) return std::nullopt;
    if (x.kind == Tensor::Kind::size)
        return scalar_operator(b, name == "aten::is_nonzero" ? "aten::Bool" : name, arguments);
    const ValueId id = plain(b, x);
    const Known known = b.known(id);
    if (!lib::product(b.shape(id)).value_or(Extent::of(0)).is(1) && !known.uniform)
        return Value(Undecided{"a number that depends on data"});
    if (truth) {
        const ValueId flag = b.cast(id, DType::boolean);
        if (b.all_true(flag)) return Value(true);
        if (b.all_false(flag)) return Value(false);
        return Value(Undecided{"a condition that depends on data"});
    }
    const DType dtype = b.dtype(id);
    if ((integer || any) && known.uniform && !is_real(dtype)) {
        if (dtype == DType::boolean && any) return Value(known.least.is(1));
        return Value(known.least);
    }
    if (real || (any && is_real(dtype))) {
        const ValueId one = b.reshape(id, {});
        TensorPtr made = tensor_of(is_real(dtype) ? one : b.cast(one, DType::float32));
        made->number = true;
        return Value(made);
    }
    return Value(Undecided{"a number that depends on data"});
}

}  // namespace

std::optional<Value> tensor_property(Builder &b, const std::string &name, const std::vector<Value> &arguments) {
    if (arguments.empty()) return std::nullopt;
    const auto *held = arguments[0].as<TensorPtr>();
    if (!held) return std::nullopt;
    const Tensor &x = **held;
    if (auto answer = of_shape(b, name, x, arguments)) return answer;
    if (x.kind == Tensor::Kind::folded && x.folded) return std::nullopt;  // the rest LibTorch knows
    if (auto answer = of_kind(b, name, x, arguments)) return answer;
    if (name == "prim::NumToTensor") {
        auto made = std::make_shared<Tensor>(x);
        made->number = false;
        return Value(made);
    }
    return element_of(b, name, x, arguments);
}

bool decided(Builder &b, const Value &condition) {
    if (const auto *flag = condition.as<bool>()) return *flag;
    if (const auto *undecided = condition.as<Undecided>()) throw Unsupported{undecided->what};
    if (condition.is<TensorPtr>()) {
        const auto answer = tensor_property(b, "aten::Bool", {condition});
        if (answer) return decided(b, *answer);
    }
    throw Unsupported{"a condition that depends on data"};
}

}  // namespace weighbridge::torch_plugin
