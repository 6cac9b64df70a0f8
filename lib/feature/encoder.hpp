// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/expected.hpp"
#include "feature/row_source.hpp"
#include "feature/schema.hpp"
#include "feature/wordpiece.hpp"
#include "tensor/tensor.hpp"

namespace weighbridge::lib {

// One positional argument of forward, and where it comes from.
struct TensorSpec {
    enum class Source { features, lengths, mask };
    std::string name;
    DType dtype = DType::float32;
    Shape shape;  // with symbolic sizes; the first is kBatch
    Source source = Source::features;
    std::vector<uint32_t> features;  // in order along the last size; for a text's mask: that text
};

// Who answers a row whose sequences are shorter than the model takes.
enum class Shorter { fallback, error };

struct Limits {
    int64_t length = 0;        // longest sequence, 0 where there are none
    int64_t least_length = 0;  // shortest sequence that the model takes
    Shorter shorter = Shorter::fallback;
    int64_t rows = 4096;             // most rows in one batch
    int64_t text_bytes = 1 << 20;    // longest text or key: 65,536 tokens, the most, of 16 bytes each
    int64_t memory_bytes = 1 << 30;  // most that one context may hold for this model
};

// What happened to a row while it was encoded.
struct RowNotes {
    uint32_t defaulted = 0;
    uint32_t clipped = 0;
};

// Scalars [first, first + count) of the plan's list. Plain: a run of scalars with no encoding step whose row fields
// have the tensor's type and order: one memcpy, then one range check.
struct ScalarRun {
    uint32_t first = 0;
    uint32_t count = 0;
    bool plain = false;
};

// Where the values of a scalar or of a sequence's elements lie in the rows of a tensor: `bytes` at `offset`, and, of a
// sequence, every `stride` bytes again.
struct Piece {
    uint32_t tensor;
    uint32_t feature;
    int64_t offset;
    int64_t bytes;
    int64_t stride;
    bool sequence;
};

// Encoded rows, dense, ready to run, at most `max_rows` of them: of equal sequence and token lengths, or in a packed
// tile of any, one row's places behind the other's. One thread's at a time. The tensors lie in memory of the tile's
// own, or of somebody else's.
class Tile {
  public:
    int64_t rows() const { return rows_; }
    int64_t max_rows() const { return max_rows_; }
    void clear() {
        rows_ = 0;
        if (sharing_) std::fill(shared_.begin(), shared_.end(), uint8_t{0});
        sharing_ = false;
        std::fill(used_.begin(), used_.end(), 0);
        offsets_.resize(std::min<size_t>(offsets_.size(), 1));
        for (TensorView &view : views_) view.shape.size[0] = 0;
    }
    // Moves an empty tile's tensors to other memory, of tensor_bytes() at a multiple of 64. What it holds is not read.
    void lie_in(std::byte *memory);
    // As the encoder's tensors, with actual sizes for rows(). Until the next append or clear. In a packed tile tensors
    // with a length or with tokens are [1, places of all rows, ...].
    std::span<const TensorView> views() const { return views_; }
    // Of a packed tile, rows() + 1: where each row's places begin in the tensor that it is packed by. Else empty.
    std::span<const int64_t> offsets() const { return offsets_; }

  private:
    friend class Encoder;
    int64_t rows_ = 0;
    int64_t max_rows_ = 0;
    int packed_by_ = -1;  // the tensor; -1 where rows have equal lengths
    std::vector<int64_t> offsets_;
    int64_t length_ = 0;           // of the first row's sequences
    std::vector<int64_t> tokens_;  // of the first row's texts, by feature
    // Where a tensor lies in the tile's memory.
    struct Part {
        int64_t begin;
        int64_t bytes;
    };
    AlignedBuffer memory_;            // its own; empty where it is somebody else's
    std::vector<Part> parts_;         // by tensor
    std::vector<std::byte *> bases_;  // by tensor
    std::vector<int64_t> used_;       // bytes, by tensor
    std::vector<TensorView> views_;
    // Of the row that is being appended:
    std::vector<std::byte *> at_;      // by tensor, where its values go
    std::vector<int64_t> row_tokens_;  // by feature
    std::vector<int64_t> ids_;
    WordPiece::Scratch scratch_;
    // Of Encoder::share, until clear:
    bool sharing_ = false;
    std::vector<uint8_t> shared_;  // by feature: 1 where all rows have one cell
    RowNotes shared_notes_;        // of those features, from the tile's first row
    std::vector<ScalarRun> own_;   // the other scalars
    std::vector<Piece> copied_;    // where the shared values lie
};

struct FeaturePlan;  // of the implementation
struct TensorPlan;

// Turns rows into tensors, exactly as training does. Immutable and thread-safe; the Tile is the caller's. Encodes under
// the caller's FpEnvironment.
class Encoder {
  public:
    struct Plan;  // of the implementation

    // Checks that features, encodings and tensors fit one another. WB_INVALID_BUNDLE names the tensor or feature with
    // what was expected and found.
    static Expected<std::unique_ptr<const Encoder>> make(std::shared_ptr<const Schema> schema,
                                                         std::vector<TensorSpec> tensors, Limits limits);
    ~Encoder();

    const Schema &schema() const { return *schema_; }
    const std::vector<TensorSpec> &tensors() const { return tensors_; }
    const Limits &limits() const { return limits_; }

    // May throw std::bad_alloc. Bytes that it holds: tile_bytes(max_rows); tensor_bytes() of memory hold its tensors,
    // with fences. INT64_MAX where that is beyond int64.
    Tile make_tile(int64_t max_rows) const;
    int64_t tile_bytes(int64_t max_rows) const;
    int64_t tensor_bytes(int64_t max_rows) const;
    // Without memory for the tensors: nothing else may be done with it before lie_in(). `packed_by`: a tensor with a
    // length or with tokens, of a tile whose rows may have any; -1 for one whose rows have equal ones.
    Tile make_homeless_tile(int64_t max_rows, int packed_by = -1) const;

    // Promises, of an empty tile, that rows come from this source alone until it is cleared: what they all share is
    // encoded with the first and copied to the others. The same bits and notes. No allocation.
    void share(Tile &tile, const RowSource &source) const;

    // Writes what a tensor's rows hold behind their own elements where they are padded: the [PAD] id of a text's ids,
    // else zeros. `bytes`: of whole elements.
    void put_padding(size_t tensor, std::byte *out, int64_t bytes) const;

    // The length of a row's sequences in the tensors, behind any truncation. 0 where the schema has none. Fails as
    // append does.
    Expected<int64_t> length(const RowSource &source, int64_t row) const;
    // Whether rows differ in the shapes of their tensors: by the length of sequences or by the tokens of texts.
    bool has_shapes() const;
    struct ShapeScratch {
        WordPiece::Scratch words;
        std::vector<int64_t> ids;
    };
    // Equal for rows that can share a tile, and larger for longer sequences; 0 for one that append refuses for its
    // length or a text. Reads all of a row's texts.
    uint64_t shape(const RowSource &source, int64_t row, ShapeScratch &scratch) const;
    // Whether the row's length is below the limits', for which append refuses it.
    bool is_short(const RowSource &source, int64_t row) const;
    // Whether append would take the row's values whatever its length. `tile` is empty, and is so again.
    bool is_valid(Tile &tile, const RowSource &source, int64_t row) const;

    enum class Append { added, other_shape };
    // Validates and encodes one row behind the rows that the tile holds. `notes` is written anew. On failure, and on
    // other_shape (its lengths differ from the tile's, which is not packed), the tile's rows are as before. No
    // allocation except inside the tokeniser's first growth.
    // Failures: WB_INVALID_INPUT with the feature; status.row is left for the caller. WB_INVALID_ARGUMENT where the
    // tile is full.
    Status append(Tile &tile, const RowSource &source, int64_t row, RowNotes &notes, Append &done) const;

  private:
    Encoder() = default;
    int64_t most_tokens() const;
    Status row_length(const RowSource &source, int64_t row, int64_t &length) const;
    Status too_short(int64_t length) const;
    Status append_values(Tile &tile, const RowSource &source, int64_t row, int64_t length, RowNotes &notes,
                         Append &done) const;
    Status append_scalars(Tile &tile, const RowSource &source, int64_t row, RowNotes &notes) const;
    Status append_scalar(Tile &tile, size_t scalar, const RowSource &source, int64_t row, RowNotes &notes) const;
    uint64_t copy_plain(Tile &tile, const ScalarRun &run, const RowSource &source, int64_t row) const;
    void copy_shared(Tile &tile, int64_t length) const;
    Status append_sequences(Tile &tile, const RowSource &source, int64_t row, int64_t length, RowNotes &notes) const;
    Status append_texts(Tile &tile, const RowSource &source, int64_t row, RowNotes &notes, Append &done) const;
    Status text_of(const FeaturePlan &plan, const RowSource &source, int64_t row, std::string_view &text,
                   bool &defaulted) const;
    void copy_text(Tile &tile, const FeaturePlan &plan) const;
    void place_row(Tile &tile) const;
    void append_sizes(Tile &tile, int64_t length) const;
    void finish_row(Tile &tile, int64_t length) const;
    int64_t places_of(const Tile &tile, const TensorPlan &plan, int64_t length) const;

    std::shared_ptr<const Schema> schema_;
    std::vector<TensorSpec> tensors_;
    Limits limits_;
    std::unique_ptr<const Plan> plan_;
};

}  // namespace weighbridge::lib
