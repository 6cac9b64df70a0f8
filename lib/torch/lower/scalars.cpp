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
    if (name == "aten::eq") return or_undecided(compare(Comparison::equal, x, y), text("=="));
    if (name == "aten::ne") return or_undecided(negated(compare(Comparison::equal, x, y)), text("!="));
    if (name == "aten::lt") return or_undecided(compare(Comparison::less, x, y), text("<"));
    if (name == "aten::le") return or_undecided(compare(Comparison::less_equal, x, y), text("<="));
    if (name == "aten::gt") return or_undecided(compare(Comparison::less, y, x), text(">"));
    if (name == "aten::ge") return or_undecided(compare(Comparison::less_equal, y, x), text(">="));
    if (name == "prim::max" || name == "prim::min") {
        const auto first = compare(Comparison::less_equal, x, y);
        const auto second = compare(Comparison::less_equal, y, x);
        const bool largest = name == "prim::max";
        if (first.value_or(false)) return Value(largest ? y : x);
        if (second.value_or(false)) return Value(largest ? x : y);
        return Value(Undecided{std::string(largest ? "max(" : "min(") + to_string(x) + ", " + to_string(y) + ")"});
    }
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

const List *list_of_value(const Value &value) {
    if (const auto *list = value.as<std::shared_ptr<List>>()) return list->get();
    if (const auto *tuple = value.as<Tuple>()) return tuple->elements.get();
    return nullptr;
}

size_t place_in(const List &list, const Value &place) {
    const auto *extent = place.as<Extent>();
    if (!extent || !extent->known()) throw Unsupported{"a place in a list that depends on sizes"};
    const auto size = static_cast<int64_t>(list.size());
    const int64_t at = extent->terms[0] < 0 ? extent->terms[0] + size : extent->terms[0];
    if (at < 0 || at >= size)
        throw Unsupported{"place " + std::to_string(at) + " of a list of " + std::to_string(size)};
    return static_cast<size_t>(at);
}

bool same_key(const Value &a, const Value &b) {
    if (a.is<std::string>() && b.is<std::string>()) return *a.as<std::string>() == *b.as<std::string>();
    if (a.is<Extent>() && b.is<Extent>()) return *a.as<Extent>() == *b.as<Extent>();
    if (a.is<bool>() && b.is<bool>()) return *a.as<bool>() == *b.as<bool>();
    if (a.is<double>() && b.is<double>()) return *a.as<double>() == *b.as<double>();
    return false;
}

std::optional<Value> of_dict(const std::string &name, Dict &dict, const std::vector<Value> &arguments) {
    auto found = [&](const Value &key) {
        return std::find_if(dict.begin(), dict.end(), [&](const auto &entry) { return same_key(entry.first, key); });
    };
    if (name == "aten::len") return Value(Extent::of(static_cast<int64_t>(dict.size())));
    if (name == "aten::keys" || name == "aten::values" || name == "aten::items") {
        List list;
        for (const auto &[key, value] : dict)
            list.push_back(name == "aten::keys" ? key : name == "aten::values" ? value : tuple_of({key, value}));
        return list_of(std::move(list));
    }
    if (arguments.size() < 2) return std::nullopt;
    const auto at = found(arguments[1]);
    if (name == "aten::__contains__") return Value(at != dict.end());
    if (name == "aten::__getitem__") {
        if (at == dict.end()) throw Unsupported{"a key that the dict does not have"};
        return at->second;
    }
    if (name == "aten::get") return at == dict.end() ? (arguments.size() > 2 ? arguments[2] : Value()) : at->second;
    if (name == "aten::_set_item") {
        if (at == dict.end())
            dict.emplace_back(arguments[1], arguments[2]);
        else
            at->second = arguments[2];
        return Value();
    }
    return std::nullopt;
}

}  // namespace

std::optional<Value> container_operator(const std::string &name, const std::vector<Value> &arguments) {
    if (arguments.empty()) return std::nullopt;
    if (const auto *dict = arguments[0].as<std::shared_ptr<Dict>>()) return of_dict(name, **dict, arguments);
    const List *list = list_of_value(arguments[0]);
    if (!list) return std::nullopt;
    auto *object = arguments[0].as<std::shared_ptr<List>>() ? arguments[0].as<std::shared_ptr<List>>()->get() : nullptr;
    if (name == "aten::len") return Value(Extent::of(static_cast<int64_t>(list->size())));
    if (name == "aten::__getitem__") return (*list)[place_in(*list, arguments[1])];
    if (name == "aten::list" || name == "aten::copy") return list_of(*list);
    if (name == "aten::slice") {
        auto number = [&](size_t i, int64_t otherwise) {
            const auto *extent = i < arguments.size() ? arguments[i].as<Extent>() : nullptr;
            if (extent && !extent->known()) throw Unsupported{"a place in a list that depends on sizes"};
            return extent ? extent->terms[0] : otherwise;
        };
        const int64_t step = number(3, 1);
        auto at = [&](size_t i, int64_t otherwise) {
            int64_t place = number(i, otherwise);
            const auto size = static_cast<int64_t>(list->size());
            if (place < 0) place += size;
            return std::clamp<int64_t>(place, 0, size);
        };
        if (step < 1) return std::nullopt;
        List part;
        for (int64_t i = at(1, 0), end = at(2, static_cast<int64_t>(list->size())); i < end; i += step)
            part.push_back((*list)[static_cast<size_t>(i)]);
        return list_of(std::move(part));
    }
    if (!object) return std::nullopt;
    if (name == "aten::append") {
        object->push_back(arguments[1]);
        return arguments[0];
    }
    if (name == "aten::extend") {
        const List *more = list_of_value(arguments[1]);
        if (!more) return std::nullopt;
        const List copied = *more;
        object->insert(object->end(), copied.begin(), copied.end());
        return Value();
    }
    if (name == "aten::insert") {
        const auto *place = arguments[1].as<Extent>();
        if (!place || !place->known()) throw Unsupported{"a place in a list that depends on sizes"};
        const auto size = static_cast<int64_t>(object->size());
        const int64_t at = place->terms[0] < 0 ? place->terms[0] + size : place->terms[0];
        object->insert(object->begin() + std::clamp<int64_t>(at, 0, size), arguments[2]);
        return Value();
    }
    if (name == "aten::pop") {
        const size_t at = arguments.size() > 1 ? place_in(*object, arguments[1]) : object->size() - 1;
        Value value = object->at(at);
        object->erase(object->begin() + static_cast<ptrdiff_t>(at));
        return value;
    }
    if (name == "aten::reverse") {
        std::reverse(object->begin(), object->end());
        return Value();
    }
    if (name == "aten::clear") {
        object->clear();
        return Value();
    }
    if (name == "aten::_set_item") {
        (*object)[place_in(*object, arguments[1])] = arguments[2];
        return arguments[0];
    }
    if ((name == "aten::add" || name == "aten::add_") && list_of_value(arguments[1])) {
        List both = *list;
        const List *more = list_of_value(arguments[1]);
        both.insert(both.end(), more->begin(), more->end());
        if (name == "aten::add") return list_of(std::move(both));
        *object = std::move(both);
        return arguments[0];
    }
    if (name == "aten::mul" && arguments[1].is<Extent>() && arguments[1].as<Extent>()->known()) {
        List repeated;
        for (int64_t i = 0; i < arguments[1].as<Extent>()->terms[0]; ++i)
            repeated.insert(repeated.end(), list->begin(), list->end());
        return list_of(std::move(repeated));
    }
    return std::nullopt;
}

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
    for (const Value &value : arguments)
        if (value.is<Undecided>()) return value;
    if (arguments.size() == 2) {
        const auto x = extent_of(arguments[0]), y = extent_of(arguments[1]);
        const bool tensors = arguments[0].is<TensorPtr>() || arguments[1].is<TensorPtr>();
        if (x && y && !tensors) return of_sizes(b, name, *x, *y);
        const List *first = list_of_value(arguments[0]), *second = list_of_value(arguments[1]);
        if (first && second) return of_lists(b, name, *first, *second);
    }
    if (arguments.empty()) return std::nullopt;
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

std::optional<Value> tensor_property(Builder &b, const std::string &name, const std::vector<Value> &arguments) {
    if (arguments.empty()) return std::nullopt;
    const auto *held = arguments[0].as<TensorPtr>();
    if (!held) return std::nullopt;
    const Tensor &x = **held;
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
    if (x.kind == Tensor::Kind::folded && x.folded) return std::nullopt;  // the rest LibTorch knows
    if (name == "prim::dtype") return Value(Extent::of(scalar_type_of(dtype_of(b, x))));
    if (name == "prim::layout") return Value(Extent::of(0));
    if (name == "prim::is_nested" || name == "aten::is_nested") return Value(x.kept.has_value());
    if (name == "aten::is_floating_point")
        return Value(dtype_of(b, x) == DType::float32 || dtype_of(b, x) == DType::float64);
    static const std::set<std::string, std::less<>> kNo{
        "prim::is_cuda",      "prim::is_cpu_only", "prim::requires_grad", "prim::is_sparse",  "prim::is_mkldnn",
        "prim::is_quantized", "prim::is_meta",     "prim::is_xpu",        "aten::is_complex", "prim::is_mps",
        "prim::is_vulkan",    "aten::is_conj",     "aten::is_neg",        "prim::is_xla",     "prim::is_sparse_csr",
        "prim::is_ort",       "prim::is_maia",     "prim::is_ipu",        "prim::is_mtia"};
    if (kNo.count(name)) return Value(false);
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
    const bool integer = name == "aten::Int" || name == "aten::IntImplicit",
               real = name == "aten::Float" || name == "aten::FloatImplicit";
    const bool any = name == "aten::ScalarImplicit" || name == "aten::item";
    if (name == "prim::NumToTensor") {
        auto made = std::make_shared<Tensor>(x);
        made->number = false;
        return Value(made);
    }
    if (name == "aten::Bool" || name == "aten::is_nonzero" || integer || real || any) {
        if (x.kind == Tensor::Kind::size)
            return scalar_operator(b, name == "aten::is_nonzero" ? "aten::Bool" : name, arguments);
        const ValueId id = plain(b, x);
        const Known known = b.known(id);
        if (!lib::product(b.shape(id)).value_or(Extent::of(0)).is(1) && !known.uniform)
            return Value(Undecided{"a number that depends on data"});
        if (name == "aten::Bool" || name == "aten::is_nonzero") {
            const ValueId truth = b.cast(id, DType::boolean);
            if (b.all_true(truth)) return Value(true);
            if (b.all_false(truth)) return Value(false);
            return Value(Undecided{"a condition that depends on data"});
        }
        const DType dtype = b.dtype(id);
        if ((integer || any) && known.uniform && dtype != DType::float32) {
            if (dtype == DType::boolean && any) return Value(known.least.is(1));
            return Value(known.least);
        }
        if (real || (any && dtype == DType::float32)) {
            TensorPtr made = tensor_of(b.cast(b.reshape(id, {}), DType::float32));
            made->number = true;
            return Value(made);
        }
        return Value(Undecided{"a number that depends on data"});
    }
    return std::nullopt;
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
