// SPDX-License-Identifier: Apache-2.0
// Every feature type, through a draft bundle that has only a manifest.
#include <unistd.h>

#include <array>
#include <deque>
#include <filesystem>
#include <fstream>

#include "support/catch.hpp"
#include "weighbridge.hpp"

using namespace weighbridge;
using namespace std::chrono_literals;

namespace {

constexpr const char *manifest = R"({
  "weighbridge": {"format": 1, "requires": "0.1.0"},
  "identity": {"name": "types", "version": "1.0.0"},
  "features": [
    {"name": "single", "type": "float32", "missing": {"default": 0}},
    {"name": "twofold", "type": "float64", "missing": {"default": 0}},
    {"name": "whole", "type": "int64", "missing": {"default": 0}},
    {"name": "code", "type": "category", "keys": "int64", "missing": {"default": 0}, "encoding": [{"op": "identity", "size": 100}]},
    {"name": "at_s", "type": "timestamp", "unit": "s", "missing": {"default": 0}},
    {"name": "at_ms", "type": "timestamp", "unit": "ms", "missing": {"default": 0}},
    {"name": "past_whole", "type": "sequence", "of": "int64", "range": [0, 1000], "missing": {"default": []}},
    {"name": "past_single", "type": "sequence", "of": "float32", "missing": {"default": []}},
    {"name": "past_country", "type": "sequence", "of": "category", "missing": {"default": []},
     "encoding": [{"op": "vocabulary", "values": ["FR", "DE"], "unknown": "zero"}]},
    {"name": "past_at", "type": "sequence", "of": "timestamp", "unit": "s", "missing": {"default": []}}
  ],
  "tensors": [
    {"name": "numbers", "dtype": "float64", "shape": ["batch", 5], "features": ["single", "twofold", "whole", "at_s", "at_ms"]},
    {"name": "code", "dtype": "int64", "shape": ["batch"], "features": ["code"]},
    {"name": "past", "dtype": "float64", "shape": ["batch", "length", 3], "features": ["past_whole", "past_single", "past_at"]},
    {"name": "past_country", "dtype": "int64", "shape": ["batch", "length"], "features": ["past_country"]}
  ],
  "outputs": [{"name": "fraud", "shape": ["batch"]}],
  "limits": {"length": 8},
  "fallback": {"score": 0.5}
})";

Schema schema() {
    std::string directory = "/tmp/wb-types-XXXXXX";
    REQUIRE(mkdtemp(directory.data()));
    std::ofstream(directory + "/manifest.json") << manifest;
    auto loaded = Schema::load(directory);
    std::filesystem::remove_all(directory);
    if (!loaded) FAIL(loaded.error().message);
    return *std::move(loaded);
}

struct Payment {
    float single = 1.5f;
    std::optional<double> twofold = 2.25;
    int32_t whole = 3;
    uint16_t code = 42;
    std::chrono::system_clock::time_point at_s = std::chrono::sys_seconds(7s) + 999ms;
    std::chrono::sys_time<std::chrono::milliseconds> at_ms = std::chrono::sys_time<std::chrono::milliseconds>(8500ms);
    std::vector<int64_t> past_whole = {10, 20};
    std::array<float, 2> past_single = {0.5f, 0.25f};
    std::vector<std::string> past_country = {"DE", "a country with a long name"};
    std::vector<std::chrono::sys_seconds> past_at = {std::chrono::sys_seconds(1s), std::chrono::sys_seconds(2s)};
};

Binding<Payment> bind(const Schema &s) {
    return Binding<Payment>::bind(s, {{"single", &Payment::single},
                                      {"twofold", &Payment::twofold},
                                      {"whole", &Payment::whole},
                                      {"code", &Payment::code},
                                      {"at_s", &Payment::at_s},
                                      {"at_ms", &Payment::at_ms},
                                      {"past_whole", &Payment::past_whole},
                                      {"past_single", &Payment::past_single},
                                      {"past_country", &Payment::past_country},
                                      {"past_at", &Payment::past_at}})
        .value();
}

std::string message(const Expected<void> &outcome) { return outcome ? "" : outcome.error().message; }

}  // namespace

TEST_CASE("members of every type reach the tensors") {
    auto binding = bind(schema());
    Row row(binding.schema(), 0);
    CHECK(binding.fill(row, Payment{}));
    CHECK(row.encode(0).value().values<double>() == std::vector<double>{1.5, 2.25, 3, 7, 8.5});
    CHECK(row.encode(1).value().values<int64_t>() == std::vector<int64_t>{42});
    CHECK(row.encode(2).value().values<double>() == std::vector<double>{10, 0.5, 1, 20, 0.25, 2});
    CHECK(row.encode(3).value().values<int64_t>() == std::vector<int64_t>{2, 0});
}

TEST_CASE("any sized range is a sequence, and is converted where it has to be") {
    Row row(schema());
    CHECK(row.set("past_whole", std::deque<int>{1, 2}));
    CHECK(row.set("past_single", std::vector<double>{0.5, 0.75}));
    CHECK(row.set("past_at", std::vector<int64_t>{5, 6}));
    const char *countries[] = {"FR", "XX"};
    CHECK(row.set("past_country", countries));
    CHECK(row.encode(2).value().values<double>() == std::vector<double>{1, 0.5, 5, 2, 0.75, 6});
    CHECK(row.encode(3).value().values<int64_t>() == std::vector<int64_t>{1, 0});
}

TEST_CASE("empty sequences have no elements") {
    Row row(schema());
    CHECK(row.set("past_whole", std::vector<int64_t>()));
    CHECK(row.set("past_country", std::vector<std::string>()));
    CHECK(row.encode(2).value().data.empty());
}

TEST_CASE("a sequence of the wrong elements is refused") {
    Row row(schema());
    CHECK(row.set("past_whole", std::vector<double>{1}));
    CHECK(message(row.set("past_whole", std::vector<double>{1, 1.5})) ==
          "feature 'past_whole': expected sequence of int64, got sequence of float64");
    CHECK(message(row.set("past_whole", 1)) == "feature 'past_whole': expected sequence of int64, got int32");
    CHECK(message(row.set("past_country", std::vector<int>{1})) ==
          "feature 'past_country': expected sequence of category, got sequence of int32");
    CHECK_FALSE(row.set("past_whole", std::vector<bool>{true}));
    CHECK_FALSE(row.set("past_country", "FR"));
}

TEST_CASE("JSON sets sequences and times") {
    Row row(schema(), 0);
    CHECK(row.set_json(
        R"({"past_whole": [1, 2, 3], "past_single": [1, 2, 3], "past_at": [1, 2, 3], "past_country": ["FR", "FR", "DE"],
                           "at_ms": "1970-01-01T00:00:02.5Z"})"));
    CHECK(row.encode(3).value().values<int64_t>() == std::vector<int64_t>{1, 1, 2});
    CHECK(row.encode(0).value().values<double>()[4] == 2.5);
}

TEST_CASE("columns of structs carry texts, sequences and narrower members") {
    auto binding = bind(schema());
    std::vector<Payment> payments(20);
    payments[3].past_whole = {10, 1001};  // beyond the range: only the row that has it is refused
    payments[5].past_country.assign(2, std::string(1000, 'x'));
    payments[7].twofold.reset();
    payments[11].code = 100;
    Batch batch = Batch::create(binding.schema()).value();
    CHECK(binding.fill(batch, payments));
    for (size_t i = 0; i < payments.size(); ++i) {
        auto checked = batch.check(i);
        CAPTURE(i, message(checked));
        if (i == 3)
            CHECK(checked.error().feature == 6);
        else if (i == 11)
            CHECK(checked.error().feature == 3);
        else
            CHECK(checked);
    }
}
