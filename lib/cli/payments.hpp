// SPDX-License-Identifier: Apache-2.0
// From records to rows: which column is which feature, and how a cell becomes a value.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/records.hpp"
#include "weighbridge.hpp"

namespace weighbridge::cli {

struct InputOptions {
    Format format = Format::csv;
    std::string path;              // of the file, for messages
    std::vector<std::string> ids;  // columns that are passed through; they may be features too
    std::string label;             // column with what label.hpp reads, not a feature; "" for none
    bool allow_unknown = false;
    bool allow_missing = false;
};

// What a record says beside its features.
struct Payment {
    // By InputOptions.ids: the cell, or the JSON string's text, or another JSON value byte for byte; "" where the
    // object has none; nothing where it was not read.
    std::vector<std::optional<std::string>> ids;
    std::optional<bool> fraud;  // by InputOptions.label; none where it is not known
};

// Immutable after construction; thread-safe.
class Payments {
  public:
    // @param header  the first record of a CSV file; not read for NDJSON
    // A Failure (exit_failed) names columns that are unknown, missing, or there twice, and tells a file without a
    // header or with another separator: no cell of a payment is printed as a column's name.
    Payments(Schema schema, InputOptions options, const std::string &header);

    // Empties the row and fills it. An error's message says why the record is not acceptable; the payment then has the
    // ids where the record's form is right.
    Expected<void> read(const Record &record, Row &row, Payment &payment) const;

    // Whether it is a feature with a privacy class.
    bool is_private(std::string_view name) const;
    const InputOptions &options() const { return options_; }
    const Schema &schema() const { return schema_; }

  private:
    static constexpr int32_t none = -1;
    struct Column {
        int32_t feature = none;
        int32_t id = none;
        bool label = false;
    };

    Column column_of(std::string_view name) const;
    size_t known(const std::vector<CsvField> &names) const;
    void bind(const std::string &header);
    [[noreturn]] void refuse_header(const std::string &why) const;
    void refuse_column(const char *option, const std::string &name, const std::vector<CsvField> &names) const;
    void refuse_wrong_names(const std::vector<CsvField> &names) const;
    void refuse_other_separator(const std::string &header, size_t known_by_comma) const;
    Expected<void> read_csv(std::string_view record, Row &row, Payment &payment) const;
    Expected<void> read_json(std::string_view record, Row &row, Payment &payment) const;

    Schema schema_;
    InputOptions options_;
    std::map<std::string, Column, std::less<>> names_;  // of features, ids and the label
    std::vector<Column> columns_;                       // of CSV
};

// Reads the text of a CSV cell. Empty is missing, but in quotes an empty text, key or sequence; texts and keys are set;
// anything else is added to `json`, the members of an object without its end ("" at first), for Row::set_json, whose
// rules and messages hold for CSV too.
Expected<void> set_cell(Row &row, uint32_t index, const CsvField &field, std::string &json);

}  // namespace weighbridge::cli
