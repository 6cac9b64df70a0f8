// SPDX-License-Identifier: Apache-2.0
// What a swap must keep for the callers of a slot, kind by kind: every narrowing is refused with the first difference,
// every widening is allowed and told.
#include "slot/compatibility.hpp"

#include "bundle/manifest_reader.hpp"
#include "unit/bundle/bundle_support.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::lib::test;

namespace {

constexpr const char *kServing = R"({
  "weighbridge": {"format": 1, "requires": "0.1.0"},
  "identity": {"name": "serving", "version": "1"},
  "features": [
    {"name": "amount", "type": "int64", "money": {"currency": "EUR", "exponent": 2}, "range": [0, 1000],
     "privacy": "payment"},
    {"name": "age", "type": "float32", "missing": {"default": 0}, "nan": "missing"},
    {"name": "strict", "type": "float32"},
    {"name": "country", "type": "category",
     "encoding": [{"op": "vocabulary", "values": ["FR", "DE"], "unknown": "zero"}]},
    {"name": "mode", "type": "category", "encoding": [{"op": "vocabulary", "values": ["chip", "swipe"]}]},
    {"name": "mcc", "type": "category", "keys": "int64", "encoding": [{"op": "identity", "size": 10}]},
    {"name": "paid_at", "type": "timestamp", "unit": "ms"},
    {"name": "past", "type": "sequence", "of": "float32", "missing": {"default": []}}
  ],
  "tensors": [{"name": "x", "dtype": "float32", "shape": ["batch", 4],
               "features": ["amount", "age", "strict", "paid_at"]},
              {"name": "keys", "dtype": "int64", "shape": ["batch", 3], "features": ["country", "mode", "mcc"]},
              {"name": "past", "dtype": "float32", "shape": ["batch", "length"], "features": ["past"]}],
  "outputs": [
    {"name": "fraud", "shape": ["batch"], "primary": true,
     "bands": [{"name": "approve", "below": 0.1}, {"name": "review", "below": 0.5}, {"name": "decline"}]},
    {"name": "loss", "shape": ["batch", 2]}
  ],
  "limits": {"length": 100},
  "fallback": {"score": 0.5}
})";

Json edited(Json document, const Json &edits) {
    for (const auto &[pointer, value] : edits.items()) {
        const Json::json_pointer place(pointer);
        if (!value.is_null()) {
            document[place] = value;
        } else if (Json &parent = document[place.parent_pointer()]; parent.is_array()) {
            parent.erase(std::stoul(place.back()));
        } else {
            parent.erase(place.back());
        }
    }
    return document;
}

// The promise of the serving manifest after edits by JSON pointer; null removes.
Promise promise(const Json &edits = Json::object()) {
    const Json manifest = edited(Json::parse(kServing), edits);
    auto read = read_manifest("manifest.json", manifest.dump(), Completeness::draft);
    INFO(read.status().message);
    REQUIRE(read);
    return Promise(read->manifest);
}

std::string text(const std::vector<std::string> &gained) {
    std::string all;
    for (const std::string &one : gained) all += (all.empty() ? "" : ", ") + one;
    return all;
}

struct Case {
    const char *what;
    Json before, after;
    std::string said;  // the refusal, or what callers gain
};

const Json kNone = Json::object();
const Json kBands = Json::array({{{"name", "approve"}, {"below", 0.1}}, {{"name", "decline"}}});

// clang-format off
std::vector<Case> narrowings() {
    const std::string serving = " as in the serving model, found ";
    const Json truncated = Json::array({{{"op", "truncate"}, {"keep", "tail"}}});
    const Json sequence = {
        {"name", "more"}, {"type", "sequence"}, {"of", "int64"}, {"missing", {{"default", Json::array()}}}};
    const Json hash = Json::array({{{"op", "hash"}, {"buckets", 8}, {"seed", 1}}});
    const Json listed = Json::array({{{"op", "vocabulary"}, {"values", {"FR", "DE"}}}});
    return {
        {"another currency", kNone, {{"/features/0/money/currency", "USD"}},
         "feature 'amount': expected money in EUR with exponent 2" + serving + "money in USD with exponent 2"},
        {"another currency and exponent", kNone, {{"/features/0/money", {{"currency", "JPY"}, {"exponent", 0}}}},
         "feature 'amount': expected money in EUR with exponent 2" + serving + "money in JPY with exponent 0"},
        {"money no more", kNone, {{"/features/0/money", nullptr}},
         "feature 'amount': expected money in EUR with exponent 2" + serving + "no money"},
        {"money from now on", {{"/features/0/money", nullptr}}, kNone,
         "feature 'amount': expected no money" + serving + "money in EUR with exponent 2"},
        {"another type", kNone, {{"/features/2/type", "float64"}},
         "feature 'strict': expected float32" + serving + "float64"},
        {"another unit", kNone, {{"/features/6/unit", "s"}},
         "feature 'paid_at': expected timestamp in ms" + serving + "timestamp in s"},
        {"a feature gone", kNone, {{"/features/2", nullptr}, {"/tensors/0/features/2", nullptr}},
         "feature 'strict': expected it" + serving + "none"},
        {"a new feature without a default", {{"/features/2", nullptr}, {"/tensors/0/features/2", nullptr}}, kNone,
         "feature 'strict': expected a default, for it is new; found none"},
        {"a new sequence beside others", kNone, {{"/features/8", sequence}},
         "feature 'more': expected no new sequence, for it is empty in rows of the serving model and their others are "
         "not; found one"},
        {"a default gone", kNone, {{"/features/1/missing", nullptr}},
         "feature 'age': expected a default for a missing value" + serving + "none"},
        {"NaN no longer missing", kNone, {{"/features/1/nan", "error"}},
         "feature 'age': expected NaN to be taken as missing" + serving + "it refused"},
        {"unknown keys refused", kNone, {{"/features/3/encoding", listed}},
         "feature 'country': expected unknown keys to be taken" + serving + "2 known keys only"},
        {"hashed keys refused", {{"/features/3/encoding", hash}}, {{"/features/3/encoding", listed}},
         "feature 'country': expected unknown keys to be taken" + serving + "2 known keys only"},
        {"a key gone", kNone, {{"/features/4/encoding/0/values", {"chip", "online"}}},
         "feature 'mode': expected the 2 keys" + serving + "1 of them"},
        {"fewer codes", kNone, {{"/features/5/encoding/0/size", 9}},
         "feature 'mcc': expected the 10 keys" + serving + "9 of them"},
        {"codes of a vocabulary that lacks some", kNone,
         {{"/features/5/encoding/0", {{"op", "vocabulary"}, {"values", {0, 1, 2, 77}}}}},
         "feature 'mcc': expected the 10 keys" + serving + "3 of them"},
        {"a higher least", kNone, {{"/features/0/range", {1, 1000}}},
         "feature 'amount': expected the range [0, 1000] or a wider one" + serving + "the range [1, 1000]"},
        {"a lower most", kNone, {{"/features/0/range", {0, 999}}},
         "feature 'amount': expected the range [0, 1000] or a wider one" + serving + "the range [0, 999]"},
        {"a range from now on", kNone, {{"/features/2/range", {0, 1}}},
         "feature 'strict': expected no range or a wider one" + serving + "the range [0, 1]"},
        {"a privacy class dropped", kNone, {{"/features/0/privacy", nullptr}},
         "feature 'amount': expected the privacy class payment" + serving + "no privacy class"},
        {"another privacy class", kNone, {{"/features/0/privacy", "card"}},
         "feature 'amount': expected the privacy class payment" + serving + "the privacy class card"},
        {"outputs in another order", kNone,
         {{"/outputs/0/name", "loss"}, {"/outputs/1/name", "fraud"}},
         "outputs[0]: expected output 'fraud'" + serving + "output 'loss'"},
        {"an output gone", kNone, {{"/outputs/1", nullptr}}, "outputs[1]: expected output 'loss'" + serving + "none"},
        {"an output of another shape", kNone, {{"/outputs/1/shape", {"batch", 3}}},
         "output 'loss': expected the shape [batch, 2]" + serving + "the shape [batch, 3]"},
        {"an output of another rank", kNone, {{"/outputs/0/shape", {"batch", 1}}},
         "output 'fraud': expected the shape [batch]" + serving + "the shape [batch, 1]"},
        {"another output is the score", {{"/outputs/0/bands", nullptr}},
         {{"/outputs/0/bands", nullptr}, {"/outputs/0/primary", false}, {"/outputs/1/primary", true}},
         "output 'fraud': expected it to be the score, its value 0" + serving + "it not to be the score"},
        {"another class is the score", {{"/outputs/0/shape", {"batch", 2}}, {"/outputs/0/class", 1}},
         {{"/outputs/0/shape", {"batch", 2}}},
         "output 'fraud': expected it to be the score, its value 1" + serving + "it to be the score, its value 0"},
        {"a band gone", kNone, {{"/outputs/0/bands", kBands}},
         "bands: expected the bands approve, review, decline" + serving + "the bands approve, decline"},
        {"a band more", {{"/outputs/0/bands", kBands}}, kNone,
         "bands: expected the bands approve, decline" + serving + "the bands approve, review, decline"},
        {"bands in another order", kNone,
         {{"/outputs/0/bands/0/name", "review"}, {"/outputs/0/bands/1/name", "approve"}},
         "bands: expected the bands approve, review, decline" + serving + "the bands review, approve, decline"},
        {"no bands", kNone, {{"/outputs/0/bands", nullptr}},
         "bands: expected the bands approve, review, decline" + serving + "no bands"},
        {"a shorter length", kNone, {{"/limits/length", 99}},
         "limits.length: expected at least 100 elements" + serving + "at least 99 elements"},
        {"longer sequences no longer cut", {{"/features/7/encoding", truncated}}, kNone,
         "limits.length: expected any length" + serving + "at least 100 elements"},
        {"a shorter text", kNone, {{"/limits/text_bytes", 1048575}},
         "limits.text_bytes: expected at least 1048576" + serving + "1048575"},
        {"a least length from now on", kNone, {{"/limits/least_length", 1}},
         "limits.least_length: expected at most 0" + serving + "1"},
        {"a higher least length", {{"/limits/least_length", 2}}, {{"/limits/least_length", 3}},
         "limits.least_length: expected at most 2" + serving + "3"},
        {"a first sequence that may not be empty",
         {{"/features/7", nullptr}, {"/tensors/2", nullptr}, {"/limits", nullptr}}, {{"/limits/least_length", 1}},
         "limits.least_length: expected at most 0" + serving + "1"},
        {"an error for rows that the fallback answered", {{"/limits/least_length", 2}},
         {{"/limits/least_length", 2}, {"/limits/shorter", "error"}},
         "limits.shorter: expected 'fallback'" + serving + "'error'"},
        {"the fallback's answer for rows that were an error",
         {{"/limits/least_length", 2}, {"/limits/shorter", "error"}}, {{"/limits/least_length", 1}},
         "limits.shorter: expected 'error'" + serving + "'fallback'"},
    };
}

std::vector<Case> widenings() {
    const Json truncated = Json::array({{{"op", "truncate"}, {"keep", "tail"}}});
    const Json extra = {{"name", "extra"}, {"type", "bool"}, {"missing", {{"default", false}}}};
    return {
        {"nothing", kNone, kNone, ""},
        {"moved edges", kNone, {{"/outputs/0/bands/0/below", 0.2}, {"/outputs/0/bands/1/below", 0.3}}, ""},
        {"another calibration", kNone, {{"/outputs/0/calibration", {{"kind", "platt"}, {"a", 2}, {"b", 1}}}}, ""},
        {"another encoding", kNone,
         {{"/features/2/encoding", Json::array({{{"op", "standardise"}, {"mean", 1}, {"std", 2}}})}}, ""},
        {"another value of a default", kNone, {{"/features/1/missing/default", 7}}, ""},
        {"features in another order", kNone,
         {{"/features/1/name", "strict"}, {"/features/1/missing", nullptr}, {"/features/1/nan", nullptr},
          {"/features/2", {{"name", "age"}, {"type", "float32"}, {"missing", {{"default", 0}}}, {"nan", "missing"}}}},
         ""},
        {"a new feature", kNone, {{"/features/8", extra}, {"/tensors/0/features/4", "extra"}}, "feature 'extra'"},
        {"a default", kNone, {{"/features/2/missing", {{"default", 1}}}}, "a default of 'strict'"},
        {"NaN", {{"/features/1/nan", "error"}}, kNone, "NaN for 'age'"},
        {"unknown keys", kNone, {{"/features/4/encoding/0/unknown", "zero"}}, "unknown keys of 'mode'"},
        {"more keys", kNone, {{"/features/4/encoding/0/values", {"swipe", "chip", "online"}}}, "1 more keys of 'mode'"},
        {"more codes", kNone, {{"/features/5/encoding/0/size", 12}}, "2 more keys of 'mcc'"},
        {"a wider range", kNone, {{"/features/0/range", {-5, 2000}}}, "the range [-5, 2000] of 'amount'"},
        {"no range", kNone, {{"/features/0/range", nullptr}}, "no range of 'amount'"},
        {"a privacy class", kNone, {{"/features/1/privacy", "card"}}, "the privacy class card of 'age'"},
        {"an output more", kNone, {{"/outputs/2", {{"name", "why"}, {"shape", {"batch"}}}}}, "output 'why'"},
        {"bands from now on", {{"/outputs/0/bands", nullptr}}, kNone, "the bands approve, review, decline"},
        {"a longer text", {{"/limits/text_bytes", 100}}, kNone, "texts of 1048576 bytes"},
        {"a lower least length", {{"/limits/least_length", 2}}, {{"/limits/least_length", 1}}, "a least length of 1"},
        {"a lower least length, the same error", {{"/limits/least_length", 2}, {"/limits/shorter", "error"}},
         {{"/limits/least_length", 1}, {"/limits/shorter", "error"}}, "a least length of 1"},
        {"no least length", {{"/limits/least_length", 2}, {"/limits/shorter", "error"}}, kNone, "a least length of 0"},
        {"a longer length", kNone, {{"/limits/length", 200}}, "sequences of at least 200 elements"},
        {"longer sequences cut", kNone, {{"/features/7/encoding", truncated}, {"/limits/length", 50}},
         "sequences of any length"},
        {"a first sequence",
         {{"/features/7", nullptr}, {"/tensors/2", nullptr}, {"/limits", nullptr}}, kNone, "feature 'past'"},
    };
}
// clang-format on

}  // namespace

TEST_CASE("a swap that callers would not survive names the first difference", "[slot]") {
    for (const Case &one : narrowings()) {
        INFO(one.what);
        const auto gained = promise(one.before).compare(promise(one.after));
        REQUIRE_FALSE(gained);
        CHECK(gained.status().code == WB_SCHEMA_CHANGED);
        CHECK(std::string(gained.status().message) == one.said);
    }
}

TEST_CASE("a swap that only widens is allowed and told", "[slot]") {
    for (const Case &one : widenings()) {
        INFO(one.what);
        const auto gained = promise(one.before).compare(promise(one.after));
        INFO(gained.status().message);
        REQUIRE(gained);
        CHECK(text(*gained) == one.said);
    }
}

TEST_CASE("what widens in one direction narrows in the other", "[slot]") {
    for (const Case &one : widenings()) {
        INFO(one.what);
        if (!one.said.empty()) CHECK_FALSE(promise(one.after).compare(promise(one.before)));
    }
}

TEST_CASE("the first difference names the feature of the new model", "[slot]") {
    const auto gained = promise().compare(promise({{"/features/3/type", "text"}, {"/features/3/encoding", nullptr}}));
    REQUIRE_FALSE(gained);
    CHECK(gained.status().feature == 3);
}

TEST_CASE("what a rollback withdrew may stay away, but not come back as something else", "[slot]") {
    const Json extra = {{"name", "extra"}, {"type", "int64"}, {"missing", {{"default", 0}}}};
    const Json added = {{"/features/8", extra}, {"/outputs/2", {{"name", "why"}, {"shape", {"batch"}}}}};
    Promise back = promise();
    back.remember(promise(added));
    REQUIRE(back.compare(promise()));

    const auto again = back.compare(promise(added));
    REQUIRE(again);
    CHECK(text(*again) == "feature 'extra', output 'why'");

    Json other = added;
    other["/features/8"]["type"] = "float64";
    const auto feature = back.compare(promise(other));
    REQUIRE_FALSE(feature);
    const std::string wanted_type = "feature 'extra': expected int64 as in the serving model, found float64";
    CHECK(cut(feature.status().message, wanted_type) == wanted_type);
    other = added;
    other["/outputs/2"]["name"] = "loss_eur";
    const auto output = back.compare(promise(other));
    REQUIRE_FALSE(output);
    const std::string wanted_output =
        "outputs[2]: expected output 'why' as in the serving model, found output 'loss_eur'";
    CHECK(cut(output.status().message, wanted_output) == wanted_output);
}

TEST_CASE("a fallback slot's model must take the same rows and have the same bands, not the same outputs", "[slot]") {
    CHECK(promise().compare_fallback(promise({{"/outputs/1", nullptr}})).ok());
    CHECK(promise().compare_fallback(promise({{"/features/0/money/currency", "USD"}})).code == WB_SCHEMA_CHANGED);
    CHECK(promise().compare_fallback(promise({{"/outputs/0/bands", kBands}})).code == WB_SCHEMA_CHANGED);
    CHECK(promise().compare_fallback(promise({{"/limits/length", 99}})).code == WB_SCHEMA_CHANGED);
    const Json from_two = {{"/limits/least_length", 2}};
    const Json from_one = {{"/limits/least_length", 1}, {"/limits/shorter", "error"}};
    CHECK(promise().compare_fallback(promise(from_two)).code == WB_SCHEMA_CHANGED);
    CHECK(promise(from_two).compare_fallback(promise()).ok());
    CHECK(promise(from_two).compare_fallback(promise(from_one)).ok());
}
