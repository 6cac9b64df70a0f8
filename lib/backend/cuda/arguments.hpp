// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "backend/kernel_arguments.hpp"

// What device kernels are called with: plain structs, which nvcc and the host compile alike. A kernel takes one of them
// by value. kernel_arguments.hpp has the formulas; a kernel here gives the bits of its twin there, at any grid: the
// grid decides speed, and never what is computed.
//
// A run is S sequences one after another, without padding. A value of the plan lies as the concatenation of its
// sequences' pieces, of a + b L + c L^2 elements each, L the sequence's length. S, the lengths and the tokens are data
// in device memory, so that a captured graph is replayed for other ones.
namespace weighbridge::lib::cuda {

inline constexpr int kMostAxes = 8;  // as kMaxRank of tensor/tensor.hpp

// a + b L + c L^2: an Extent for one sequence. Of the sums over sequences before one (their number, lengths, squares)
// the same is where its piece begins.
struct Terms {
    int64_t a = 0, b = 0, c = 0;
};

// Device pointers. Sequence i has offsets[i + 1] - offsets[i] tokens.
struct Sequences {
    const int64_t *count;    // one number: S
    const int64_t *offsets;  // S + 1: sums of the lengths before
    const int64_t *squares;  // S + 1: sums of their squares
    int32_t *faults;         // S, zeroed before a run: the first fault of each sequence's payload, a step's `fault`
};

// Where a value's elements lie: those of sequence i begin at base + piece(sums before i) + offset(L).
struct View {
    void *base = nullptr;
    Terms piece{};   // a sequence's storage, in elements; all 0 where sequences share it (a constant)
    Terms offset{};  // in elements
};

// A view as rows with dense elements: row r of its sequence is r * stride(L) further on. Where `merged` is set all rows
// of the run are `stride.a` apart, from base + offset.a, and nothing else is looked at.
struct RowView {
    View view{};
    Terms stride{};
    bool merged = false;
};

// The rows of a step: a sequence has count(L) of them; in all they are count(S, tokens, squares).
struct Rows {
    Sequences run{};
    Terms count{};
    Terms width{};  // elements of a row
};

struct Epilogue {
    Activation activation = Activation::none;
    float slope = 0;
    bool adds = false;  // the residual
    RowView residual{};
};

// rows.width is k.
struct LinearF32 {
    Rows rows{};
    RowView x{};
    const float *panels = nullptr;
    int64_t k = 0, n = 0;
    const float *bias = nullptr;  // panel_columns(n), or null
    Epilogue epilogue{};
    RowView y{};
};

// Quantised rows lie one after another, quantised_stride(k) bytes each, with zeros from k on.
constexpr int64_t quantised_stride(int64_t k) { return (k + 31) / 32 * 32; }

struct QuantiseRows {
    Rows rows{};
    RowView x{};
    int64_t k = 0;
    Range range = Range::symmetric;
    uint8_t *q = nullptr;    // 16-byte aligned
    float *scale = nullptr;  // a row
};

struct LinearI8 {
    Rows rows{};
    const uint8_t *x = nullptr;
    const float *x_scale = nullptr;
    const int8_t *panels = nullptr;  // 16-byte aligned
    int64_t k = 0, n = 0;
    const float *w_scale = nullptr;  // panel_columns(n) of each of the three
    const int32_t *start = nullptr;
    const float *shift = nullptr;
    Epilogue epilogue{};
    RowView y{};
};

// Rows of tensor_operand() lie one after another, rounded_stride(k) of them each, with zeros from k on.
constexpr int64_t rounded_stride(int64_t k) { return (k + 15) / 16 * 16; }

struct RoundRows {
    Rows rows{};
    RowView x{};
    int64_t k = 0;
    uint16_t *q = nullptr;  // 32-byte aligned
};

// a = bias, then K ascending by multiplied() of backend/tensor_sums.hpp.
struct LinearBf16 {
    Rows rows{};
    const uint16_t *x = nullptr;
    const uint16_t *panels = nullptr;  // of tensor_operand(), 16-byte aligned
    int64_t k = 0, n = 0;
    const float *bias = nullptr;  // panel_columns(n), or null
    Epilogue epilogue{};
    RowView y{};
};

// One product of tensor cores a warp, as fragments: by product and lane 4 words of a, 2 of b and 4 sums.
struct CheckTensor {
    int64_t count = 0;
    const uint32_t *a = nullptr, *b = nullptr;
    const float *sums = nullptr;
    float *out = nullptr;
};

struct LayerNorm {
    Rows rows{};
    RowView x{};
    const float *gamma = nullptr, *beta = nullptr;  // or null
    float epsilon = 0;
    RowView y{};
};

struct Softmax {
    Rows rows{};
    RowView x{}, y{};
};

// Along the last axis, which is dense. y has one element a row.
enum class Reduction : uint8_t { sum, mean, max, min };
struct ReduceLast {
    Rows rows{};
    Reduction reduction = Reduction::sum;
    RowView x{}, y{};
};

// A head of attention in a view: its places are head * h + query (or key) * r + d.
struct HeadView {
    View view{};
    Terms outer{}, head{}, row{};  // strides
};

// kernel::Attention for each of `outer` times `heads` heads of each sequence.
struct Attention {
    Sequences run{};
    HeadView q{}, k{}, v{}, out{};
    Terms outer{1, 0, 0};  // what is left of a head's batch: 1 in most plans
    Terms heads{}, queries{}, keys{};
    int64_t dim = 0, value_dim = 0;
    float scale = 1;
    bool causal = false, zero_when_empty = false;
    kernel::MaskKind mask_kind = kernel::MaskKind::none;
    HeadView mask{};  // row: from query to query
    Terms mask_key{};
    int64_t score_stride = 0;  // attention_score_stride of the most keys that a sequence may have
    float *scores = nullptr;   // attention_scratch_floats; or null: in shared memory
};

// A recurrence of each of `outer` in each sequence: kernel::Gates behind a product of the state, place after place.
struct Recurrent {
    Sequences run{};
    HeadView x{}, y{}, state{};  // row: from place to place; the state has one, h and then c of lstm
    Terms outer{1, 0, 0}, places{};
    Recurrence cell = Recurrence::lstm;
    bool reverse = false;
    bool starts = false;  // with `state`, else with zeros
    int64_t width = 0;
    const float *panels = nullptr, *bias = nullptr;  // fp32; bias or null
    const uint16_t *halves = nullptr;                // or bf16 of tensor_operand(), where set
    const int8_t *bytes = nullptr;                   // or int8, where set:
    const float *w_scale = nullptr;
    const int32_t *start = nullptr;
    const float *shift = nullptr;
};

// y[i] = op(x[i]), rows by rows; a stride of 0 within a row repeats its first element.
struct UnaryRows {
    Rows rows{};
    kernel::Unary op{};
    kernel::UnaryParams params{};
    RowView x{}, y{};
};
struct BinaryRows {
    Rows rows{};
    kernel::Binary op{};
    RowView a{}, b{}, y{};
    int64_t a_step = 1, b_step = 1;  // within a row: 1 or 0
};

// Types of elements, with the numbers of DType.
enum class Element : int32_t { float32 = 1, float64 = 2, int64 = 3, int32 = 4, boolean = 5 };
constexpr int64_t element_bytes(Element type) {
    return type == Element::boolean ? 1 : type == Element::float32 || type == Element::int32 ? 4 : 8;
}

// The operators, with their numbers in a plan's file.
enum class Code : int32_t {
#define WB_OPERATOR(name, number, ...) name = number,
#include "graph/operators.def"
};

// A shape and views of it, from the left; an axis that a view repeats has stride 0 in it.
struct Shape {
    int axes = 0;
    Terms size[kMostAxes]{};
};
struct StridedView {
    View view{};
    Terms stride[kMostAxes]{};
};

// y = code(x[0], x[1], x[2]), element by element: operators of one to three operands, floats' too. `fault` is told of a
// division by 0, whose element is left as it was.
struct Elements {
    Sequences run{};
    Shape shape{};
    Code code{};
    Element from = Element::float32, to = Element::float32;  // of the operands (where: of the second) and of y
    kernel::UnaryParams params{};
    double least = 0, largest = 0;  // of clamp
    int32_t fault = 0;
    StridedView x[3]{}, y{};
};

// Copies elements of element_bytes(type); their bits are kept.
struct Copy {
    Sequences run{};
    Shape shape{};
    Element type = Element::float32;
    StridedView x{}, y{};
};

// full: `number(L)` where y is int64, else `value`. iota: the place along the last axis.
struct Fill {
    Sequences run{};
    Shape shape{};
    Code code = Code::full;
    Element type = Element::float32;
    double value = 0;
    Terms number{};
    StridedView y{};
};

// rows.width is the table's. A row whose id is outside [0, entries) is left as it was, and `fault` told.
struct Embedding {
    Rows rows{};
    const float *table = nullptr;
    int64_t entries = 0, stride = 0;
    RowView ids{};  // int64, one a row
    int32_t fault = 0;
    RowView y{};
};

// y[i] = x[i with its place at `axis` replaced by ids[i]]: x's stride at the axis is 0, and `step` the real one.
struct Gather {
    Sequences run{};
    Shape shape{};
    Element type = Element::float32;
    StridedView x{}, ids{}, y{};
    Terms size{}, step{};  // of x along the axis
    int32_t fault = 0;
};

struct Bucketize {
    Sequences run{};
    Shape shape{};
    StridedView x{}, y{};  // float32 and int64
    const float *boundaries = nullptr;
    int64_t count = 0;
    bool right = false;
};

// Along one axis in ascending order: reduce_sum, reduce_mean (of floats), reduce_max, reduce_min, argmax, cumsum. The
// shape is y's with 1 at the axis.
struct Along {
    Sequences run{};
    Shape shape{};
    Code code = Code::reduce_sum;
    Element type = Element::float32;  // of x
    StridedView x{}, y{};
    Terms size{}, x_step{}, y_step{};  // along the axis; y_step of cumsum
};

// The shape is y's, [..., m, n]; a and b have strides of y's axes, those of the axis that they lack 0.
struct Matmul {
    Sequences run{};
    Shape shape{};
    StridedView a{}, b{}, y{};
    Terms k{}, a_step{}, b_step{};  // along k
};

// Threads of a block, all in x, and the rows and columns of its tile.
struct LinearTile {
    int rows, columns, threads;
};
inline constexpr LinearTile kLinear128{128, 128, 256}, kLinear64{64, 64, 128}, kLinear32{32, 32, 64};
inline constexpr LinearTile kLinearFew{4, 128, 128};  // a warp has 32 columns and 4 rows
inline constexpr LinearTile kLinearI8{64, 64, 128};
inline constexpr LinearTile kLinearBf16{64, 64, 128}, kLinearBf16Few{16, 64, 128};
inline constexpr int kCheckThreads = 32;
inline constexpr int kRowThreads = 128, kElementThreads = 256, kAttentionThreads = 256, kRecurrentThreads = 256;
inline constexpr int kRowLanes = 16;  // threads of a row in layer_norm, softmax and reduce_last
inline constexpr int kQuantiseLanes = 32;
inline constexpr int kAttentionQueries = 16;  // of a block

// Dynamic shared memory, in bytes. No kernel but attention needs other amounts for other arguments.
constexpr int64_t linear_shared_bytes(LinearTile tile) {
    constexpr int64_t kStages = 3, kStep = 16, kPadding = 4;
    const int64_t stages = kStages * (tile.rows * (kStep + kPadding) + tile.columns * kStep) * 4;
    const int64_t sums = int64_t{tile.rows} * tile.columns * 4;  // take the stages' place
    return stages > sums ? stages : sums;
}
inline constexpr int64_t kLinearFewShared = int64_t{4} * 512 * 4;
constexpr int64_t tensor_shared_bytes(LinearTile tile) {
    constexpr int64_t kStages = 3, kStep = 16;
    return kStages * (tile.rows * (kStep + 4) + kStep * (tile.columns + 8)) * 4;
}
constexpr int64_t attention_score_stride(int64_t keys) { return (keys + 31) / 32 * 32 + 16; }
inline constexpr int64_t kAttentionTiles = (64 * 33 + kAttentionQueries * 33) * 4;
constexpr int64_t attention_shared_bytes(int64_t score_stride, bool scores_in_shared) {
    return kAttentionTiles + (scores_in_shared ? kAttentionQueries * score_stride * 4 : 0);
}
inline constexpr int64_t kAttentionBf16Tiles = (64 * 36 + kAttentionQueries * 36 + kAttentionQueries) * 4;
constexpr int64_t attention_bf16_shared_bytes(int64_t score_stride, bool scores_in_shared) {
    return kAttentionBf16Tiles + (scores_in_shared ? kAttentionQueries * score_stride * 4 : 0);
}
// Products of the gates, the states h and c, and the bytes of h with their scale, or h in bf16.
constexpr int64_t recurrent_shared_bytes(int64_t gates, int64_t width, bool halves = false) {
    return (gates + 2 * width + 1) * 4 + (halves ? rounded_stride(width) * 2 : (width + 3) / 4 * 4);
}
// Of `scores` for a grid of so many blocks.
constexpr int64_t attention_scratch_floats(int64_t score_stride, int64_t blocks) {
    return blocks * kAttentionQueries * score_stride;
}

}  // namespace weighbridge::lib::cuda
