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

// Longest record accepted; a longer one is reported and skipped, so that memory stays bounded whatever the file says.
inline constexpr size_t max_record_bytes = 1 << 20;

struct Record {
    uint64_t line = 0;      // where it begins, from 1
    bool too_long = false;  // then text is empty
    std::string text;       // without its line end
};

// Reads a file, or stdin for "-". A byte order mark, CR before LF and blank lines are skipped.
class RecordReader {
  public:
    RecordReader(const std::string &path, Format format);
    ~RecordReader();
    RecordReader(const RecordReader &) = delete;
    RecordReader &operator=(const RecordReader &) = delete;

    // False at the end of the file, and once interrupted() says so.
    bool next(Record &record);

  private:
    bool fill();

    std::string path_;
    Format format_;
    int fd_ = -1;
    bool end_ = false;
    std::string buffer_;
    size_t at_ = 0;
    uint64_t line_ = 1;
};

struct CsvField {
    std::string_view text;
    bool quoted = false;
};

// Splits a record as RFC 4180 says. The views point into `record` or into `scratch`.
// @return what is wrong with it, nothing where it is right
std::optional<std::string> split_csv(std::string_view record, std::vector<CsvField> &fields, std::string &scratch);

// Appends a field, quoted where it has to be.
void append_csv(std::string &out, std::string_view text);

}  // namespace weighbridge::cli
