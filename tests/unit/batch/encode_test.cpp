// SPDX-License-Identifier: Apache-2.0
// Windows as tensors: padding and masks of sequences and texts, refused rows, sizes that do not fit.
#include <vector>

#include "batch/batch.hpp"
#include "support/catch.hpp"
#include "support/module_bundle.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;

namespace {

constexpr int64_t kRows = 6;

enum Tensor : uint32_t { kNumbers, kPast, kPastMask, kLengths, kIds, kIdsMask, kFixed };
constexpr int32_t kPad = 3;

std::shared_ptr<const Bundle> mixed_bundle() {
    return module_bundle("none", R"("features": [
        {"name": "amount", "type": "float32", "range": [0, 100]},
        {"name": "past", "type": "sequence", "of": "float32", "missing": {"default": []}},
        {"name": "note", "type": "text", "encoding": [{"op": "wordpiece", "file": "vocab.txt", "max_tokens": 4,
                                                       "add_special": false}]}],
      "tensors": [
        {"name": "numbers", "dtype": "float64", "shape": ["batch", 1], "features": ["amount"]},
        {"name": "past", "dtype": "float32", "shape": ["batch", "length"], "features": ["past"]},
        {"name": "past_mask", "dtype": "bool", "shape": ["batch", "length"], "source": "mask"},
        {"name": "lengths", "dtype": "int64", "shape": ["batch"], "source": "lengths"},
        {"name": "ids", "dtype": "int32", "shape": ["batch", "tokens"], "features": ["note"]},
        {"name": "ids_mask", "dtype": "bool", "shape": ["batch", "tokens"], "source": "mask", "of": "note"},
        {"name": "fixed", "dtype": "int32", "shape": ["batch", 4], "features": ["note"]}],
      "outputs": [{"name": "fraud", "shape": ["batch"]}], "limits": {"length": 8, "rows": 2})",
                         {{"vocab.txt", "[UNK]\n[CLS]\n[SEP]\n[PAD]\nhello\nworld\n"}});
}

// Rows 1 to 5 of 6 are the window; row 3 is refused.
struct EncodedWindow {
    EncodedWindow() : batch(mixed_bundle()) {
        REQUIRE(batch.reset(kRows).ok());
        REQUIRE(batch.set_column(0, amounts, sizeof(float), nullptr).ok());
        REQUIRE(batch.set_column(1, pasts, sizeof(wb_view), nullptr).ok());
        REQUIRE(batch.set_column(2, notes, sizeof(wb_view), nullptr).ok());
        REQUIRE(batch.set_result(WB_COLUMN_STATUS, status, sizeof status[0]).ok());
        REQUIRE(batch.set_result(WB_COLUMN_FEATURE, feature, sizeof feature[0]).ok());
        REQUIRE(batch.set_window(1, 4).ok());
    }
    void place(uint32_t tensor, void *data, size_t bytes, std::vector<uint8_t> *mask = nullptr) {
        TensorPlace to{static_cast<std::byte *>(data), bytes};
        if (mask) to.mask = mask->data(), to.mask_capacity = mask->size();
        REQUIRE(batch.set_tensor(tensor, to).ok());
    }
    Status encode(int64_t length, int64_t tokens) {
        result.reset();
        return batch.encode(length, tokens, result);
    }

    const float amounts[kRows] = {-1, 1, 2, 200, 4, 5};
    const float past[3] = {0.5f, 0.25f, 0.125f};
    const wb_view pasts[kRows] = {{past, 3}, {past, 2}, {past, 0}, {past, 1}, {past, 3}, {past, 8}};
    const wb_view notes[kRows] = {{"", 0}, {"hello", 5}, {"hello world hello", 17}, {"hello", 5}, {"", 0}, {"", 0}};
    int32_t status[kRows] = {9, 9, 9, 9, 9, 9}, feature[kRows] = {9, 9, 9, 9, 9, 9};
    Batch batch;
    std::optional<wb_batch_encoding> result;
};

using Ids = std::vector<int32_t>;
using Bytes8 = std::vector<uint8_t>;

}  // namespace

TEST_CASE("a window becomes every tensor at once, padded, with masks, its refused row zeros") {
    EncodedWindow window;
    Bytes8 length_mask(4 * 5, 9), token_mask(4 * 4, 9);
    std::vector<double> numbers(4, 77);
    std::vector<float> past(4 * 5, 77);
    Bytes8 past_mask(4 * 5, 77), ids_mask(4 * 4, 77);
    std::vector<int64_t> lengths(4, 77);
    Ids ids(4 * 4, 77), fixed(4 * 4, 77);
    window.place(kNumbers, numbers.data(), numbers.size() * 8);
    window.place(kPast, past.data(), past.size() * 4, &length_mask);
    window.place(kPastMask, past_mask.data(), past_mask.size());
    window.place(kLengths, lengths.data(), lengths.size() * 8);
    window.place(kIds, ids.data(), ids.size() * 4, &token_mask);
    window.place(kIdsMask, ids_mask.data(), ids_mask.size());
    window.place(kFixed, fixed.data(), fixed.size() * 4);
    const Status status = window.encode(5, 4);
    CHECK(status.code == WB_OK_PARTIAL);
    CHECK(status.row == 3);
    CHECK(std::string(status.message).find("feature 'amount'") == 0);
    REQUIRE(window.result);
    CHECK(window.result->status == WB_OK_PARTIAL);
    CHECK(window.result->rows == 4);
    CHECK(window.result->encoded == 3);
    CHECK(window.result->invalid == 1);
    CHECK(window.result->first_error == 3);
    CHECK(window.result->length == 3);
    CHECK(window.result->tokens == 3);
    CHECK(numbers == std::vector<double>{1, 2, 0, 4});
    CHECK(past == std::vector<float>{0.5f, 0.25f, 0, 0, 0, 0,    0,     0,      0, 0,  //
                                     0,    0,     0, 0, 0, 0.5f, 0.25f, 0.125f, 0, 0});
    const Bytes8 by_length{1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0};
    CHECK(past_mask == by_length);
    CHECK(length_mask == by_length);
    CHECK(lengths == std::vector<int64_t>{2, 0, 0, 3});
    const Ids wanted{4, kPad, kPad, kPad, 4, 5, 4, kPad, 0, 0, 0, 0, kPad, kPad, kPad, kPad};
    CHECK(ids == wanted);
    CHECK(fixed == wanted);
    const Bytes8 by_token{1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    CHECK(ids_mask == by_token);
    CHECK(token_mask == by_token);
    CHECK(window.status[0] == 9);
    CHECK(window.status[1] == WB_OK);
    CHECK(window.status[3] == WB_INVALID_INPUT);
    CHECK(window.feature[3] == 0);
    CHECK(window.feature[4] == -1);
    CHECK(window.status[5] == 9);
}

TEST_CASE("sizes that do not fit are said, with the need") {
    EncodedWindow window;
    CHECK(window.encode(0, 0).code == WB_OK_PARTIAL);  // no tensors: what the longest rows need
    CHECK(window.result->length == 3);
    CHECK(window.result->tokens == 3);
    std::vector<float> past(4 * 3, 77);
    window.place(kPast, past.data(), past.size() * 4);
    CHECK(window.encode(3, 0).code == WB_OK_PARTIAL);  // tokens do not count without their tensor
    Status small = window.encode(2, 0);
    CHECK(small.code == WB_BUFFER_TOO_SMALL);
    CHECK(std::string(small.message) == "tensor 'past': expected a length of at least 3 for the longest row, got 2");
    REQUIRE(window.result);
    CHECK(window.result->length == 3);
    CHECK(window.result->status == WB_BUFFER_TOO_SMALL);
    CHECK(window.result->invalid == 1);

    Ids ids(4 * 2, 77);
    window.place(kIds, ids.data(), ids.size() * 4);
    small = window.encode(3, 2);
    CHECK(std::string(small.message) == "tensor 'ids': expected tokens of at least 3 for the longest row, got 2");
    std::fill(past.begin(), past.end(), 77.0f);
    small = window.encode(3, 3);
    CHECK(std::string(small.message) == "tensor 'ids': expected room for 48 bytes, got 32");
    CHECK_FALSE(window.result);
    CHECK(past[0] == 77);  // before anything is written
    window.place(kIds, nullptr, 0);
    CHECK(window.encode(4, 0).code == WB_BUFFER_TOO_SMALL);
    CHECK(window.encode(INT64_MAX, 0).code == WB_BUFFER_TOO_SMALL);
    CHECK(window.encode(INT64_MAX / 16 + 1, 0).code == WB_BUFFER_TOO_SMALL);
    CHECK(window.encode(-1, 0).code == WB_INVALID_ARGUMENT);
    CHECK(window.encode(0, -1).code == WB_INVALID_ARGUMENT);
    CHECK(window.encode(3, INT64_MAX).code == WB_OK_PARTIAL);

    Bytes8 mask(4 * 3 - 1);
    window.place(kPast, past.data(), past.size() * 4, &mask);
    CHECK(std::string(window.encode(3, 0).message) == "mask of tensor 'past': expected room for 12 bytes, got 11");
    TensorPlace no_mask{reinterpret_cast<std::byte *>(past.data()), 8, mask.data(), mask.size()};
    CHECK(window.batch.set_tensor(kFixed, no_mask).code == WB_INVALID_ARGUMENT);
    CHECK(window.batch.set_tensor(kLengths, no_mask).code == WB_INVALID_ARGUMENT);
    CHECK(window.batch.set_tensor(7, {}).code == WB_INVALID_ARGUMENT);
}

TEST_CASE("tensors hold what each row's own encoding gives, in every window, and a copy has none") {
    EncodedWindow window;
    std::vector<float> past(4 * 3, 77);
    window.place(kPast, past.data(), past.size() * 4);
    Batch copy(window.batch);
    for (int64_t row : {1, 2, 4}) {
        REQUIRE(window.batch.set_window(row, 1).ok());
        std::fill(past.begin(), past.end(), 77.0f);
        CHECK(window.encode(3, 0).code == WB_OK);
        for (int64_t i = 0; i < 3; ++i)
            CHECK(past[static_cast<size_t>(i)] == (i < window.pasts[row].size ? window.past[i] : 0));
        CHECK(past[3] == 77);
    }
    REQUIRE(window.batch.set_window(6, 0).ok());
    CHECK(window.encode(0, 0).code == WB_OK);
    CHECK(window.result->rows == 0);
    CHECK(window.result->length == 0);
    std::fill(past.begin(), past.end(), 77.0f);
    CHECK(copy.encode(0, 0, window.result).code == WB_OK_PARTIAL);
    CHECK(past[0] == 77);
}
