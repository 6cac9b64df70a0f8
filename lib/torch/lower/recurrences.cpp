// SPDX-License-Identifier: Apache-2.0
// LSTM, GRU and plain recurrent layers and cells. A layer in one direction is a product of all inputs, then the graph's
// recurrence; layers, directions and projections are composed of these. Sequences that were packed by their own length
// are all as long as the run's, so that packing moves elements and drops none.
#include <algorithm>

#include "torch/lower/call.hpp"

namespace weighbridge::torch_plugin {
namespace {

using lib::Recurrence;

// The weights of one layer in one direction.
struct Layer {
    ValueId input, hidden;                                       // [g h, d] and [g h, h], or [g h, p] where it projects
    std::optional<ValueId> input_bias, hidden_bias, projection;  // [g h] and [p, h]
};

// States of one layer in one direction: [batch, ...].
constexpr ValueId kZeros = UINT32_MAX;
struct State {
    ValueId hidden = kZeros, cell = kZeros;
};

// The states after each place, [batch, t, h or p] and of lstm [batch, t, h], and the last ones.
struct Passed {
    ValueId all, cells, hidden, cell;
};

int64_t width_of(const Builder &b, ValueId weights) { return b.shape(weights)[1].terms[0]; }

const float *elements(const Builder &b, ValueId weights) { return b.graph().constant_of(weights).as<float>(); }

void require_constant(const Builder &b, ValueId weights, size_t rank) {
    if (b.graph().node(weights).op != Op::constant || b.dtype(weights) != DType::float32)
        throw Unsupported{"recurrent weights that are computed; export them as parameters"};
    if (b.rank(weights) != rank) throw Unsupported{"recurrent weights of " + to_string(b.shape(weights))};
}

const Layer &checked(const Builder &b, const Layer &layer) {
    require_constant(b, layer.input, 2);
    require_constant(b, layer.hidden, 2);
    if (layer.projection) require_constant(b, *layer.projection, 2);
    if (layer.input_bias) require_constant(b, *layer.input_bias, 1);
    if (layer.hidden_bias) require_constant(b, *layer.hidden_bias, 1);
    return layer;
}

// hidden projection: what multiplies a state that is not projected yet. Computed in double, rounded once.
ValueId before_projection(Builder &b, const Layer &layer) {
    const float *hidden = elements(b, layer.hidden), *projection = elements(b, *layer.projection);
    const int64_t n = b.shape(layer.hidden)[0].terms[0], p = width_of(b, layer.hidden);
    const int64_t h = width_of(b, *layer.projection);
    if (b.shape(*layer.projection)[0] != Extent::of(p)) throw Unsupported{"a projection of another size"};
    std::vector<float> product(static_cast<size_t>(n * h));
    std::vector<double> sums(static_cast<size_t>(h));
    for (int64_t row = 0; row < n; ++row) {
        std::fill(sums.begin(), sums.end(), 0.0);
        for (int64_t k = 0; k < p; ++k)
            for (size_t i = 0; i < sums.size(); ++i)
                sums[i] += static_cast<double>(hidden[row * p + k]) *
                           static_cast<double>(projection[static_cast<size_t>(k * h) + i]);
        std::transform(sums.begin(), sums.end(), product.begin() + row * h,
                       [](double sum) { return static_cast<float>(sum); });
    }
    return b.constant(DType::float32, {n, h}, product.data());
}

ValueId place(Builder &b, ValueId x, const Extent &at) { return b.squeeze(b.slice(x, 1, at, Extent::of(1)), 1); }

// Adds the product of a projected state to the gates of the first place, for a recurrence that starts with zeros.
ValueId with_first(Builder &b, ValueId gates, ValueId product, bool reverse) {
    const Extent size = b.shape(gates)[1], one = Extent::of(1);
    const Extent rest = *(size - one), at = reverse ? rest : Extent::of(0);
    const ValueId first = b.binary(Op::add, b.slice(gates, 1, at, one), b.unsqueeze(product, 1));
    if (size.is(1)) return first;
    const ValueId others = b.slice(gates, 1, reverse ? Extent::of(0) : one, rest);
    return b.concat(reverse ? std::vector{others, first} : std::vector{first, others}, 1);
}

// x [batch, t, d].
Passed pass(Builder &b, Recurrence cell, ValueId x, const Layer &layer, const State &state, bool reverse) {
    const Extent last = *(b.shape(x)[1] - Extent::of(1));
    b.require_nonnegative(last, "a sequence that is not empty");
    ValueId gates = b.linear(x, layer.input, layer.input_bias), weights = layer.hidden;
    const bool projects = layer.projection.has_value();
    if (projects) {
        if (state.hidden != kZeros) gates = with_first(b, gates, b.linear(state.hidden, weights, {}), reverse);
        weights = before_projection(b, layer);
    }
    const State start{projects ? kZeros : state.hidden, state.cell};
    const Extent h = b.shape(weights)[1];
    lib::Attributes attributes{.cell = cell, .reverse = reverse};
    std::vector<ValueId> operands{gates, weights};
    if (layer.hidden_bias) {
        attributes.bias = true;
        operands.push_back(*layer.hidden_bias);
    }
    if (start.hidden != kZeros || start.cell != kZeros) {
        attributes.state = true;
        Extents zeros = b.shape(x);
        zeros.erase(zeros.begin() + 1);
        zeros.back() = h;
        auto given = [&](ValueId one) { return one == kZeros ? b.full(0, zeros) : one; };
        operands.push_back(cell == Recurrence::lstm ? b.concat({given(start.hidden), given(start.cell)}, 1)
                                                    : given(start.hidden));
    }
    const ValueId states = b.add(Op::recurrent, std::move(operands), attributes);
    ValueId all = cell == Recurrence::lstm ? b.slice(states, 2, Extent::of(0), h) : states;
    if (projects) all = b.linear(all, *layer.projection, {});
    const Extent end = reverse ? Extent::of(0) : last;
    const ValueId cells = cell == Recurrence::lstm ? b.slice(states, 2, h, h) : all;
    return {all, cells, place(b, all, end), place(b, cells, end)};
}

// A state of zeros is none.
ValueId unless_zero(Builder &b, ValueId state) {
    const Known known = b.known(state);
    return known.uniform && known.number == 0 ? kZeros : state;
}

// Layer `index` of states [layers, batch, w].
ValueId state_of(Builder &b, ValueId all, int64_t index, int64_t layers, const Extent &rows, int64_t width) {
    const Extents expected{Extent::of(layers), rows, Extent::of(width)};
    if (b.shape(all) != expected)
        throw Unsupported{"an initial state of " + to_string(b.shape(all)) + ", expected " + to_string(expected)};
    return unless_zero(b, b.squeeze(b.slice(all, 0, Extent::of(index), Extent::of(1)), 0));
}

// What a call of several layers has, whatever its cell.
class Stack {
  public:
    Stack(Call &call, Recurrence cell) : b_(call.b), cell_(cell) {
        layers_ = call.integer("num_layers");
        directions_ = call.flag("bidirectional") ? 2 : 1;
        if (call.flag("train") && call.real("dropout") != 0) throw Unsupported{"dropout in training mode"};
        call.real("dropout");
        for (const TensorPtr &one : call.tensors("params")) weights_.push_back(plain(b_, *one));
        biases_ = call.flag("has_biases");
        const auto count = static_cast<int64_t>(weights_.size());
        const int64_t parts = layers_ < 1 || layers_ > count ? 0 : layers_ * directions_, least = biases_ ? 4 : 2;
        const int64_t each = parts == 0 ? 0 : count / parts;
        if (parts == 0 || each * parts != count || each < least || each > least + (cell == Recurrence::lstm))
            throw Unsupported{std::to_string(count) + " weights of " + std::to_string(layers_) + " layers"};
        each_ = static_cast<size_t>(each);
        if (call.at("hx").is<TensorPtr>())
            states_ = {call.id("hx")};
        else
            for (const TensorPtr &one : call.tensors("hx")) states_.push_back(plain(b_, *one));
        if (states_.size() != (cell == Recurrence::lstm ? 2u : 1u))
            throw Unsupported{"another number of initial states"};
    }

    // x [batch, t, d]; gives [batch, t, directions h], then the last states [layers directions, batch, h].
    std::vector<ValueId> run(ValueId x) {
        const Extent rows = b_.shape(x)[0];
        std::vector<ValueId> hidden, cells;
        for (int64_t i = 0; i < layers_; ++i) {
            std::vector<ValueId> sides;
            for (int64_t side = 0; side < directions_; ++side) {
                const int64_t index = i * directions_ + side;
                const Layer layer = checked(b_, layer_of(index));
                const Passed passed = pass(b_, cell_, x, layer, state(layer, index, rows), side == 1);
                sides.push_back(passed.all);
                hidden.push_back(b_.unsqueeze(passed.hidden, 0));
                cells.push_back(b_.unsqueeze(passed.cell, 0));
            }
            x = sides.size() == 1 ? sides[0] : b_.concat(sides, 2);
        }
        std::vector<ValueId> made{x, joined(hidden)};
        if (cell_ == Recurrence::lstm) made.push_back(joined(cells));
        return made;
    }

  private:
    ValueId joined(const std::vector<ValueId> &parts) { return parts.size() == 1 ? parts[0] : b_.concat(parts, 0); }
    Layer layer_of(int64_t index) const {
        const size_t first = static_cast<size_t>(index) * each_;
        Layer layer{weights_[first], weights_[first + 1], {}, {}, {}};
        if (biases_) {
            layer.input_bias = weights_[first + 2];
            layer.hidden_bias = weights_[first + 3];
        }
        if (each_ % 2 == 1) layer.projection = weights_[first + each_ - 1];
        return layer;
    }
    State state(const Layer &layer, int64_t index, const Extent &rows) {
        const int64_t all = layers_ * directions_;
        State found{state_of(b_, states_[0], index, all, rows, width_of(b_, layer.hidden))};
        const int64_t cells = width_of(b_, layer.projection.value_or(layer.hidden));
        if (cell_ == Recurrence::lstm) found.cell = state_of(b_, states_[1], index, all, rows, cells);
        return found;
    }

    Builder &b_;
    const Recurrence cell_;
    int64_t layers_ = 0, directions_ = 1;
    bool biases_ = false;
    size_t each_ = 0;  // weights of one layer in one direction
    std::vector<ValueId> weights_, states_;
};

ValueId swapped(Builder &b, ValueId x) { return b.permute(x, {1, 0, 2}); }

// [t batch, d] as it is packed: [t, batch, d] with both axes counted as one.
ValueId packed_rows(Builder &b, const Tensor &x) {
    const ValueId id = apart(b, x);
    if (!x.merged || *x.merged != 0 || b.rank(id) != 3) throw Unsupported{"a packed sequence of other data"};
    return swapped(b, id);
}

template <Recurrence cell>
Value layers(Call &call) {
    Builder &b = call.b;
    const bool packed = call.find("batch_sizes") != nullptr;
    const bool rows_first = packed || call.flag("batch_first");
    ValueId x = 0;
    if (packed) {
        if (call.tensor("batch_sizes")->kind != Tensor::Kind::row_counts)
            throw Unsupported{"a packed sequence of other data"};
        x = packed_rows(b, *call.tensor("data"));
    } else {
        x = call.float_id("input");
        if (b.rank(x) != 3) throw Unsupported{"a recurrence over " + to_string(b.shape(x))};
        if (!rows_first) x = swapped(b, x);
    }
    if (b.shape(x)[1].batch) throw Unsupported{"mixes rows: a recurrence over them"};
    const std::vector<ValueId> made = Stack(call, cell).run(x);
    List list{packed ? tensor_of(swapped(b, made[0]), 0) : tensor_of(rows_first ? made[0] : swapped(b, made[0]))};
    for (size_t i = 1; i < made.size(); ++i) list.push_back(tensor_of(made[i]));
    return tuple_of(std::move(list));
}

// One place, or each place of a loop: x is merged then, and the states before it are those that the loop carries.
template <Recurrence cell>
Value one_cell(Call &call) {
    Builder &b = call.b;
    const TensorPtr input = call.tensor("input");
    const bool each = input->merged == size_t{0};
    if (shape_of(b, *input).size() != 2) throw Unsupported{"a cell over " + to_string(shape_of(b, *input))};
    const ValueId x = each ? swapped(b, apart(b, *input)) : b.unsqueeze(call.float_id("input"), 1);
    if (!b.shape(x)[0].batch) throw Unsupported{"a cell over " + to_string(shape_of(b, *input))};
    const Layer layer =
        checked(b, {call.id("w_ih"), call.id("w_hh"), call.optional_id("b_ih"), call.optional_id("b_hh"), {}});
    const auto states = cell == Recurrence::lstm ? call.tensors("hx") : std::vector{call.tensor("hx")};
    if (states.size() != (cell == Recurrence::lstm ? 2u : 1u)) throw Unsupported{"another number of initial states"};
    auto given = [&](const TensorPtr &one) {
        if ((one->kind == Tensor::Kind::carried) != each)
            throw Unsupported{"a loop over places whose state is not the cell's own"};
        const ValueId id = each ? one->id : plain(b, *one);
        const Extents expected{b.shape(x)[0], b.shape(layer.hidden)[1]};
        if (b.shape(id) != expected)
            throw Unsupported{"an initial state of " + to_string(b.shape(id)) + ", expected " + to_string(expected)};
        return unless_zero(b, id);
    };
    State state{given(states[0])};
    if (cell == Recurrence::lstm) state.cell = given(states[1]);
    const Passed passed = pass(b, cell, x, layer, state, false);
    auto made = [&](ValueId all, ValueId last, const TensorPtr &before) {
        if (!each) return tensor_of(last);
        TensorPtr after = tensor_of(swapped(b, all), 0);
        after->before = before;
        return after;
    };
    const TensorPtr hidden = made(passed.all, passed.hidden, states[0]);
    if (cell != Recurrence::lstm) return hidden;
    return tuple_of({hidden, made(passed.cells, passed.cell, states[1])});
}

// Rows packed by their own lengths, which are all the run's: [t, batch, d] with both axes counted as one, and at each
// place as many rows as there are.
Value pack(Call &call) {
    Builder &b = call.b;
    ValueId x = call.id("input");
    if (b.rank(x) < 2) throw Unsupported{"a sequence of " + to_string(b.shape(x))};
    std::vector<size_t> order(b.rank(x));
    for (size_t i = 0; i < order.size(); ++i) order[i] = i < 2 ? 1 - i : i;
    if (call.flag("batch_first")) x = b.permute(x, order);
    const Extent places = b.shape(x)[0], rows = b.shape(x)[1];
    const Known known = b.known(unclamped(b, call.id("lengths")));
    if (places.batch || !rows.batch || !known.uniform || known.least != places)
        throw Unsupported{"packs sequences by other lengths than their own; give it those of the manifest's argument"};
    b.require_nonnegative((places - Extent::of(1)).value_or(Extent::of(-1)), "a sequence that is not empty");
    auto sizes = std::make_shared<Tensor>();
    sizes->kind = Tensor::Kind::row_counts;
    sizes->size = rows;
    sizes->rows.shape = {places};
    return tuple_of({tensor_of(x, 0), sizes});
}

Value unpack(Call &call) {
    Builder &b = call.b;
    const TensorPtr data = call.tensor("data"), sizes = call.tensor("batch_sizes");
    ValueId x = apart(b, *data);
    if (!data->merged || *data->merged != 0 || sizes->kind != Tensor::Kind::row_counts)
        throw Unsupported{"a packed sequence of other data"};
    call.real("padding_value");  // nothing is padded
    const Extent places = b.shape(x)[0], rows = b.shape(x)[1];
    if (call.size("total_length") != places) throw Unsupported{"pads to another length than the sequence's"};
    std::vector<size_t> order(b.rank(x));
    for (size_t i = 0; i < order.size(); ++i) order[i] = i < 2 ? 1 - i : i;
    if (call.flag("batch_first")) x = b.permute(x, order);
    return tuple_of({tensor_of(x), tensor_of(b.full_int(places, {rows}))});
}

}  // namespace

ValueId unclamped(const Builder &b, ValueId lengths) {
    const lib::Node &node = b.graph().node(lengths);
    const bool clamps = node.op == Op::clamp && node.attributes.least <= 1 &&
                        node.attributes.largest >= static_cast<double>(b.largest_length());
    return clamps ? node.operands[0] : lengths;
}

void add_recurrences(Registry &to) {
    constexpr const char *kLayers =
        "input data batch_sizes hx params has_biases num_layers dropout train bidirectional batch_first";
    constexpr const char *kCell = "input hx w_ih w_hh b_ih b_hh";
    const Entry entries[] = {
        {"aten::lstm", kLayers, &layers<Recurrence::lstm>},
        {"aten::gru", kLayers, &layers<Recurrence::gru>},
        {"aten::rnn_tanh", kLayers, &layers<Recurrence::tanh>},
        {"aten::rnn_relu", kLayers, &layers<Recurrence::relu>},
        {"aten::lstm_cell", kCell, &one_cell<Recurrence::lstm>},
        {"aten::gru_cell", kCell, &one_cell<Recurrence::gru>},
        {"aten::rnn_tanh_cell", kCell, &one_cell<Recurrence::tanh>},
        {"aten::rnn_relu_cell", kCell, &one_cell<Recurrence::relu>},
        {"aten::_pack_padded_sequence", "input lengths batch_first", &pack},
        {"aten::_pad_packed_sequence", "data batch_sizes batch_first padding_value total_length", &unpack},
    };
    add(to, entries);
}

}  // namespace weighbridge::torch_plugin
