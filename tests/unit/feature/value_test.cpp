// SPDX-License-Identifier: Apache-2.0
// Single values through their encodings, and the messages of refused ones.
#include <cmath>
#include <limits>
#include <string>

#include "base/numerics.hpp"
#include "encoder_fixture.hpp"
#include "feature/zone.hpp"
#include "support/catch.hpp"

namespace {

using namespace weighbridge::lib;
using namespace weighbridge::lib::test;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::string message(Alone &alone, Given value) {
    Status status = alone(std::move(value));
    REQUIRE(status.code == WB_INVALID_INPUT);
    REQUIRE(status.feature == 0);
    REQUIRE(alone.tile.rows() == 0);
    return status.message;
}

TEST_CASE("a number without an encoding goes as it is", "[encoder]") {
    Alone wide(feature("x", StoredType::float64));
    REQUIRE(wide(0.1).ok());
    REQUIRE(wide.at() == 0.1);
    REQUIRE(wide(-0.0).ok());
    REQUIRE(std::signbit(wide.at()));
    Alone narrow(feature("x", StoredType::float64), DType::float32);
    REQUIRE(narrow(0.1).ok());
    REQUIRE(narrow.at<float>() == 0.1F);
}

TEST_CASE("a float32 feature has one value whichever width it comes in", "[encoder]") {
    Alone alone(feature("x", StoredType::float32));
    REQUIRE(alone(0.1).ok());
    REQUIRE(alone.at() == static_cast<double>(0.1F));
    REQUIRE(alone(0.1F).ok());
    REQUIRE(alone.at() == static_cast<double>(0.1F));
    REQUIRE(message(alone, 1e39) == "feature 'x': expected finite float32, got 1e+39");
    REQUIRE(alone(3.4028235e38).ok());
}

TEST_CASE("money is major units before the steps", "[encoder]") {
    Feature made = feature("x", StoredType::int64);
    made.money_exponent = 2;
    Alone alone(made);
    REQUIRE(alone(int64_t{1999}).ok());
    REQUIRE(alone.at() == 19.99);
    REQUIRE(alone(int64_t{-5}).ok());
    REQUIRE(alone.at() == -0.05);
}

TEST_CASE("steps are applied in order, in double", "[encoder]") {
    Feature made = ranged(feature("x", StoredType::int64, {Log1p{}, Standardise{3.2, 1.1}}), 0, 1e7);
    made.money_exponent = 2;
    Alone alone(made, DType::float32);
    REQUIRE(alone(int64_t{12345}).ok());
    REQUIRE(alone.at<float>() == static_cast<float>((numerics::log1p(123.45) - 3.2) / 1.1));
}

TEST_CASE("a clip that changes the value is counted once", "[encoder]") {
    Alone alone(feature("x", StoredType::float64, {Clip{-1, 2}, Clip{0, 1}}));
    REQUIRE(alone(0.5).ok());
    REQUIRE(alone.notes.clipped == 0);
    REQUIRE(alone(9.0).ok());
    REQUIRE(alone.at() == 1);
    REQUIRE(alone.notes.clipped == 1);
    REQUIRE(alone(-9.0).ok());
    REQUIRE(alone.at() == 0);
}

TEST_CASE("a bucket is the number of edges at or below the value", "[encoder]") {
    Alone alone(feature("x", StoredType::float64, {Bucketise{{0, 10, 20}}}), DType::int64);
    for (auto [x, bucket] : {std::pair{-1.0, 0}, {0.0, 1}, {9.99, 1}, {10.0, 2}, {20.0, 3}, {1e300, 3}}) {
        REQUIRE(alone(x).ok());
        REQUIRE(alone.at<int64_t>() == bucket);
    }
}

TEST_CASE("the range is of the raw value, both ends included", "[encoder]") {
    Alone alone(ranged(feature("amount_minor", StoredType::int64), 0, 10000000));
    REQUIRE(alone(int64_t{0}).ok());
    REQUIRE(alone(int64_t{10000000}).ok());
    REQUIRE(message(alone, int64_t{-3}) == "feature 'amount_minor': expected int64 in [0, 10000000], got -3");
    REQUIRE(message(alone, int64_t{10000001}) ==
            "feature 'amount_minor': expected int64 in [0, 10000000], got 10000001");
    Alone floating(ranged(feature("x", StoredType::float64), -0.5, 0.5));
    REQUIRE(message(floating, 0.75) == "feature 'x': expected float64 in [-0.5, 0.5], got 0.75");
    Alone narrow(ranged(feature("x", StoredType::int64), 0.5, 2.5));
    REQUIRE(message(narrow, int64_t{3}) == "feature 'x': expected int64 in [1, 2], got 3");
}

TEST_CASE("a private feature's value stays out of the message", "[encoder]") {
    Feature made = ranged(feature("amount_minor", StoredType::int64), 0, 10);
    made.privacy = "payment";
    Alone alone(made);
    REQUIRE(message(alone, int64_t{77}) == "feature 'amount_minor': expected int64 in [0, 10], got a value outside it");
    Feature key = feature("country", StoredType::category, {vocabulary({"FR"}, true)});
    key.privacy = "place";
    Alone category(key, DType::int64);
    REQUIRE(message(category, std::string("Atlantis")).find("Atlantis") == std::string::npos);
    Feature real = feature("x", StoredType::float64);
    real.privacy = "p";
    Alone floating(real, DType::float32);
    REQUIRE(message(floating, 1.5e300).find("1.5") == std::string::npos);
}

TEST_CASE("infinite is an error and NaN too unless it means missing", "[encoder]") {
    Alone strict(feature("x", StoredType::float64));
    REQUIRE(message(strict, kInfinity) == "feature 'x': expected finite float64, got inf");
    REQUIRE(message(strict, -kInfinity) == "feature 'x': expected finite float64, got -inf");
    REQUIRE(message(strict, kNaN) == "feature 'x': expected finite float64, got NaN");
    Feature made = feature("x", StoredType::float64);
    made.nan_is_missing = true;
    Alone required(made);
    REQUIRE(message(required, kNaN) == "feature 'x': expected a value, got none");
    made.missing = default_number(4);
    Alone defaulted(made);
    REQUIRE(defaulted(kNaN).ok());
    REQUIRE(defaulted.at() == 4);
    REQUIRE(defaulted.notes.defaulted == 1);
    REQUIRE(message(defaulted, kInfinity) == "feature 'x': expected finite float64, got inf");
}

TEST_CASE("a result that the tensor cannot hold is an error", "[encoder]") {
    Alone alone(feature("x", StoredType::float64), DType::float32);
    REQUIRE(message(alone, 1e300) == "feature 'x': expected a value whose encoding is finite, got 1e+300");
    REQUIRE(alone(3.4e38).ok());
    Alone tiny(feature("x", StoredType::float64, {Standardise{0, 1e-300}}));
    REQUIRE(message(tiny, 1e10) == "feature 'x': expected a value whose encoding is finite, got 10000000000");
}

TEST_CASE("a missing value is an error or the default, encoded like any other", "[encoder]") {
    Alone strict(feature("x", StoredType::int64));
    REQUIRE(message(strict, Missing{}) == "feature 'x': expected a value, got none");
    Feature made = ranged(feature("x", StoredType::int64, {Standardise{1, 2}, Clip{-1, 1}}), 0, 100);
    made.missing = default_integer(50);
    Alone alone(made);
    REQUIRE(alone(Missing{}).ok());
    REQUIRE(alone.at() == 1);
    REQUIRE(alone.notes.defaulted == 1);
    REQUIRE(alone.notes.clipped == 0);
    REQUIRE(alone(int64_t{1}).ok());
    REQUIRE(alone.at() == 0);
    REQUIRE(alone.notes.defaulted == 0);
}

TEST_CASE("a bool is 0 or 1 in every dtype", "[encoder]") {
    for (bool flag : {false, true}) {
        Alone doubles(feature("x", StoredType::boolean)), longs(feature("x", StoredType::boolean), DType::int64),
            bools(feature("x", StoredType::boolean), DType::boolean);
        REQUIRE(doubles(flag).ok());
        REQUIRE(doubles.at() == (flag ? 1.0 : 0.0));
        REQUIRE(longs(flag).ok());
        REQUIRE(longs.at<int64_t>() == (flag ? 1 : 0));
        REQUIRE(bools(flag).ok());
        REQUIRE(bools.at<uint8_t>() == (flag ? 1 : 0));
    }
    Alone alone(feature("x", StoredType::boolean));
    uint8_t byte = 7;
    Cell cell;
    cell.type = CellType::boolean;
    cell.data = reinterpret_cast<const std::byte *>(&byte);
    REQUIRE(message(alone, cell) == "feature 'x': expected bool, got a bool outside it");
}

TEST_CASE("a vocabulary's index starts at 0, or at 1 where unknown keys have 0", "[encoder]") {
    Alone strict(feature("country", StoredType::category, {vocabulary({"FR", "DE"}, true)}), DType::int64);
    REQUIRE(strict(std::string("DE")).ok());
    REQUIRE(strict.at<int64_t>() == 1);
    REQUIRE(message(strict, std::string("fr")) ==
            "feature 'country': expected one of the 2 keys of its vocabulary, got 'fr'");
    Alone open(feature("country", StoredType::category, {vocabulary({"FR", "DE"}, false)}), DType::int32);
    REQUIRE(open(std::string("DE")).ok());
    REQUIRE(open.at<int32_t>() == 2);
    REQUIRE(open(std::string("")).ok());
    REQUIRE(open.at<int32_t>() == 0);
    REQUIRE(message(open, std::string("F\xFF")) == "feature 'country': expected UTF-8, got a bad byte at 1");
    Alone code(feature("mcc", StoredType::code, {codes({5411, 5812}, true)}), DType::float32);
    REQUIRE(code(int64_t{5812}).ok());
    REQUIRE(code.at<float>() == 1);
    REQUIRE(message(code, int64_t{1}) == "feature 'mcc': expected one of the 2 keys of its vocabulary, got 1");
}

TEST_CASE("an unknown key is shown on one line, cut between characters", "[encoder]") {
    Alone strict(feature("c", StoredType::category, {vocabulary({"FR"}, true)}), DType::int64);
    REQUIRE(message(strict, std::string("a\nb\tc")) ==
            "feature 'c': expected one of the 1 keys of its vocabulary, got 'a?b?c'");
    std::string text = message(strict, std::string(47, 'x') + "\xC3\xA9yyy");
    REQUIRE(text == "feature 'c': expected one of the 1 keys of its vocabulary, got '" + std::string(47, 'x') + "...'");
}

TEST_CASE("a key of more bytes than the limit is refused before one of them is looked at", "[encoder]") {
    Alone alone(feature("c", StoredType::category, {HashBuckets{10, 0}}), DType::int64);
    const auto most = static_cast<size_t>(Limits().text_bytes);
    REQUIRE(alone(std::string(most, 'x')).ok());
    REQUIRE(message(alone, std::string(most + 1, '\xFF')) ==
            "feature 'c': expected a category of at most 1048576 bytes, got 1048577");
    Feature secret = feature("c", StoredType::category, {HashBuckets{10, 0}});
    secret.privacy = "payment";
    Alone hidden(std::move(secret), DType::int64);
    REQUIRE(message(hidden, std::string(most + 1, 'x')) ==
            "feature 'c': expected a category of at most 1048576 bytes, got 1048577");
}

TEST_CASE("an identity code is its own index", "[encoder]") {
    Alone alone(feature("c", StoredType::code, {Identity{3}}), DType::int64);
    REQUIRE(alone(int64_t{2}).ok());
    REQUIRE(alone.at<int64_t>() == 2);
    REQUIRE(message(alone, int64_t{3}) == "feature 'c': expected a code in [0, 3), got 3");
    REQUIRE(message(alone, int64_t{-1}) == "feature 'c': expected a code in [0, 3), got -1");
}

TEST_CASE("a hashed key has the bucket of the published hash", "[encoder]") {
    Alone text(feature("c", StoredType::category, {HashBuckets{1000, 7}}), DType::int64);
    REQUIRE(text(std::string("FR")).ok());
    REQUIRE(text.at<int64_t>() == 574);
    REQUIRE(message(text, std::string("\x80")) == "feature 'c': expected UTF-8, got a bad byte at 0");
    Alone code(feature("c", StoredType::code, {HashBuckets{1000, 7}}), DType::int64);
    REQUIRE(code(int64_t{42}).ok());
    REQUIRE(code.at<int64_t>() == 619);
}

TEST_CASE("a timestamp is its seconds, and goes on through the steps", "[encoder]") {
    Alone alone(feature("t", StoredType::timestamp));
    REQUIRE(alone(int64_t{1500}).ok());
    REQUIRE(alone.at() == 1.5);
    Alone scaled(feature("t", StoredType::timestamp, {Standardise{1, 0.5}}));
    REQUIRE(scaled(int64_t{2000}).ok());
    REQUIRE(scaled.at() == 2);
}

TEST_CASE("cyclic gives sine and cosine of the local time", "[encoder]") {
    Alone alone(feature("t", StoredType::timestamp, {Cyclic{Cyclic::Period::day, Zone::fixed(3600)}}), DType::float64,
                2);
    REQUIRE(alone(int64_t{5 * 3600 * 1000 + 500}).ok());  // 06:00:00.5 local
    double angle = 6.283185307179586 * (21600.5 / 86400);
    REQUIRE(alone.at(0) == numerics::sin(angle));
    REQUIRE(alone.at(1) == numerics::cos(angle));
    REQUIRE(alone.at(0) == Approx(1).margin(1e-8));
    Alone early(feature("t", StoredType::timestamp, {Cyclic{Cyclic::Period::hour, nullptr}}), DType::float64, 2);
    REQUIRE(early(int64_t{-1}).ok());  // a millisecond before 1970
    REQUIRE(early.at(0) == numerics::sin(6.283185307179586 * (3599.999 / 3600)));
    REQUIRE(early(std::numeric_limits<int64_t>::min()).ok());
    REQUIRE(early(std::numeric_limits<int64_t>::max()).ok());
}

TEST_CASE("a local time beyond int64 is exact", "[encoder]") {
    // 400 Gregorian years are a whole number of weeks: what is that much earlier has the same place in every period.
    constexpr int64_t kCycle = int64_t{146097} * 86400, kEnd = std::numeric_limits<int64_t>::max();
    for (const auto period : {Cyclic::Period::hour, Cyclic::Period::day, Cyclic::Period::week, Cyclic::Period::year})
        for (const int32_t offset : {14 * 3600, 5 * 3600 + 1800, -12 * 3600, 0}) {
            Feature made = feature("t", StoredType::timestamp, {Cyclic{period, Zone::fixed(offset)}});
            made.ticks_per_second = 1;
            Alone alone(made, DType::float64, 2);
            for (const int64_t second : {kEnd, kEnd - 3599, -kEnd - 1, -kEnd}) {
                INFO("offset " << offset << ", second " << second);
                REQUIRE(alone(second).ok());
                const double sine = alone.at(0), cosine = alone.at(1);
                REQUIRE(alone(second + (second > 0 ? -kCycle : kCycle)).ok());
                CHECK(alone.at(0) == sine);
                CHECK(alone.at(1) == cosine);
            }
        }
}

TEST_CASE("a cell of the wrong type is named with both types", "[encoder]") {
    Alone number(feature("x", StoredType::int64));
    REQUIRE(message(number, std::string("7")) == "feature 'x': expected int64, got text");
    REQUIRE(message(number, 0.5) == "feature 'x': expected int64, got a float64 that it cannot hold exactly");
    uint64_t huge = UINT64_MAX;
    Cell cell;
    cell.type = CellType::u64;
    cell.data = reinterpret_cast<const std::byte *>(&huge);
    REQUIRE(message(number, cell) == "feature 'x': expected int64, got a uint64 outside it");
    Alone category(feature("c", StoredType::category, {vocabulary({"FR"}, true)}), DType::int64);
    REQUIRE(message(category, 1.0) == "feature 'c': expected category, got float64");
}

}  // namespace
