// SPDX-License-Identifier: Apache-2.0
#include "support/random_graph.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include "graph/graph.hpp"
#include "support/random_trees.hpp"

namespace weighbridge::test {
namespace {

using lib::Attributes, lib::DType, lib::Extent, lib::Extents, lib::Op, lib::Type, lib::ValueId;
using Found = std::optional<ValueId>;

constexpr int64_t kMostElements = 6000;  // of one row of one value

class Maker {
  public:
    Maker(uint32_t seed, const RandomGraphOptions &options) : random_(seed), options_(options) {
        if (options.sequences) {
            graph_.least_length = options.least_length;
            graph_.largest_length = options.largest_length;
        }
    }

    lib::Graph make() {
        sources();
        const size_t first = values_.size();
        for (int tries = 0; tries < options_.operators * 20 && made_ < options_.operators; ++tries)
            if (Found value = operation()) {
                values_.push_back(*value);
                ++made_;
            }
        outputs(first);
        return std::move(graph_);
    }

  private:
    int64_t number(int64_t least, int64_t most) {
        return least + static_cast<int64_t>(random_() % static_cast<uint32_t>(most - least + 1));
    }
    bool chance(int percent) { return number(1, 100) <= percent; }
    float real() { return static_cast<float>(static_cast<double>(random_()) / 2147483648.0 - 1.0); }
    template <class Container>
    auto one_of(const Container &from) {
        return from[static_cast<size_t>(number(0, static_cast<int64_t>(from.size()) - 1))];
    }
    const Type &type(ValueId id) const { return graph_.type(id); }

    // The node, where it is well typed and small.
    Found add(Op op, std::vector<ValueId> operands, Attributes attributes = {}) {
        auto found = lib::infer(graph_, op, operands, attributes);
        if (!found) return std::nullopt;
        auto elements = lib::product(found->shape);
        if (!elements) return std::nullopt;
        for (int64_t length : {graph_.least_length, graph_.largest_length})
            if (elements->at(1, length) > kMostElements) return std::nullopt;
        return *graph_.add(op, std::move(operands), std::move(attributes));
    }
    ValueId floats(std::vector<int64_t> shape, float size = 1.0f) {
        int64_t count = 1;
        for (int64_t one : shape) count *= one;
        std::vector<float> numbers(static_cast<size_t>(count));
        for (float &each : numbers) each = real() * size;
        return graph_.add_constant(lib::Constant::copy(DType::float32, std::move(shape), numbers.data()));
    }

    Found any(DType dtype) {
        for (int tries = 0; tries < 30; ++tries) {
            // Late values more often, so that chains grow.
            const auto last = static_cast<int64_t>(values_.size()) - 1;
            const ValueId id = values_[static_cast<size_t>(chance(60) ? number(last * 2 / 3, last) : number(0, last))];
            if (type(id).dtype == dtype) return id;
        }
        return std::nullopt;
    }
    bool has_float64() const { return options_.all && !options_.smooth; }
    Found any() {
        if (has_float64() && chance(15)) return any(DType::float64);
        return any(chance(70) ? DType::float32 : chance(60) ? DType::int64 : DType::boolean);
    }

    void sources() {
        int64_t index = 0;
        auto input = [&](DType dtype, Extents shape) {
            if (Found id = add(Op::input, {}, {.index = index++, .dtype = dtype, .shape = std::move(shape)})) {
                if (dtype == DType::float64 && has_float64()) values_.push_back(*id);
                if (dtype == DType::float64 || dtype == DType::int32)
                    id = add(Op::cast, {*id}, {.dtype = dtype == DType::float64 ? DType::float32 : DType::int64});
                values_.push_back(*id);
            }
        };
        const Extent rows = Extent::rows();
        const int64_t width = number(1, 19);
        input(DType::float32, {rows, Extent::of(width)});
        input(DType::float32, {rows, Extent::of(number(1, 4)), Extent::of(width)});
        input(DType::int64, {rows});
        input(DType::int64, {rows, Extent::of(number(1, 5))});
        if (chance(50)) input(DType::boolean, {rows, Extent::of(width)});
        if (chance(30)) input(DType::float64, {rows, Extent::of(width)});
        if (chance(30)) input(DType::int32, {rows, Extent::of(3)});
        values_.push_back(floats({width}));
        values_.push_back(floats({1}));
        if (has_float64()) {
            std::vector<double> numbers(static_cast<size_t>(width));
            for (double &each : numbers) each = static_cast<double>(real()) / 3;
            values_.push_back(graph_.add_constant(lib::Constant::copy(DType::float64, {width}, numbers.data())));
            if (Found id = add(Op::cast, {values_[0]}, {.dtype = DType::float64})) values_.push_back(*id);
        }
        values_.push_back(graph_.add_constant(lib::Constant::copy(
            DType::int64, {3}, std::vector<int64_t>{number(0, 4), number(0, 4), number(0, 4)}.data())));
        if (Found id = add(Op::iota, {}, {.size = Extent::of(number(1, 5))})) values_.push_back(*id);
        if (Found id = add(Op::full, {}, {.dtype = DType::float32, .value = 0.25, .shape = {rows, Extent::of(width)}}))
            values_.push_back(*id);
        if (!options_.sequences) return;
        input(DType::int64, {rows, Extent::length()});
        input(DType::float32, {rows, Extent::length(), Extent::of(4 * number(1, 4))});
        if (chance(50)) input(DType::boolean, {rows, Extent::length()});
        if (Found id = add(Op::iota, {}, {.size = Extent::length()})) values_.push_back(*id);
        if (Found id = add(Op::full, {}, {.dtype = DType::int64, .integer = Extent::length(), .shape = {rows}}))
            values_.push_back(*id);
    }

    Found operation() {
        switch (number(0, 16)) {
            case 0:
            case 1:
                return unary();
            case 2:
            case 3:
                return binary();
            case 4:
                return choice();
            case 5:
                return reshape();
            case 6:
                return permute();
            case 7:
                return slice();
            case 8:
                return expand();
            case 9:
                return concat();
            case 10:
                return look_up();
            case 11:
                return reduction();
            case 12:
                return by_row();
            case 13:
                return matmul();
            case 14:
                return linear();
            case 15:
                return attention();
            default:
                return recurrent();
        }
    }

    static std::vector<Op> of_family(lib::Family family) {
        std::vector<Op> found;
        for (const lib::Operator &line : lib::operators())
            if (line.family == family) found.push_back(line.op);
        return found;
    }
    Op any_of(lib::Family family) {
        const std::vector<Op> all = of_family(family);
        return all[static_cast<size_t>(number(0, static_cast<int64_t>(all.size()) - 1))];
    }

    Found unary() {
        static constexpr Op kSmooth[] = {Op::neg,        Op::abs,  Op::tanh,      Op::sigmoid, Op::erf,
                                         Op::relu,       Op::gelu, Op::gelu_tanh, Op::silu,    Op::softplus,
                                         Op::leaky_relu, Op::elu,  Op::clamp};
        if (chance(15)) return integers_or_bools();
        if (has_float64() && chance(15)) return of_float64();
        const Op op = options_.smooth ? one_of(std::span(kSmooth)) : any_of(lib::Family::unary);
        Found x = any(DType::float32);
        return x ? changed(op, *x) : x;
    }
    Found changed(Op op, ValueId x) {
        Attributes attributes;
        if (op == Op::softplus) attributes = {.beta = 1.0 + real() * 0.5, .threshold = 20.0};
        if (op == Op::leaky_relu) attributes.slope = 0.01;
        if (op == Op::elu) attributes.alpha = 1.0;
        if (op == Op::clamp)
            attributes = {.least = chance(30) ? -std::numeric_limits<double>::infinity() : -0.75, .largest = 0.5};
        return add(op, {x}, attributes);
    }
    Found of_float64() {
        Found x = any(chance(80) ? DType::float64 : DType::float32);
        if (!x) return x;
        if (type(*x).dtype == DType::float32) return add(Op::cast, {*x}, {.dtype = DType::float64});
        return chance(40) ? add(Op::cast, {*x}, {.dtype = DType::float32}) : changed(any_of(lib::Family::unary), *x);
    }
    Found integers_or_bools() {
        if (chance(50)) {
            Found x = any(DType::int64);
            if (!x) return x;
            if (chance(40)) return add(Op::cast, {*x}, {.dtype = DType::float32});
            const Op op = one_of(std::vector<Op>{Op::neg, Op::abs, Op::sign, Op::square, Op::clamp});
            Found y = changed(op, *x);
            return y ? add(Op::clamp, {*y}, {.least = -9.0, .largest = 9.0}) : y;
        }
        Found x = any(DType::boolean);
        if (!x) return x;
        if (chance(30)) return add(Op::logical_not, {*x});
        return add(Op::cast, {*x}, {.dtype = chance(70) ? DType::float32 : DType::int64});
    }

    Found binary() {
        Found a = any(), b = a ? any(type(*a).dtype) : a;
        if (!b) return b;
        const DType dtype = type(*a).dtype;
        if (dtype == DType::boolean)
            return add(
                one_of(std::vector<Op>{Op::logical_and, Op::logical_or, Op::logical_xor, Op::equal, Op::not_equal}),
                {*a, *b});
        if (dtype == DType::int64) {
            if (chance(40)) return add(any_of(lib::Family::comparison), {*a, *b});
            if (chance(30)) {
                Found divisor = add(Op::full, {}, {.dtype = dtype, .integer = Extent::of(chance(50) ? 3 : -2)});
                return add(chance(50) ? Op::floor_divide : Op::remainder, {*a, *divisor});
            }
            Found sum = add(one_of(std::vector<Op>{Op::add, Op::sub, Op::mul, Op::minimum, Op::maximum}), {*a, *b});
            return sum ? add(Op::clamp, {*sum}, {.least = -9.0, .largest = 9.0}) : sum;
        }
        if (options_.smooth) {
            Found y = add(one_of(std::vector<Op>{Op::add, Op::sub, Op::mul, Op::minimum, Op::maximum}), {*a, *b});
            return y ? add(Op::tanh, {*y}) : y;
        }
        if (chance(25)) return add(any_of(lib::Family::comparison), {*a, *b});
        return add(any_of(lib::Family::arithmetic), {*a, *b});
    }
    Found choice() {
        Found condition = any(DType::boolean), a = any(), b = a ? any(type(*a).dtype) : a;
        return condition && b ? add(Op::where, {*condition, *a, *b}) : std::nullopt;
    }

    Found reshape() {
        Found x = any();
        if (!x) return x;
        Extents shape = type(*x).shape;
        for (int64_t changes = number(1, 2); changes > 0 && !shape.empty(); --changes) {
            const auto axis = static_cast<size_t>(number(0, static_cast<int64_t>(shape.size()) - 1));
            const auto place = shape.begin() + static_cast<ptrdiff_t>(axis);
            if (chance(30)) {
                shape.insert(place, Extent::of(1));
            } else if (shape[axis] == Extent::of(1)) {
                shape.erase(place);
            } else if (axis + 1 < shape.size() && chance(50)) {
                auto joined = shape[axis] * shape[axis + 1];
                if (!joined) return std::nullopt;
                shape[axis] = *joined;
                shape.erase(place + 1);
            } else if (shape[axis].known()) {
                for (int64_t by : {4, 3, 2})
                    if (shape[axis].terms[0] % by == 0 && shape[axis].terms[0] > 0) {
                        shape[axis].terms[0] /= by;
                        shape.insert(place + (chance(50) ? 1 : 0), Extent::of(by));
                        break;
                    }
            }
        }
        return add(Op::reshape, {*x}, {.shape = shape});
    }
    Found permute() {
        Found x = any();
        if (!x || type(*x).rank() < 2) return std::nullopt;
        Attributes order;
        for (size_t i = 0; i < type(*x).rank(); ++i) order.order.push_back(static_cast<int64_t>(i));
        std::shuffle(order.order.begin() + (chance(80) ? 1 : 0), order.order.end(), random_);
        return add(Op::permute, {*x}, order);
    }
    Found slice() {
        Found x = any();
        if (!x || type(*x).rank() == 0) return std::nullopt;
        const int64_t axis = number(0, static_cast<int64_t>(type(*x).rank()) - 1);
        const Extent size = type(*x).shape[static_cast<size_t>(axis)];
        if (size.known()) {
            if (size.terms[0] < 1) return std::nullopt;
            const int64_t step = number(1, 3), start = number(0, size.terms[0] - 1);
            const int64_t most = (size.terms[0] - start + step - 1) / step;
            return add(Op::slice, {*x},
                       {.axis = axis, .step = step, .start = Extent::of(start), .size = Extent::of(number(1, most))});
        }
        const int64_t least = graph_.least_length, cut = number(0, least);
        if (least > 0 && chance(40))  // a part of known size
            return add(Op::slice, {*x},
                       {.axis = axis, .start = Extent::of(number(0, least - 1)), .size = Extent::of(1)});
        const bool last = least > 0 && chance(30);
        const auto rest = size - Extent::of(last ? 1 : cut);  // none of sizes with the rows
        if (!rest) return std::nullopt;
        if (last) return add(Op::slice, {*x}, {.axis = axis, .start = *rest, .size = Extent::of(1)});
        return add(Op::slice, {*x}, {.axis = axis, .start = Extent::of(cut), .size = *rest});
    }
    Found expand() {
        Found x = any();
        if (!x) return x;
        Extents shape = type(*x).shape;
        for (Extent &size : shape)
            if (size == Extent::of(1) && chance(70))
                size = options_.sequences && chance(40) ? Extent::length() : Extent::of(number(1, 4));
        if (!shape.empty() && shape[0] == Extent::of(1) && chance(50)) shape[0] = Extent::rows();
        return add(Op::expand, {*x}, {.shape = shape});
    }
    Found concat() {
        Found x = any();
        if (!x || type(*x).rank() == 0) return std::nullopt;
        const int64_t axis = number(0, static_cast<int64_t>(type(*x).rank()) - 1);
        std::vector<ValueId> parts;
        auto fits = [&](ValueId id) { return lib::infer(graph_, Op::concat, {*x, id}, {.axis = axis}).ok(); };
        if (!fits(*x)) return std::nullopt;
        for (int64_t count = number(1, 4); count > 0; --count) {
            ValueId part = *x;
            for (int tries = 0; tries < 10; ++tries)
                if (Found other = any(type(*x).dtype); other && fits(*other)) part = *other;
            if (type(part).dtype == DType::float32 && chance(60))
                if (Found made = changed(chance(50) ? Op::tanh : Op::relu, part)) part = *made;
            parts.push_back(part);
        }
        return add(Op::concat, parts, {.axis = axis});
    }

    Found trees() {
        Found x = any(DType::float32);
        if (!x || type(*x).rank() == 0) return std::nullopt;
        const Extent features = type(*x).shape.back();
        if (!features.known() || features.terms[0] < 1) return std::nullopt;
        const int64_t count = number(1, 20), height = number(0, 6), width = number(1, 3);
        const RandomTrees made(static_cast<uint32_t>(number(0, 1 << 20)), features.terms[0], count, height, width);
        const auto integers = [&](std::vector<int64_t> shape, const std::vector<int64_t> &from) {
            return graph_.add_constant(lib::Constant::copy(DType::int64, std::move(shape), from.data()));
        };
        const auto reals = [&](std::vector<int64_t> shape, const std::vector<float> &from) {
            return graph_.add_constant(lib::Constant::copy(DType::float32, std::move(shape), from.data()));
        };
        return add(Op::trees,
                   {*x, reals({made.count()}, made.thresholds), reals({made.count(), made.width}, made.values),
                    integers({made.count(), 2}, made.nodes), integers({made.trees()}, made.roots)});
    }
    // Of a condition that always holds.
    Found required() {
        Found x = any(), number = any(DType::int64);
        if (!x || !number) return std::nullopt;
        Found holds = add(Op::equal, {*number, *number});
        const ValueId text =
            graph_.add_constant(lib::Constant::copy(DType::int64, {3}, std::vector<int64_t>{'b', 'a', 'd'}.data()));
        return holds ? add(Op::require, {*x, *holds, text}) : holds;
    }
    Found look_up() {
        if (options_.all && !options_.smooth && chance(20)) return chance(70) ? trees() : required();
        if (chance(30)) {
            Found x = options_.smooth ? std::nullopt : any(DType::float32);
            if (!x) return x;
            const ValueId boundaries = graph_.add_constant(
                lib::Constant::copy(DType::float32, {4}, std::vector<float>{-0.5f, 0.0f, 0.25f, 0.25f}.data()));
            return add(Op::bucketize, {*x, boundaries}, {.right = number(0, 1) == 1});
        }
        Found ids = any(DType::int64);
        if (!ids) return ids;
        if (chance(50)) {
            const int64_t size = number(1, 6);
            Found safe = add(Op::clamp, {*ids}, {.least = 0.0, .largest = static_cast<double>(size - 1)});
            return add(Op::embedding, {floats({size, number(1, 9)}), *safe});
        }
        Found x = any();
        if (!x || type(*x).rank() == 0) return std::nullopt;
        const int64_t axis = number(0, static_cast<int64_t>(type(*x).rank()) - 1);
        const Extent size = type(*x).shape[static_cast<size_t>(axis)];
        const int64_t least =
            size.batch ? 0 : std::min(size.at(1, graph_.least_length), size.at(1, graph_.largest_length));
        if (least < 1) return std::nullopt;
        Extents shape = type(*x).shape;
        shape[static_cast<size_t>(axis)] = Extent::of(number(1, 4));
        // Indices from what there is, or from a fill.
        Found index = add(Op::expand, {*ids}, {.shape = shape});
        if (!index)
            index =
                add(Op::full, {}, {.dtype = DType::int64, .integer = Extent::of(number(0, least - 1)), .shape = shape});
        if (!index) return index;
        Found safe = add(Op::clamp, {*index}, {.least = 0.0, .largest = static_cast<double>(least - 1)});
        return add(Op::gather, {*x, *safe}, {.axis = axis});
    }
    Found reduction() {
        Found x = any();
        if (!x || type(*x).rank() == 0) return std::nullopt;
        const auto along = number(0, 5);
        Op op = along < 4 ? of_family(lib::Family::reduction)[static_cast<size_t>(along)]
                          : of_family(lib::Family::scan)[static_cast<size_t>(along - 4)];
        if (options_.smooth && (op == Op::argmax || op == Op::cumsum)) op = Op::reduce_mean;
        Found y = add(op, {*x}, {.axis = number(0, static_cast<int64_t>(type(*x).rank()) - 1)});
        if (y && options_.smooth && type(*y).dtype == DType::float32) return add(Op::tanh, {*y});
        if (y && type(*y).dtype == DType::int64) return add(Op::clamp, {*y}, {.least = -9.0, .largest = 9.0});
        return y;
    }
    Found by_row() {
        Found x = any(DType::float32);
        if (!x || type(*x).rank() == 0) return std::nullopt;
        if (chance(50)) return add(Op::softmax, {*x});
        const Extent width = type(*x).shape.back();
        if (!width.known() || width.terms[0] < 1) return std::nullopt;
        return add(Op::layer_norm, {*x, floats({width.terms[0]}), floats({width.terms[0]})}, {.epsilon = 1e-5});
    }
    Found swapped(ValueId x) {
        Attributes order;
        const auto rank = static_cast<int64_t>(type(x).rank());
        for (int64_t i = 0; i < rank; ++i)
            order.order.push_back(i < rank - 2 ? i : i == rank - 2 ? rank - 1 : rank - 2);
        return add(Op::permute, {x}, order);
    }
    Found matmul() {
        Found a = any(DType::float32), b = any(DType::float32);
        if (!a || type(*a).rank() < 2) return std::nullopt;
        const Extent k = type(*a).shape.back();
        Found y = b ? add(Op::matmul, {*a, *b}) : b;
        if (!y && chance(50)) {
            Found turned = swapped(*a);
            if (turned) y = add(Op::matmul, {*a, *turned});
        }
        if (!y && k.known() && k.terms[0] > 0) y = add(Op::matmul, {*a, floats({k.terms[0], number(1, 40)})});
        return y && options_.smooth ? add(Op::tanh, {*y}) : y;
    }
    // Weights times a value, so that it is `width` wide.
    Found widened(ValueId x, int64_t width) {
        const int64_t k = type(x).shape.back().terms[0];
        return add(Op::linear, {x, floats({width, k}, 1.0f / std::sqrt(static_cast<float>(k)))});
    }
    Found recurrent() {
        Found x = any(DType::float32);
        if (!x || type(*x).rank() < 2 || !type(*x).shape.back().known() || type(*x).shape.back().is(0))
            return std::nullopt;
        const auto axis = static_cast<int64_t>(type(*x).rank()) - 2;
        Attributes attributes{.bias = chance(50),
                              .cell = static_cast<lib::Recurrence>(number(0, lib::kRecurrences - 1)),
                              .reverse = chance(30),
                              .state = chance(30)};
        const int64_t h = number(1, 20), gates = lib::gates_of(attributes.cell) * h;
        Found inputs = widened(*x, gates);
        if (!inputs) return inputs;
        std::vector<ValueId> operands{*inputs, floats({gates, h}, 1.0f / std::sqrt(static_cast<float>(h)))};
        if (attributes.bias) operands.push_back(floats({gates}));
        if (attributes.state) {
            Found state = widened(*x, lib::states_of(attributes.cell) * h);
            if (state) state = add(Op::reduce_max, {*state}, {.axis = axis});
            if (state) state = add(Op::tanh, {*state});
            if (!state) return state;
            Extents shape = type(*state).shape;
            shape.erase(shape.begin() + axis);
            state = add(Op::reshape, {*state}, {.shape = shape});
            if (!state) return state;
            operands.push_back(*state);
        }
        return add(Op::recurrent, operands, attributes);
    }
    Found linear() {
        Found x = any(DType::float32);
        if (!x || type(*x).rank() == 0 || !type(*x).shape.back().known()) return std::nullopt;
        const int64_t k = type(*x).shape.back().terms[0], n = chance(30) ? k : number(1, 40);
        if (k < 1) return std::nullopt;
        lib::Attributes attributes;
        attributes.activation = static_cast<lib::Activation>(number(0, 7));
        if (options_.smooth) attributes.activation = lib::Activation::none;
        attributes.slope = 0.125;
        attributes.range = options_.smooth ? lib::Range::symmetric : static_cast<lib::Range>(number(0, 2));
        attributes.bias = chance(60);
        std::vector<ValueId> operands{*x, floats({n, k}, 1.0f / std::sqrt(static_cast<float>(k)))};
        if (attributes.bias) operands.push_back(floats({n}));
        Found y = add(Op::linear, operands, attributes);
        if (y && options_.smooth && chance(50)) y = changed(one_of(std::vector<Op>{Op::relu, Op::gelu, Op::tanh}), *y);
        if (!y || chance(60)) return y;
        if (options_.smooth) return n == k ? add(Op::add, {*x, *y}) : y;
        Found residual = n == k ? x : y;
        for (int tries = 0; tries < 5; ++tries)
            if (Found other = any(DType::float32); other && type(*other) == type(*y)) residual = other;
        attributes.residual = true;
        operands.push_back(*residual);
        return add(Op::linear, operands, attributes);
    }
    // Of a value [..., m, d], as one head or as more; keys and values are made of it.
    Found attention() {
        Found x = any(DType::float32);
        if (!x || type(*x).rank() < 3) return std::nullopt;
        const Extents shape = type(*x).shape;
        const size_t rank = shape.size();
        if (!shape.back().known() || shape[rank - 2].batch) return std::nullopt;
        if (rank == 3 && shape.back().terms[0] % 2 == 0 && shape.back().terms[0] > 0 && chance(70)) {
            x = add(Op::reshape, {*x},
                    {.shape = {shape[0], shape[1], Extent::of(2), Extent::of(shape.back().terms[0] / 2)}});
            if (x) x = add(Op::permute, {*x}, {.order = {0, 2, 1, 3}});
            if (!x) return x;
        }
        const Extents q = type(*x).shape;
        Found key = changed(Op::tanh, *x), value = chance(50) ? x : changed(Op::neg, *x);
        std::vector<ValueId> operands{*x, *key, *value};
        lib::Attributes attributes;
        attributes.causal = chance(30);
        attributes.zero_when_empty = chance(50);
        attributes.scale = 0.5;
        Extents scores = q;
        scores.back() = q[q.size() - 2];
        if (chance(50)) {
            Extents mask = scores;
            for (Extent &size : mask)
                if (chance(40)) size = Extent::of(1);
            if (chance(50)) mask.erase(mask.begin());
            if (Found fill =
                    add(Op::full, {}, {.dtype = DType::float32, .value = chance(30) ? -INFINITY : 0.5, .shape = mask}))
                operands.push_back(*fill);
            for (int tries = 0; tries < 10; ++tries)
                if (Found other = any(chance(50) ? DType::boolean : DType::float32); other && operands.size() == 4) {
                    auto as_mask = operands;
                    as_mask[3] = *other;
                    attributes.mask = true;
                    if (lib::infer(graph_, Op::attention, as_mask, attributes)) operands = as_mask;
                }
            attributes.mask = operands.size() == 4;
        }
        return add(Op::attention, operands, attributes);
    }

    void outputs(size_t first) {
        int64_t left = number(1, 4);
        for (size_t i = values_.size(); i-- > first && left > 0;) {
            Found value = values_[i];
            const Extents &shape = type(*value).shape;
            if (shape.empty() || shape[0] != Extent::rows() || chance(20)) continue;
            if (type(*value).dtype != DType::float32) value = add(Op::cast, {*value}, {.dtype = DType::float32});
            graph_.add_output(*value);
            --left;
        }
        if (graph_.outputs().empty()) graph_.add_output(values_[0]);
    }

    std::mt19937 random_;
    const RandomGraphOptions options_;
    lib::Graph graph_;
    std::vector<ValueId> values_;
    int made_ = 0;
};

}  // namespace

lib::Graph random_graph(uint32_t seed, const RandomGraphOptions &options) { return Maker(seed, options).make(); }

}  // namespace weighbridge::test
