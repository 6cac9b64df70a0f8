// SPDX-License-Identifier: Apache-2.0
// Neighbouring features that are copied and checked together give what they give one by one: bits, notes, messages.
#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "encoder_fixture.hpp"
#include "feature/columns.hpp"
#include "feature/mapped_source.hpp"
#include "feature/row.hpp"
#include "feature/wordpiece.hpp"
#include "support/catch.hpp"

namespace {

using namespace weighbridge::lib;
using namespace weighbridge::lib::test;

// The same cells, one by one: neither copied nor shared.
struct OneByOne final : RowSource {
    explicit OneByOne(const RowSource &of) : source(of) {}
    Status cell(uint32_t feature, int64_t row, Cell &out) const override { return source.cell(feature, row, out); }
    const RowSource &source;
};

// What a row became, or why it did not.
struct Outcome {
    std::string message;
    int32_t feature = -1;
    uint32_t defaulted = 0, clipped = 0;
    std::vector<std::vector<std::byte>> bytes;  // by tensor
    bool operator==(const Outcome &) const = default;
};

std::vector<std::byte> row_bytes(const TensorView &view, int64_t row) {
    const int64_t each = view.shape.elements() / view.shape.size[0] * static_cast<int64_t>(size_of(view.dtype));
    const auto *data = static_cast<const std::byte *>(view.data) + row * each;
    return {data, data + each};
}

Outcome append(const Encoder &encoder, Tile &tile, const RowSource &source, int64_t row) {
    Outcome made;
    RowNotes notes;
    Encoder::Append done;
    const int64_t before = tile.rows();
    Status status = encoder.append(tile, source, row, notes, done);
    made.message = status.message;
    made.feature = status.feature;
    if (!status.ok() || done != Encoder::Append::added) return made;
    made.defaulted = notes.defaulted;
    made.clipped = notes.clipped;
    for (const TensorView &view : tile.views()) made.bytes.push_back(row_bytes(view, before));
    return made;
}

Outcome alone(const Encoder &encoder, const RowSource &source, int64_t row) {
    Tile tile = encoder.make_tile(1);
    return append(encoder, tile, OneByOne(source), row);
}

using Random = std::mt19937_64;
int64_t below(Random &random, int64_t limit) { return static_cast<int64_t>(random() % static_cast<uint64_t>(limit)); }

Feature number_feature(Random &random, size_t index) {
    Feature made = feature("f" + std::to_string(index), StoredType::float32);
    switch (below(random, 6)) {
        case 0:
            return ranged(std::move(made), -1, 2.5);
        case 1:
            made.minimum = 0.1;  // no float32
            break;
        case 2:
            made.maximum = 0.1;
            break;
        case 3:
            made.encoding = {Clip{-1, 1}};
            break;
        default:
            break;
    }
    return made;
}

Feature any_feature(Random &random, size_t index) {
    const std::string name = "f" + std::to_string(index);
    Feature made = number_feature(random, index);
    switch (below(random, 12)) {
        case 0:
            made = feature(name, StoredType::float64);
            break;
        case 1:
            made = feature(name, StoredType::boolean);
            break;
        case 2:
            made = feature(name, StoredType::int64);
            break;
        case 3:
        case 4:
        case 5:
            made = feature(name, StoredType::code, {Identity{1 + below(random, 5)}});
            break;
        case 6:
            made = feature(name, StoredType::code, {HashBuckets{10, 3}});
            break;
        default:
            break;
    }
    if (below(random, 2) == 0) {
        made.missing = default_number(0);
        if (made.minimum) made.missing->number = 1;
        made.nan_is_missing =
            (made.type == StoredType::float32 || made.type == StoredType::float64) && below(random, 2) == 0;
    }
    return made;
}

bool is_index(const Feature &feature) { return feature.type == StoredType::code; }

struct RandomCase {
    explicit RandomCase(Random &random) {
        const auto count = static_cast<size_t>(1 + below(random, 150));
        std::vector<uint32_t> numbers, indices, again;
        for (size_t i = 0; i < count; ++i) {
            features.push_back(i > 0 && below(random, 4) != 0 && features.back().type == StoredType::float32
                                   ? number_feature(random, i)
                                   : any_feature(random, i));
            const auto index = static_cast<uint32_t>(i);
            (is_index(features[i]) ? indices : numbers).push_back(index);
            if (below(random, 20) == 0 && !is_index(features[i])) again.push_back(index);
        }
        for (auto *list : {&numbers, &indices})
            for (int swaps = 0; swaps < 2 && list->size() > 1; ++swaps)
                if (below(random, 2) == 0)
                    std::swap((*list)[static_cast<size_t>(below(random, static_cast<int64_t>(list->size())))],
                              list->front());
        std::vector<TensorSpec> tensors;
        auto add = [&](const char *name, DType dtype, const std::vector<uint32_t> &of) {
            if (!of.empty()) tensors.push_back(tensor(name, dtype, {kBatch, static_cast<int64_t>(of.size())}, of));
        };
        add("numbers", DType::float32, numbers);
        add("indices", below(random, 4) == 0 ? DType::int32 : DType::int64, indices);
        add("again", DType::float64, again);
        auto made = try_encoder(features, tensors);
        INFO(made.status().message);
        REQUIRE(made);
        encoder = *std::move(made);
    }

    // A value of the feature, wrong one time in `odds`.
    void write(Random &random, size_t index, std::byte *at, int64_t odds) const {
        const bool wrong = below(random, odds) == 0;
        constexpr double kOdd[] = {std::numeric_limits<double>::quiet_NaN(),
                                   std::numeric_limits<double>::infinity(),
                                   -std::numeric_limits<double>::infinity(),
                                   2.50001,
                                   -1.5,
                                   -0.0,
                                   1e-40};
        const double number = wrong ? kOdd[below(random, 7)] : features[index].maximum == 0.1 ? -0.5 : 0.5;
        const auto single = static_cast<float>(number);
        const int64_t code = wrong ? (below(random, 2) == 0 ? INT64_MIN : below(random, 9)) : 0;
        const uint8_t flag = wrong ? 2 : 1;
        switch (features[index].type) {
            case StoredType::float32:
                std::memcpy(at, &single, sizeof single);
                break;
            case StoredType::float64:
                std::memcpy(at, &number, sizeof number);
                break;
            case StoredType::boolean:
                std::memcpy(at, &flag, sizeof flag);
                break;
            default:
                std::memcpy(at, &code, sizeof code);
        }
    }

    std::vector<Feature> features;
    std::unique_ptr<const Encoder> encoder;
};

// A row of the schema, `odds` as above; one value in `holes` is missing.
std::vector<uint64_t> random_row(const RandomCase &of, Random &random, int64_t odds, int64_t holes) {
    const Schema &schema = of.encoder->schema();
    std::vector<uint64_t> row(schema.fixed_bytes() / 8);
    REQUIRE(init_row(schema, row.data(), schema.fixed_bytes()).ok());
    auto *bytes = reinterpret_cast<std::byte *>(row.data());
    for (size_t i = 0; i < of.features.size(); ++i) {
        of.write(random, i, bytes + schema.fields()[i].offset, odds);
        if (below(random, holes) != 0)
            bytes[schema.missing_offset() + i / 8] &= static_cast<std::byte>(~(1U << (i % 8)));
    }
    return row;
}

// Columns over one row's memory, some of stride 0, some with validity, one in `gaps` not set.
void set_columns(const RandomCase &of, Random &random, Columns &columns, const std::vector<uint64_t> &rows,
                 const std::vector<uint8_t> &validity, int64_t shared, int64_t gaps) {
    const Schema &schema = of.encoder->schema();
    for (uint32_t i = 0; i < of.features.size(); ++i) {
        if (below(random, gaps) == 0) continue;
        const auto *data = reinterpret_cast<const std::byte *>(rows.data()) + schema.fields()[i].offset;
        const int64_t stride = below(random, shared) != 0 ? 0 : schema.fixed_bytes();
        const bool valid = below(random, 8) != 0;
        REQUIRE(columns.set_column(i, data, stride, valid ? nullptr : validity.data()).ok());
    }
}

TEST_CASE("runs of plain features give what the features give one by one", "[encoder]") {
    Random random(1);
    for (int schemas = 0; schemas < 150; ++schemas) {
        RandomCase made(random);
        Tile tile = made.encoder->make_tile(1);
        for (int rows = 0; rows < 12; ++rows) {
            const bool clean = rows % 3 == 0;
            auto row = random_row(made, random, clean ? 1'000'000 : 200, rows % 2 == 0 ? 1'000'000 : 30);
            StridedRows source(made.encoder->schema(), row.data(), 0);
            tile.clear();
            REQUIRE(append(*made.encoder, tile, source, 0) == alone(*made.encoder, source, 0));

            // Through a map of the features onto themselves, one of them unknown to the rows.
            std::vector<int32_t> wanted(made.features.size());
            for (size_t i = 0; i < wanted.size(); ++i) wanted[i] = static_cast<int32_t>(i);
            if (rows % 4 == 1) wanted[static_cast<size_t>(below(random, static_cast<int64_t>(wanted.size())))] = -1;
            MappedSource mapped(source, wanted);
            tile.clear();
            REQUIRE(append(*made.encoder, tile, mapped, 0) == alone(*made.encoder, mapped, 0));
        }
    }
}

TEST_CASE("what rows share is encoded once, with the bits, notes and errors of each row alone", "[encoder]") {
    Random random(2);
    constexpr int64_t kRows = 9;
    int refused = 0, added = 0;
    for (int schemas = 0; schemas < 200; ++schemas) {
        RandomCase made(random);
        const Schema &schema = made.encoder->schema();
        std::vector<uint64_t> rows;
        for (int64_t i = 0; i < kRows; ++i) {
            auto row = random_row(made, random, schemas % 3 == 0 ? 1'000'000 : 1500, 1'000'000);
            rows.insert(rows.end(), row.begin(), row.end());
        }
        const std::vector<uint8_t> validity = {static_cast<uint8_t>(random()), 1};
        auto owned = Schema::make(made.features);
        Columns columns(*owned);
        columns.reset(kRows);
        set_columns(made, random, columns, rows, validity, 1 + below(random, 6), schemas % 2 == 0 ? 1'000'000 : 100);
        StridedRows same(schema, rows.data(), 0);
        for (const RowSource *source :
             {static_cast<const RowSource *>(&columns), static_cast<const RowSource *>(&same)}) {
            Tile tile = made.encoder->make_tile(kRows);
            for (int round = 0; round < 2; ++round) {  // the second after a clear
                tile.clear();
                made.encoder->share(tile, *source);
                for (int64_t row = 0; row < kRows; ++row) {
                    Outcome found = append(*made.encoder, tile, *source, row);
                    REQUIRE(found == alone(*made.encoder, *source, row));
                    ++(found.feature >= 0 ? refused : added);
                }
            }
        }
    }
    REQUIRE(refused > 200);
    REQUIRE(added > 1000);
}

TEST_CASE("a cleared tile shares nothing", "[encoder]") {
    auto encoder = *try_encoder({feature("a", StoredType::float32)}, {tensor("x", DType::float32, {kBatch}, {0})});
    auto schema = *Schema::make({feature("a", StoredType::float32)});
    Columns columns(schema);
    columns.reset(2);
    const float value = 2;
    REQUIRE(columns.set_column(0, &value, 0, nullptr).ok());
    Tile tile = encoder->make_tile(2);
    encoder->share(tile, columns);
    RowNotes notes;
    Encoder::Append done;
    REQUIRE(encoder->append(tile, columns, 0, notes, done).ok());
    tile.clear();
    for (float given : {3.0F, 4.0F}) REQUIRE(encoder->append(tile, GivenRow({given}), 0, notes, done).ok());
    REQUIRE(values<float>(tile.views()[0]) == std::vector<float>{3, 4});
}

TEST_CASE("sequences and texts that rows share are encoded once", "[encoder]") {
    Feature past = sequence("past", StoredType::float64, {Clip{0, 5}});
    Feature when = sequence("when", StoredType::timestamp, {Cyclic{Cyclic::Period::day, nullptr}});
    Feature word = feature("word", StoredType::text,
                           {Tokenise{*WordPiece::make("[PAD]\n[UNK]\n[CLS]\n[SEP]\nhello\nworld\n", {}), 4}});
    Feature memo = word;
    memo.name = "memo";
    memo.missing = default_text("world");
    Feature amount = ranged(feature("amount", StoredType::float64), 0, 9);
    const std::vector<Feature> features = {past, amount, when, word, memo};
    const std::vector<TensorSpec> tensors = {
        tensor("history", DType::float32, {kBatch, kLength, 3}, {0, 2}),
        tensor("times", DType::float64, {kBatch, kLength, 2}, {2}),
        tensor("amount", DType::float32, {kBatch}, {1}),
        tensor("words", DType::int64, {kBatch, 4}, {3}),
        tensor("memo", DType::int32, {kBatch, kTokens}, {4}),
        tensor("memo_mask", DType::boolean, {kBatch, kTokens}, {4}, TensorSpec::Source::mask),
        tensor("word_mask", DType::boolean, {kBatch, 4}, {3}, TensorSpec::Source::mask),
    };
    Limits limits;
    limits.length = 3;
    auto made = try_encoder(features, tensors, limits);
    INFO(made.status().message);
    REQUIRE(made);
    const Encoder &encoder = **made;
    constexpr int64_t kRows = 3;
    const double amounts[] = {1, 10, 3}, own_past[] = {1, 2, 6, 4, 5, 9};
    const int64_t times[] = {3'600'000, 7'200'000};
    const wb_view past_view{own_past, 2}, when_view{times, 2};
    const wb_view past_views[] = {{own_past, 2}, {own_past + 2, 2}, {own_past + 4, 2}};
    const std::string text = "hello world", other = "world";
    const wb_view word_view{text.data(), static_cast<int64_t>(text.size())};
    const wb_view word_views[] = {word_view, {other.data(), static_cast<int64_t>(other.size())}, word_view};
    for (int shared = 0; shared < 16; ++shared) {
        auto schema = *Schema::make(features);
        Columns columns(schema);
        columns.reset(kRows);
        constexpr int64_t kView = sizeof(wb_view);
        auto set = [&](uint32_t index, const void *data, int64_t stride) {
            REQUIRE(columns.set_column(index, data, stride, nullptr).ok());
        };
        (shared & 1) != 0 ? set(0, &past_view, 0) : set(0, past_views, kView);
        (shared & 2) != 0 ? set(1, amounts, 0) : set(1, amounts, sizeof(double));
        set(2, &when_view, 0);
        (shared & 4) != 0 ? set(3, &word_view, 0) : set(3, word_views, kView);
        if ((shared & 8) != 0) set(4, &word_view, 0);  // else its default
        Tile tile = encoder.make_tile(kRows);
        encoder.share(tile, columns);
        for (int64_t row = 0; row < kRows; ++row)
            REQUIRE(append(encoder, tile, columns, row) == alone(encoder, columns, row));
        REQUIRE(tile.rows() == ((shared & 2) != 0 ? 3 : 2));
    }
}

TEST_CASE("the marks of several rows are taken and given back together", "[row]") {
    auto schema = *Schema::make({feature("a", StoredType::float64)});
    const auto words = schema->fixed_bytes() / 8;
    std::vector<uint64_t> rows(3 * words);
    for (size_t i = 0; i < 3; ++i) REQUIRE(init_row(*schema, &rows[i * words], schema->fixed_bytes()).ok());
    const auto stride = static_cast<int64_t>(schema->fixed_bytes());
    {
        RowLock all;
        REQUIRE(all.take(*schema, rows.data(), stride, 3).ok());
        for (size_t i = 0; i < 3; ++i) {
            RowLock one;
            REQUIRE(one.take(*schema, &rows[i * words]).code == WB_BUSY);
        }
    }
    RowLock last;
    REQUIRE(last.take(*schema, &rows[2 * words]).ok());
    RowLock all;
    Status busy = all.take(*schema, rows.data(), stride, 3);
    REQUIRE(busy.code == WB_BUSY);
    REQUIRE(busy.row == 2);
    RowLock first, backwards;
    REQUIRE(first.take(*schema, rows.data()).ok());
    REQUIRE(backwards.take(*schema, &rows[words], -stride, 2).row == 1);
    RowLock middle;
    REQUIRE(middle.take(*schema, &rows[words]).ok());
}

}  // namespace
