// SPDX-License-Identifier: Apache-2.0
// Losses, which score how far a row is from what a model made of it.
#include <algorithm>
#include <numbers>

#include "torch/lower/formula.hpp"

namespace weighbridge::torch_plugin {
namespace {

// c10's at::Reduction: none, mean or sum over all elements.
Value reduced(Call &call, ValueId loss, std::optional<size_t> merged = std::nullopt) {
    Builder &b = call.b;
    const int64_t reduction = call.integer("reduction", 1);
    if (reduction == 0) return tensor_of(loss, merged);
    const Extents shape = b.shape(loss);
    if (merged || std::any_of(shape.begin(), shape.end(), [](const Extent &size) { return size.batch; })) {
        const std::string name = reduction == 1 ? "mean" : "sum";
        throw Unsupported{"reduction='" + name + "' mixes rows; write reduction='none', then ." + name +
                          "() over the axes that are a row's own"};
    }
    std::vector<size_t> axes(shape.size());
    for (size_t i = 0; i < axes.size(); ++i) axes[i] = i;
    return result(reduce_axes(b, reduction == 1 ? Op::reduce_mean : Op::reduce_sum, loss, axes, false));
}

Term operand(Call &call, const char *argument) { return {&call.b, call.float_id(argument)}; }

// Of `self` and `target`, element by element.
template <class Formula>
Value by_element(Call &call, Formula formula) {
    const Pair pair = pair_of(call, call.tensor("self"), call.tensor("target"), true);
    Term loss = formula(Term{&call.b, pair.a}, Term{&call.b, pair.b});
    if (call.has("weight")) {
        if (pair.merged) throw Unsupported{"weights of rows that are numbered anew"};
        loss = loss * operand(call, "weight");
    }
    return reduced(call, loss.id, pair.merged);
}

Value mse(Call &call) {
    return by_element(call, [](Term x, Term y) { return squared(x - y); });
}
Value l1(Call &call) {
    return by_element(call, [](Term x, Term y) { return magnitude(x - y); });
}
Value smooth_l1(Call &call) {
    const double beta = call.real("beta", 1);
    if (beta == 0) return l1(call);
    return by_element(call, [=](Term x, Term y) {
        const Term gap = magnitude(x - y);
        return choose(gap < beta, gap * 0.5 * gap / beta, gap - 0.5 * beta);
    });
}
Value huber(Call &call) {
    const double delta = call.real("delta", 1);
    return by_element(call, [=](Term x, Term y) {
        const Term gap = magnitude(x - y);
        return choose(gap > delta, (gap - 0.5 * delta) * delta, gap * 0.5 * gap);
    });
}

// Logarithms are -100 at least, as LibTorch's. A probability outside [0, 1], which LibTorch refuses, gives NaN.
Value binary_cross_entropy(Call &call) {
    return by_element(call, [](Term x, Term y) {
        return (y - 1.0) * at_least(apply(Op::log1p, -x), -100) - y * at_least(logarithm(x), -100);
    });
}
Value binary_cross_entropy_with_logits(Call &call) {
    return by_element(call, [&](Term x, Term y) {
        const Term likely = log_of_sigmoid(x);
        if (!call.has("pos_weight")) return (1.0 - y) * x - likely;
        return (1.0 - y) * x - ((operand(call, "pos_weight") - 1.0) * y + 1.0) * likely;
    });
}
Value kl_divergence(Call &call) {
    const bool log_target = call.flag("log_target");
    return by_element(call,
                      [=](Term x, Term y) { return log_target ? exponential(y) * (y - x) : times_log(y, y) - y * x; });
}
Value soft_margin(Call &call) {
    return by_element(call, [](Term x, Term y) { return apply(Op::log1p, exponential(-y * x)); });
}
Value hinge_embedding(Call &call) {
    const double margin = call.real("margin", 1);
    return by_element(call, [=](Term x, Term y) {
        const Term zero = term(x, 0);
        return choose(y == 1.0, zero, at_least(margin - x, 0)) + choose(y == -1.0, zero, x);
    });
}

Value poisson(Call &call) {
    const Pair pair = pair_of(call, call.tensor("input"), call.tensor("target"), true);
    const Term x{&call.b, pair.a}, y{&call.b, pair.b};
    const double epsilon = call.real("eps");
    Term loss = call.flag("log_input") ? exponential(x) - y * x : x - y * logarithm(x + epsilon);
    if (call.flag("full")) {
        const Term stirling = y * logarithm(y) - y + logarithm(y * (2 * std::numbers::pi)) * 0.5;
        loss = loss + choose(y > 1.0, stirling, 0.0);
    }
    return reduced(call, loss.id, pair.merged);
}

// Of the class at `target`. x has classes on `axis`; a class that is `ignored` costs nothing.
struct Classes {
    Builder &b;
    ValueId x, target;
    size_t axis;
    std::optional<ValueId> weight;
    int64_t ignored;

    ValueId place() const {  // one that exists, for what is ignored
        return b.where(kept(), target, b.full_int(Extent::of(0), {}));
    }
    ValueId kept() const { return b.binary(Op::not_equal, target, b.full_int(Extent::of(ignored), {})); }
    ValueId picked(ValueId from) const {
        const ValueId index = b.unsqueeze(place(), axis);
        return b.squeeze(b.add(Op::gather, {from, index}, {.axis = static_cast<int64_t>(axis)}), axis);
    }
    ValueId weights_along() const {  // [1, classes, 1, ...]
        Extents shape(b.rank(x), Extent::of(1));
        shape[axis] = b.shape(x)[axis];
        return b.reshape(*weight, shape);
    }
    ValueId loss() const {  // of log-probabilities x
        const Term cost = -Term{&b, weight ? picked(b.binary(Op::mul, x, weights_along())) : picked(x)};
        return choose({&b, kept()}, cost, 0.0).id;
    }
};

Classes classes_of(Call &call, ValueId x) {
    Builder &b = call.b;
    const size_t axis = b.rank(x) == 1 ? 0 : 1;
    Extents expected = b.shape(x);
    if (expected.empty()) throw Unsupported{"classes without an axis"};
    expected.erase(expected.begin() + static_cast<ptrdiff_t>(axis));
    const ValueId target = call.id("target");
    if (b.shape(target) != expected)
        throw Unsupported{"expected classes of " + to_string(expected) + ", found " + to_string(b.shape(target))};
    return {b, x, b.cast(target, DType::int64), axis, call.optional_id("weight"), call.integer("ignore_index", -100)};
}

Value negative_log_likelihood(Call &call) { return reduced(call, classes_of(call, call.float_id("self")).loss()); }

// With the weight of all, which only a gradient needs.
Value with_total_weight(Call &call) { return tuple_of({negative_log_likelihood(call), Value()}); }

// Of classes that a list names, which ends at the first below 0: how far each other one is from being behind them.
Value multilabel_margin(Call &call) {
    Builder &b = call.b;
    const ValueId x = call.float_id("self"), target = b.cast(call.id("target"), DType::int64);
    const size_t last = b.rank(x) == 0 ? 0 : b.rank(x) - 1;
    if (b.rank(x) == 0 || b.shape(target) != b.shape(x) || !b.shape(x)[last].known())
        throw Unsupported{"classes of " + to_string(b.shape(x)) + " by " + to_string(b.shape(target))};
    const ValueId zero = b.full_int(Extent::of(0), {}), bad = b.binary(Op::less, target, zero);
    const ValueId ended = b.add(Op::cumsum, {b.cast(bad, DType::int64)}, {.axis = static_cast<int64_t>(last)});
    const ValueId named = b.binary(Op::equal, ended, zero);
    const ValueId places = b.where(named, target, zero);
    const ValueId own = b.add(Op::gather, {x, places}, {.axis = static_cast<int64_t>(last)});
    const ValueId matches = b.binary(Op::logical_and, b.unsqueeze(named, last),
                                     b.binary(Op::equal, b.unsqueeze(places, last),
                                              b.unsqueeze(b.iota(b.shape(x)[last]), 1)));  // [..., class, list]
    const Term other{&b, b.unary(Op::logical_not, b.reduce(Op::reduce_max, matches, last + 1, false))};
    const Term way = 1.0 - Term{&b, b.unsqueeze(own, last)} + Term{&b, b.unsqueeze(x, last + 1)};
    const Term gap = choose(way > 0.0, way, 0.0);  // of NaN 0
    const Term counts = both({&b, b.unsqueeze(other.id, last + 1)}, {&b, b.unsqueeze(named, last)});
    const ValueId sum =
        b.reduce(Op::reduce_sum, b.reduce(Op::reduce_sum, choose(counts, gap, 0.0).id, last + 1, false), last, false);
    return reduced(call, (Term{&b, sum} / static_cast<double>(b.shape(x)[last].terms[0])).id);
}

// Targets that are a probability of each class.
ValueId soft_cross_entropy(Call &call, ValueId likely, double smoothing) {
    Builder &b = call.b;
    const size_t axis = b.rank(likely) == 1 ? 0 : 1;
    const Extent count = b.shape(likely)[axis];
    if (!count.known()) throw Unsupported{"classes of " + to_string(count)};
    Term target = operand(call, "target");
    if (smoothing > 0) target = target * (1 - smoothing) + smoothing / static_cast<double>(count.terms[0]);
    Term cost = Term{&b, likely} * target;
    if (call.has("weight")) cost = cost * Term{&b, Classes{b, likely, {}, axis, call.id("weight"), 0}.weights_along()};
    return b.unary(Op::neg, b.reduce(Op::reduce_sum, cost.id, axis, false));
}

Value cross_entropy(Call &call) {
    Builder &b = call.b;
    const ValueId x = call.float_id("self");
    const ValueId likely = log_softmax(b, x, b.rank(x) == 1 ? 0 : 1);
    const double smoothing = call.real("label_smoothing", 0);
    if (dtype_of(b, *call.tensor("target")) == DType::float32) {
        if (b.shape(x) != shape_of(b, *call.tensor("target")))
            throw Unsupported{"expected a probability of each class, found " +
                              to_string(shape_of(b, *call.tensor("target")))};
        if (call.integer("ignore_index", -100) >= 0) throw Unsupported{"ignore_index with probabilities"};
        return reduced(call, soft_cross_entropy(call, likely, smoothing));
    }
    const Classes classes = classes_of(call, likely);
    if (smoothing == 0) return reduced(call, classes.loss());
    const Extent count = b.shape(likely)[classes.axis];
    if (!count.known()) throw Unsupported{"classes of " + to_string(count)};
    const ValueId weighed = classes.weight ? b.binary(Op::mul, likely, classes.weights_along()) : likely;
    const Term even = -Term{&b, b.reduce(Op::reduce_sum, weighed, classes.axis, false)};
    const Term shared = choose({&b, classes.kept()}, even, 0.0) * (smoothing / static_cast<double>(count.terms[0]));
    return reduced(call, (Term{&b, classes.loss()} * (1 - smoothing) + shared).id);
}

Value multi_margin(Call &call) {
    Builder &b = call.b;
    const ValueId x = call.float_id("self");
    const Classes classes = classes_of(call, x);
    const Extent count = b.shape(x)[classes.axis];
    if (!count.known()) throw Unsupported{"classes of " + to_string(count)};
    const Term own{&b, b.unsqueeze(classes.picked(x), classes.axis)};
    Term cost = at_least(call.real("margin", 1) - own + Term{&b, x}, 0);
    if (call.real("p", 1) == 2) cost = squared(cost);
    if (classes.weight) {
        const ValueId all = b.expand(classes.weights_along(), b.shape(x));
        cost = cost * Term{&b, b.unsqueeze(classes.picked(all), classes.axis)};
    }
    const ValueId other = b.binary(Op::not_equal, b.unsqueeze(classes.target, classes.axis), b.iota(count));
    const ValueId sum = b.reduce(Op::reduce_sum, choose({&b, other}, cost, 0.0).id, classes.axis, false);
    return reduced(call, (Term{&b, sum} / static_cast<double>(count.terms[0])).id);
}

// |x - y + eps| of order p along the last axis.
ValueId distance(Builder &b, ValueId x, ValueId y, double order, double epsilon, bool keep) {
    const Term gap = Term{&b, x} - Term{&b, y} + epsilon;
    if (b.rank(gap.id) == 0) throw Unsupported{"a distance without an axis"};
    return vector_norm(b, gap.id, order, {b.rank(gap.id) - 1}, keep);
}

Value pairwise_distance(Call &call) {
    return result(distance(call.b, call.float_id("x1"), call.float_id("x2"), call.real("p", 2), call.real("eps", 1e-6),
                           call.flag("keepdim")));
}

Value triplet_margin(Call &call) {
    Builder &b = call.b;
    const ValueId anchor = call.float_id("anchor"), positive = call.float_id("positive"),
                  negative = call.float_id("negative");
    const double order = call.real("p", 2), epsilon = call.real("eps", 1e-6), margin = call.real("margin", 1);
    const Term near{&b, distance(b, anchor, positive, order, epsilon, false)};
    Term far{&b, distance(b, anchor, negative, order, epsilon, false)};
    if (call.flag("swap"))
        far = apply(Op::minimum, far, Term{&b, distance(b, positive, negative, order, epsilon, false)});
    return reduced(call, at_least(near + margin - far, 0).id);
}

Value margin_ranking(Call &call) {
    const Term gap = operand(call, "input1") - operand(call, "input2");
    return reduced(call, at_least(-operand(call, "target") * gap + call.real("margin", 0), 0).id);
}

Value cosine_embedding(Call &call) {
    Builder &b = call.b;
    const Term x = operand(call, "input1"), y = operand(call, "input2"), target = operand(call, "target");
    if (b.rank(x.id) == 0) throw Unsupported{"a cosine without an axis"};
    const size_t axis = b.rank(x.id) - 1;
    auto sum = [&](Term of) { return Term{&b, b.reduce(Op::reduce_sum, of.id, axis, false)}; };
    constexpr double kEpsilon = 1e-12;  // at::cosine_embedding_loss's
    const Term cosine = sum(x * y) / root((sum(x * x) + kEpsilon) * (sum(y * y) + kEpsilon));
    const Term like = choose(target == 1.0, 1.0 - cosine, 0.0);
    const Term unlike = choose(target == -1.0, at_least(cosine - call.real("margin", 0), 0), 0.0);
    return reduced(call, (like + unlike).id);
}

}  // namespace

void add_losses(Registry &to) {
    const Entry entries[] = {
        {"aten::mse_loss", "self target reduction", &mse},
        {"aten::l1_loss", "self target reduction", &l1},
        {"aten::smooth_l1_loss", "self target reduction beta", &smooth_l1},
        {"aten::huber_loss", "self target reduction delta", &huber},
        {"aten::binary_cross_entropy", "self target weight reduction", &binary_cross_entropy},
        {"aten::binary_cross_entropy_with_logits", "self target weight pos_weight reduction",
         &binary_cross_entropy_with_logits},
        {"aten::cross_entropy_loss", "self target weight reduction ignore_index label_smoothing", &cross_entropy},
        {"aten::nll_loss", "self target weight reduction ignore_index", &negative_log_likelihood},
        {"aten::nll_loss_nd", "self target weight reduction ignore_index", &negative_log_likelihood},
        {"aten::nll_loss2d", "self target weight reduction ignore_index", &negative_log_likelihood},
        {"aten::nll_loss_forward", "self target weight reduction ignore_index", &with_total_weight},
        {"aten::nll_loss2d_forward", "self target weight reduction ignore_index", &with_total_weight},
        {"aten::multilabel_margin_loss", "self target reduction", &multilabel_margin},
        {"aten::multilabel_margin_loss_forward", "self target reduction",
         [](Call &call) {
             return tuple_of({multilabel_margin(call), Value()});
         }},
        {"aten::multi_margin_loss", "self target p margin weight reduction", &multi_margin},
        {"aten::kl_div", "self target reduction log_target", &kl_divergence},
        {"aten::soft_margin_loss", "self target reduction", &soft_margin},
        {"aten::hinge_embedding_loss", "self target margin reduction", &hinge_embedding},
        {"aten::poisson_nll_loss", "input target log_input full eps reduction", &poisson},
        {"aten::pairwise_distance", "x1 x2 p eps keepdim", &pairwise_distance},
        {"aten::triplet_margin_loss", "anchor positive negative margin p eps swap reduction", &triplet_margin},
        {"aten::margin_ranking_loss", "input1 input2 target margin reduction", &margin_ranking},
        {"aten::cosine_embedding_loss", "input1 input2 target margin reduction", &cosine_embedding},
    };
    add(to, entries);
}

}  // namespace weighbridge::torch_plugin
