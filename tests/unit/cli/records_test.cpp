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
    auto wrong = split_csv(record, 0, fields, scratch);
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
        CHECK(records[0].fault.empty());
        CHECK(records[1].fault == "the record is longer than 1048576 bytes");
        CHECK(records[1].text.empty());
        CHECK(records[2].text == "last");
        CHECK(records[2].line == 3);
    }
}

TEST_CASE("a quote that is never closed costs one record, not the file's memory") {
    auto records = read("\"open" + std::string(2 * max_record_bytes, 'x') + "\na,b\n", Format::csv);
    REQUIRE(records.size() == 2);
    CHECK_FALSE(records[0].fault.empty());
    CHECK(records[1].text == "a,b");
}

// A bad row costs itself: 12" PIZZA in row 10 of 2,000 took the 1,990 behind it.
TEST_CASE("one bad record at any place costs itself, and the lines of all others are right") {
    struct Bad {
        std::string text;
        uint64_t lines;  // of the file
        bool at_fault;   // or a record that Payments refuses
    };
    const Bad csv[] = {
        {"7,12\" PIZZA,x", 1, false},
        {"7,12\",\"x", 1, false},
        {"7,\"12\",\"x", 1, true},
        {"7,\"PIZZA,x", 1, true},
        {"\"7,PIZZA,x", 1, true},
        {"7,PIZZA,\"", 1, true},
        {"7,\"PIZZA\" 12,x", 1, false},
        {"7,\"PIZZA\"\"", 1, true},
        {"7,\"two\nlines,x", 2, true},
        {"7,x", 1, false},
        {"7,x,y,z", 1, false},
        {std::string("7,\0,x", 5), 1, true},
        {"7,a\rb,x", 1, false},
        {"7," + std::string(max_record_bytes, 'x') + ",x", 1, true},
        {"7,\"" + std::string(max_record_bytes, 'x') + ",x", 1, true},
        {"\xFF\xFE,\xC0,\x80", 1, false},
    };
    const Bad ndjson[] = {
        {"{\"a\":\"12\" PIZZA\"}", 1, false},
        {"{\"a\":\"open", 1, false},
        {std::string("{\"a\":\"\0\"}", 9), 1, true},
        {"{" + std::string(max_record_bytes, ' ') + "}", 1, true},
    };
    constexpr uint64_t rows = 12;
    auto check = [&](Format format, const Bad &bad, const std::string &end, bool ended) {
        INFO(bad.text.substr(0, 40));
        for (uint64_t place = 0; place <= rows; ++place) {
            std::string text = "a,b,c" + end;
            for (uint64_t i = 0; i <= rows; ++i) {
                if (i == place) text += bad.text + end;
                if (i < rows) text += std::to_string(i) + ",\"b\",\"\"" + end;
            }
            if (!ended) text.resize(text.size() - end.size());
            std::string others;
            size_t faults = 0;
            for (const Record &record : read(text, format)) {
                uint64_t row = record.line - 2 - (record.line > 2 + place ? bad.lines : 0);
                bool is_bad = record.line >= 2 + place && record.line < 2 + place + bad.lines;
                if (is_bad || record.line == 1) {
                    if (!record.fault.empty()) ++faults;
                    continue;
                }
                CHECK(record.fault.empty());
                CHECK(record.text == std::to_string(row) + ",\"b\",\"\"");
                others += std::to_string(row) + " ";
            }
            CHECK(others == "0 1 2 3 4 5 6 7 8 9 10 11 ");
            // On the last line an open quote is told by Payments, as there is no line that it could have taken.
            if (bad.at_fault && (format == Format::ndjson || place < rows)) CHECK(faults == 1);
        }
    };
    for (const std::string &end : {std::string("\n"), std::string("\r\n")})
        for (bool ended : {true, false}) {
            for (const Bad &bad : csv) check(Format::csv, bad, end, ended);
            for (const Bad &bad : ndjson) check(Format::ndjson, bad, end, ended);
        }
}

TEST_CASE("a record that would take lines with it says how many, and gives them back") {
    std::string text = "a,b\n1,\"open\n";
    for (int i = 0; i < 500; ++i) text += "2,3\n";
    auto open = read(text, Format::csv);
    REQUIRE(open.size() == 502);
    CHECK(open[1].fault ==
          "cell 2: its opening quote is not closed; the record would take 501 lines: this line is left out, the next "
          "ones are read");
    auto closed = read(text + "4,\"x\",5\n", Format::csv);
    REQUIRE(closed.size() == 503);
    CHECK(closed[1].fault ==
          "cell 2: text follows its closing quote; a quote inside a cell is written twice; the record would take 502 "
          "lines: this line is left out, the next ones are read");
    auto counted = read(text + "4\",5,6\n", Format::csv);
    REQUIRE(counted.size() == 503);
    CHECK(counted[1].fault.starts_with("expected 2 cells as in the header, got 4; the record would take 502 lines"));
    auto whole = read(text + "4\"\n6,7\n", Format::csv);
    REQUIRE(whole.size() == 3);
    CHECK(whole[1].lines == 502);
    CHECK(whole[2].line == 504);
}

TEST_CASE("quotes that are never closed are not looked for again and again") {
    std::string row = "12\",5,\"abc\n", text = "a,b,c\n";
    while (text.size() < 3 * max_record_bytes) text += row;
    CHECK(read(text, Format::csv).size() == 1 + (text.size() - 6) / row.size());
    std::string open = "a,b\n";
    for (int i = 0; i < 3; ++i) {
        open += "\"x\n";
        for (int line = 0; line < 10000; ++line) open += std::string(120, 'x') + "\n";
    }
    size_t faults = 0;
    for (const Record &record : read(open, Format::csv)) faults += !record.fault.empty();
    CHECK(faults == 3);
}

TEST_CASE("other encodings and formats are told by their name") {
    auto told = [](std::string_view text) -> std::string {
        try {
            read(std::string(text), Format::csv);
        } catch (const Failure &failure) {
            return failure.what();
        }
        return "";
    };
    using namespace std::string_literals;
    using namespace std::string_view_literals;
    CHECK(told("\xFF\xFEi\0d\0\n\0"sv).find("UTF-16") != std::string::npos);
    CHECK(told("\xFE\xFF\0i\0d"sv).find("UTF-16") != std::string::npos);
    CHECK(told("\x1F\x8B\x08\0"sv).find("gzip") != std::string::npos);
    CHECK(told("PK\x03\x04"sv).find("spreadsheet") != std::string::npos);
    CHECK(told("PAR1"sv).find("Parquet") != std::string::npos);
    CHECK(told("id\n"sv).empty());
    CHECK(read("i\0d\n\0"s, Format::csv)[0].fault.find("NUL") != std::string::npos);
    CHECK(read("a,b\r1,2\r3,4\r", Format::csv)[0].fault == "cell 2: CR alone ends no line, expected LF or CRLF");
    CHECK(read("a,b\r" + std::string(max_record_bytes, 'x'), Format::csv)[0].fault.find("CR alone") !=
          std::string::npos);
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
    CHECK(split("\"a") == Strings{"!cell 1: its opening quote is not closed"});
    CHECK(split("x,\"a\"b,c") ==
          Strings{"!cell 2: text follows its closing quote; a quote inside a cell is written twice"});
    CHECK(split("a\"b,c") == Strings{"!cell 1: a quote inside a cell that begins with none; write the cell in quotes, "
                                     "this quote twice"});
    CHECK(split("a,b\rc") == Strings{"!cell 2: CR alone ends no line, expected LF or CRLF"});
    CHECK(split("a,\"b\rc\"\r") == Strings{"a", "Qb\rc"});
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
    CHECK(output_format("--output", "d.tsv/x.CSV", Format::ndjson) == Format::csv);
    CHECK(output_format("--output", "x.csv.jsonl", Format::csv) == Format::ndjson);
    for (const char *path : {"-", "x", "x.out", "d.xlsx/x", "/dev/null"})
        CHECK(output_format("--output", path, Format::csv) == Format::csv);
    for (const char *path : {"x.xlsx", "x.XLS", "x.parquet", "x.feather", "x.tsv", "x.csv.gz", "x.json"})
        CHECK_THROWS_AS(output_format("--output", path, Format::csv), Failure);
}
