// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "graph/graph.hpp"

namespace weighbridge::torch_plugin {

using lib::DType;
using lib::Extent;
using lib::Extents;
using lib::Op;
using lib::ValueId;

// Why an operator does not lower; the interpreter adds which and where.
struct Unsupported {
    std::string reason;
};

// Reason of what has no operator of float64.
inline const std::string kFloat64Computation = "float64 computation";

// A dtype of LibTorch's that graphs do not have. float16 and bfloat16 stand as float32 that is so rounded; complex64 as
// pairs, along a last axis more.
enum class Foreign : uint8_t { float16, bfloat16, complex64 };

// A tensor that LibTorch computed while importing. Shared: LibTorch's own aliases hold.
class Folded {
  public:
    virtual ~Folded() = default;
    virtual DType dtype() const = 0;  // int32, int16, ... count as int64; throws Unsupported for foreign ones
    virtual std::optional<Foreign> foreign() const = 0;
    virtual std::vector<int64_t> shape() const = 0;
    virtual lib::Constant constant() const = 0;  // a foreign one as it stands
    virtual std::vector<double> numbers() const = 0;
    virtual int64_t version() const = 0;  // counts writes
    virtual bool alone() const = 0;       // nothing else looks at its memory, no weight either
};

// Rows counted: row i holds i * times. What arange over the rows gives, which is no graph value because rows never mix.
struct RowIndex {
    Extent times = Extent::of(1);
    Extents shape;
};

struct Tensor;
using TensorPtr = std::shared_ptr<Tensor>;

// Memory that several tensors look at. A write into one makes the others stale.
struct ViewedMemory {
    int64_t version = 0;
};

// Where a view's elements stand in its base, so that a write into the view can be put back.
struct ViewOf {
    TensorPtr base;
    size_t axis = 0;
    Extent start;
    bool squeezed = false;  // the axis, of one place, was taken out
};

// An abstract tensor, an object as a TorchScript value is one: a write in place changes what it holds.
struct Tensor {
    enum class Kind { graph, folded, size, row_index, row_counts, carried };
    Kind kind = Kind::graph;
    ValueId id = 0;                        // graph; carried: a loop's state before the first place
    std::optional<size_t> merged;          // graph: axes `merged` and the next of `id` are one axis of this tensor, of
                                           // rows; see Builder::reshape
    std::shared_ptr<const Folded> folded;  // folded
    std::optional<Foreign> foreign;        // graph: what `id` stands for
    Extent size;                           // size: an int64 tensor of rank 0 that holds it; row_counts: at each place
    RowIndex rows;                         // row_index; row_counts: the shape of sequences packed by place
    bool number = false;                   // a Python number in promotion of types
    bool each_place = false;               // in a list: stands for one element for each place, which are merged
    TensorPtr before;                      // of a state after each place: the carried one, before it
    std::optional<ValueId> kept;           // nested: a bool mask of what is not padding, [batch, length]
    std::shared_ptr<ViewedMemory> storage = std::make_shared<ViewedMemory>();
    int64_t version = 0;
    std::optional<ViewOf> view;
};

struct Value;
using List = std::vector<Value>;
struct Poison {};  // the result of something reported already
// Of a number or bool that depends on the data of all rows: what each row has of its own, [rows], and how it comes of
// that. A guard on data asks nothing else.
struct AboutRows {
    enum class What { any, all, least, largest };
    ValueId value = 0;
    What what = What::any;
    bool number = false;  // no tensor any more: TorchScript compares it in double
    bool same = false;    // about the length, and so of every row the same
};
struct Undecided {  // a number or bool that depends on data
    std::string what;
    std::optional<AboutRows> rows = std::nullopt;
};
// The round of a loop over all places of an axis: the loop's body is run once, for each of them. What is taken at it
// is merged, places before rows.
struct EachPlace {
    Extent count;
};
struct Opaque {  // a device, a generator, ...: LibTorch's own value
    std::shared_ptr<const void> value;
};
using Dict = std::vector<std::pair<Value, Value>>;
struct Tuple {
    std::shared_ptr<List> elements;
};

// What a TorchScript value is known to be. Lists and dicts are objects.
struct Value {
    std::variant<std::monostate, Poison, Undecided, Extent, double, bool, std::string, TensorPtr, std::shared_ptr<List>,
                 Tuple, std::shared_ptr<Dict>, Opaque, EachPlace>
        held;

    Value() = default;
    template <class T>
    Value(T value) : held(std::move(value)) {}

    bool none() const { return std::holds_alternative<std::monostate>(held); }
    template <class T>
    const T *as() const {
        return std::get_if<T>(&held);
    }
    template <class T>
    bool is() const {
        return std::holds_alternative<T>(held);
    }
};

inline bool is_real(DType dtype) { return lib::holds(lib::dtypes::kReals, dtype); }

inline Value list_of(List elements) { return std::make_shared<List>(std::move(elements)); }
inline Value tuple_of(List elements) { return Tuple{std::make_shared<List>(std::move(elements))}; }

// Nothing in it depends on an argument or on sizes: LibTorch can compute with it.
bool is_concrete(const Value &value);

}  // namespace weighbridge::torch_plugin
