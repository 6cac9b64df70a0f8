// SPDX-License-Identifier: Apache-2.0
#include "bundle/golden.hpp"

#include <limits>
#include <set>

#include "feature/row.hpp"
#include "unit/bundle/bundle_support.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::lib::test;

namespace {

std::shared_ptr<const Bundle> with_golden(const Scratch &dir, std::string_view golden) {
    make_bundle(dir);
    dir.write("golden.jsonl", golden);
    seal(dir, example());
    auto bundle = open_full(dir.path);
    INFO(bundle.status().message);
    REQUIRE(bundle);
    return *bundle;
}

std::string problem(std::string_view golden) {
    Scratch dir;
    auto vectors = read_golden(*with_golden(dir, golden));
    if (vectors) return "accepted";
    CHECK(vectors.status().code == WB_INVALID_BUNDLE);
    return vectors.status().message;
}

std::string line() { return std::string(kGoldenLine); }

}  // namespace

TEST_CASE("golden vectors are rows and outputs") {
    Scratch dir;
    auto bundle = with_golden(dir, line() + line());
    auto vectors = read_golden(*bundle);
    INFO(vectors.status().message);
    REQUIRE(vectors);
    REQUIRE(vectors->size() == 2);
    const GoldenVector &first = vectors->front();
    REQUIRE(first.answer.outputs.size() == 2);
    CHECK(first.answer.outputs[0] == std::vector<float>{0.25F});
    CHECK(first.answer.outputs[1].size() == 32);
    const auto header = load_unaligned<wb_row_header>(first.row.data());
    CHECK(header.schema_digest == bundle->schema()->digest());
    CHECK(header.capacity == first.row.size() * 8);
    CHECK(header.used <= header.capacity);
    CHECK(header.used + 8 > header.capacity);
}

TEST_CASE("the last line may end without a newline") {
    CHECK(problem(line().substr(0, line().size() - 1)) == "accepted");
}

TEST_CASE("a bad line is named") {
    CHECK(problem("") == "golden.jsonl: expected at least one line, got none");
    CHECK(problem(line() + "\n" + line()) == "golden.jsonl: line 2: line 1, column 1: expected JSON, got the end");
    CHECK(problem("{\"row\": {\"amount_minor\": 1250 7") ==
          "golden.jsonl: line 1: line 1, column 31: expected JSON, got something else");
    CHECK(problem("{}\n") == "golden.jsonl: line 1: row: expected an object, got nothing");
    CHECK(problem(line() + replaced(line(), "\"outputs\"", "\"output\"")) ==
          "golden.jsonl: line 2: output: expected no such field; 'outputs' is near");
    CHECK(problem(replaced(line(), "\"fraud\"", "\"frauds\"")) ==
          "golden.jsonl: line 1: outputs.frauds: expected the name of an output in manifest.json");
    CHECK(problem(replaced(line(), "\"fraud\": [0.25], ", "")) ==
          "golden.jsonl: line 1: outputs.fraud: expected an array of 1, got nothing");
    CHECK(problem(replaced(line(), "[0.25]", "[0.25, 1]")) ==
          "golden.jsonl: line 1: outputs.fraud: expected an array of 1, got an array of 2");
    CHECK(problem(replaced(line(), "[0.25]", "[-1e39]")) ==
          "golden.jsonl: line 1: outputs.fraud[0]: expected a number that float32 holds, got -1e+39");
    CHECK(problem(replaced(line(), "[0.25]", "[null]")) ==
          "golden.jsonl: line 1: outputs.fraud[0]: expected a number, got null");
}

TEST_CASE("numbers that are not finite are refused by the name of their output, however they are written") {
    for (const char *word : {"NaN", "Infinity", "-Infinity"}) {
        CHECK(problem(line() + replaced(line(), "[0.25]", formatted("[{}]", word))) ==
              formatted("golden.jsonl: line 2: output 'fraud': expected finite numbers, got {}", word));
        // Elsewhere, the word is a mistake as any other is, and in a text it is none.
        CHECK(cut(problem(replaced(line(), "1250", word)), "expected JSON, got something else") ==
              "expected JSON, got something else");
        CHECK(cut(problem(replaced(line(), "[0.25]", formatted("\"{}\"", word))), "outputs.fraud: expected an array") ==
              "outputs.fraud: expected an array");
    }
    for (const char *number : {"1e39", "-1e39", "1e999"})
        CHECK(cut(problem(replaced(line(), "[0.25]", formatted("[{}]", number))), "golden.jsonl: line 1: ") ==
              "golden.jsonl: line 1: ");
}

TEST_CASE("a row that the schema or the encoder refuses is named") {
    CHECK(cut(problem(replaced(line(), "1250", "\"x\"")), "golden.jsonl: line 1: row: feature 'amount_minor'") ==
          "golden.jsonl: line 1: row: feature 'amount_minor'");
    CHECK(cut(problem(replaced(line(), "1250", "10000001")), "golden.jsonl: line 1: row: feature 'amount_minor'") ==
          "golden.jsonl: line 1: row: feature 'amount_minor'");
    CHECK(problem(replaced(line(), "1250", "10000001")).find("10000001") == std::string::npos);
    CHECK(cut(problem(replaced(line(), "\"amount_minor\": 1250, ", "")), "feature 'amount_minor'") ==
          "feature 'amount_minor'");
    CHECK(cut(problem(replaced(line(), "\"country\"", "\"land\"")), "golden.jsonl: line 1: row: ") ==
          "golden.jsonl: line 1: row: ");
}

TEST_CASE("golden_line reads back the same floats") {
    Scratch dir;
    auto bundle = with_golden(dir, line());
    std::vector<std::vector<float>> outputs(2);
    outputs[0] = {0.1F};
    for (int i = 0; i < 32; ++i) outputs[1].push_back(static_cast<float>(i) / 7.0F);
    outputs[1][0] = std::numeric_limits<float>::denorm_min();
    outputs[1][1] = -std::numeric_limits<float>::max();
    outputs[1][2] = -0.0F;
    outputs[1][3] = 1.00000012F;
    const std::string row = Json::parse(line())["row"].dump();
    const std::string text = golden_line(row, bundle->manifest(), {outputs, {}, {}});
    CHECK(text.find('\n') == std::string::npos);
    CHECK(cut(text, "\"outputs\": {\"fraud\": [0.1], \"embedding\": [1e-45, -3.4028235e+38, -0, ") ==
          "\"outputs\": {\"fraud\": [0.1], \"embedding\": [1e-45, -3.4028235e+38, -0, ");
    Scratch other;
    auto vectors = read_golden(*with_golden(other, text + "\n"));
    INFO(vectors.status().message);
    REQUIRE(vectors);
    CHECK((*vectors)[0].answer.outputs == outputs);
}

TEST_CASE("golden_line reads back the same probability and band") {
    Scratch dir, other;
    auto bundle = with_golden(dir, line());
    const GoldenAnswer answer{{{0.1F}, std::vector<float>(32, 1.0F)}, 0.1 + 0.2, 1};
    const std::string row = generate_golden_rows(*bundle, 1)[0];
    const std::string text = golden_line(row, bundle->manifest(), answer);
    CHECK(cut(text, ", \"probability\": 0.30000000000000004, \"band\": \"review\"}") ==
          ", \"probability\": 0.30000000000000004, \"band\": \"review\"}");
    auto vectors = read_golden(*with_golden(other, text + "\n"));
    INFO(vectors.status().message);
    REQUIRE(vectors);
    CHECK((*vectors)[0].answer.probability == 0.1 + 0.2);
    CHECK((*vectors)[0].answer.band == 1);
    CHECK((*vectors)[0].answer.outputs == answer.outputs);
}

TEST_CASE("a decimal goes to the nearest float in one rounding") {
    // As a double this lies exactly between two floats, and would then go to the even one below.
    Scratch dir;
    auto vectors = read_golden(*with_golden(dir, replaced(line(), "[0.25]", "[0.00895278574898839]")));
    REQUIRE(vectors);
    CHECK((*vectors)[0].answer.outputs[0][0] == 0.00895278574898839F);
    CHECK((*vectors)[0].answer.outputs[0][0] != static_cast<float>(0.00895278574898839));
}

TEST_CASE("generated rows are accepted, varied and the same each time") {
    Scratch dir;
    auto bundle = with_golden(dir, line());
    const auto rows = generate_golden_rows(*bundle, 64);
    REQUIRE(rows.size() == 64);
    CHECK(rows == generate_golden_rows(*bundle, 64));
    CHECK(std::set<std::string>(rows.begin(), rows.end()).size() == 64);

    std::string golden;
    const std::vector<std::vector<float>> outputs = {{0.5F}, std::vector<float>(32, 1.0F)};
    for (const std::string &row : rows) golden += golden_line(row, bundle->manifest(), {outputs, {}, {}}) + "\n";
    Scratch other;
    auto vectors = read_golden(*with_golden(other, golden));
    INFO(vectors.status().message);
    REQUIRE(vectors);

    std::set<std::string> countries;
    size_t shortest = 1000, longest = 0, without_distance = 0;
    for (const std::string &text : rows) {
        const Json row = Json::parse(text);
        countries.insert(row["country"].get<std::string>());
        shortest = std::min(shortest, row["past_amount"].size());
        longest = std::max(longest, row["past_amount"].size());
        without_distance += row.contains("distance_km") ? 0 : 1;
    }
    CHECK(countries == std::set<std::string>{"DE", "FR"});
    CHECK(shortest == 0);
    CHECK(longest == 128);
    CHECK(without_distance > 0);
    CHECK(without_distance < 30);
}

TEST_CASE("no generated row is shorter than limits.least_length") {
    for (int64_t least : {0, 1, 5, 100, 128}) {
        CAPTURE(least);
        Scratch dir;
        Json manifest = example();
        manifest["limits"]["least_length"] = least;
        dir.write("manifest.json", manifest.dump());
        dir.write("vocab.txt", kVocabulary);
        auto bundle = Bundle::open(dir.path, Bundle::Mode::draft);
        INFO(bundle.status().message);
        REQUIRE(bundle);
        size_t shortest = 1000, longest = 0;
        for (const std::string &text : generate_golden_rows(**bundle, 64)) {
            const size_t length = Json::parse(text)["past_amount"].size();
            shortest = std::min(shortest, length);
            longest = std::max(longest, length);
        }
        CHECK(shortest == static_cast<size_t>(least));
        CHECK(longest == 128);
    }
}

TEST_CASE("rows are generated for every type and extreme range") {
    Scratch dir;
    const Json manifest = Json::parse(R"({
      "weighbridge": {"format": 1, "requires": "0.1.0"}, "identity": {"name": "n", "version": "1"},
      "features": [
        {"name": "a", "type": "float32", "range": [0.1, 0.1000001]},
        {"name": "b", "type": "int64", "range": [5000000000000000000, 6000000000000000000]},
        {"name": "c", "type": "timestamp", "unit": "ns"},
        {"name": "d", "type": "bool"},
        {"name": "e", "type": "category", "keys": "int64", "encoding": [{"op": "identity", "size": 3}]},
        {"name": "f", "type": "category", "encoding": [{"op": "hash", "buckets": 5, "seed": 18446744073709551615}]},
        {"name": "g", "type": "float64", "encoding": [{"op": "clip", "min": 0, "max": 1e6}, {"op": "log1p"}]},
        {"name": "h", "type": "float64", "encoding": [{"op": "bucketise", "edges": [1, 2, 3]}]},
        {"name": "i", "type": "category", "keys": "int64", "encoding": [{"op": "vocabulary", "values": [-7, 9]}]}
      ],
      "tensors": [
        {"name": "x", "dtype": "float64", "shape": ["batch", 5], "features": ["a", "b", "c", "d", "g"]},
        {"name": "y", "dtype": "int64", "shape": ["batch", 4], "features": ["e", "f", "h", "i"]}
      ],
      "outputs": [{"name": "p", "shape": ["batch"]}], "fallback": {"score": 0}
    })");
    dir.write("model.ts", "m");
    dir.write("golden.jsonl", "");
    seal(dir, manifest);
    auto draft = Bundle::open(dir.path, Bundle::Mode::draft);
    INFO(draft.status().message);
    REQUIRE(draft);
    std::string golden;
    for (const std::string &row : generate_golden_rows(**draft, 64))
        golden += golden_line(row, (*draft)->manifest(), {{{0.0F}}, {}, {}}) + "\n";
    dir.write("golden.jsonl", golden);
    seal(dir, manifest);
    auto bundle = open_full(dir.path);
    REQUIRE(bundle);
    auto vectors = read_golden(**bundle);
    INFO(vectors.status().message);
    CHECK(vectors.ok());
}

TEST_CASE("random changes of golden.jsonl never do harm", "[one-thread]") {
    uint64_t state = 7;
    auto random = [&state](size_t below) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        return static_cast<size_t>(state >> 33) % below;
    };
    Scratch dir;
    make_bundle(dir);
    for (int round = 0; round < 200; ++round) {
        std::string golden = line();
        for (size_t edits = 1 + random(3); edits > 0; --edits) {
            const size_t at = random(golden.size());
            if (random(2) == 0)
                golden[at] = static_cast<char>(random(256));
            else
                golden.insert(at, golden.substr(random(golden.size()), random(12)));
        }
        dir.write("golden.jsonl", golden);
        seal(dir, example());
        auto bundle = open_full(dir.path);
        REQUIRE(bundle);
        auto vectors = read_golden(**bundle);
        if (!vectors) CHECK(std::string_view(vectors.status().message).starts_with("golden.jsonl: line "));
    }
}
