// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "torch/lower/builder.hpp"

namespace weighbridge::torch_plugin {

// Of any tensor, whatever holds it.
Extents shape_of(const Builder &b, const Tensor &tensor);
DType dtype_of(const Builder &b, const Tensor &tensor);  // throws for a foreign one
std::optional<Foreign> foreign_of(const Tensor &tensor);
// What a foreign tensor stands as; any other one as it is.
TensorPtr as_it_stands(Builder &b, const TensorPtr &tensor);
TensorPtr standing_for(Foreign foreign, const Tensor &tensor);

TensorPtr tensor_of(ValueId id, std::optional<size_t> merged = std::nullopt);
// Row-major elements as a graph value. Throws where the tensor is stale, counts rows, or is merged.
ValueId plain(Builder &builder, const Tensor &tensor);
// As plain, but of a merged tensor its two axes apart.
ValueId apart(Builder &builder, const Tensor &tensor);
void require_fresh(const Tensor &tensor);

// Writes into `target`, and into what it is a view of.
void write(Builder &builder, const TensorPtr &target, ValueId value);

// Operands of an element-wise operator as graph values that broadcast.
struct Aligned {
    std::vector<ValueId> ids;
    std::optional<size_t> merged;  // of the result
};
Aligned align(Builder &builder, const std::vector<TensorPtr> &tensors);

// PyTorch's result type.
DType promote(const Builder &b, const std::vector<TensorPtr> &tensors);

// An operand's value in the type that it has in an operator: Python's numbers are doubles until then.
ValueId as_type(Builder &b, const Tensor &tensor, ValueId id, DType dtype);

// Two operands of one dtype that broadcast.
struct Pair {
    ValueId a, b;
    std::optional<size_t> merged;  // of the result
};

// A reshape; keeps [length, batch] that became one axis apart until a later one takes it apart again.
TensorPtr reshape(Builder &builder, const Tensor &tensor, const Extents &shape);

struct Argument {
    std::string name;  // as the schema has it
    Value value;
    std::optional<Value> otherwise = std::nullopt;  // the schema's default
    mutable bool read = false;                      // by what lowers the operator
};

// One operator of TorchScript with its arguments. What lowers it asks by find and has whether there are some, and takes
// what they hold by the others; lower_operator refuses what nothing took.
struct Call {
    Builder &b;
    std::string name;
    std::vector<Argument> arguments;
    size_t outputs = 1;

    const Value *find(std::string_view argument) const;  // null where there is none
    bool has(std::string_view argument) const;           // there, and not None
    const Value &at(std::string_view argument) const;    // counts as taken

    TensorPtr tensor(std::string_view argument) const;  // a number becomes a tensor of rank 0
    ValueId id(std::string_view argument) const { return plain(b, *tensor(argument)); }
    std::optional<ValueId> optional_id(std::string_view argument) const;
    ValueId float_id(std::string_view argument) const;  // to float32 where it is int64 or bool
    std::vector<TensorPtr> tensors(std::string_view argument) const;

    Extent size(std::string_view argument) const;
    int64_t integer(std::string_view argument) const;
    int64_t integer(std::string_view argument, int64_t otherwise) const;
    double real(std::string_view argument) const;
    double real(std::string_view argument, double otherwise) const;
    bool flag(std::string_view argument, bool otherwise = false) const;
    std::string text(std::string_view argument) const;
    Extents sizes(std::string_view argument) const;
    std::vector<int64_t> integers(std::string_view argument) const;
    std::optional<DType> dtype(std::string_view argument) const;  // nullopt where there is none, or None

    size_t axis(std::string_view argument, size_t rank) const;
    std::vector<size_t> axes(std::string_view argument, size_t rank) const;  // all where None or empty
};

size_t wrap_axis(int64_t axis, size_t rank);
void require_strided(const Call &call);  // where it has a layout
TensorPtr to_tensor(Builder &builder, const Value &value);
DType dtype_of_scalar_type(int64_t scalar_type);  // c10::ScalarType; throws for float16 and others
int64_t scalar_type_of(DType dtype);
int64_t scalar_type_of(Foreign foreign);
std::optional<Foreign> foreign_of_scalar_type(int64_t scalar_type);

inline Value result(ValueId id) { return tensor_of(id); }
Value results(const std::vector<ValueId> &ids);  // a tuple

using Lower = Value (*)(Call &);

// `arguments`: names of LibTorch's schemas, split by spaces: those that `lower` takes and, with "=" at the end, those
// that must have their default. With the ones of without_effect() they are all that the overloads have, so that none is
// dropped without a word; tests/import/arguments.py compares them with LibTorch.
struct Lowering {
    Lower lower;
    const char *arguments;
};
using Registry = std::map<std::string, Lowering, std::less<>>;
const Registry &registry();

// An argument that changes no element of a result: of one operator, or of all where operator is "".
struct WithoutEffect {
    const char *operator_name;
    const char *argument;
    const char *why;
};
std::span<const WithoutEffect> without_effect();

// Operators that are known not to lower, without "aten::" and split by spaces.
struct Refused {
    const char *operators;
    const char *why;
    const char *instead;
};
std::span<const Refused> refused();
bool lists(std::string_view names, std::string_view name);  // whether names, split by spaces, have it
std::string why_refused(std::string_view name);             // of an operator that is not in the table

// Operators of foreign tensors: narrow.cpp of float16 and bfloat16, complex.cpp. None where there is no such tensor, or
// where the table has the operator for it.
std::optional<Value> lower_narrow(Call &call);
std::optional<Value> lower_complex(Call &call);

// float64.cpp: of operators that keep float64; and throws where another one is given it.
bool takes_float64(std::string_view name);
void require_float64(const Call &call);

// The operator as graph values. Throws Unsupported where it is not listed, and where an argument that nothing took has
// another value than its default: the name, what was found and what was expected.
Value lower_operator(Call &call);

// A row of a part's table.
struct Entry {
    const char *name;
    const char *arguments;
    Lower lower;
};
void add(Registry &to, std::span<const Entry> entries);

// The parts of the registry.
void add_pointwise(Registry &to);
void add_binary(Registry &to);
void add_layout(Registry &to);
void add_joins(Registry &to);
void add_indexing(Registry &to);
void add_creation(Registry &to);
void add_reductions(Registry &to);
void add_norms(Registry &to);
void add_products(Registry &to);
void add_look_ups(Registry &to);
void add_encoders(Registry &to);
void add_functions(Registry &to);
void add_functions_of_two(Registry &to);
void add_losses(Registry &to);
void add_convolutions(Registry &to);
void add_order(Registry &to);
void add_series(Registry &to);
void add_shapes(Registry &to);
void add_writes(Registry &to);
void add_recurrences(Registry &to);
void add_complex(Registry &to);
void add_pools(Registry &to);
void add_resampling(Registry &to);
void add_special(Registry &to);
void add_bessel(Registry &to);
void add_matrices(Registry &to);
void add_rearrangements(Registry &to);
void add_fourier(Registry &to);

// Shared by several parts.
std::vector<TensorPtr> tensors_of(const Call &call);  // of all arguments, lists too
void each_tensor(Value &value, const std::function<TensorPtr(const TensorPtr &)> &change);
Pair pair_of(Call &call, const TensorPtr &x, const TensorPtr &y, bool floating = false);  // promoted as PyTorch does
ValueId log_softmax(Builder &b, ValueId x, size_t axis);
ValueId vector_norm(Builder &b, ValueId x, double order, const std::vector<size_t> &axes, bool keep);
// What a list that stands for an element at each place answers: how many there are, and which stands where.
std::optional<Value> of_places(Builder &b, const std::string &name, const std::vector<Value> &arguments);
// Lengths without a clamp to one at least, which changes none of a sequence that is not empty.
ValueId unclamped(const Builder &b, ValueId lengths);
// Another operator of the table, with arguments in place of the call's own.
Value lower_as(Call &call, const char *name, std::vector<Argument> arguments);
ValueId attend(Builder &b, ValueId q, ValueId k, ValueId v, std::optional<ValueId> mask, bool causal,
               std::optional<double> scale);
ValueId gelu(Builder &b, ValueId x, const std::string &approximate);
ValueId variance(Builder &b, ValueId x, const std::vector<size_t> &axes, double correction, bool keep);
ValueId reduce_axes(Builder &b, Op op, ValueId x, std::vector<size_t> axes, bool keep);
TensorPtr slice_tensor(Builder &b, const TensorPtr &tensor, size_t axis, Extent start, std::optional<Extent> end,
                       int64_t step);  // places as in Python: negative from the end, cut to fit
TensorPtr select_tensor(Builder &b, const TensorPtr &tensor, size_t axis, Extent place);
// What stands at each place of an axis: [places, rows, ...], both counted as one.
TensorPtr select_each(Builder &b, const TensorPtr &x, size_t axis, const EachPlace &place);
TensorPtr unsqueeze_tensor(Builder &b, const TensorPtr &tensor, size_t axis);
TensorPtr as_view(const TensorPtr &base, TensorPtr made);  // of the same memory

}  // namespace weighbridge::torch_plugin
