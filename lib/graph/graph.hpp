// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.hpp"
#include "graph/operator.hpp"
#include "tensor/tensor.hpp"

namespace weighbridge::lib {

// Caps that bound the work a crafted file can ask for and keep its sizes within 64 bits.
inline constexpr int64_t kMaxElements = int64_t{1} << 31;  // of a constant, and of a value for one row
inline constexpr uint32_t kMaxNodes = 65536;
inline constexpr uint32_t kMaxArguments = 4096;   // inputs of the graph, outputs of the graph, operands of a concat
inline constexpr uint32_t kMaxOperands = 131072;  // of all operators together: a part of a concat may cost a copy
inline constexpr int64_t kMaxLength = 1 << 20;

struct Type {
    DType dtype = DType::float32;
    Extents shape;
    size_t rank() const { return shape.size(); }
    bool operator==(const Type &) const = default;
};
std::string to_string(const Type &type);  // "float32 [batch, length, 12]"

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

// A model as a list of operators on tensors whose sizes are extents. Append-only: a pass makes a new graph of an old
// one.
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
        return constants_[static_cast<size_t>(nodes_[id].attributes.index)];
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

}  // namespace weighbridge::lib
