// SPDX-License-Identifier: Apache-2.0
#include "cli/input.hpp"

#include "cli/command.hpp"
#include "cli/options.hpp"

namespace weighbridge::cli {

void Input::declare(Options &options) {
    options.required("--input", path, "payments: .csv (with a header), .ndjson or .jsonl; - for stdin");
    declare_reading(options);
}

void Input::declare_optional(Options &options, const char *help) {
    options.text("--input", path, help);
    declare_reading(options);
}

void Input::declare_reading(Options &options) {
    options.choice("--format", format, {"csv", "ndjson"}, "where the extension does not say");
    options.flag("--allow-unknown", allow_unknown, "ignore columns that are not features");
    options.flag("--allow-missing", allow_missing, "leave features without a CSV column missing");
}

InputFile Input::open(const Schema &schema, InputOptions options) const {
    options.format = format_of(format, path);
    options.allow_unknown = allow_unknown;
    options.allow_missing = allow_missing;
    InputFile file;
    file.reader = std::make_unique<RecordReader>(path, options.format);
    Record header;
    if (options.format == Format::csv && !file.reader->next(header))
        throw Failure(exit_failed, "'" + path + "' has no header");
    if (!header.fault.empty()) throw Failure(exit_failed, "header of '" + path + "': " + header.fault);
    options.path = path;
    file.payments = std::make_unique<Payments>(schema, std::move(options), header.text);
    return file;
}

}  // namespace weighbridge::cli
