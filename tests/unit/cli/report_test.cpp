// SPDX-License-Identifier: Apache-2.0
#include "cli/report.hpp"

#include <limits>

#include "support/catch.hpp"

using weighbridge::cli::Report;

TEST_CASE("a report is the JSON that it was read from", "[report]") {
    for (const char *json : {R"({"b":1,"a":[true,null,-2,0.5,"x\"\n"],"c":{},"d":[]})", R"({"n":18446744073709551615})",
                             R"([{"k":-9223372036854775808}])"})
        CHECK(Report::parse(json).json() == json);
    CHECK(Report::parse("{").is(Report::Kind::null));
    CHECK(Report(std::numeric_limits<double>::quiet_NaN()).json() == "null");
    CHECK(Report(std::numeric_limits<double>::infinity()).json() == "null");
}

TEST_CASE("a report keeps the order in which its members came", "[report]") {
    Report report = {{"z", 1}, {"a", "text"}};
    report["m"]["inner"] = 0.25;
    report["list"].push_back({{"k", false}});
    CHECK(report.json() == R"({"z":1,"a":"text","m":{"inner":0.25},"list":[{"k":false}]})");
    report.erase("m");
    CHECK(report["list"].members().size() == 1);
    CHECK(std::as_const(report)["m"].is(Report::Kind::null));
}

TEST_CASE("values stand side by side under heads with their units", "[report]") {
    Report report = Report::parse(R"({"rows":200000,"backend":"native","seconds":1.61803,"payments_per_second":123456.7,
                                      "latency_us":{"of":"a payment","p50":3.8123,"max":12345.6},"auc":null})");
    CHECK(report.tables() ==
          "   rows  backend  time [s]  payments/s\n"
          "200,000  native      1.618     123,457\n"
          "\n"
          "latency [us]\n"
          "  of           p50     max\n"
          "  a payment  3.812  12,346\n"
          "\n"
          "AUC\n"
          "  -\n");
}

TEST_CASE("objects in a list are rows, and an object of objects has rows with names", "[report]") {
    CHECK(Report::parse(R"({"decisions":[{"band":"approve","payments":1000},{"band":"é","share":0.5}]})").tables() ==
          "decisions\n"
          "  band     payments  share\n"
          "  approve     1,000      -\n"
          "  é               -    0.5\n");
    CHECK(Report::parse(R"({"files":{"model.plan":{"bytes":1234567},"zones.json":{"bytes":5}}})").tables() ==
          "files\n"
          "  name            bytes\n"
          "  model.plan  1,234,567\n"
          "  zones.json          5\n");
}

TEST_CASE("what does not fit on a line goes on below, long texts have a line of their own", "[report]") {
    Report wide, row = {{"name", "first"}};
    for (int i = 0; i < 12; ++i) row["a_column_of_some_width_" + std::to_string(i)] = i;
    wide["rows"].push_back(row);
    std::string text = wide.tables();
    size_t names = 0;
    for (size_t begin = 0, end; begin < text.size(); begin = end + 1) {
        end = text.find('\n', begin);
        CHECK(end - begin <= 102);
        names += text.compare(begin, 7, "  first") == 0;
    }
    CHECK(names > 1);
    CHECK(text.find("a column of some width 11") != std::string::npos);

    std::string digest(64, 'f');
    CHECK(Report({{"name", "card"}, {"sha256", digest}}).tables() == "name    card\nsha256  " + digest + "\n");
}

TEST_CASE("a value with parts is read in a cell", "[report]") {
    Report report = Report::parse(R"({"features":[{"name":"amount","range":[0,10000000],
        "encoding":[{"op":"log1p"},{"op":"clip","min":0,"max":9.5}],"required":true}]})");
    CHECK(report.tables() ==
          "features\n"
          "  name    range          encoding                      required\n"
          "  amount  0, 10,000,000  log1p, clip (min 0, max 9.5)  yes\n");
}
