// SPDX-License-Identifier: Apache-2.0
#include "cli/payments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/command.hpp"

namespace weighbridge::cli {

namespace {

Error refuse(std::string message) { return {WB_INVALID_INPUT, std::move(message), -1, 0}; }

Expected<bool> label_of(const std::string &name, std::string_view text) {
    if (text == "0") return false;
    if (text == "1") return true;
    return refuse(fmt::format("label '{}': expected 0 or 1, got another value", name));
}

void append_name(std::string &list, std::string_view name) {
    if (!list.empty()) list += ", ";
    list += fmt::format("'{}'", name);
}

}  // namespace

Payments::Payments(Schema schema, InputOptions options, const std::string &header)
    : schema_(std::move(schema)), options_(std::move(options)) {
    for (const wb_feature_info &feature : schema_.features())
        if (feature.name == options_.label)
            throw Failure(exit_usage, fmt::format("--label '{}' is a feature of the bundle", options_.label));
    if (options_.format == Format::csv) bind(header);
}

void Payments::bind(const std::string &header) {
    std::vector<CsvField> names;
    std::string scratch;
    if (auto wrong = split_csv(header, names, scratch)) throw Failure(exit_failed, "header: " + *wrong);
    std::string unknown, missing;
    std::vector<bool> found(schema_.features().size() + options_.ids.size() + 1);
    auto mark = [&](size_t what, std::string_view name) {
        if (found[what]) throw Failure(exit_failed, fmt::format("header: column '{}' is there twice", name));
        found[what] = true;
    };
    for (const CsvField &field : names) {
        Column column;
        for (size_t i = 0; i < schema_.features().size(); ++i)
            if (field.text == schema_.features()[i].name) mark(i, field.text), column.feature = static_cast<int32_t>(i);
        for (size_t i = 0; i < options_.ids.size(); ++i)
            if (field.text == options_.ids[i])
                mark(schema_.features().size() + i, field.text), column.id = static_cast<int32_t>(i);
        if (!options_.label.empty() && field.text == options_.label)
            mark(found.size() - 1, field.text), column.label = true;
        if (column.feature == none && column.id == none && !column.label) append_name(unknown, field.text);
        columns_.push_back(column);
    }
    for (size_t i = 0; i < schema_.features().size(); ++i)
        if (!found[i]) append_name(missing, schema_.features()[i].name);
    for (size_t i = 0; i < options_.ids.size(); ++i)
        if (!found[schema_.features().size() + i])
            throw Failure(exit_failed, fmt::format("header: --id column '{}' is not there", options_.ids[i]));
    if (!options_.label.empty() && !found.back())
        throw Failure(exit_failed, fmt::format("header: --label column '{}' is not there", options_.label));
    if (!unknown.empty() && !options_.allow_unknown)
        throw Failure(exit_failed, "header: not features: " + unknown + "; --allow-unknown ignores them");
    if (!missing.empty() && !options_.allow_missing)
        throw Failure(exit_failed, "header: no column for: " + missing + "; --allow-missing leaves them missing");
}

Expected<void> Payments::read(std::string_view record, Row &row, Payment &payment) const {
    row.clear();
    payment.ids.assign(options_.ids.size(), {});
    payment.fraud.reset();
    return options_.format == Format::csv ? read_csv(record, row, payment) : read_json(record, row, payment);
}

Expected<void> Payments::read_csv(std::string_view record, Row &row, Payment &payment) const {
    thread_local std::vector<CsvField> fields;
    thread_local std::string scratch;
    if (auto wrong = split_csv(record, fields, scratch)) return refuse(*wrong);
    if (fields.size() != columns_.size())
        return refuse(fmt::format("expected {} fields as in the header, got {}", columns_.size(), fields.size()));
    for (size_t i = 0; i < fields.size(); ++i) {
        const Column &column = columns_[i];
        if (column.id != none) payment.ids[static_cast<size_t>(column.id)] = fields[i].text;
        if (column.label) {
            auto label = label_of(options_.label, fields[i].text);
            if (!label) return std::move(label).error();
            payment.fraud = *label;
        }
        if (column.feature == none) continue;
        if (auto set = set_cell(row, static_cast<uint32_t>(column.feature), fields[i]); !set) return set;
    }
    return {};
}

Expected<void> Payments::read_json(std::string_view record, Row &row, Payment &payment) const {
    if (options_.ids.empty() && options_.label.empty() && !options_.allow_unknown) return row.set_json(record);
    nlohmann::json parsed = nlohmann::json::parse(record, nullptr, false);
    if (!parsed.is_object()) return refuse("expected a JSON object");
    auto known = [&](const std::string &name) {
        return std::any_of(schema_.features().begin(), schema_.features().end(),
                           [&](const wb_feature_info &feature) { return name == feature.name; });
    };
    for (size_t i = 0; i < options_.ids.size(); ++i) {
        auto found = parsed.find(options_.ids[i]);
        if (found == parsed.end()) return refuse(fmt::format("id '{}' is not there", options_.ids[i]));
        payment.ids[i] = found->is_string() ? found->get<std::string>() : found->dump();
    }
    if (!options_.label.empty()) {
        auto found = parsed.find(options_.label);
        auto label = label_of(options_.label, found == parsed.end() ? "" : found->dump());
        if (!label) return std::move(label).error();
        payment.fraud = *label;
    }
    for (auto at = parsed.begin(); at != parsed.end();) {
        bool named = at.key() == options_.label ||
                     std::find(options_.ids.begin(), options_.ids.end(), at.key()) != options_.ids.end();
        bool dropped = !known(at.key()) && (named || options_.allow_unknown);
        at = dropped ? parsed.erase(at) : std::next(at);
    }
    return row.set_json(parsed.dump());
}

}  // namespace weighbridge::cli
