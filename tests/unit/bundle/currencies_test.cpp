// SPDX-License-Identifier: Apache-2.0
// JPY with exponent 2, KWD 2 and EUR 0 were taken in silence, and XYZ as a currency.
#include "bundle/currencies.hpp"

#include "bundle/manifest_reader.hpp"
#include "unit/bundle/bundle_support.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::lib::test;

namespace {

std::vector<std::string> warnings(const std::string &currency, int exponent) {
    Json manifest = example();
    manifest["features"][0]["money"] = {{"currency", currency}, {"exponent", exponent}};
    auto read = read_manifest("manifest.json", manifest.dump(), Completeness::complete);
    INFO(read.status().message);
    REQUIRE(read);
    return read->manifest.warnings;
}

}  // namespace

TEST_CASE("currencies have the minor units of ISO 4217", "[bundle]") {
    // clang-format off
    for (const auto &[code, exponent] :
         {std::pair{"EUR", 2}, {"USD", 2}, {"JPY", 0}, {"KRW", 0}, {"UGX", 0}, {"ISK", 0}, {"KWD", 3}, {"BHD", 3},
          {"TND", 3}, {"CLF", 4}, {"UYW", 4}, {"ZWG", 2}, {"BGN", 2}, {"BYR", 0}, {"XAU", kAnyExponent}}) {
        // clang-format on
        INFO(code);
        CHECK(currency_exponent(code) == exponent);
    }
    for (const char *code : {"", "E", "EU", "EURO", "eur", "XYZ", "XXX", "UR ", " EU", "AED AFN"}) {
        INFO(code);
        CHECK_FALSE(currency_exponent(code));
    }
}

TEST_CASE("an exponent other than ISO 4217's is a warning", "[bundle]") {
    using Lines = std::vector<std::string>;
    CHECK(warnings("EUR", 2).empty());
    CHECK(warnings("XAU", 4).empty());
    CHECK(warnings("JPY", 2) == Lines{"feature 'amount_minor': JPY has exponent 0 in ISO 4217, and 2 here"});
    CHECK(warnings("KWD", 2) == Lines{"feature 'amount_minor': KWD has exponent 3 in ISO 4217, and 2 here"});
    CHECK(warnings("EUR", 0) == Lines{"feature 'amount_minor': EUR has exponent 2 in ISO 4217, and 0 here"});
}

TEST_CASE("inspect tells warnings", "[bundle]") {
    Scratch dir;
    Json manifest = example();
    manifest["features"][0]["money"] = {{"currency", "JPY"}, {"exponent", 2}};
    make_bundle(dir, manifest);
    auto bundle = open_full(dir.path);
    REQUIRE(bundle);
    const Json told = Json::parse((*bundle)->describe().text());
    CHECK(told["warnings"] == Json::array({"feature 'amount_minor': JPY has exponent 0 in ISO 4217, and 2 here"}));
    CHECK(told["features"][0]["currency"] == "JPY");
}
