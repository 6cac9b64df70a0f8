// SPDX-License-Identifier: Apache-2.0
#include "cli/records.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

#include "cli/command.hpp"
#include "cli/interrupt.hpp"
#include "cli/spelling.hpp"
#include "cli/text.hpp"

namespace weighbridge::cli {

namespace {

constexpr size_t read_bytes = 256 << 10;  // large enough that system calls do not show in a profile

[[noreturn]] void refuse(const std::string &path) {
    throw Failure(exit_failed, "'" + path + "' cannot be read: " + std::strerror(errno));
}

// Other formats by their first bytes, and what to do about them.
constexpr struct {
    std::string_view begin, what;
} others[] = {
    {"\xFF\xFE", "UTF-16; convert it: iconv -f UTF-16 -t UTF-8"},
    {"\xFE\xFF", "UTF-16; convert it: iconv -f UTF-16 -t UTF-8"},
    {"\x1F\x8B", "compressed with gzip; decompress it: gzip -dc FILE | weighbridge ... --input -"},
    {"\x28\xB5\x2F\xFD", "compressed with zstd; decompress it: zstd -dc FILE | weighbridge ... --input -"},
    {"PK\x03\x04", "a zip archive or a spreadsheet; save it as CSV in UTF-8"},
    {"PAR1", "Parquet; write it as CSV or NDJSON"},
};

// Whether a cell of CSV is open at the end of the lines that were added. What breaks the form ends the record with its
// line: a line that opens a cell therefore closes one that is open before it, and no line is looked at more than a few
// times.
class Quotes {
  public:
    void add(std::string_view line) {
        bool start = !open_;  // of a cell
        bool closing = false;
        for (char c : line) {
            if (open_) {
                if (c == '"') open_ = false, closing = true;
                continue;
            }
            if (c == '"' && !start && !closing) return;                // a quote in a cell that began with none
            if (closing && c != '"' && c != ',' && c != '\r') return;  // text behind a closing quote
            open_ = c == '"';
            start = c == ',';
            closing = false;
        }
    }
    bool open() const { return open_; }

  private:
    bool open_ = false;
};

}  // namespace

Format format_of(const std::string &name, const std::string &path) {
    auto ends = [&](std::string_view end) { return path.ends_with(end); };
    if (name == "csv" || (name.empty() && ends(".csv"))) return Format::csv;
    if (name == "ndjson" || (name.empty() && (ends(".ndjson") || ends(".jsonl")))) return Format::ndjson;
    throw Failure(exit_usage, "'" + path + "': expected .csv, .ndjson or .jsonl, or --format csv or ndjson");
}

Format output_format(const char *option, const std::string &path, Format otherwise, const char *expected) {
    constexpr std::string_view not_written[] = {".tsv",     ".tab", ".xls", ".xlsx", ".xlsm", ".xlsb",  ".ods",
                                                ".parquet", ".pq",  ".orc", ".avro", ".json", ".arrow", ".feather",
                                                ".gz",      ".bz2", ".xz",  ".zst",  ".zip"};
    const size_t dot = path.find_last_of("./");
    const std::string extension = dot == std::string::npos ? "" : lowered(path.substr(dot));
    if (extension == ".csv") return Format::csv;
    if (extension == ".ndjson" || extension == ".jsonl") return Format::ndjson;
    if (std::find(std::begin(not_written), std::end(not_written), extension) != std::end(not_written))
        throw Failure(exit_usage,
                      formatted("{} '{}': expected {}, as {} is not written", option, path, expected, extension));
    return otherwise;
}

RecordReader::RecordReader(const std::string &path, Format format) : path_(path), format_(format) {
    fd_ = path == "-" ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd_ < 0) refuse(path);
    while (buffer_.size() < 4 && fill()) continue;
    for (const auto &other : others)
        if (buffer_.starts_with(other.begin))
            throw Failure(exit_failed, formatted("'{}': expected text in UTF-8, got {}", path, other.what));
    if (buffer_.starts_with("\xEF\xBB\xBF")) at_ = 3;
}

RecordReader::~RecordReader() {
    if (fd_ > STDIN_FILENO) close(fd_);
}

bool RecordReader::fill() {
    if (end_) return false;
    buffer_.erase(0, std::exchange(at_, 0));
    size_t size = buffer_.size();
    buffer_.resize(size + read_bytes);
    ssize_t got;
    do {
        got = interrupted() ? 0 : read(fd_, buffer_.data() + size, read_bytes);
    } while (got < 0 && errno == EINTR);
    if (got < 0) refuse(path_);
    buffer_.resize(size + static_cast<size_t>(got));
    end_ = got == 0;
    return !end_;
}

// Where the line ends that begins `from` bytes behind at_: at a LF, at the end of the file, or where it is seen to end
// behind max_record_bytes. Counted from at_, as all sizes here.
size_t RecordReader::line_end(size_t from) {
    for (;;) {
        std::string_view rest = std::string_view(buffer_).substr(at_ + from);
        size_t newline = rest.find('\n');
        if (newline != std::string_view::npos) return from + newline;
        from += rest.size();
        if (from > max_record_bytes || !fill()) return from;
    }
}

// Where the record of CSV ends whose first line ends at `first`; record.fault says where it cannot be told.
size_t RecordReader::csv_end(size_t first, Record &record) {
    thread_local std::vector<CsvField> fields;
    thread_local std::string scratch;
    size_t end = first;
    if (from_here(first).find('"') != std::string_view::npos) {
        Quotes quotes;
        quotes.add(from_here(first));
        while (quotes.open()) {
            size_t from = end + 1;
            if (at_ + end == buffer_.size()) break;  // the line has no LF: the file ends
            size_t next = line_end(from);
            if (next > max_record_bytes || (next == from && at_ + from == buffer_.size())) break;
            quotes.add(from_here(next).substr(from));
            ++record.lines;
            end = next;
        }
    }
    if (cells_ && record.lines == 1) return end;  // Payments says what is wrong with it
    auto wrong = split_csv(from_here(end), cells_, fields, scratch);
    if (!wrong) {
        cells_ = fields.size();
        return end;
    }
    record.fault = *wrong;
    if (record.lines > 1)
        record.fault +=
            formatted("; the record would take {} lines: this line is left out, the next ones are read", record.lines);
    record.lines = 1;
    return first;
}

void RecordReader::skip_long_line(Record &record) {
    record.fault = formatted("the record is longer than {} bytes", max_record_bytes);
    if (from_here(max_record_bytes).find('\r') != std::string_view::npos)
        record.fault += "; CR alone ends no line, expected LF or CRLF";
    size_t newline;
    while ((newline = buffer_.find('\n', at_)) == std::string::npos) {
        at_ = buffer_.size();
        if (!fill()) return;
    }
    at_ = newline + 1;
}

bool RecordReader::next(Record &record) {
    for (;;) {
        record = {line_, 1, {}, {}};
        size_t end = line_end(0);
        if (interrupted() || at_ == buffer_.size()) return false;
        if (end > max_record_bytes) {
            ++line_;
            skip_long_line(record);
            return true;
        }
        bool blank = from_here(end).find_first_not_of('\r') == std::string_view::npos;
        if (format_ == Format::csv && !blank) end = csv_end(end, record);
        if (interrupted()) return false;
        record.text = from_here(end);
        at_ = std::min(at_ + end + 1, buffer_.size());
        line_ += record.lines;
        while (record.text.ends_with('\r')) record.text.pop_back();
        if (size_t nul = record.text.find('\0'); nul != std::string::npos && record.fault.empty())
            record.fault = formatted("byte {} of the record is NUL, which no text holds", nul + 1);
        if (!blank) return true;
    }
}

std::optional<std::string> split_csv(std::string_view record, size_t cells, std::vector<CsvField> &fields,
                                     std::string &scratch) {
    fields.clear();
    scratch.clear();
    scratch.reserve(record.size());  // so that views of it stay true
    while (record.ends_with('\r')) record.remove_suffix(1);
    auto wrong = [&](const char *what) { return formatted("cell {}: {}", fields.size() + 1, what); };
    size_t at = 0;
    for (;;) {
        if (at < record.size() && record[at] == '"') {
            size_t begin = scratch.size();
            for (++at;; ++at) {
                size_t quote = record.find('"', at);
                if (quote == std::string_view::npos) return wrong("its opening quote is not closed");
                scratch.append(record, at, quote - at);
                at = quote + 1;
                if (at >= record.size() || record[at] != '"') break;
                scratch += '"';
            }
            if (at < record.size() && record[at] != ',')
                return wrong("text follows its closing quote; a quote inside a cell is written twice");
            fields.push_back({std::string_view(scratch).substr(begin), true});
        } else {
            size_t end = std::min(record.find(',', at), record.size());
            std::string_view text = record.substr(at, end - at);
            if (text.find('"') != std::string_view::npos)
                return wrong("a quote inside a cell that begins with none; write the cell in quotes, this quote twice");
            if (text.find('\r') != std::string_view::npos) return wrong("CR alone ends no line, expected LF or CRLF");
            fields.push_back({text, false});
            at = end;
        }
        if (at >= record.size()) break;
        ++at;
    }
    if (cells && fields.size() != cells)
        return formatted("expected {} cells as in the header, got {}", cells, fields.size());
    return std::nullopt;
}

void append_csv(std::string &out, std::string_view text) {
    if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
        out += text;
        return;
    }
    out += '"';
    for (char c : text) {
        if (c == '"') out += '"';
        out += c;
    }
    out += '"';
}

}  // namespace weighbridge::cli
