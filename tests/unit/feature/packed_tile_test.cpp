// SPDX-License-Identifier: Apache-2.0
// Packed tiles: rows of any lengths, one row's places behind the other's.
#include <string>

#include "encoder_fixture.hpp"
#include "feature/encoder.hpp"
#include "feature/wordpiece.hpp"
#include "support/catch.hpp"

namespace {

using namespace weighbridge::lib;
using namespace weighbridge::lib::test;
using Longs = std::vector<int64_t>;
using Doubles = std::vector<double>;
using Bytes8 = std::vector<uint8_t>;

struct Packed {
    Packed(std::unique_ptr<const Encoder> of, int packed_by, int64_t rows = 4)
        : encoder(std::move(of)),
          tile(encoder->make_homeless_tile(rows, packed_by)),
          memory(static_cast<size_t>(encoder->tensor_bytes(rows))) {
        tile.lie_in(memory.data());
    }
    Status add(std::vector<Given> values) { return encoder->append(tile, GivenRow(std::move(values)), 0, notes, done); }
    const TensorView &view(size_t i) const { return tile.views()[i]; }
    Longs offsets() const { return {tile.offsets().begin(), tile.offsets().end()}; }

    std::unique_ptr<const Encoder> encoder;
    Tile tile;
    AlignedBuffer memory;
    RowNotes notes;
    Encoder::Append done = Encoder::Append::added;
};

std::unique_ptr<const Encoder> past_encoder() {
    Limits limits;
    limits.length = 3;
    Feature amount = sequence("amount", StoredType::float64);
    amount.minimum = -100;
    return *try_encoder({amount, feature("country", StoredType::int64)},
                        {tensor("x", DType::float64, {kBatch, kLength}, {0}),
                         tensor("mask", DType::boolean, {kBatch, kLength}, {}, TensorSpec::Source::mask),
                         tensor("n", DType::int32, {kBatch}, {}, TensorSpec::Source::lengths),
                         tensor("c", DType::float64, {kBatch}, {1})},
                        limits);
}

TEST_CASE("a packed tile has the rows' places one behind the other, whatever their lengths", "[encoder][packed]") {
    Packed past(past_encoder(), 0);
    REQUIRE(past.offsets() == Longs{0});
    REQUIRE(past.add({Doubles{1, 2}, int64_t{7}}).ok());
    REQUIRE(past.add({Doubles{}, int64_t{8}}).ok());
    REQUIRE(past.add({Doubles{3, 4, 5}, int64_t{9}}).ok());
    REQUIRE(past.done == Encoder::Append::added);
    REQUIRE(past.offsets() == Longs{0, 2, 2, 5});
    REQUIRE(sizes(past.view(0)) == Longs{1, 5});
    REQUIRE(values<double>(past.view(0)) == Doubles{1, 2, 3, 4, 5});
    REQUIRE(sizes(past.view(1)) == Longs{1, 5});
    REQUIRE(values<uint8_t>(past.view(1)) == Bytes8{1, 1, 1, 1, 1});
    REQUIRE(sizes(past.view(2)) == Longs{3});
    REQUIRE(values<int32_t>(past.view(2)) == std::vector<int32_t>{2, 0, 3});
    REQUIRE(values<double>(past.view(3)) == Doubles{7, 8, 9});
    past.tile.clear();
    REQUIRE(past.offsets() == Longs{0});
    REQUIRE(past.add({Doubles{6}, int64_t{7}}).ok());
    REQUIRE(past.offsets() == Longs{0, 1});
    REQUIRE(values<double>(past.view(0)) == Doubles{6});
}

TEST_CASE("a row that is refused leaves a packed tile as it was", "[encoder][packed]") {
    Packed past(past_encoder(), 0);
    REQUIRE(past.add({Doubles{1, 2}, int64_t{7}}).ok());
    REQUIRE(past.add({Doubles{3, -101, 5}, int64_t{9}}).code == WB_INVALID_INPUT);
    REQUIRE(past.add({Doubles{3, 4, 5, 6}, int64_t{9}}).code == WB_INVALID_INPUT);
    REQUIRE(past.offsets() == Longs{0, 2});
    REQUIRE(past.add({Doubles{8}, int64_t{9}}).ok());
    REQUIRE(past.offsets() == Longs{0, 2, 3});
    REQUIRE(values<double>(past.view(0)) == Doubles{1, 2, 8});
}

TEST_CASE("texts are packed by their tokens, beside texts of a fixed size", "[encoder][packed]") {
    const auto words = [](int64_t most) {
        return Tokenise{*WordPiece::make("[PAD]\n[UNK]\n[CLS]\n[SEP]\nhello\nworld\n", WordPieceOptions{}), most};
    };
    Packed texts(
        *try_encoder(
            {feature("memo", StoredType::text, {words(6)}), feature("name", StoredType::text, {words(4)})},
            {tensor("name_ids", DType::int64, {kBatch, 4}, {1}), tensor("ids", DType::int64, {kBatch, kTokens}, {0}),
             tensor("mask", DType::boolean, {kBatch, kTokens}, {0}, TensorSpec::Source::mask)},
            {}),
        1);
    REQUIRE(texts.add({std::string("hello"), std::string("world")}).ok());
    REQUIRE(texts.add({std::string("hello world hello"), std::string("hello")}).ok());
    REQUIRE(texts.offsets() == Longs{0, 3, 8});
    REQUIRE(sizes(texts.view(0)) == Longs{2, 4});
    REQUIRE(values<int64_t>(texts.view(0)) == Longs{2, 5, 3, 0, 2, 4, 3, 0});
    REQUIRE(sizes(texts.view(1)) == Longs{1, 8});
    REQUIRE(values<int64_t>(texts.view(1)) == Longs{2, 4, 3, 2, 4, 5, 4, 3});
    REQUIRE(sizes(texts.view(2)) == Longs{1, 8});
    REQUIRE(values<uint8_t>(texts.view(2)) == Bytes8(8, 1));
}

}  // namespace
