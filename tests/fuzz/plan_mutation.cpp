// SPDX-License-Identifier: Apache-2.0
#include "fuzz/plan_mutation.hpp"

#include <algorithm>
#include <limits>
#include <random>

#include "graph/graph_file.hpp"
#include "support/plans.hpp"
#include "support/random_graph.hpp"
#include "support/random_trees.hpp"

namespace weighbridge::test {
namespace {

using namespace lib;

constexpr size_t kHeader = 128, kTrailer = 32, kTotalAt = 16, kGraphAt = 24, kWeightsAt = 32, kPrecisionsAt = 40;
constexpr int64_t kMostElements = 8192;  // of a constant that a change makes

constexpr Op kOps[] = {
    Op::full,         Op::iota,         Op::neg,        Op::exp,        Op::log1p,       Op::rsqrt,     Op::sin,
    Op::tanh,         Op::gelu,         Op::softplus,   Op::elu,        Op::round,       Op::sign,      Op::clamp,
    Op::logical_not,  Op::cast,         Op::add,        Op::mul,        Op::div,         Op::minimum,   Op::pow,
    Op::floor_divide, Op::remainder,    Op::equal,      Op::less,       Op::logical_xor, Op::where,     Op::reshape,
    Op::permute,      Op::slice,        Op::expand,     Op::concat,     Op::embedding,   Op::gather,    Op::bucketize,
    Op::reduce_sum,   Op::reduce_mean,  Op::reduce_max, Op::argmax,     Op::cumsum,      Op::softmax,   Op::layer_norm,
    Op::matmul,       Op::linear,       Op::attention,  Op::reduce_min, Op::relu,        Op::recurrent, Op::input,
    Op::trees,        Op::round_float16};

// Elements for a constant that has none, or another shape than it had.
Constant filled(DType dtype, std::vector<int64_t> shape, uint32_t seed) {
    Constant constant{dtype, std::move(shape), {}};
    const int64_t count = constant.elements();
    const std::vector<float> numbers = fixed_numbers(count, seed);
    std::vector<int64_t> integers(numbers.begin(), numbers.end());
    const std::vector<double> doubles(numbers.begin(), numbers.end());
    std::vector<uint8_t> bools;
    for (size_t i = 0; i < numbers.size(); ++i) {
        integers[i] = static_cast<int64_t>(numbers[i] * 2 + 2);
        bools.push_back(numbers[i] > 0);
    }
    const void *from = dtype == DType::float32   ? static_cast<const void *>(numbers.data())
                       : dtype == DType::float64 ? static_cast<const void *>(doubles.data())
                       : dtype == DType::int64   ? static_cast<const void *>(integers.data())
                                                 : bools.data();
    return Constant::copy(dtype, constant.shape, from);
}

class Changer {
  public:
    Changer(const Plan &plan, uint32_t seed) : plan_(plan), from_(plan.graph()), random_(seed) {}

    Bytes changed() {
        to_.least_length = from_.least_length;
        to_.largest_length = from_.largest_length;
        if (chance(20)) change_lengths();
        const size_t changes = 1 + pick(3), nodes = from_.nodes().size();
        std::vector<size_t> places;
        for (size_t i = 0; i < changes; ++i) places.push_back(pick(nodes));
        for (size_t i = 0; i < nodes; ++i) {
            const bool here = std::find(places.begin(), places.end(), i) != places.end();
            if (here && chance(3)) insert();
            copy(static_cast<ValueId>(i), here);
            if (map_.size() <= i) return {};
        }
        for (ValueId id : from_.outputs()) add_output(map_[id]);
        if (chance(6)) add_output(any());
        if (to_.outputs().empty()) return {};
        auto made = Plan::make(std::move(to_), plan_.module(), precisions());
        if (!made) return {};
        auto bytes = write_plan(**made);
        return bytes ? *std::move(bytes) : Bytes();
    }

  private:
    size_t pick(size_t end) { return end == 0 ? 0 : random_() % end; }
    uint32_t seed() { return static_cast<uint32_t>(random_()); }
    bool chance(size_t of) { return pick(of) == 0; }
    ValueId any() {
        const size_t nodes = to_.nodes().size();
        return static_cast<ValueId>(chance(2) ? pick(nodes) : nodes - 1 - pick(std::min<size_t>(nodes, 6)));
    }
    template <class T>
    T one_of(std::initializer_list<T> from) {
        return from.begin()[pick(from.size())];
    }

    void change_lengths() {
        to_.largest_length = one_of<int64_t>({0, 1, 2, 7, 17, 40, 200, kMaxLength, from_.largest_length});
        to_.least_length = std::min(to_.largest_length, one_of<int64_t>({0, 0, 1, 1, 3, from_.least_length}));
    }
    Precisions precisions() {
        if (!chance(5)) return plan_.precisions();
        return one_of<Precisions>({{WB_PRECISION_FP32},
                                   {WB_PRECISION_INT8},
                                   {WB_PRECISION_FP32, WB_PRECISION_INT8},
                                   {WB_PRECISION_INT8, WB_PRECISION_BF16},
                                   {WB_PRECISION_INT8, WB_PRECISION_FP32}});
    }
    void add_output(ValueId wanted) {
        auto fits = [&](ValueId id) {
            const Type &type = to_.type(id);
            return type.dtype == DType::float32 && type.rank() > 0 && type.shape[0] == Extent::rows();
        };
        for (int tries = 0; tries < 20 && !fits(wanted); ++tries) wanted = any();
        if (to_.outputs().size() < 6) to_.add_output(wanted);
    }

    static int64_t plus(int64_t a, int64_t b) {
        return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
    }
    int64_t integer(int64_t near) {
        return one_of<int64_t>(
            {0, 1, 2, 3, 4, 5, 7, plus(near, 1), plus(near, -1), plus(near, near), -1, 16, 33, int64_t{1} << 31});
    }
    Extent extent(const Extent &near) {
        const Extent numbers[] = {Extent::of(0),
                                  Extent::of(1),
                                  Extent::of(2),
                                  Extent::of(static_cast<int64_t>(pick(70))),
                                  Extent::rows(),
                                  Extent::rows(3),
                                  Extent::length(),
                                  Extent::length(1, 1),
                                  Extent::length(1, -1),
                                  Extent::length(2, 3),
                                  Extent{false, {0, 0, 1}},
                                  Extent{false, {1, -2, 1}},
                                  Extent{near.batch, {plus(near.terms[0], 1), near.terms[1], near.terms[2]}},
                                  Extent{near.batch, {plus(near.terms[0], -1), near.terms[1], near.terms[2]}},
                                  Extent{near.batch, {near.terms[0], plus(near.terms[1], 1), near.terms[2]}}};
        return numbers[pick(sizeof numbers / sizeof numbers[0])];
    }
    double real(double near) {
        return one_of<double>({0.0, 1.0, -1.0, near * 2, near / 3, 1e-5, 20.0, 1e30, -1e30, 1e-40,
                               std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()});
    }
    // A shape of the operand's, changed or with two sizes joined or one split.
    Extents shape_like(Extents shape) {
        if (shape.empty()) return chance(2) ? shape : Extents{Extent::of(1)};
        const size_t place = pick(shape.size());
        const auto at = shape.begin() + static_cast<ptrdiff_t>(place);
        switch (pick(4)) {
            case 0:
                *at = extent(*at);
                break;
            case 1:
                shape.insert(at, Extent::of(1));
                break;
            case 2:
                if (at->known() && at->terms[0] % 2 == 0) {
                    at->terms[0] /= 2;
                    shape.insert(at + 1, Extent::of(2));
                }
                break;
            default:
                if (place + 1 < shape.size())
                    if (auto joined = shape[place] * shape[place + 1]) {
                        *at = *joined;
                        shape.erase(at + 1);
                    }
        }
        return shape;
    }

    // Changes one thing of a node.
    void change(Op &op, std::vector<ValueId> &operands, AttributeLists &attributes) {
        switch (pick(6)) {
            case 0:
                op = kOps[pick(sizeof kOps / sizeof kOps[0])];
                break;
            case 1:
            case 2:
                if (!operands.empty()) operands[pick(operands.size())] = any();
                break;
            case 3:
                if (!attributes.ints.empty()) {
                    int64_t &place = attributes.ints[pick(attributes.ints.size())];
                    place = integer(place);
                }
                break;
            case 4:
                if (!attributes.extents.empty()) {
                    if (chance(2)) {
                        attributes.extents = shape_like(attributes.extents);
                    } else {
                        Extent &place = attributes.extents[pick(attributes.extents.size())];
                        place = extent(place);
                    }
                }
                break;
            default:
                if (!attributes.reals.empty()) {
                    double &place = attributes.reals[pick(attributes.reals.size())];
                    place = real(place);
                }
        }
    }

    Constant constant(const Node &node, bool here) {
        const Constant &old = from_.constants()[static_cast<size_t>(node.attributes.index)];
        std::vector<int64_t> shape = old.shape;
        if (here && !shape.empty()) {
            int64_t &size = shape[pick(shape.size())];
            size = one_of<int64_t>({0, 1, 2, size + 1, size - 1, size * 2, 31, 33, 65});
        }
        Constant made{old.dtype, shape, {}};
        int64_t count = 1;
        for (int64_t size : shape)
            count = size < 0 || size > kMostElements ? kMostElements + 1 : std::min(count * size, kMostElements + 1);
        if (shape == old.shape || count < 0 || count > kMostElements) {
            if (old.data) return old;
            shape = old.shape;
        }
        return filled(old.dtype, shape, seed());
    }

    void copy(ValueId id, bool here) {
        const Node &node = from_.node(id);
        if (node.op == Op::constant) {
            map_.push_back(to_.add_constant(constant(node, here)));
            return;
        }
        std::vector<ValueId> operands;
        for (ValueId operand : node.operands) operands.push_back(map_[operand]);
        for (int tries = 0; here && tries < 4; ++tries) {
            Op op = node.op;
            std::vector<ValueId> others = operands;
            AttributeLists lists = lists_of(op, node.attributes);
            change(op, others, lists);
            auto attributes = attributes_of(op, lists);
            if (attributes && add(op, std::move(others), *std::move(attributes))) return;
        }
        if (add(node.op, operands, node.attributes)) return;
        // What it was made of has changed its type: something else takes its place.
        for (int tries = 0; tries < 8; ++tries)
            if (insert()) {
                map_.push_back(static_cast<ValueId>(to_.nodes().size() - 1));
                return;
            }
        if (!to_.nodes().empty()) map_.push_back(any());
    }
    bool add(Op op, std::vector<ValueId> operands, Attributes attributes) {
        auto added = to_.add(op, std::move(operands), std::move(attributes));
        if (added) map_.push_back(*added);
        return added.ok();
    }

    // A new node of operands that are there; most tries come to nothing.
    bool insert() {
        if (to_.nodes().empty()) return false;
        for (int tries = 0; tries < 12; ++tries) {
            const Op op = kOps[pick(sizeof kOps / sizeof kOps[0])];
            const ValueId x = any();
            const Extents &shape = to_.type(x).shape;
            const auto axis = static_cast<int64_t>(pick(std::max<size_t>(1, shape.size())));
            std::vector<ValueId> operands{x};
            Attributes attributes;
            switch (op) {
                case Op::reshape:
                case Op::expand:
                    attributes.shape = shape_like(shape);
                    break;
                case Op::permute:
                    for (size_t i = 0; i < shape.size(); ++i) attributes.order.push_back(static_cast<int64_t>(i));
                    std::shuffle(attributes.order.begin(), attributes.order.end(), random_);
                    break;
                case Op::slice:
                    attributes = {
                        .axis = axis, .step = one_of<int64_t>({1, 1, 2, 3}), .start = extent({}), .size = extent({})};
                    break;
                case Op::concat:
                    for (size_t parts = pick(3); parts-- > 0;) operands.push_back(chance(2) ? x : any());
                    attributes.axis = axis;
                    break;
                case Op::cast:
                    attributes.dtype = one_of({DType::float32, DType::float64, DType::int64, DType::boolean});
                    break;
                case Op::where:
                case Op::layer_norm:
                    operands = {any(), any(), any()};
                    if (op == Op::layer_norm) attributes.epsilon = 1e-5;
                    break;
                case Op::linear: {
                    if (shape.empty() || !shape.back().known()) continue;
                    const int64_t k = shape.back().terms[0], n = one_of<int64_t>({1, 3, 31, 32, 33, 70});
                    if (k < 1 || k * n > kMostElements) continue;
                    operands.push_back(to_.add_constant(filled(DType::float32, {n, k}, seed())));
                    attributes.activation = static_cast<Activation>(pick(kActivations));
                    attributes.range = static_cast<Range>(pick(kRanges));
                    attributes.slope = 0.1;
                    break;
                }
                case Op::recurrent: {
                    if (shape.size() < 2 || !shape.back().known()) continue;
                    attributes.cell = static_cast<Recurrence>(pick(kRecurrences));
                    attributes.reverse = chance(2);
                    attributes.state = chance(4);
                    const int64_t n = shape.back().terms[0], h = n / gates_of(attributes.cell);
                    if (h < 1 || n * h > kMostElements) continue;
                    operands.push_back(to_.add_constant(filled(DType::float32, {n, h}, seed())));
                    if (attributes.state) operands.push_back(any());
                    break;
                }
                case Op::trees: {
                    if (shape.empty() || !shape.back().known()) continue;
                    const int64_t k = shape.back().terms[0];
                    if (k < 1) continue;
                    const auto small = [&](size_t most) { return static_cast<int64_t>(pick(most)); };
                    const RandomTrees made(seed(), k, 1 + small(20), small(6), small(4));
                    const auto constant = [&](DType dtype, std::vector<int64_t> sizes, const void *from) {
                        operands.push_back(to_.add_constant(Constant::copy(dtype, std::move(sizes), from)));
                    };
                    constant(DType::float32, {made.count()}, made.thresholds.data());
                    constant(DType::float32, {made.count(), made.width}, made.values.data());
                    constant(DType::int64, {made.count(), 2}, made.nodes.data());
                    constant(DType::int64, {made.trees()}, made.roots.data());
                    break;
                }
                case Op::attention: {
                    attributes.causal = chance(2);
                    attributes.zero_when_empty = chance(2);
                    attributes.mask = chance(2);
                    operands = chance(2) ? std::vector<ValueId>{x, x, x} : std::vector<ValueId>{x, any(), any()};
                    if (attributes.mask) operands.push_back(any());
                    break;
                }
                case Op::full:
                case Op::iota:
                case Op::input:
                    operands.clear();
                    if (op == Op::iota) attributes.size = extent({});
                    if (op == Op::full)
                        attributes = {.dtype = one_of({DType::float32, DType::float64}), .value = 0.5, .shape = shape};
                    if (op == Op::input)
                        attributes = {.index = from_.inputs(),
                                      .dtype = DType::float32,
                                      .shape = {Extent::rows(), Extent::of(static_cast<int64_t>(pick(9)))}};
                    break;
                default: {
                    while (operands.size() < operator_of(op).operands.least) operands.push_back(any());
                    const bool along =
                        op == Op::gather || op == Op::argmax || op == Op::cumsum || family_of(op) == Family::reduction;
                    if (along) attributes.axis = axis;
                    if (op == Op::bucketize) attributes.right = chance(2);
                    if (op == Op::softplus) attributes = {.beta = real(1), .threshold = real(1)};
                    if (op == Op::clamp) attributes = {.least = real(1), .largest = real(1)};
                    if (op == Op::elu) attributes.alpha = 1.0;
                }
            }
            if (to_.add(op, operands, attributes)) return true;
        }
        return false;
    }

    const Plan &plan_;
    const Graph &from_;
    Graph to_;
    std::mt19937 random_;
    std::vector<ValueId> map_;
};

}  // namespace

Bytes changed_plan(ByteView bytes, uint32_t seed) {
    if (seed % 64 == 0) {  // something new, now and then
        RandomGraphOptions options;
        options.sequences = seed / 64 % 2 == 1;
        options.operators = 3 + static_cast<int>(seed / 128 % 12);
        auto made = Plan::make(random_graph(seed, options), {}, {WB_PRECISION_FP32, WB_PRECISION_INT8});
        return made ? *write_plan(**made) : Bytes();
    }
    auto plan = read_copy(bytes, Checksum::compared);
    return plan ? Changer(**plan, seed).changed() : Bytes();
}

PlanParts parts_of(ByteView bytes) {
    if (bytes.size() < kHeader + kTrailer) return {};
    const auto size = load_unaligned<uint64_t>(bytes.data() + kGraphAt);
    const size_t body = bytes.size() - kHeader - kTrailer;
    if (size > body) return {};
    return {bytes.first(kHeader), bytes.subspan(kHeader, size), bytes.subspan(kHeader + size, body - size)};
}

Bytes refitted_plan(ByteView header, ByteView graph, ByteView weights) {
    if (header.size() != kHeader) return {};
    Bytes file(header.begin(), header.end());
    file.insert(file.end(), graph.begin(), graph.end());
    pad_to_line(file);
    const uint64_t graph_bytes = file.size() - kHeader;
    Cursor cursor(ByteView(file).subspan(kHeader));
    if (auto read = take_graph(cursor)) {
        Precisions precisions;
        for (size_t i = 0; i < 4; ++i)
            if (auto precision = load_unaligned<int32_t>(header.data() + kPrecisionsAt + 4 * i))
                precisions.push_back(precision);
        bool small = true;
        for (const Constant &constant : read->constants()) small = small && constant.elements() <= 2 * kMostElements;
        for (size_t i = 0; small && i < read->constants().size(); ++i) {
            const Constant &constant = read->constants()[i];
            set_constant(*read, i, filled(constant.dtype, constant.shape, static_cast<uint32_t>(i)).data);
        }
        if (small)
            if (auto made = Plan::make(*std::move(read), {}, precisions)) return *write_plan(**made);
    }
    file.insert(file.end(), weights.begin(), weights.end());
    const uint64_t weight_bytes = weights.size(), total = file.size() + kTrailer;
    std::memcpy(file.data() + kTotalAt, &total, 8);
    std::memcpy(file.data() + kGraphAt, &graph_bytes, 8);
    std::memcpy(file.data() + kWeightsAt, &weight_bytes, 8);
    file.resize(file.size() + kTrailer);
    return resealed(std::move(file));
}

}  // namespace weighbridge::test
