// SPDX-License-Identifier: Apache-2.0
#include "fuzz/data_inputs.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/base64.hpp"
#include "base/json_text.hpp"
#include "bundle/signature_file.hpp"
#include "cli/command.hpp"
#include "cli/records.hpp"
#include "feature/row.hpp"
#include "feature/zone.hpp"
#include "fuzz/promise.hpp"

namespace weighbridge::test {
namespace {

constexpr const char kManifest[] = R"({
  "weighbridge": {"format": 1},
  "identity": {"name": "every-type", "version": "1"},
  "features": [
    {"name": "f32", "type": "float32", "range": [-1000, 1000], "missing": {"default": 0}},
    {"name": "f64", "type": "float64", "nan": "missing", "missing": {"default": 1.5}},
    {"name": "i64", "type": "int64", "money": {"currency": "EUR", "exponent": 2}, "range": [-5, 1000000],
     "missing": {"default": 0}},
    {"name": "bool", "type": "bool", "missing": {"default": false}},
    {"name": "country", "type": "category", "missing": {"default": "FR"}, "privacy": "place",
     "encoding": [{"op": "vocabulary", "values": ["FR", "DE"], "unknown": "zero"}]},
    {"name": "code", "type": "category", "keys": "int64", "missing": {"default": 7},
     "encoding": [{"op": "hash", "buckets": 1000, "seed": 7}]},
    {"name": "time", "type": "timestamp", "unit": "ms", "missing": {"default": 0},
     "encoding": [{"op": "cyclic", "period": "week"}]},
    {"name": "past", "type": "sequence", "of": "float64", "missing": {"default": []},
     "encoding": [{"op": "truncate", "keep": "tail"}]},
    {"name": "past_country", "type": "sequence", "of": "category", "missing": {"default": []},
     "encoding": [{"op": "truncate", "keep": "tail"}, {"op": "vocabulary", "values": ["FR"], "unknown": "zero"}]},
    {"name": "past_time", "type": "sequence", "of": "timestamp", "unit": "us", "missing": {"default": []},
     "encoding": [{"op": "truncate", "keep": "tail"}]}],
  "tensors": [
    {"name": "numbers", "dtype": "float64", "shape": ["batch", 6], "features": ["f32", "f64", "i64", "bool", "time"]},
    {"name": "keys", "dtype": "int64", "shape": ["batch", 2], "features": ["country", "code"]},
    {"name": "pasts", "dtype": "float64", "shape": ["batch", "length", 2], "features": ["past", "past_time"]},
    {"name": "past_keys", "dtype": "int64", "shape": ["batch", "length", 1], "features": ["past_country"]}],
  "outputs": [{"name": "fraud", "shape": ["batch"]}],
  "limits": {"length": 8},
  "fallback": {"score": 0.5}
})";

std::string_view text_of(lib::ByteView bytes) { return {reinterpret_cast<const char *>(bytes.data()), bytes.size()}; }

// Takes any JSON.
struct Listener final : lib::JsonEvents {
    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number(std::string_view) override { return true; }
    bool string(std::string_view text) override {
        promise(lib::utf8_error(text) == text.npos, "a string of JSON in UTF-8");
        return true;
    }
    bool start_object() override { return true; }
    bool key(std::string_view) override { return true; }
    bool end_object() override { return true; }
    bool start_array() override { return true; }
    bool end_array() override { return true; }
};

// Our reader and nlohmann's agree on what JSON is, but for a byte order mark, for NUL, which the latter takes for the
// text's end, and for numbers that no double holds, which only the latter refuses.
void promise_json(std::string_view text) {
    Listener listener;
    const bool ours = lib::read_json(text, listener).end == lib::JsonRead::End::complete;
    const bool other = text.substr(0, 1) == "\xEF" || text.find('\0') != text.npos;
    const bool theirs = !other && nlohmann::json::accept(text);
    promise(!theirs || ours, "JSON that nlohmann's reader takes is taken");
    const bool huge = text.find_first_of("0123456789") != text.npos;
    promise(!ours || theirs || huge, "JSON that nlohmann's reader refuses is refused");
}

}  // namespace

const EveryType &every_type() {
    static const EveryType made = [] {
        auto read = lib::read_manifest("manifest.json", kManifest, lib::Completeness::draft);
        promise(static_cast<bool>(read), read ? "" : read.status().message);
        EveryType every;
        std::vector<lib::Feature> features = std::move(read->manifest.features);
        for (lib::Feature &feature : features)
            for (lib::Encoding &step : feature.encoding)
                if (auto *cyclic = std::get_if<lib::Cyclic>(&step); cyclic && !cyclic->zone)
                    cyclic->zone = lib::Zone::fixed(0);
        every.schema = *lib::Schema::make(std::move(features));
        every.encoder = *lib::Encoder::make(every.schema, read->manifest.tensors, read->manifest.limits);
        return every;
    }();
    return made;
}

bool try_manifest(lib::ByteView bytes) {
    bool accepted = false;
    for (auto completeness : {lib::Completeness::draft, lib::Completeness::complete}) {
        auto read = lib::read_manifest("manifest.json", text_of(bytes), completeness);
        if (!read) promise_message(read.status());
        accepted = accepted || read;
    }
    return accepted;
}

bool try_signature(lib::ByteView bytes) {
    // As a file, and as the statement of a file that is right otherwise: base64 would hide it from the fuzzer.
    const std::string around = R"({"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": ")" +
                               std::string(64, '0') + R"("}, "tlogEntries": []},
        "dsseEnvelope": {"payloadType": "application/vnd.in-toto+json", "signatures": [{"sig": "MAYCAQECAQE=", "keyid": ""}],
        "payload": ")" + lib::base64(text_of(bytes)) +
                               R"("}})";
    bool accepted = false;
    for (const std::string_view text : {text_of(bytes), std::string_view(around)}) {
        const auto read = lib::read_signature("model.sig", text);
        if (!read) {
            promise_message(read.status());
            continue;
        }
        accepted = true;
        promise(!read->digests.empty() && read->digests.size() <= lib::kSignedFiles, "a signature of files");
        for (const auto &[name, digest] : read->digests) {
            promise(lib::is_file_name(name), "names of files beside the manifest");
            promise(digest.size() == 64 && read->key.size() == 64, "digests of 64 digits");
        }
        promise(lib::signed_bytes(read->statement).ends_with(read->statement), "the statement is signed");
        promise(read->signature.size() <= 256, "a signature's size");
    }
    return accepted;
}

bool try_row_json(lib::ByteView bytes) {
    promise_json(text_of(bytes));
    const EveryType &every = every_type();
    const lib::Schema &schema = *every.schema;
    std::vector<uint64_t> row(schema.fixed_bytes() / 8 + 64);
    promise(lib::init_row(schema, row.data(), row.size() * 8).ok(), "a row of its schema");
    const std::vector<uint64_t> before = row;
    lib::Status status = lib::set_row_json(schema, row.data(), text_of(bytes), every.encoder->limits().length);
    if (!status.ok()) {
        promise_message(status);
        // What lies behind the used part of the tail is not the row's.
        promise(std::equal(row.begin(), row.begin() + schema.fixed_bytes() / 8, before.begin()), "all or nothing");
        return false;
    }
    lib::Tile tile = every.encoder->make_tile(1);
    lib::RowNotes notes;
    lib::Encoder::Append done;
    status = every.encoder->append(tile, lib::StridedRows(schema, row.data(), 0), 0, notes, done);
    if (!status.ok()) promise_message(status);
    return true;
}

bool try_csv(lib::ByteView bytes) {
    const int file = memfd_create("payments", MFD_CLOEXEC);
    promise(file >= 0 && write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()), "a file");
    size_t records = 0;
    try {
        cli::RecordReader reader("/proc/self/fd/" + std::to_string(file), cli::Format::csv);
        cli::Record record;
        std::vector<cli::CsvField> fields;
        std::string scratch;
        for (uint64_t line = 0; reader.next(record); ++records) {
            promise(record.line > line, "lines in order");
            line = record.line;
            promise(record.text.size() <= cli::max_record_bytes, "a record that fits");
            promise(record.lines >= 1, "a record has a line");
            const auto wrong = cli::split_csv(record.text, 0, fields, scratch);
            promise(record.lines == 1 || !record.fault.empty() || !wrong,
                    "a record of several lines has cells or a fault");
        }
        const auto line_ends = static_cast<size_t>(std::count(bytes.begin(), bytes.end(), std::byte{'\n'}));
        promise(records <= line_ends + 1, "no more records than lines");
    } catch (const cli::Failure &) {  // UTF-16, a compressed file, ...
        records = 0;
    }
    close(file);
    return records > 0;
}

}  // namespace weighbridge::test
