// SPDX-License-Identifier: Apache-2.0
#include "bundle/golden.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include "bundle/json_cursor.hpp"
#include "feature/row.hpp"

namespace weighbridge::lib {
namespace {

constexpr size_t kLineBytes = 16 << 20;  // most of a line: a row at the limits of a wide schema
constexpr size_t kMostVectors = 65536;

// A decimal to the nearest float; infinity where float has no room for it. Rounding to double first and then to float
// may miss it by one; the double's shortest decimal is the text that was read (up to 15 digits), so that is rounded
// instead.
float float_of(double value) {
    char text[32];
    const auto written = std::to_chars(text, text + sizeof text, value);
    float nearest = 0.0F;
    if (std::from_chars(text, written.ptr, nearest).ec == std::errc{}) return nearest;
    return std::fabs(value) > 1.0 ? std::numeric_limits<float>::infinity() : static_cast<float>(value);
}

std::vector<float> read_values(const JsonCursor &values, int64_t width) {
    const auto size = static_cast<size_t>(width);
    std::vector<float> floats;
    const size_t count = values.array(size, size);
    for (size_t i = 0; i < count && !values.report().failed(); ++i) {
        const JsonCursor value = values.element(i);
        floats.push_back(float_of(value.number()));
        if (std::isinf(floats.back())) value.expected("a number that float32 holds");
    }
    return floats;
}

void read_golden_outputs(const JsonCursor &outputs, const Manifest &manifest, GoldenAnswer &out) {
    if (!outputs.object()) return;
    for (std::string_view name : outputs.names()) {
        const bool known = std::any_of(manifest.outputs.begin(), manifest.outputs.end(),
                                       [&](const Output &output) { return output.name == name; });
        const JsonCursor unknown = outputs.field(name);
        if (!known) return unknown.refuse("expected the name of an output in manifest.json");
    }
    for (const Output &output : manifest.outputs) {
        const JsonCursor values = outputs.field(output.name);
        out.outputs.push_back(read_values(values, output.width));
    }
}

void read_probability(const JsonCursor &probability, const JsonCursor &band, const Output &primary, GoldenAnswer &out) {
    if (probability) out.probability = probability.number();
    if (!band) return;
    if (!probability) return band.refuse("expected a probability beside it, got none");
    for (size_t i = 0; i < primary.bands.size(); ++i)
        if (band.word() == primary.bands[i].name) out.band = static_cast<int32_t>(i);
    if (!out.band) band.expected("the name of a band in manifest.json");
}

// Fills a row of the smallest capacity that holds it.
Status make_row(const Encoder &encoder, std::string_view json, std::vector<uint64_t> &row) {
    const Schema &schema = encoder.schema();
    // Every element takes at most 8 bytes of the tail and at least 2 characters of the text ("0,"), every text no more
    // than its characters; each field starts on a multiple of 8.
    row.assign((schema.fixed_bytes() + 8 * json.size() + 16 * schema.features().size()) / 8 + 1, 0);
    if (Status status = init_row(schema, row.data(), row.size() * 8); !status.ok()) return status;
    if (Status status = set_row_json(schema, row.data(), json, encoder.limits().length); !status.ok()) return status;
    auto header = load_unaligned<wb_row_header>(row.data());
    row.resize((size_t{header.used} + 7) / 8);
    header.capacity = static_cast<uint32_t>(row.size() * 8);
    std::memcpy(row.data(), &header, sizeof header);
    return {};
}

// Whether the encoder accepts the row.
Status check_row(const Encoder &encoder, const std::vector<uint64_t> &row, Tile &tile) {
    const StridedRows source(encoder.schema(), row.data(), 0);
    RowNotes notes;
    Encoder::Append done;
    tile.clear();
    return encoder.append(tile, source, 0, notes, done);
}

// Writers in other languages put NaN and Infinity into JSON, which has no such words. The output that one stands in,
// and the word; both empty where there is none.
std::pair<std::string_view, std::string_view> find_not_finite(std::string_view line, const Manifest &manifest) {
    std::string_view text;  // the last one, without its quotes
    for (size_t i = 0; i < line.size(); ++i) {
        if (line[i] == '"') {
            const size_t begin = ++i;
            for (; i < line.size() && line[i] != '"'; ++i) i += line[i] == '\\' ? 1 : 0;
            text = line.substr(begin, std::min(i, line.size()) - begin);
            continue;
        }
        for (std::string_view word : {"NaN", "-Infinity", "Infinity"})
            if (line.substr(i).starts_with(word))
                for (const Output &output : manifest.outputs)
                    if (output.name == text) return {text, word};
    }
    return {};
}

Expected<GoldenVector> read_line(const Bundle &bundle, const std::string &label, std::string_view line, Tile &tile) {
    auto document = parse_json(label, line, kLineBytes, Excerpt::withheld);
    if (!document) {
        const auto [output, word] = find_not_finite(line, bundle.manifest());
        if (output.empty()) return document.status();
        return Status::failure(WB_INVALID_BUNDLE, "{}: output '{}': expected finite numbers, got {}", label, output,
                               word);
    }
    JsonReport report(label);
    const JsonCursor root(report, *document);
    GoldenVector vector;
    if (root.object({"row", "outputs", "probability", "band"})) {
        const JsonCursor row = root.field("row"), outputs = root.field("outputs"),
                         probability = root.field("probability"), band = root.field("band");
        if (row.object()) {
            Status status = make_row(bundle.encoder(), row.json(), vector.row);
            if (status.ok()) status = check_row(bundle.encoder(), vector.row, tile);
            if (!status.ok()) row.refuse(status.message);
        }
        read_golden_outputs(outputs, bundle.manifest(), vector.answer);
        read_probability(probability, band, bundle.primary(), vector.answer);
    }
    if (report.failed()) return report.status();
    return vector;
}

}  // namespace

Expected<std::vector<GoldenVector>> read_golden(const Bundle &bundle, const StopSource &stop) {
    const Bytes *file = bundle.file("golden.jsonl");
    if (!file) return Status::failure(WB_INVALID_BUNDLE, "golden.jsonl: expected a file, got none");
    std::vector<GoldenVector> vectors;
    Tile tile = bundle.encoder().make_tile(1);
    for (std::string_view text = as_text(*file); !text.empty();) {
        if (vectors.size() == kMostVectors)
            return Status::failure(WB_INVALID_BUNDLE, "golden.jsonl: expected at most {} lines, got more",
                                   kMostVectors);
        if (Status status = stop.check("reading line {} of golden.jsonl", vectors.size() + 1); !status.ok())
            return status;
        const size_t end = text.find('\n');
        auto vector =
            read_line(bundle, formatted("golden.jsonl: line {}", vectors.size() + 1), text.substr(0, end), tile);
        if (!vector) return vector.status();
        vectors.push_back(*std::move(vector));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    if (vectors.empty())
        return Status::failure(WB_INVALID_BUNDLE, "golden.jsonl: expected at least one line, got none");
    return vectors;
}

std::string golden_line(const std::string &row_json, const Manifest &manifest, const GoldenAnswer &answer) {
    std::string line = "{\"row\": " + row_json + ", \"outputs\": {";
    const auto add_number = [&line](auto value) {
        char text[32];
        line.append(text, std::to_chars(text, text + sizeof text, value).ptr);
    };
    for (size_t i = 0; i < manifest.outputs.size() && i < answer.outputs.size(); ++i) {
        line += (i > 0 ? ", " : "") + quoted_json(manifest.outputs[i].name) + ": [";
        for (size_t k = 0; k < answer.outputs[i].size(); ++k) {
            line += k > 0 ? ", " : "";
            add_number(answer.outputs[i][k]);
        }
        line += "]";
    }
    line += "}";
    if (answer.probability) {
        line += ", \"probability\": ";
        add_number(*answer.probability);
    }
    for (const Output &output : manifest.outputs)
        if (output.primary && answer.band)
            line += ", \"band\": " + quoted_json(output.bands[static_cast<size_t>(*answer.band)].name);
    return line + "}";
}

}  // namespace weighbridge::lib
