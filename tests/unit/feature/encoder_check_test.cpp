// SPDX-License-Identifier: Apache-2.0
// What Encoder::make refuses, and how it says so.
#include <cmath>
#include <string>

#include "encoder_fixture.hpp"
#include "feature/wordpiece.hpp"
#include "feature/zone.hpp"
#include "support/catch.hpp"

namespace {

using namespace weighbridge::lib;
using namespace weighbridge::lib::test;
using Source = TensorSpec::Source;
using Catch::Matchers::Contains;

Encoding words(int64_t max_tokens = 4) {
    return Tokenise{*WordPiece::make("[PAD]\n[UNK]\n[CLS]\n[SEP]\n", WordPieceOptions{}), max_tokens};
}

std::string refusal(std::vector<Feature> features, std::vector<TensorSpec> tensors, Limits limits = {}) {
    auto made = try_encoder(std::move(features), std::move(tensors), limits);
    REQUIRE_FALSE(made.ok());
    REQUIRE(made.status().code == WB_INVALID_BUNDLE);
    return made.status().message;
}

// Of a scalar float64 tensor, or what else is asked for.
std::string refusal(Feature made, DType dtype = DType::float64, int64_t width = 1) {
    return refusal({std::move(made)}, {tensor("x", dtype, {kBatch, width}, {0})});
}

Feature real(std::vector<Encoding> encoding = {}) { return feature("x", StoredType::float64, std::move(encoding)); }
Feature integer(std::vector<Encoding> encoding = {}) { return feature("n", StoredType::int64, std::move(encoding)); }

TEST_CASE("log1p needs values above -1", "[encoder]") {
    REQUIRE(refusal(real({Log1p{}})) ==
            "feature 'x': expected log1p behind a range or a clip above -1, got values from -inf");
    REQUIRE(refusal(ranged(real({Log1p{}}), -1, 5)) ==
            "feature 'x': expected log1p behind a range or a clip above -1, got values from -1");
    REQUIRE(try_encoder({ranged(real({Log1p{}}), -0.5, 5)}, {tensor("x", DType::float64, {kBatch}, {0})}).ok());
    REQUIRE(try_encoder({real({Clip{0, 1}, Log1p{}})}, {tensor("x", DType::float64, {kBatch}, {0})}).ok());
    REQUIRE(try_encoder({ranged(real({Log1p{}, Log1p{}}), 0, 5)}, {tensor("x", DType::float64, {kBatch}, {0})}).ok());
    REQUIRE_THAT(refusal(ranged(real({Standardise{5, 1}, Log1p{}}), 0, 9)), Contains("got values from -5"));
    Feature money = ranged(integer({Log1p{}}), -99, 5);
    money.money_exponent = 2;  // above -1 in major units
    REQUIRE(try_encoder({money}, {tensor("x", DType::float64, {kBatch}, {0})}).ok());
}

TEST_CASE("the numbers of a step make sense", "[encoder]") {
    REQUIRE_THAT(refusal(real({Standardise{0, 0}})), Contains("finite std above 0, got 0"));
    REQUIRE_THAT(refusal(real({Standardise{0, -1}})), Contains("finite std above 0, got -1"));
    REQUIRE_THAT(refusal(real({Standardise{0, HUGE_VAL}})), Contains("finite std above 0"));
    REQUIRE_THAT(refusal(real({Standardise{0, std::nan("")}})), Contains("finite std above 0"));
    REQUIRE_THAT(refusal(real({Standardise{std::nan(""), 1}})), Contains("finite mean"));
    REQUIRE_THAT(refusal(real({Clip{1, 0}})), Contains("min <= max, got 1 and 0"));
    REQUIRE_THAT(refusal(real({Clip{0, HUGE_VAL}})), Contains("finite min <= max"));
    REQUIRE_THAT(refusal(real({Bucketise{{}}}), DType::int64), Contains("at least one edge"));
    REQUIRE_THAT(refusal(real({Bucketise{{0, 1, 1}}}), DType::int64), Contains("got 1 and 1 at 2"));
    REQUIRE_THAT(refusal(real({Bucketise{{0, std::nan("")}}}), DType::int64), Contains("finite edges"));
    Feature code = feature("c", StoredType::code, {Identity{0}});
    REQUIRE_THAT(refusal(code, DType::int64), Contains("1 to 2^53 indices, got 0"));
    code.encoding = {HashBuckets{-3, 0}};
    REQUIRE_THAT(refusal(code, DType::int64), Contains("got -3"));
    REQUIRE_THAT(refusal(feature("t", StoredType::text, {words(1)}), DType::int64),
                 Contains("max_tokens in [2, 65536], got 1"));
}

TEST_CASE("an encoding fits its type", "[encoder]") {
    REQUIRE(refusal(feature("f", StoredType::boolean, {Log1p{}})) ==
            "feature 'f': expected log1p on numbers and timestamps, got it on bool");
    REQUIRE(refusal(real({HashBuckets{3, 0}}), DType::int64) ==
            "feature 'x': expected hash on a category, got it on float64");
    REQUIRE(refusal(real({Identity{3}}), DType::int64) ==
            "feature 'x': expected identity on a category with int64 keys, got it on float64");
    REQUIRE_THAT(refusal(feature("c", StoredType::category, {Identity{3}}), DType::int64),
                 Contains("got it on category"));
    REQUIRE_THAT(refusal(real({Cyclic{Cyclic::Period::day, nullptr}}), DType::float64, 2),
                 Contains("cyclic on a timestamp"));
    REQUIRE_THAT(refusal(real({words()}), DType::int64), Contains("wordpiece on a text"));
    REQUIRE_THAT(refusal(real({Truncate{}})), Contains("truncate on a sequence"));
    REQUIRE_THAT(refusal(feature("c", StoredType::category), DType::int64),
                 Contains("vocabulary, hash or identity, got none"));
    REQUIRE_THAT(refusal(feature("t", StoredType::text), DType::int64), Contains("by wordpiece, got none"));
    REQUIRE_THAT(refusal(feature("c", StoredType::category, {codes({1}, true)}), DType::int64),
                 Contains("vocabulary of string keys, got one of int64 keys"));
    REQUIRE_THAT(refusal(feature("c", StoredType::code, {vocabulary({"a"}, true)}), DType::int64),
                 Contains("vocabulary of int64 keys, got one of string keys"));
    REQUIRE_THAT(refusal(feature("c", StoredType::code, {Vocabularise{}}), DType::int64),
                 Contains("with keys, got none"));
    Feature zoned = feature("t", StoredType::timestamp, {Cyclic{Cyclic::Period::day, nullptr}});
    zoned.zone = "Europe/Paris";
    REQUIRE_THAT(refusal(zoned, DType::float64, 2), Contains("zone 'Europe/Paris', got none"));
}

TEST_CASE("steps stand in an order that means something", "[encoder]") {
    REQUIRE_THAT(refusal(real({Bucketise{{0}}, Clip{0, 1}}), DType::int64), Contains("clip before the step that ends"));
    REQUIRE_THAT(refusal(real({Bucketise{{0}}, Bucketise{{0}}}), DType::int64), Contains("before the step that ends"));
    Feature code = feature("c", StoredType::code, {Identity{3}, HashBuckets{3, 0}});
    REQUIRE_THAT(refusal(code, DType::int64), Contains("hash behind another"));
    Feature time = feature("t", StoredType::timestamp, {Clip{0, 1}, Cyclic{Cyclic::Period::day, nullptr}});
    REQUIRE_THAT(refusal(time, DType::float64, 2), Contains("cyclic as the only step"));
    time.encoding = {Cyclic{Cyclic::Period::day, nullptr}, Clip{0, 1}};
    REQUIRE_THAT(refusal(time, DType::float64, 2), Contains("clip before the step that ends"));
    Feature past = sequence("p", StoredType::float64, {Clip{0, 1}, Truncate{}});
    REQUIRE_THAT(refusal({past}, {tensor("x", DType::float64, {kBatch, kLength}, {0})}),
                 Contains("truncate as the first step"));
    past.encoding = {Truncate{}, Truncate{}};
    REQUIRE_THAT(refusal({past}, {tensor("x", DType::float64, {kBatch, kLength}, {0})}),
                 Contains("truncate as the first step"));
}

TEST_CASE("all sequences are truncated alike", "[encoder]") {
    auto two = [](std::vector<Encoding> a, std::vector<Encoding> b) {
        return refusal(
            {sequence("a", StoredType::float64, std::move(a)), sequence("b", StoredType::float64, std::move(b))},
            {tensor("x", DType::float64, {kBatch, kLength, 2}, {0, 1})});
    };
    REQUIRE(two({Truncate{true}}, {}) == "feature 'b': expected truncate to the tail as on 'a', got no truncate");
    REQUIRE(two({}, {Truncate{false}}) == "feature 'b': expected no truncate as on 'a', got truncate to the head");
    REQUIRE_THAT(two({Truncate{true}}, {Truncate{false}}), Contains("to the tail as on 'a', got truncate to the head"));
}

TEST_CASE("a default passes the encoding", "[encoder]") {
    Feature made = feature("country", StoredType::category, {vocabulary({"FR"}, true)});
    made.missing = default_text("XX");
    REQUIRE(refusal(made, DType::int64) ==
            "default of feature 'country': expected one of the 1 keys of its vocabulary, got 'XX'");
    Feature wide = real();
    wide.missing = default_number(1e300);
    REQUIRE_THAT(refusal(wide, DType::float32), Contains("default of feature 'x'"));
}

TEST_CASE("shapes are the widths of their features", "[encoder]") {
    auto shaped = [](std::vector<int64_t> sizes) {
        return refusal({real(), feature("t", StoredType::timestamp, {Cyclic{Cyclic::Period::day, nullptr}})},
                       {tensor("x", DType::float64, std::move(sizes), {0, 1})});
    };
    REQUIRE(shaped({kBatch, 2}) == "tensor 'x': expected shape [batch, 3], got [batch, 2]");
    REQUIRE(shaped({kBatch}) == "tensor 'x': expected shape [batch, 3], got [batch]");
    REQUIRE(shaped({kBatch, kLength, 3}) == "tensor 'x': expected shape [batch, 3], got [batch, length, 3]");
    REQUIRE(shaped({3, kBatch}) == "tensor 'x': expected a shape that begins with batch, got [3, batch]");
    REQUIRE_THAT(shaped({}), Contains("begins with batch, got []"));
    REQUIRE(refusal({real()}, {tensor("x", DType::float64, {kBatch, 2}, {0})}) ==
            "tensor 'x': expected shape [batch, 1] or [batch], got [batch, 2]");
    REQUIRE(refusal({sequence("p", StoredType::float64)}, {tensor("x", DType::float64, {kBatch, 1}, {0})}) ==
            "tensor 'x': expected shape [batch, length, 1] or [batch, length], got [batch, 1]");
    REQUIRE(refusal({feature("t", StoredType::text, {words()})}, {tensor("x", DType::int64, {kBatch, 5}, {0})}) ==
            "tensor 'x': expected shape [batch, 4], got [batch, 5]");
}

TEST_CASE("a dtype holds what goes into it", "[encoder]") {
    REQUIRE(refusal(real(), DType::int64) ==
            "tensor 'x': expected float32 or float64 for the values of 'x', got int64");
    REQUIRE_THAT(refusal(real(), DType::boolean), Contains("got bool"));
    REQUIRE_THAT(refusal(feature("c", StoredType::code, {Identity{2}}), DType::boolean), Contains("got bool"));
    int64_t exact = int64_t{1} << 24;
    REQUIRE_THAT(refusal(feature("c", StoredType::code, {Identity{exact + 2}}), DType::float32),
                 Contains("holds the 16777218 indices of 'c' exactly, got float32"));
    REQUIRE(try_encoder({feature("c", StoredType::code, {Identity{exact + 1}})},
                        {tensor("x", DType::float32, {kBatch}, {0})})
                .ok());
    REQUIRE_THAT(refusal(feature("c", StoredType::code, {HashBuckets{int64_t{1} << 32, 0}}), DType::int32),
                 Contains("got int32"));
    REQUIRE_THAT(refusal(real(), static_cast<DType>(77)), Contains("known dtype, got 77"));
}

TEST_CASE("a tensor has only scalars, only sequences, or one text", "[encoder]") {
    Feature past = sequence("p", StoredType::float64), text = feature("t", StoredType::text, {words()});
    REQUIRE(refusal({real(), past}, {tensor("x", DType::float64, {kBatch, 2}, {0, 1})}) ==
            "tensor 'x': expected only scalars, only sequences, or one text, got 'p' beside 'x'");
    REQUIRE_THAT(refusal({real(), text}, {tensor("x", DType::float64, {kBatch, 2}, {0, 1})}),
                 Contains("'t' beside 'x'"));
    REQUIRE_THAT(refusal({real(), text}, {tensor("x", DType::float64, {kBatch, 2}, {1, 0})}),
                 Contains("one text alone, got 2"));
    REQUIRE_THAT(refusal({real()}, {tensor("x", DType::float64, {kBatch, 2}, {0, 0})}),
                 Contains("each feature once, got 'x' twice"));
    REQUIRE_THAT(refusal({real()}, {tensor("x", DType::float64, {kBatch, 1}, {1})}),
                 Contains("features below 1, got 1"));
    REQUIRE_THAT(refusal({real()}, {tensor("x", DType::float64, {kBatch}, {})}),
                 Contains("at least one feature, got none"));
}

TEST_CASE("every feature is used", "[encoder]") {
    REQUIRE(refusal({real(), integer()}, {tensor("x", DType::float64, {kBatch}, {0})}) ==
            "feature 'n': expected a tensor that uses it, got none");
    REQUIRE(refusal({real()}, std::vector<TensorSpec>{}) == "tensors: expected at least one, got none");
}

TEST_CASE("tensors have distinct names", "[encoder]") {
    TensorSpec made = tensor("x", DType::float64, {kBatch}, {0});
    REQUIRE(refusal({real()}, {made, made}) == "tensor 'x': expected distinct names, got it at 0 and 1");
    made.name = "";
    REQUIRE_THAT(refusal({real()}, {made}), Contains("tensor 0: expected a name"));
    made.name = std::string(64, 'x');
    REQUIRE_THAT(refusal({real()}, {made}), Contains("got 64 bytes"));
}

TEST_CASE("lengths and masks have something to tell of", "[encoder]") {
    TensorSpec first = tensor("x", DType::float64, {kBatch}, {0});
    REQUIRE_THAT(refusal({real()}, {first, tensor("n", DType::int64, {kBatch}, {}, Source::lengths)}),
                 Contains("lengths beside a sequence, got none"));
    REQUIRE_THAT(refusal({real()}, {first, tensor("m", DType::boolean, {kBatch, kLength}, {}, Source::mask)}),
                 Contains("a mask beside a sequence, got none"));
    REQUIRE_THAT(refusal({real()}, {first, tensor("m", DType::boolean, {kBatch, 4}, {0}, Source::mask)}),
                 Contains("a mask of a text, got 'x' of float64"));
    Feature past = sequence("p", StoredType::float64), text = feature("t", StoredType::text, {words()});
    TensorSpec flat = tensor("x", DType::float64, {kBatch, kLength}, {0});
    REQUIRE_THAT(refusal({past}, {flat, tensor("m", DType::int64, {kBatch, kLength}, {}, Source::mask)}),
                 Contains("a mask as bool, got int64"));
    REQUIRE_THAT(refusal({past}, {flat, tensor("m", DType::boolean, {kBatch}, {}, Source::mask)}),
                 Contains("expected shape [batch, length], got [batch]"));
    REQUIRE_THAT(refusal({past}, {flat, tensor("n", DType::boolean, {kBatch}, {}, Source::lengths)}),
                 Contains("lengths as numbers, got bool"));
    REQUIRE_THAT(refusal({past}, {flat, tensor("n", DType::int64, {kBatch, 1}, {}, Source::lengths)}),
                 Contains("expected shape [batch], got [batch, 1]"));
    REQUIRE_THAT(refusal({past}, {flat, tensor("n", DType::int64, {kBatch}, {0}, Source::lengths)}),
                 Contains("lengths of no feature, got 1"));
    TensorSpec ids = tensor("ids", DType::int64, {kBatch, 4}, {0});
    REQUIRE_THAT(refusal({text}, {ids, tensor("m", DType::boolean, {kBatch, 5}, {0}, Source::mask)}),
                 Contains("expected shape [batch, 4], got [batch, 5]"));
    REQUIRE_THAT(refusal({text}, {tensor("m", DType::boolean, {kBatch, 4}, {0}, Source::mask)}),
                 Contains("a tensor that uses it, got none"));
}

TEST_CASE("limits are within the format's", "[encoder]") {
    auto limited = [](auto change) {
        Limits limits;
        change(limits);
        return refusal({real()}, {tensor("x", DType::float64, {kBatch}, {0})}, limits);
    };
    REQUIRE(limited([](Limits &l) { l.length = 65537; }) == "limits.length: expected 0 to 65536, got 65537");
    REQUIRE(limited([](Limits &l) { l.length = -1; }) == "limits.length: expected 0 to 65536, got -1");
    REQUIRE(limited([](Limits &l) { l.length = 3, l.least_length = 4; }) ==
            "limits.least_length: expected 0 to limits.length (3), got 4");
    REQUIRE(limited([](Limits &l) { l.least_length = -1; }) ==
            "limits.least_length: expected 0 to limits.length (0), got -1");
    REQUIRE(limited([](Limits &l) { l.rows = 0; }) == "limits.rows: expected 1 to 1048576, got 0");
    REQUIRE(limited([](Limits &l) { l.rows = 1048577; }) == "limits.rows: expected 1 to 1048576, got 1048577");
    REQUIRE(limited([](Limits &l) { l.memory_bytes = 63; }) ==
            "limits.memory_bytes: expected at least 64 for one row, got 63");
}

}  // namespace
