// SPDX-License-Identifier: Apache-2.0
// Files of payments as records: a line of NDJSON, or a record of CSV, which may span lines inside quotes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weighbridge::cli {

enum class Format { csv, ndjson };

// By --format ("csv", "ndjson", "" for none), else by the path's extension; a Failure where neither says.
Format format_of(const std::string &name, const std::string &path);

// Of an output, by its extension; `otherwise` where that says nothing. A Failure names `option` where the extension is
// that of a format that is not written, and says what is `expected`.
Format output_format(const char *option, const std::string &path, Format otherwise,
                     const char *expected = ".csv, .ndjson or .jsonl");

// Longest record accepted; a longer one is reported and skipped, so that memory stays bounded whatever the file says.
inline constexpr size_t max_record_bytes = 1 << 20;

struct Record {
    uint64_t line = 0;   // where it begins, from 1
    uint64_t lines = 1;  // that it takes
    std::string text;    // without its line end
    std::string fault;   // why it cannot be read, "" where it can
};

// Reads a file, or stdin for "-". A byte order mark, CR before LF and blank lines are skipped.
//
// A record that is wrong costs its first line only. Where a quote of CSV is never closed (in the file, or within
// max_record_bytes), or a record of several lines has a wrong form or another number of cells than the first record,
// that line is the record that is at fault, which says how many lines it would have taken, and the next line is read as
// a record of its own.
class RecordReader {
  public:
    // A Failure where the file is not there, or is UTF-16 or of another format that its first bytes tell.
    RecordReader(const std::string &path, Format format);
    ~RecordReader();
    RecordReader(const RecordReader &) = delete;
    RecordReader &operator=(const RecordReader &) = delete;

    // False at the end of the file, and once interrupted() says so.
    bool next(Record &record);

  private:
    bool fill();
    size_t line_end(size_t from);
    size_t csv_end(size_t first, Record &record);
    void skip_long_line(Record &record);
    std::string_view from_here(size_t size) const { return std::string_view(buffer_).substr(at_, size); }

    std::string path_;
    Format format_;
    int fd_ = -1;
    bool end_ = false;
    std::string buffer_;
    size_t at_ = 0;
    uint64_t line_ = 1;
    size_t cells_ = 0;  // of the first record of CSV; 0 before it is read
};

struct CsvField {
    std::string_view text;
    bool quoted = false;
};

// Splits a record as RFC 4180 says: a quote opens a cell only at its start, and a cell that begins with none has none.
// The views point into `record` or into `scratch`.
// @param cells  that the record must have; 0: any number
// @return what is wrong with it, and where, without any text of it; nothing where it is right
std::optional<std::string> split_csv(std::string_view record, size_t cells, std::vector<CsvField> &fields,
                                     std::string &scratch);

// Appends a field, quoted where it has to be.
void append_csv(std::string &out, std::string_view text);

}  // namespace weighbridge::cli
