// SPDX-License-Identifier: Apache-2.0
// A fallback slot that cannot answer was never reported: the fallback score answered for it in silence.
#include "unit/engine/engine_support.hpp"

using namespace weighbridge;
using namespace weighbridge::test;

namespace {

FixtureOptions falling_back() {
    FixtureOptions options;
    options.version = "2.0.0";
    options.fallback_slot = "spare";
    return options;
}

std::string warning(const std::string &problem) {
    return "model 'fixture' 2.0.0: its fallback slot 'spare' " + problem + ": the fallback score answers";
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("an unusable fallback slot is reported at load and when slots change", "[slot]") {
    EngineWithLog log;
    auto model = log.load(falling_back());
    REQUIRE(model);
    CHECK(log.take(WB_LOG_WARNING) == Lines{warning("does not exist")});

    auto spare = *log.engine->slot("spare"), champion = *log.engine->slot("champion");
    REQUIRE(log.engine->swap(*champion, *model).ok());
    CHECK(log.take(WB_LOG_WARNING) == Lines{warning("is empty")});

    auto good = log.load();
    REQUIRE(good);
    REQUIRE(log.engine->swap(*spare, *good).ok());
    CHECK(log.take(WB_LOG_WARNING).empty());

    REQUIRE(log.engine->swap(*spare, *model).ok());
    CHECK(log.take(WB_LOG_WARNING) == Lines{warning("serves the same model"), warning("is the one that serves it")});
}

TEST_CASE("a fallback slot whose model takes other rows or has other bands is reported", "[slot]") {
    EngineWithLog log;
    auto spare = *log.engine->slot("spare"), champion = *log.engine->slot("champion");
    auto model = log.load(falling_back());
    REQUIRE(model);
    REQUIRE(log.engine->swap(*champion, *model).ok());
    log.take(WB_LOG_WARNING);
    for (const auto &[from, to, said] :
         {std::tuple{"EUR", "USD",
                     "feature 'amount_minor': expected money in EUR with exponent 2 as in the serving model, found "
                     "money in USD with exponent 2"},
          std::tuple{"\"review\"", "\"look\"",
                     "bands: expected the bands approve, review, decline as in the serving model, found the bands "
                     "approve, look, decline"}}) {
        FixtureOptions options;
        options.manifest = replacing(from, to);
        options.golden = [from = from, to = to](const std::string &text) {
            return text.find(from) == std::string::npos ? text : replaced(text, from, to);
        };
        auto other = log.load(options);
        INFO(other.status().message);
        REQUIRE(other);
        auto fresh = *log.engine->slot("spare");
        fresh->clear();
        REQUIRE(log.engine->swap(*fresh, *other).ok());
        CHECK(log.take(WB_LOG_WARNING) ==
              Lines{warning("serves model 'fixture' 1.0.0, which cannot answer for it (" + std::string(said) + ")")});
    }
}

TEST_CASE("a fallback slot with other bands answers nothing: their indices mean other decisions", "[slot]") {
    EngineWithLog log;
    auto model = log.load(falling_back());
    REQUIRE(model);
    auto champion = *log.engine->slot("champion"), spare = *log.engine->slot("spare");
    REQUIRE(log.engine->swap(*champion, *model).ok());
    const auto answered_by = [&] {
        std::vector<uint64_t> row(512);
        const lib::Schema &schema = *(*model)->bundle().schema();
        REQUIRE(lib::init_row(schema, row.data(), row.size() * 8).ok());
        REQUIRE(lib::set_row_json(schema, row.data(), R"({"amount_minor": 1000, "country": "FR", "online": true})", 8)
                    .ok());
        lib::CallOptions options;
        options.deadline_ns = log.engine->runtime().clock.now_ns() + 500'000'000;  // less than the slot's reserve
        wb_result result = WB_RESULT_INIT;
        REQUIRE(log.engine->score(*log.engine->target(*champion), row.data(), options, {}, result).ok());
        return std::string(result.version);
    };
    auto same = log.load();
    REQUIRE(same);
    REQUIRE(log.engine->swap(*spare, *same).ok());
    CHECK(answered_by() == "1.0.0");

    FixtureOptions options;
    options.manifest = replacing("\"review\"", "\"look\"");
    options.golden = [](const std::string &text) {
        return text.find("review") == std::string::npos ? text : replaced(text, "\"review\"", "\"look\"");
    };
    auto other = log.load(options);
    REQUIRE(other);
    spare->clear();
    REQUIRE(log.engine->swap(*spare, *other).ok());
    CHECK(answered_by() == "2.0.0");  // the champion, which keeps no time for a slot that cannot answer
}

TEST_CASE("an exponent that is not the currency's is warned of at load", "[bundle]") {
    EngineWithLog log;
    FixtureOptions options;
    options.manifest = replacing("EUR", "JPY");
    REQUIRE(log.load(options));
    CHECK(log.take(WB_LOG_WARNING) ==
          Lines{"model 'fixture' 1.0.0: feature 'amount_minor': JPY has exponent 0 in ISO 4217, and 2 here"});
}
