// SPDX-License-Identifier: Apache-2.0
#include "cli/payments.hpp"

#include <algorithm>

#include "cli/command.hpp"
#include "cli/label.hpp"
#include "cli/members.hpp"
#include "cli/printable.hpp"
#include "cli/spelling.hpp"
#include "cli/text.hpp"

namespace weighbridge::cli {

namespace {

constexpr size_t longest_name = 64;  // of a column that messages repeat

Error refuse(std::string message) { return {WB_INVALID_INPUT, std::move(message), -1, 0}; }

// For a record of JSON that cannot be read.
const char *about_line_ends(std::string_view record) {
    return record.find('\r') == std::string_view::npos ? "" : "; CR alone ends no line, expected LF or CRLF";
}

void append_item(std::string &list, const std::string &item) {
    if (!list.empty()) list += ", ";
    list += item;
}

// An unknown column in a message: by its name only where the header is one beyond doubt.
std::string column_name(const CsvField &name, size_t index, bool is_header) {
    if (name.text.empty()) return formatted("column {} (without a name)", index + 1);
    if (!is_header || name.text.size() > longest_name) return formatted("column {}", index + 1);
    return formatted("'{}'", name.text);
}

// Of a name that is not a feature's, id's or label's. The name itself is not printed: it says nothing more.
constexpr const char *about_look_alikes = "differs in case or blanks only: write the name as it is here";

bool has(std::string_view name, const std::vector<CsvField> &names) {
    return std::any_of(names.begin(), names.end(), [&](const CsvField &field) { return field.text == name; });
}

// The column whose name would be `name` if case and blanks around it did not count; names.size() for none.
size_t look_alike(std::string_view name, const std::vector<CsvField> &names) {
    const std::string plain = folded(name);
    size_t i = 0;
    while (i < names.size() && folded(names[i].text) != plain) ++i;
    return i;
}

}  // namespace

Payments::Payments(Schema schema, InputOptions options, const std::string &header)
    : schema_(std::move(schema)), options_(std::move(options)) {
    for (size_t i = 0; i < schema_.features().size(); ++i)
        names_[schema_.features()[i].name].feature = static_cast<int32_t>(i);
    for (size_t i = 0; i < options_.ids.size(); ++i) {
        Column &column = names_[options_.ids[i]];
        if (column.id != none) throw Failure(exit_usage, formatted("--id '{}' is there twice", options_.ids[i]));
        column.id = static_cast<int32_t>(i);
    }
    if (!options_.label.empty()) {
        Column &column = names_[options_.label];
        if (column.feature != none)
            throw Failure(exit_usage, formatted("--label '{}' is a feature of the bundle", options_.label));
        column.label = true;
    }
    if (options_.format == Format::csv) bind(header);
}

Payments::Column Payments::column_of(std::string_view name) const {
    auto found = names_.find(name);
    return found == names_.end() ? Column() : found->second;
}

bool Payments::is_private(std::string_view name) const {
    int32_t feature = column_of(name).feature;
    return feature != none && schema_.features()[static_cast<size_t>(feature)].is_private;
}

size_t Payments::known(const std::vector<CsvField> &names) const {
    return static_cast<size_t>(
        std::count_if(names.begin(), names.end(), [&](const CsvField &name) { return names_.contains(name.text); }));
}

void Payments::refuse_header(const std::string &why) const {
    throw Failure(exit_failed, formatted("header of '{}': {}", options_.path, why));
}

// Where cells that another character separates are more of the names that are looked for.
void Payments::refuse_other_separator(const std::string &header, size_t known_by_comma) const {
    std::vector<CsvField> names;
    std::string scratch;
    constexpr std::pair<char, const char *> separators[] = {{';', "';'"}, {'\t', "a tab"}, {'|', "'|'"}};
    for (const auto &[separator, name] : separators) {
        std::string other = header;
        std::replace(other.begin(), other.end(), ',', ' ');
        std::replace(other.begin(), other.end(), separator, ',');
        if (!split_csv(other, 0, names, scratch) && known(names) > known_by_comma)
            refuse_header(
                formatted("expected cells between commas, got {}; write the file with commas (cells that hold "
                          "one in quotes)",
                          name));
    }
}

void Payments::bind(const std::string &header) {
    std::vector<CsvField> names;
    std::string scratch;
    // Excel reads the separator there.
    if (const std::string plain = folded(header); plain.starts_with("sep=") && plain.size() <= 5)
        refuse_header("the first line tells Excel the separator ('sep='): remove it, and write the file with commas");
    if (auto wrong = split_csv(header, 0, names, scratch)) refuse_header(*wrong);
    refuse_other_separator(header, known(names));
    for (const CsvField &name : names) {
        Column column = column_of(name.text);
        if (column.feature != none || column.id != none || column.label)
            for (const Column &other : columns_)
                if (other.feature == column.feature && other.id == column.id && other.label == column.label)
                    refuse_header(formatted("column '{}' is there twice", name.text));
        columns_.push_back(column);
    }
    refuse_wrong_names(names);
}

// For a column that an option names, and that is not there.
void Payments::refuse_column(const char *option, const std::string &name, const std::vector<CsvField> &names) const {
    const size_t like = look_alike(name, names);
    refuse_header(formatted("{} column '{}' is not there{}", option, name,
                            like < names.size() ? formatted("; column {} {}", like + 1, about_look_alikes) : ""));
}

void Payments::refuse_wrong_names(const std::vector<CsvField> &names) const {
    std::vector<bool> explained(names.size());  // by a feature that the name looks like
    std::string missing, look_alikes;
    size_t found = 0, alike = 0;
    bool may_be_missing = true;  // with --allow-missing
    for (const wb_feature_info &feature : schema_.features()) {
        if (has(feature.name, names)) {
            ++found;
            continue;
        }
        const size_t like = look_alike(feature.name, names);
        if (like < names.size() && !names_.contains(names[like].text)) {
            explained[like] = true;
            ++alike;
            const std::string item = formatted("'{}' (column {} {})", feature.name, like + 1, about_look_alikes);
            append_item(missing, item);
            append_item(look_alikes, item);
        } else {
            append_item(missing, formatted("'{}'{}", feature.name, feature.required ? " (required)" : ""));
            if (!feature.required) continue;
        }
        may_be_missing = false;
    }
    if (!found && !alike) refuse_header("the first line names no feature: expected a header with " + missing);
    for (const std::string &id : options_.ids)
        if (!has(id, names)) refuse_column("--id", id, names);
    if (!options_.label.empty() && !has(options_.label, names)) refuse_column("--label", options_.label, names);

    // A payment's cell may be a feature's name by chance, most of them are not.
    bool is_header = missing.empty() || 2 * (known(names) + alike) > names.size();
    std::string unknown;
    for (size_t i = 0; i < names.size(); ++i) {
        const bool is_index = i == 0 && names[i].text.empty();  // as pandas and R write it
        if (!names_.contains(names[i].text) && !is_index && !explained[i])
            append_item(unknown, column_name(names[i], i, is_header));
    }
    std::string wrong;
    if (!unknown.empty() && !options_.allow_unknown)
        wrong = "not features: " + unknown + "; --allow-unknown ignores them";
    // A column that only looks like a feature's is one that somebody meant to be read.
    const std::string &absent = options_.allow_missing ? look_alikes : missing;
    if (!absent.empty() && !(options_.allow_missing && options_.allow_unknown)) {
        if (!wrong.empty()) wrong += "; ";
        wrong += "no column for: " + absent;
        if (may_be_missing) wrong += "; --allow-missing leaves them missing";
        if (options_.allow_missing) wrong += "; --allow-unknown ignores them";
    }
    if (!wrong.empty()) refuse_header(wrong);
}

Expected<void> Payments::read(const Record &record, Row &row, Payment &payment) const {
    row.clear();
    payment.ids.assign(options_.ids.size(), std::nullopt);
    payment.fraud.reset();
    if (!record.fault.empty()) return refuse(record.fault);
    return options_.format == Format::csv ? read_csv(record.text, row, payment) : read_json(record.text, row, payment);
}

Expected<void> Payments::read_csv(std::string_view record, Row &row, Payment &payment) const {
    thread_local std::vector<CsvField> fields;
    thread_local std::string scratch, json;
    json.clear();
    if (auto wrong = split_csv(record, columns_.size(), fields, scratch)) return refuse(*wrong);
    for (size_t i = 0; i < fields.size(); ++i)
        if (columns_[i].id != none) payment.ids[static_cast<size_t>(columns_[i].id)] = fields[i].text;
    for (size_t i = 0; i < fields.size(); ++i) {
        const Column &column = columns_[i];
        if (column.label) {
            auto label = read_label(options_.label, fields[i].text);
            if (!label) return std::move(label).error();
            payment.fraud = *label;
        }
        if (column.feature == none) continue;
        if (auto set = set_cell(row, static_cast<uint32_t>(column.feature), fields[i], json); !set) return set;
    }
    if (json.empty()) return {};
    json += '}';
    return row.set_json(json);
}

// The row gets the members that are its features, as they are written; the others are not read.
Expected<void> Payments::read_json(std::string_view record, Row &row, Payment &payment) const {
    if (options_.ids.empty() && options_.label.empty() && !options_.allow_unknown) {
        auto set = row.set_json(record);
        if (set) return set;
        Error error = std::move(set).error();
        error.message += about_line_ends(record);
        return error;
    }
    thread_local std::vector<Member> members;
    thread_local std::string features;
    if (size_t byte = split_object(record, members))
        return refuse(formatted("expected a JSON object in a line, got another text at byte {}{}", byte,
                                about_line_ends(record)));
    std::optional<std::string_view> label;
    bool twice = false;
    int32_t unreadable = none;  // an id
    features = "{";
    for (const Member &member : members) {
        auto key = text_of(member.key);
        Column column = key ? column_of(*key) : Column();
        if (column.id != none) {
            auto &id = payment.ids[static_cast<size_t>(column.id)];
            twice = twice || id.has_value();
            id = text_of(member.value);
            if (!id || id->find('\0') != std::string::npos) unreadable = column.id;
        }
        if (column.label) {
            twice = twice || label.has_value();
            label = member.value;
        }
        bool read = column.feature != none || (column.id == none && !column.label && !options_.allow_unknown);
        if (!read) continue;
        if (features.size() > 1) features += ',';
        features.append(member.key).append(":").append(member.value);
    }
    features += '}';
    if (twice) return refuse("an id or the label is named twice in one object");
    if (unreadable != none)
        return refuse(formatted("id '{}': expected text in UTF-8 without NUL, got another text",
                                options_.ids[static_cast<size_t>(unreadable)]));
    for (auto &id : payment.ids)
        if (!id) id = "";  // not there: as an empty cell of CSV
    if (!options_.label.empty()) {
        std::string text = text_of(label.value_or("")).value_or("not UTF-8");
        auto fraud = read_label(options_.label, text);
        if (!fraud) return std::move(fraud).error();
        payment.fraud = *fraud;
    }
    return row.set_json(features);
}

}  // namespace weighbridge::cli
