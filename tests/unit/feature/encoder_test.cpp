// SPDX-License-Identifier: Apache-2.0
// Rows into tiles: places of values, lengths, tokens, masks, padding.
#include "feature/encoder.hpp"

#include <string>

#include "encoder_fixture.hpp"
#include "feature/wordpiece.hpp"
#include "feature/zone.hpp"
#include "support/catch.hpp"

namespace {

using namespace weighbridge::lib;
using namespace weighbridge::lib::test;
using Longs = std::vector<int64_t>;
using Doubles = std::vector<double>;
using Floats = std::vector<float>;
using Bytes8 = std::vector<uint8_t>;

constexpr int64_t kPad = 0, kHello = 4, kWorld = 5;

Encoding words(int64_t max_tokens, bool special = false) {
    WordPieceOptions options;
    options.add_special = special;
    return Tokenise{*WordPiece::make("[PAD]\n[UNK]\n[CLS]\n[SEP]\nhello\nworld\n", options), max_tokens};
}

struct Case {
    Case(std::vector<Feature> features, std::vector<TensorSpec> tensors, Limits limits = {}, int64_t rows = 4)
        : encoder(*try_encoder(std::move(features), std::move(tensors), limits)), tile(encoder->make_tile(rows)) {}

    Status add(std::vector<Given> values) { return encoder->append(tile, GivenRow(std::move(values)), 0, notes, done); }
    const TensorView &view(size_t i) const { return tile.views()[i]; }

    std::unique_ptr<const Encoder> encoder;
    Tile tile;
    RowNotes notes;
    Encoder::Append done = Encoder::Append::added;
};

constexpr auto kAdded = Encoder::Append::added;
constexpr auto kOther = Encoder::Append::other_shape;

Limits lengths(int64_t length, int64_t least = 0) {
    Limits limits;
    limits.length = length;
    limits.least_length = least;
    return limits;
}

TEST_CASE("scalars lie in the tensor's order, cyclic taking two places", "[encoder]") {
    Case made({feature("a", StoredType::float64), feature("b", StoredType::int64),
               feature("t", StoredType::timestamp, {Cyclic{Cyclic::Period::day, nullptr}})},
              {tensor("x", DType::float64, {kBatch, 4}, {1, 2, 0}), tensor("y", DType::float32, {kBatch}, {0})});
    REQUIRE(made.add({1.5, int64_t{2}, int64_t{0}}).ok());
    REQUIRE(made.add({2.5, int64_t{3}, int64_t{0}}).ok());
    REQUIRE(sizes(made.view(0)) == Longs{2, 4});
    REQUIRE(values<double>(made.view(0)) == Doubles{2, 0, 1, 1.5, 3, 0, 1, 2.5});
    REQUIRE(sizes(made.view(1)) == Longs{2});
    REQUIRE(values<float>(made.view(1)) == Floats{1.5F, 2.5F});
}

TEST_CASE("indices and flags share a tensor with numbers", "[encoder]") {
    Case made(
        {feature("c", StoredType::category, {vocabulary({"FR", "DE"}, false)}), feature("f", StoredType::boolean),
         feature("x", StoredType::float64, {Bucketise{{0}}}), feature("y", StoredType::float64)},
        {tensor("x", DType::float32, {kBatch, 4}, {0, 1, 2, 3}), tensor("i", DType::int32, {kBatch, 3}, {2, 1, 0})});
    REQUIRE(made.add({std::string("DE"), true, 3.0, 0.5}).ok());
    REQUIRE(values<float>(made.view(0)) == Floats{2, 1, 1, 0.5F});
    REQUIRE(values<int32_t>(made.view(1)) == std::vector<int32_t>{1, 1, 2});
}

TEST_CASE("a refused row leaves the tile's rows as they were", "[encoder]") {
    Case made({feature("a", StoredType::float64), ranged(feature("b", StoredType::int64), 0, 1)},
              {tensor("x", DType::float64, {kBatch, 2}, {0, 1})});
    REQUIRE(made.add({1.0, int64_t{1}}).ok());
    Status refused = made.add({9.0, int64_t{2}});
    REQUIRE(refused.code == WB_INVALID_INPUT);
    REQUIRE(refused.feature == 1);
    REQUIRE(refused.row == -1);
    REQUIRE(sizes(made.view(0)) == Longs{1, 2});
    REQUIRE(values<double>(made.view(0)) == Doubles{1, 1});
    REQUIRE(made.add({2.0, int64_t{0}}).ok());
    REQUIRE(values<double>(made.view(0)) == Doubles{1, 1, 2, 0});
}

TEST_CASE("notes count features, and begin anew with each row", "[encoder]") {
    Feature a = feature("a", StoredType::float64, {Clip{0, 1}}), b = a,
            past = sequence("p", StoredType::float64, {Clip{0, 1}});
    a.missing = default_number(0);
    b.name = "b";
    Case made({a, b, past},
              {tensor("x", DType::float64, {kBatch, 2}, {0, 1}), tensor("y", DType::float64, {kBatch, kLength}, {2})},
              lengths(4));
    REQUIRE(made.add({Missing{}, 5.0, Doubles{7, 8, 9}}).ok());
    REQUIRE(made.notes.defaulted == 1);
    REQUIRE(made.notes.clipped == 2);
    REQUIRE(made.add({0.5, 0.5, Doubles{0, 0, 0}}).ok());
    REQUIRE(made.notes.defaulted == 0);
    REQUIRE(made.notes.clipped == 0);
}

TEST_CASE("a full tile takes no more, and is empty after clear", "[encoder]") {
    Case made({feature("a", StoredType::float64)}, {tensor("x", DType::float64, {kBatch}, {0})}, {}, 1);
    REQUIRE(made.tile.max_rows() == 1);
    REQUIRE(made.add({1.0}).ok());
    REQUIRE(made.add({2.0}).code == WB_INVALID_ARGUMENT);
    made.tile.clear();
    REQUIRE(made.tile.rows() == 0);
    REQUIRE(sizes(made.view(0)) == Longs{0});
    REQUIRE(made.add({2.0}).ok());
    REQUIRE(values<double>(made.view(0)) == Doubles{2});
}

struct Past : Case {
    explicit Past(std::vector<Encoding> steps = {}, int64_t limit = 3, int64_t least = 0)
        : Case({sequence("amount", StoredType::float64, steps), sequence("when", StoredType::timestamp, timed(steps))},
               {tensor("x", DType::float64, {kBatch, kLength, 3}, {0, 1}),
                tensor("mask", DType::boolean, {kBatch, kLength}, {}, TensorSpec::Source::mask),
                tensor("n", DType::int32, {kBatch}, {}, TensorSpec::Source::lengths),
                tensor("flat", DType::float32, {kBatch, kLength}, {0})},
               lengths(limit, least)) {}
    static std::vector<Encoding> timed(std::vector<Encoding> steps) {
        steps.push_back(Cyclic{Cyclic::Period::day, nullptr});
        return steps;
    }
    Status row(Doubles amounts, Longs times) { return add({std::move(amounts), std::move(times)}); }
};

TEST_CASE("sequences lie element by element, with lengths and mask", "[encoder]") {
    Past past;
    REQUIRE(past.row({1, 2}, {0, 0}).ok());
    REQUIRE(past.row({3, 4}, {0, 0}).ok());
    REQUIRE(sizes(past.view(0)) == Longs{2, 2, 3});
    REQUIRE(values<double>(past.view(0)) == Doubles{1, 0, 1, 2, 0, 1, 3, 0, 1, 4, 0, 1});
    REQUIRE(sizes(past.view(1)) == Longs{2, 2});
    REQUIRE(values<uint8_t>(past.view(1)) == Bytes8{1, 1, 1, 1});
    REQUIRE(values<int32_t>(past.view(2)) == std::vector<int32_t>{2, 2});
    REQUIRE(values<float>(past.view(3)) == Floats{1, 2, 3, 4});
}

TEST_CASE("a row of another length is for another tile", "[encoder]") {
    Past past;
    REQUIRE(past.row({1, 2}, {0, 0}).ok());
    REQUIRE(past.row({9}, {0}).ok());
    REQUIRE(past.done == kOther);
    REQUIRE(past.tile.rows() == 1);
    REQUIRE(values<double>(past.view(0)) == Doubles{1, 0, 1, 2, 0, 1});
    past.tile.clear();
    REQUIRE(past.row({9}, {0}).ok());
    REQUIRE(past.done == kAdded);
    REQUIRE(sizes(past.view(0)) == Longs{1, 1, 3});
    REQUIRE(values<double>(past.view(0)) == Doubles{9, 0, 1});
}

TEST_CASE("empty sequences work", "[encoder]") {
    for (int64_t limit : {0, 3}) {
        Past past({}, limit);
        REQUIRE(past.row({}, {}).ok());
        REQUIRE(past.row({}, {}).ok());
        REQUIRE(sizes(past.view(0)) == Longs{2, 0, 3});
        REQUIRE(sizes(past.view(1)) == Longs{2, 0});
        REQUIRE(values<int32_t>(past.view(2)) == std::vector<int32_t>{0, 0});
    }
}

TEST_CASE("a length over the limit is an error with both numbers", "[encoder]") {
    Past past;
    Status refused = past.row({1, 2, 3, 4}, {0, 0, 0, 0});
    REQUIRE(std::string(refused.message) == "feature 'amount': expected at most 3 elements, got 4");
    REQUIRE(refused.feature == 0);
    REQUIRE(past.row({1, 2, 3}, {0, 0, 0}).ok());
}

TEST_CASE("a length below the least is an error with both numbers, whatever follows it", "[encoder]") {
    for (bool truncates : {false, true}) {
        Past past(truncates ? std::vector<Encoding>{Truncate{true}} : std::vector<Encoding>{}, 3, 2);
        for (size_t length = 0; length < 6; ++length) {
            CAPTURE(truncates, length);
            past.tile.clear();
            Status status = past.row(Doubles(length), Longs(length));
            if (length < 2) {
                REQUIRE(status.code == WB_INVALID_INPUT);
                REQUIRE(std::string(status.message) ==
                        "feature 'amount': expected at least 2 elements, got " + std::to_string(length));
                REQUIRE(status.feature == 0);
                REQUIRE(past.tile.rows() == 0);
            } else {
                REQUIRE(status.ok() == (truncates || length <= 3));
            }
        }
    }
}

TEST_CASE("truncate keeps the head or the tail", "[encoder]") {
    Past head({Truncate{false}}), tail({Truncate{true}});
    REQUIRE(head.row({1, 2, 3, 4, 5}, Longs(5)).ok());
    REQUIRE(values<float>(head.view(3)) == Floats{1, 2, 3});
    REQUIRE(tail.row({1, 2, 3, 4, 5}, Longs(5)).ok());
    REQUIRE(values<float>(tail.view(3)) == Floats{3, 4, 5});
    REQUIRE(values<int32_t>(tail.view(2)) == std::vector<int32_t>{3});
    REQUIRE(tail.row({1, 2}, Longs(2)).ok());
    REQUIRE(tail.done == kOther);
    tail.tile.clear();
    REQUIRE(tail.row({1, 2}, Longs(2)).ok());
    REQUIRE(values<float>(tail.view(3)) == Floats{1, 2});
}

TEST_CASE("sequences of different lengths name both features and both lengths", "[encoder]") {
    Past past;
    Status refused = past.row({1, 2}, {0});
    REQUIRE(std::string(refused.message) == "feature 'when': expected 2 elements as in 'amount', got 1");
    REQUIRE(refused.feature == 1);
    Past truncated({Truncate{false}});
    REQUIRE(truncated.row({1, 2, 3, 4}, {0, 0, 0, 0, 0}).code == WB_INVALID_INPUT);
}

TEST_CASE("an element that is refused is named with its place", "[encoder]") {
    Feature made = ranged(sequence("past", StoredType::float64, {Truncate{true}}), 0, 9);
    Case past({made}, {tensor("x", DType::float64, {kBatch, kLength}, {0})}, lengths(2));
    REQUIRE(std::string(past.add({Doubles{1, 2, 10}}).message) ==
            "feature 'past', element 2: expected float64 in [0, 9], got 10");
    REQUIRE(past.add({Doubles{99, 2, 3}}).ok());  // what truncation drops is not looked at
}

TEST_CASE("a null element is an error", "[encoder]") {
    Case past({sequence("past", StoredType::category, {vocabulary({"FR"}, false)})},
              {tensor("x", DType::int64, {kBatch, kLength}, {0})}, lengths(2));
    GivenRow null({Missing{}});
    Cell cell;
    cell.type = CellType::arrow;
    cell.nested = &null;
    cell.count = 1;
    REQUIRE(std::string(past.add({cell}).message) == "feature 'past', element 0: expected category, got none");
}

TEST_CASE("sequences of categories are looked up one by one", "[encoder]") {
    Case past({sequence("past", StoredType::category, {vocabulary({"FR", "DE"}, false)})},
              {tensor("x", DType::int64, {kBatch, kLength}, {0})}, lengths(4));
    REQUIRE(past.add({std::vector<std::string>{"DE", "", "FR"}}).ok());
    REQUIRE(values<int64_t>(past.view(0)) == Longs{2, 0, 1});
}

TEST_CASE("a missing sequence is an error or empty", "[encoder]") {
    Feature made = sequence("past", StoredType::float64);
    Case strict({made}, {tensor("x", DType::float64, {kBatch, kLength}, {0})}, lengths(2));
    REQUIRE(std::string(strict.add({Missing{}}).message) == "feature 'past': expected a value, got none");
    made.missing = DefaultValue{};
    Case open({made}, {tensor("x", DType::float64, {kBatch, kLength}, {0})}, lengths(2));
    REQUIRE(open.add({Missing{}}).ok());
    REQUIRE(sizes(open.view(0)) == Longs{1, 0});
    REQUIRE(open.notes.defaulted == 1);
}

TEST_CASE("the length of a row is told without a tile", "[encoder]") {
    Past past({Truncate{false}});
    REQUIRE(*past.encoder->length(GivenRow({Doubles(5), Longs(5)}), 0) == 3);
    REQUIRE(past.encoder->length(GivenRow({Doubles(5), Longs(4)}), 0).status().feature == 1);
    Case scalars({feature("a", StoredType::float64)}, {tensor("x", DType::float64, {kBatch}, {0})});
    REQUIRE(*scalars.encoder->length(GivenRow({1.0}), 0) == 0);
}

TEST_CASE("a text in a tensor of known size is padded, with its mask", "[encoder]") {
    Case text({feature("words", StoredType::text, {words(3)})},
              {tensor("ids", DType::int64, {kBatch, 3}, {0}),
               tensor("mask", DType::boolean, {kBatch, 3}, {0}, TensorSpec::Source::mask)});
    REQUIRE(text.add({std::string("hello world")}).ok());
    REQUIRE(text.add({std::string("")}).ok());
    REQUIRE(text.done == kAdded);
    REQUIRE(text.add({std::string("hello hello hello world")}).ok());
    REQUIRE(sizes(text.view(0)) == Longs{3, 3});
    REQUIRE(values<int64_t>(text.view(0)) == Longs{kHello, kWorld, kPad, kPad, kPad, kPad, kHello, kHello, kHello});
    REQUIRE(values<uint8_t>(text.view(1)) == Bytes8{1, 1, 0, 0, 0, 0, 1, 1, 1});
}

TEST_CASE("a text in a tensor of its own size shares a tile with its like", "[encoder]") {
    Case text({feature("words", StoredType::text, {words(8)})},
              {tensor("ids", DType::int32, {kBatch, kTokens}, {0}),
               tensor("mask", DType::boolean, {kBatch, kTokens}, {0}, TensorSpec::Source::mask)});
    REQUIRE(text.add({std::string("hello world")}).ok());
    REQUIRE(text.add({std::string("world")}).ok());
    REQUIRE(text.done == kOther);
    REQUIRE(text.add({std::string("world hello")}).ok());
    REQUIRE(text.done == kAdded);
    REQUIRE(sizes(text.view(0)) == Longs{2, 2});
    REQUIRE(values<int32_t>(text.view(0)) == std::vector<int32_t>{4, 5, 5, 4});
    REQUIRE(values<uint8_t>(text.view(1)) == Bytes8{1, 1, 1, 1});
    text.tile.clear();
    REQUIRE(text.add({std::string("")}).ok());
    REQUIRE(sizes(text.view(0)) == Longs{1, 0});
}

TEST_CASE("a text that is not UTF-8 is refused, a missing one has its default", "[encoder]") {
    Feature made = feature("words", StoredType::text, {words(4)});
    made.missing = default_text("world");
    Case text({made}, {tensor("ids", DType::int64, {kBatch, 4}, {0})});
    REQUIRE(std::string(text.add({std::string("hi \xC3")}).message) ==
            "feature 'words': expected UTF-8, got a bad byte at 3");
    REQUIRE(text.add({Missing{}}).ok());
    REQUIRE(values<int64_t>(text.view(0)) == Longs{kWorld, kPad, kPad, kPad});
    REQUIRE(text.notes.defaulted == 1);
    made.missing.reset();
    Case strict({made}, {tensor("ids", DType::int64, {kBatch, 4}, {0})});
    REQUIRE(std::string(strict.add({Missing{}}).message) == "feature 'words': expected a value, got none");
}

TEST_CASE("a tile's memory is told before it is made", "[encoder]") {
    Past past;
    // [2, 3, 3] doubles, [2, 3] bools, [2] int32, [2, 3] floats, each on whole cache lines.
    REQUIRE(past.encoder->tile_bytes(2) == 192 + 64 + 64 + 64);
    REQUIRE(past.encoder->tile_bytes(0) == 0);
    REQUIRE(past.encoder->tile_bytes(INT64_MAX) == INT64_MAX);
}

TEST_CASE("a source's own failure is passed on", "[encoder]") {
    struct Failing final : RowSource {
        Status cell(uint32_t, int64_t, Cell &) const override {
            return Status::failure(WB_INVALID_INPUT, "feature 'a': a span outside its row");
        }
    };
    Case made({feature("a", StoredType::float64)}, {tensor("x", DType::float64, {kBatch}, {0})});
    REQUIRE(std::string(made.encoder->append(made.tile, Failing(), 0, made.notes, made.done).message) ==
            "feature 'a': a span outside its row");
}

}  // namespace
