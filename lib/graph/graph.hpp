// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.hpp"
#include "graph/extent.hpp"
#include "tensor/tensor.hpp"

namespace weighbridge::lib {

// Caps, so that a crafted file can ask for neither endless work nor sizes that overflow.
inline constexpr int64_t kMaxElements = int64_t{1} << 31;  // of a constant, and of a value for one row
inline constexpr uint32_t kMaxNodes = 65536;
inline constexpr uint32_t kMaxArguments = 4096;   // inputs of the graph, outputs of the graph, operands of a concat
inline constexpr uint32_t kMaxOperands = 131072;  // of all operators together: a part of a concat may cost a copy
inline constexpr int64_t kMaxLength = 1 << 20;

// The closed set of operators; numbers are those of the plan's file. lib/graph/README.md says what each computes.
enum class Op : uint32_t {
    // Sources
    input = 1,
    constant = 2,
    full = 3,
    iota = 4,
    // One operand, element by element
    neg = 10,
    abs = 11,
    exp = 12,
    log = 13,
    log1p = 14,
    sqrt = 15,
    rsqrt = 16,
    reciprocal = 17,
    sin = 18,
    cos = 19,
    tanh = 20,
    sigmoid = 21,
    erf = 22,
    relu = 23,
    gelu = 24,
    gelu_tanh = 25,
    silu = 26,
    softplus = 27,
    leaky_relu = 28,
    elu = 29,
    floor = 30,
    ceil = 31,
    round = 32,
    sign = 33,
    square = 34,
    clamp = 35,
    logical_not = 36,
    cast = 37,
    // Two operands, element by element, broadcast
    add = 50,
    sub = 51,
    mul = 52,
    div = 53,
    minimum = 54,
    maximum = 55,
    pow = 56,
    floor_divide = 57,
    remainder = 58,
    equal = 59,
    not_equal = 60,
    less = 61,
    less_equal = 62,
    greater = 63,
    greater_equal = 64,
    logical_and = 65,
    logical_or = 66,
    logical_xor = 67,
    where = 68,
    // Layout
    reshape = 80,
    permute = 81,
    slice = 82,
    expand = 83,
    concat = 84,
    // Look-ups
    embedding = 90,
    gather = 91,
    bucketize = 92,
    // Along an axis
    reduce_sum = 100,
    reduce_mean = 101,
    reduce_max = 102,
    reduce_min = 103,
    argmax = 104,
    cumsum = 105,
    softmax = 106,
    layer_norm = 107,
    // Products
    matmul = 120,
    linear = 121,
    attention = 122,
};
std::string_view name_of(Op op);  // "reduce_sum", ...; "unknown" for a number that is none

struct Type {
    DType dtype = DType::float32;
    Extents shape;
    size_t rank() const { return shape.size(); }
    bool operator==(const Type &) const = default;
};
std::string to_string(const Type &type);  // "float32 [batch, length, 12]"

// What an operator needs to know besides its operands; the README's table says which entry is what.
struct Attributes {
    std::vector<int64_t> ints;
    std::vector<double> reals;
    Extents extents;
    bool operator==(const Attributes &) const = default;
};

using ValueId = uint32_t;  // each node has one result, numbered as the node

struct Node {
    Op op = Op::input;
    std::vector<ValueId> operands;  // all come before it
    Attributes attributes;
    Type type;           // of the result
    std::string origin;  // where the model says so: "model.py:12, linear"; not part of a plan
};

// A dense row-major tensor at a multiple of 64 bytes. Its memory is shared by the graphs that passes make of one
// another.
struct Constant {
    DType dtype = DType::float32;
    std::vector<int64_t> shape;
    std::shared_ptr<const std::byte> data;  // null where a plan has it in panels only; whole lines of 64 bytes

    // A copy of `elements` (as many as shape says).
    static Constant copy(DType dtype, std::vector<int64_t> shape, const void *elements);

    int64_t elements() const;
    template <class T>
    const T *as() const {
        return reinterpret_cast<const T *>(data.get());
    }
};
// A buffer as a constant's memory.
std::shared_ptr<const std::byte> share(AlignedBuffer buffer);

// A model as operators on tensors with sizes in rows and length. Append-only: a pass makes a new graph of an old one.
class Graph {
  public:
    // Lengths that every slice and table in the graph allows; runs outside are refused. A graph without sequences has
    // the largest 0.
    int64_t least_length = 0;
    int64_t largest_length = 0;

    // Appends a node. WB_INVALID_BUNDLE says what the operator expected and what it was given; the graph is as before.
    Expected<ValueId> add(Op op, std::vector<ValueId> operands, Attributes attributes = {}, std::string origin = {});
    ValueId add_constant(Constant constant, std::string origin = {});
    void add_output(ValueId value) { outputs_.push_back(value); }

    const std::vector<Node> &nodes() const { return nodes_; }
    const std::vector<Constant> &constants() const { return constants_; }
    const std::vector<ValueId> &outputs() const { return outputs_; }
    const Node &node(ValueId id) const { return nodes_[id]; }
    const Type &type(ValueId id) const { return nodes_[id].type; }
    const Constant &constant_of(ValueId id) const {  // of a node that is a constant
        return constants_[static_cast<size_t>(nodes_[id].attributes.ints[0])];
    }
    int64_t inputs() const;  // how many arguments forward has: 1 + the largest index of an input node

    std::string text() const;  // a line for each node, for --dump-passes

  private:
    friend class GraphReader;
    std::vector<Node> nodes_;
    std::vector<Constant> constants_;
    std::vector<ValueId> outputs_;
    size_t operands_ = 0;  // of all nodes
};

// The type of what `op` gives. WB_INVALID_BUNDLE as Graph::add.
Expected<Type> infer(const Graph &graph, Op op, const std::vector<ValueId> &operands, const Attributes &attributes);

// Checks the whole: types as infer gives them, sizes within the caps for every length allowed, outputs there.
Status validate(const Graph &graph);

// Activations that a linear may end with, numbers of its attribute.
enum class Activation : int64_t { none = 0, relu, gelu, gelu_tanh, silu, tanh, sigmoid, leaky_relu };

// What is known of a linear's input; int8 quantises by it. Numbers of its attribute.
enum class Range : int64_t { symmetric = 0, nonnegative, gelu };

// Places of a linear's and an attention's attributes.
struct LinearAttributes {
    Activation activation = Activation::none;
    bool bias = false;      // operand 2
    bool residual = false;  // the last operand
    Range range = Range::symmetric;
    double slope = 0.0;  // of leaky_relu
    Attributes pack() const;
    static LinearAttributes of(const Node &node);
};
struct AttentionAttributes {
    bool causal = false;           // key n only where n <= the query's position
    bool zero_when_empty = false;  // a query without any key gives zeros; otherwise NaN
    bool mask = false;             // operand 3
    double scale = 1.0;
    Attributes pack() const;
    static AttentionAttributes of(const Node &node);
};

}  // namespace weighbridge::lib
