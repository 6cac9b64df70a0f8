// SPDX-License-Identifier: Apache-2.0
#include "cli/records.hpp"

#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "cli/command.hpp"
#include "support/catch.hpp"

using namespace weighbridge::cli;

namespace {

struct File {
    explicit File(const std::string &text) {
        int fd = mkstemp(path.data());
        REQUIRE(fd >= 0);
        REQUIRE(write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
        close(fd);
    }
    ~File() { unlink(path.c_str()); }
    std::string path = "/tmp/wb-records-XXXXXX";
};

std::vector<Record> read(const std::string &text, Format format) {
    File file(text);
    RecordReader reader(file.path, format);
    std::vector<Record> records;
    for (Record record; reader.next(record);) records.push_back(record);
    return records;
}

std::vector<std::string> split(const std::string &record) {
    std::vector<CsvField> fields;
    std::string scratch;
    auto wrong = split_csv(record, fields, scratch);
    if (wrong) return {"!" + *wrong};
    std::vector<std::string> out;
    for (const CsvField &field : fields) out.push_back((field.quoted ? "Q" : "") + std::string(field.text));
    return out;
}

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("byte order mark, CRLF, blank lines and a missing last line end are skipped, lines counted") {
    auto records = read(
        "\xEF\xBB\xBF"
        "a,b\r\n\r\n1,2\n\n3,4",
        Format::csv);
    REQUIRE(records.size() == 3);
    CHECK(records[0].text == "a,b");
    CHECK(records[1].text == "1,2");
    CHECK(records[1].line == 3);
    CHECK(records[2].text == "3,4");
    CHECK(records[2].line == 5);
}

TEST_CASE("a quoted line end belongs to a CSV record, not to one of NDJSON") {
    auto csv = read("\"a\nb\",c\nd,e\n", Format::csv);
    REQUIRE(csv.size() == 2);
    CHECK(csv[0].text == "\"a\nb\",c");
    CHECK(csv[1].line == 3);
    CHECK(read("\"a\nb\"\n", Format::ndjson).size() == 2);
}

TEST_CASE("an overlong record is reported and the next one read") {
    std::string text = "first\n" + std::string(3 * max_record_bytes, 'x') + "\nlast\n";
    for (Format format : {Format::csv, Format::ndjson}) {
        auto records = read(text, format);
        REQUIRE(records.size() == 3);
        CHECK_FALSE(records[0].too_long);
        CHECK(records[1].too_long);
        CHECK(records[1].text.empty());
        CHECK(records[2].text == "last");
        CHECK(records[2].line == 3);
    }
}

TEST_CASE("a quote that is never closed costs one record, not the file's memory") {
    auto records = read("\"open" + std::string(2 * max_record_bytes, 'x') + "\na,b\n", Format::csv);
    REQUIRE(records.size() == 2);
    CHECK(records[0].too_long);
    CHECK(records[1].text == "a,b");
}

TEST_CASE("empty files have no records") {
    CHECK(read("", Format::csv).empty());
    CHECK(read("\xEF\xBB\xBF", Format::csv).empty());
    CHECK(read("\n\n", Format::ndjson).empty());
}

TEST_CASE("CSV fields are split as RFC 4180 says") {
    CHECK(split("a,b,c") == Strings{"a", "b", "c"});
    CHECK(split("a,,") == Strings{"a", "", ""});
    CHECK(split("\"a,b\",c") == Strings{"Qa,b", "c"});
    CHECK(split("\"say \"\"hi\"\"\",2") == Strings{"Qsay \"hi\"", "2"});
    CHECK(split("\"\",\"\"\"\"") == Strings{"Q", "Q\""});
    CHECK(split("1,\"2;3\"") == Strings{"1", "Q2;3"});
}

TEST_CASE("CSV that is not well formed is refused") {
    CHECK(split("\"a") == Strings{"!a quote is not closed"});
    CHECK(split("\"a\"b,c") == Strings{"!text follows a closing quote"});
    CHECK(split("a\"b,c") == Strings{"!a quote inside a field that does not begin with one"});
}

TEST_CASE("what was quoted reads back") {
    for (const std::string &text :
         {std::string("plain"), std::string("a,b"), std::string("say \"hi\""), std::string("a\nb")}) {
        std::string out;
        append_csv(out, text);
        auto fields = split(out);
        REQUIRE(fields.size() == 1);
        CHECK((fields[0] == text || fields[0] == "Q" + text));
    }
}

TEST_CASE("the format comes from the option, then from the extension") {
    CHECK(format_of("", "x.csv") == Format::csv);
    CHECK(format_of("", "x.jsonl") == Format::ndjson);
    CHECK(format_of("ndjson", "x.csv") == Format::ndjson);
    CHECK_THROWS_AS(format_of("", "x.parquet"), Failure);
}
