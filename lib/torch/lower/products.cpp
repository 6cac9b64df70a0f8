// SPDX-License-Identifier: Apache-2.0
// Matrix products, linears, einsum and attention.
#include <algorithm>
#include <cmath>

#include "torch/lower/call.hpp"

namespace weighbridge::torch_plugin {
namespace {

Value matmul(Call &call) {
    const bool named = call.find("mat2") != nullptr;
    const TensorPtr a = call.tensor("self");
    const TensorPtr other = call.tensor(named                 ? "mat2"
                                        : call.find("vec")    ? "vec"
                                        : call.find("tensor") ? "tensor"
                                                              : "other");
    const ValueId b = plain(call.b, *other);
    const bool merged = a->merged && call.b.rank(b) == 2 && *a->merged + 1 < shape_of(call.b, *a).size();
    if (merged) return tensor_of(call.b.matmul(apart(call.b, *a), b), a->merged);
    return result(call.b.matmul(plain(call.b, *a), b));
}

Value linear(Call &call) {
    const TensorPtr x = call.tensor("input");
    if (x->merged && *x->merged + 1 >= shape_of(call.b, *x).size())
        throw Unsupported{"mixes rows: multiplies over them"};
    const ValueId weights = call.id("weight");
    if (call.b.rank(weights) == 1) {
        ValueId product = call.b.matmul(plain(call.b, *x), weights);
        if (call.has("bias")) product = call.b.binary(Op::add, product, call.id("bias"));
        return result(product);
    }
    return tensor_of(call.b.linear(apart(call.b, *x), weights, call.optional_id("bias")), x->merged);
}

ValueId times(Call &call, ValueId x, const char *argument) {
    const double factor = call.real(argument, 1);
    return factor == 1 ? x : call.b.binary(Op::mul, x, call.b.full(factor, {}));
}

// beta self + alpha a b
Value add_product(Call &call) {
    const bool batched = call.find("batch1") != nullptr, vector = call.find("vec") != nullptr;
    const TensorPtr a = call.tensor(batched ? "batch1" : vector ? "mat" : "mat1");
    const ValueId b = call.id(batched ? "batch2" : vector ? "vec" : "mat2");
    const ValueId self = call.id("self");
    Builder &build = call.b;
    if (a->merged && *a->merged + 1 >= shape_of(build, *a).size())
        throw Unsupported{"mixes rows: multiplies over them"};
    const ValueId left = apart(build, *a);
    if (!batched && !vector && build.graph().node(b).op == Op::constant && build.rank(self) == 1 &&
        call.real("alpha", 1) == 1 && call.real("beta", 1) == 1)
        return tensor_of(build.linear(left, build.transpose(b), self), a->merged);
    const TensorPtr product = tensor_of(times(call, build.matmul(left, b), "alpha"), a->merged);
    if (call.real("beta", 1) == 0) return product;
    const Aligned aligned = align(build, {tensor_of(times(call, self, "beta")), product});
    return tensor_of(build.binary(Op::add, aligned.ids[0], aligned.ids[1]), aligned.merged);
}

Value bilinear(Call &call) {
    Builder &b = call.b;
    const ValueId x = call.id("input1"), y = call.id("input2"), w = call.id("weight");
    const Extents sizes = b.shape(w);  // [out, i, j]
    if (sizes.size() != 3 || b.rank(x) == 0) throw Unsupported{"a bilinear form of other ranks"};
    const auto flat = sizes[0] * sizes[2];
    if (!flat) throw Unsupported{"a bilinear form of " + to_string(sizes)};
    ValueId product = b.matmul(x, b.reshape(b.permute(w, {1, 0, 2}), {sizes[1], *flat}));
    Extents shape = b.shape(x);
    shape.back() = sizes[0];
    shape.push_back(sizes[2]);
    product = b.matmul(b.reshape(product, shape), b.unsqueeze(y, b.rank(y)));
    product = b.squeeze(product, b.rank(product) - 1);
    if (call.has("bias")) product = b.binary(Op::add, product, call.id("bias"));
    return result(product);
}

Value cosine_similarity(Call &call) {
    Builder &b = call.b;
    const ValueId x = call.float_id("x1"), y = call.float_id("x2");
    const size_t rank = std::max(b.rank(x), b.rank(y)), axis = call.axis("dim", rank);
    auto length = [&](ValueId v) {
        const ValueId squares = b.reduce(Op::reduce_sum, b.unary(Op::square, v), axis - (rank - b.rank(v)), true);
        return b.clamp(b.unary(Op::sqrt, squares), call.real("eps"), static_cast<double>(INFINITY));
    };
    const ValueId a = b.binary(Op::div, x, length(x)), c = b.binary(Op::div, y, length(y));
    return result(b.reduce(Op::reduce_sum, b.binary(Op::mul, a, c), axis, false));
}

// One einsum operand: its axes by letter.
struct Term {
    ValueId id;
    std::string letters;
};

Term ordered(Builder &b, const Term &term, const std::string &letters) {
    std::vector<size_t> order;
    for (char letter : letters) order.push_back(term.letters.find(letter));
    return {b.permute(term.id, order), letters};
}

Extents sizes_of(const Builder &b, const Term &term, const std::string &letters) {
    Extents sizes;
    for (char letter : letters) sizes.push_back(b.shape(term.id)[term.letters.find(letter)]);
    return sizes;
}
Extent folded(const Extents &sizes) {
    const auto whole = lib::product(sizes);
    if (!whole) throw Unsupported{"an einsum over " + to_string(sizes)};
    return *whole;
}
void append(Extents &to, const Extents &from) { to.insert(to.end(), from.begin(), from.end()); }

bool has(const std::string &letters, char letter) { return letters.find(letter) != std::string::npos; }

// Sums the axes that neither `others` nor the result has.
void sum_own(Builder &b, Term &term, const std::string &others, const std::string &out) {
    for (size_t i = term.letters.size(); i-- > 0;)
        if (!has(out, term.letters[i]) && !has(others, term.letters[i])) {
            term.id = b.reduce(Op::reduce_sum, term.id, i, false);
            term.letters.erase(i, 1);
        }
}

// The letters of two operands by their part in a matrix product, each in the operand's order.
struct Roles {
    std::string both, left, right, summed;
};
Roles roles_of(const Term &x, const Term &y, const std::string &out) {
    Roles roles;
    for (char letter : x.letters)
        (has(y.letters, letter) ? (has(out, letter) ? roles.both : roles.summed) : roles.left) += letter;
    for (char letter : y.letters)
        if (!has(x.letters, letter)) roles.right += letter;
    return roles;
}

// Nothing is summed: a product element by element.
Term multiplied(Builder &b, const Term &x, const Term &y, const Roles &roles) {
    const std::string all = roles.both + roles.left + roles.right;
    auto spread = [&](const Term &term) {
        std::string own;
        for (char letter : all)
            if (has(term.letters, letter)) own += letter;
        const Term sorted = ordered(b, term, own);
        Extents shape;
        for (char letter : all)
            shape.push_back(has(own, letter) ? b.shape(sorted.id)[own.find(letter)] : Extent::of(1));
        return b.reshape(sorted.id, shape);
    };
    return {b.binary(Op::mul, spread(x), spread(y)), all};
}

// No axis is shared and kept: one matrix product. The left axes stay apart, so that rows do.
Term single_product(Builder &b, const Term &x, const Term &y, const Roles &roles) {
    const Extent depth = folded(sizes_of(b, x, roles.summed));
    const Extents right_sizes = sizes_of(b, y, roles.right);
    Extents to = sizes_of(b, x, roles.left);
    const Term a = ordered(b, x, roles.left + roles.summed), c = ordered(b, y, roles.summed + roles.right);
    Extents shape = to;
    shape.push_back(depth);
    if (roles.left.empty()) shape.insert(shape.begin(), Extent::of(1));
    ValueId product;
    if (b.graph().node(y.id).op == Op::constant && roles.summed.size() == 1 && roles.right.size() == 1) {
        const ValueId weights = y.letters == c.letters ? b.transpose(y.id) : y.id;
        product = b.linear(b.reshape(a.id, shape), weights, std::nullopt);
    } else {
        const ValueId factor = b.reshape(c.id, {depth, folded(right_sizes)});
        product = b.matmul(b.reshape(a.id, shape), factor);
    }
    append(to, right_sizes);
    return {b.reshape(product, to), roles.left + roles.right};
}

// A matrix product for each place of the axes that both have and the result keeps.
Term batched_product(Builder &b, const Term &x, const Term &y, const Roles &roles) {
    const Extent depth = folded(sizes_of(b, x, roles.summed));
    const Extents left_sizes = sizes_of(b, x, roles.left), right_sizes = sizes_of(b, y, roles.right);
    const Term a = ordered(b, x, roles.both + roles.left + roles.summed);
    const Term c = ordered(b, y, roles.both + roles.summed + roles.right);
    Extents first = sizes_of(b, x, roles.both), second = sizes_of(b, y, roles.both), to = first;
    for (size_t i = 0; i < to.size(); ++i)
        if (to[i].is(1)) to[i] = second[i];
    first.push_back(folded(left_sizes));
    first.push_back(depth);
    second.push_back(depth);
    second.push_back(folded(right_sizes));
    append(to, left_sizes);
    append(to, right_sizes);
    return {b.reshape(b.matmul(b.reshape(a.id, first), b.reshape(c.id, second)), to),
            roles.both + roles.left + roles.right};
}

// The einsum of two operands, whose axes come out in any order; `out` has the letters that are kept.
Term contract(Builder &b, Term x, Term y, const std::string &out) {
    sum_own(b, x, y.letters, out);
    sum_own(b, y, x.letters, out);
    const Roles roles = roles_of(x, y, out);
    if (roles.summed.empty()) return multiplied(b, x, y, roles);
    return roles.both.empty() ? single_product(b, x, y, roles) : batched_product(b, x, y, roles);
}

// The result of an equation without "->": what stands once in it, in the order of letters, behind "...".
std::string implied_result(const std::string &equation) {
    std::string out = equation.find("...") == std::string::npos ? "" : "...";
    for (char letter : std::string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"))
        if (std::count(equation.begin(), equation.end(), letter) == 1) out += letter;
    return out;
}

// The diagonal of two axes that have the same letter, on a new last one.
ValueId diagonal_last(Call &call, ValueId x, size_t first, size_t second) {
    const auto axis = [](size_t i) { return Extent::of(static_cast<int64_t>(i)); };
    const Value made =
        lower_as(call, "aten::diagonal", {{"self", tensor_of(x)}, {"dim1", axis(first)}, {"dim2", axis(second)}});
    return (*made.as<TensorPtr>())->id;
}

Value einsum(Call &call) {
    std::string equation = call.text("equation");
    equation.erase(std::remove(equation.begin(), equation.end(), ' '), equation.end());
    const std::vector<TensorPtr> tensors = call.tensors("tensors");
    std::vector<std::string> inputs(1);
    const size_t arrow = equation.find("->");
    for (char c : equation.substr(0, arrow))
        if (c == ',')
            inputs.emplace_back();
        else
            inputs.back() += c;
    if (inputs.size() != tensors.size()) throw Unsupported{"einsum '" + equation + "' of other operands"};
    std::string out = arrow == std::string::npos ? implied_result(equation) : equation.substr(arrow + 2);
    const DType dtype = promote(call.b, tensors);
    // "..." stands for as many axes as are left; they align from the right.
    std::string all_dots;
    std::vector<Term> terms;
    for (size_t i = 0; i < tensors.size(); ++i) {
        ValueId id = call.b.cast(plain(call.b, *tensors[i]), dtype);
        const size_t dots = inputs[i].find("...");
        if (dots != std::string::npos) {
            if (call.b.rank(id) + 3 < inputs[i].size()) throw Unsupported{"einsum '" + equation + "' of other ranks"};
            const size_t count = call.b.rank(id) - (inputs[i].size() - 3);
            std::string letters;
            for (size_t k = count; k > 0; --k) letters += static_cast<char>('0' + k);
            if (letters.size() > all_dots.size()) all_dots = letters;
            inputs[i].replace(dots, 3, letters);
        }
        if (inputs[i].size() != call.b.rank(id)) throw Unsupported{"einsum '" + equation + "' of other ranks"};
        for (size_t k = 0; k < inputs[i].size();) {
            const char letter = inputs[i][k];
            const size_t first = inputs[i].find(letter);
            if (first == k++) continue;
            id = diagonal_last(call, id, first, k - 1);
            inputs[i].erase(k - 1, 1);
            inputs[i].erase(first, 1);
            inputs[i] += letter;
            k = 0;
        }
        terms.push_back({id, inputs[i]});
    }
    if (const size_t dots = out.find("..."); dots != std::string::npos) out.replace(dots, 3, all_dots);
    Term whole = terms[0];
    for (size_t i = 1; i < terms.size(); ++i) {
        std::string kept = out;  // and what later operands still need
        for (size_t k = i + 1; k < terms.size(); ++k) kept += terms[k].letters;
        whole = contract(call.b, whole, terms[i], kept);
    }
    for (size_t i = whole.letters.size(); i-- > 0;)
        if (out.find(whole.letters[i]) == std::string::npos) {
            whole.id = call.b.reduce(Op::reduce_sum, whole.id, i, false);
            whole.letters.erase(i, 1);
        }
    return result(ordered(call.b, whole, out).id);
}

Value scaled_dot_product_attention(Call &call) {
    Builder &b = call.b;
    const ValueId q = call.id("query");
    ValueId k = call.id("key"), v = call.id("value");
    if (call.real("dropout_p", 0) != 0) throw Unsupported{"dropout in training mode"};
    if (call.flag("enable_gqa")) {
        auto repeated = [&](ValueId x) {
            const size_t heads = b.rank(x) - 3;
            const auto times = exact_quotient(b.shape(q)[heads], b.shape(x)[heads]);
            if (!times) throw Unsupported{"heads that do not divide"};
            Extents to = b.shape(x), wide = to;
            wide.insert(wide.begin() + static_cast<ptrdiff_t>(heads) + 1, *times);
            to[heads] = b.shape(q)[heads];
            return b.reshape(b.expand(b.unsqueeze(x, heads + 1), wide), to);
        };
        k = repeated(k);
        v = repeated(v);
    }
    std::optional<double> scale;
    if (call.has("scale")) scale = call.real("scale");
    return result(attend(b, q, k, v, call.optional_id("attn_mask"), call.flag("is_causal"), scale));
}

}  // namespace

ValueId attend(Builder &b, ValueId q, ValueId k, ValueId v, std::optional<ValueId> mask, bool causal,
               std::optional<double> scale) {
    const size_t rank = b.rank(q);
    if (rank < 3) {
        const ValueId done = attend(b, b.unsqueeze(q, 0), b.unsqueeze(k, 0), b.unsqueeze(v, 0), mask, causal, scale);
        return b.squeeze(done, 0);
    }
    for (ValueId *x : {&k, &v}) {
        Extents wide = b.shape(*x);
        if (wide.size() != rank) throw Unsupported{"attention over other ranks"};
        for (size_t i = 0; i + 2 < rank; ++i) wide[i] = b.shape(q)[i];
        *x = b.expand(*x, wide);
    }
    const Extent depth = b.shape(q)[rank - 1];
    if (!depth.known() || depth.terms[0] < 1) throw Unsupported{"attention over " + to_string(depth)};
    if (mask && (b.all_true(*mask) ||
                 (b.dtype(*mask) == DType::float32 && b.known(*mask).uniform && b.known(*mask).number == 0)))
        mask.reset();
    lib::Attributes attributes;
    attributes.causal = causal;
    attributes.zero_when_empty = true;  // as torch.nn.functional.scaled_dot_product_attention
    attributes.mask = mask.has_value();
    attributes.scale = scale.value_or(1 / std::sqrt(static_cast<double>(depth.terms[0])));
    std::vector<ValueId> operands{q, k, v};
    if (mask) operands.push_back(b.dtype(*mask) == DType::int64 ? b.cast(*mask, DType::boolean) : *mask);
    return b.add(Op::attention, std::move(operands), attributes);
}

void add_products(Registry &to) {
    const Entry entries[] = {
        {"aten::matmul", "self other", &matmul},
        {"aten::mm", "self mat2 out_dtype=", &matmul},
        {"aten::bmm", "self mat2 out_dtype=", &matmul},
        {"aten::mv", "self vec", &matmul},
        {"aten::dot", "self tensor", &matmul},
        {"aten::linear", "input weight bias", &linear},
        {"aten::addmm", "self mat1 mat2 beta alpha out_dtype=", &add_product},
        {"aten::addmv", "self mat vec beta alpha", &add_product},
        {"aten::baddbmm", "self batch1 batch2 beta alpha out_dtype=", &add_product},
        {"aten::bilinear", "input1 input2 weight bias", &bilinear},
        {"aten::cosine_similarity", "x1 x2 dim eps", &cosine_similarity},
        {"aten::einsum", "equation tensors self=", &einsum},
        {"aten::scaled_dot_product_attention", "query key value attn_mask dropout_p is_causal scale enable_gqa",
         &scaled_dot_product_attention},
    };
    add(to, entries);
}

}  // namespace weighbridge::torch_plugin
