// SPDX-License-Identifier: Apache-2.0
#include "cli/records.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "cli/command.hpp"
#include "cli/interrupt.hpp"

namespace weighbridge::cli {

namespace {

constexpr size_t read_bytes = 256 << 10;  // large enough that system calls do not show in a profile

[[noreturn]] void refuse(const std::string &path) {
    throw Failure(exit_failed, "'" + path + "' cannot be read: " + std::strerror(errno));
}

}  // namespace

Format format_of(const std::string &name, const std::string &path) {
    auto ends = [&](std::string_view end) { return path.ends_with(end); };
    if (name == "csv" || (name.empty() && ends(".csv"))) return Format::csv;
    if (name == "ndjson" || (name.empty() && (ends(".ndjson") || ends(".jsonl")))) return Format::ndjson;
    throw Failure(exit_usage, "'" + path + "': expected .csv, .ndjson or .jsonl, or --format csv or ndjson");
}

RecordReader::RecordReader(const std::string &path, Format format) : path_(path), format_(format) {
    fd_ = path == "-" ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd_ < 0) refuse(path);
    while (buffer_.size() < 3 && fill()) continue;
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

bool RecordReader::next(Record &record) {
    for (;;) {
        record = {line_, false, {}};
        size_t scanned = 0;   // from at_: bytes without an end of the record
        bool quoted = false;  // inside quotes at `scanned`
        bool found = false;
        while (!found) {
            const char *from = buffer_.data() + at_ + scanned;
            size_t left = buffer_.size() - at_ - scanned;
            const void *newline = left ? std::memchr(from, '\n', left) : nullptr;
            size_t length = newline ? static_cast<size_t>(static_cast<const char *>(newline) - from) : left;
            if (format_ == Format::csv && std::count(from, from + length, '"') % 2 != 0) quoted = !quoted;
            scanned += length;
            if (scanned > max_record_bytes) {
                record.too_long = true;
                at_ += std::exchange(scanned, 0);
                quoted = false;
            }
            if (newline) {
                ++line_;
                found = !quoted || record.too_long;
                if (!found) ++scanned;
            } else if (!fill()) {
                break;
            }
        }
        if (interrupted()) return false;
        if (!record.too_long) record.text.assign(buffer_, at_, scanned);
        at_ += scanned + (found ? 1 : 0);
        if (record.text.ends_with('\r')) record.text.pop_back();
        if (!record.text.empty() || record.too_long) return true;
        if (!found) return false;
    }
}

std::optional<std::string> split_csv(std::string_view record, std::vector<CsvField> &fields, std::string &scratch) {
    fields.clear();
    scratch.clear();
    scratch.reserve(record.size());  // so that views of it stay true
    size_t at = 0;
    for (;;) {
        if (at < record.size() && record[at] == '"') {
            size_t begin = scratch.size();
            for (++at;; ++at) {
                size_t quote = record.find('"', at);
                if (quote == std::string_view::npos) return "a quote is not closed";
                scratch.append(record, at, quote - at);
                at = quote + 1;
                if (at >= record.size() || record[at] != '"') break;
                scratch += '"';
            }
            if (at < record.size() && record[at] != ',') return "text follows a closing quote";
            fields.push_back({std::string_view(scratch).substr(begin), true});
        } else {
            size_t end = std::min(record.find(',', at), record.size());
            std::string_view text = record.substr(at, end - at);
            if (text.find('"') != std::string_view::npos) return "a quote inside a field that does not begin with one";
            fields.push_back({text, false});
            at = end;
        }
        if (at >= record.size()) return std::nullopt;
        ++at;
    }
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
