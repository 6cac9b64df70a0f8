// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/expected.hpp"
#include "graph/activation.hpp"
#include "graph/extent.hpp"
#include "tensor/tensor.hpp"

namespace weighbridge::lib {

enum class Op : uint32_t;

// An operator's parameters besides its operands. The table of operators says which of these each operator has; the
// others keep the values they have here.
struct Attributes {
    int64_t index = 0;                         // input: of forward's argument; constant: in the graph's constants
    DType dtype = DType::float32;              // of the result
    double value = 0.0;                        // full: the number of floats and bools (0 or 1)
    Extent integer = {};                       // full: that of int64
    int64_t axis = 0;                          // from 0
    int64_t step = 1;                          // slice: 1 at least
    std::vector<int64_t> order = {};           // permute: the result's axis j is the operand's axis order[j]
    Extent start = {};                         // slice: place of the first
    Extent size = {};                          // slice, iota: how many
    Extents shape = {};                        // of the result
    bool right = false;                        // bucketize: a boundary belongs to the bucket below it
    double beta = 0.0;                         // softplus
    double threshold = 0.0;                    // softplus
    double alpha = 0.0;                        // elu
    double least = 0.0;                        // clamp; -inf for none
    double largest = 0.0;                      // clamp; inf for none
    double epsilon = 0.0;                      // layer_norm
    Activation activation = Activation::none;  // linear
    bool bias = false;                         // linear, recurrent: operand 2
    bool residual = false;                     // linear: the last operand
    Range range = Range::symmetric;            // linear: what is known of its input
    double slope = 0.0;                        // leaky_relu, and a linear that ends with it
    bool causal = false;                       // attention: key n only where n <= the query's position
    bool zero_when_empty = false;              // attention: a query without any key gives zeros, otherwise NaN
    bool mask = false;                         // attention: operand 3
    double scale = 1.0;                        // attention: of the scores
    Recurrence cell = Recurrence::lstm;        // recurrent
    bool reverse = false;                      // recurrent: from the last place to the first
    bool state = false;                        // recurrent: the last operand is the state to start with

    bool operator==(const Attributes &) const = default;
};

// An attribute by name. Its type decides its form in files: an int (indices, dtypes, flags, choices), a real or an
// extent. A list takes all that is left of its form.
struct NamedAttribute {
    using Member =
        std::variant<int64_t Attributes::*, bool Attributes::*, DType Attributes::*, Activation Attributes::*,
                     Range Attributes::*, Recurrence Attributes::*, std::vector<int64_t> Attributes::*,
                     double Attributes::*, Extent Attributes::*, Extents Attributes::*>;
    std::string_view name;
    Member member;
};

// An operator's attributes in their form in files: three lists, each in the order of the operator's line.
struct AttributeLists {
    std::vector<int64_t> ints;
    std::vector<double> reals;
    Extents extents;
};
AttributeLists lists_of(Op op, const Attributes &attributes);
// WB_INVALID_BUNDLE where a list is too short or too long for the operator, or a flag or choice has an unknown number.
Expected<Attributes> attributes_of(Op op, const AttributeLists &lists);

// Whether every attribute that is not the operator's own has its default.
bool only_own(Op op, const Attributes &attributes);

std::string to_string(Op op, const Attributes &attributes);  // " axis=1 step=1 start=0 size=length", "" for none

}  // namespace weighbridge::lib
