// SPDX-License-Identifier: Apache-2.0
#include "cli/input.hpp"

#include <CLI/CLI.hpp>

#include "cli/command.hpp"

namespace weighbridge::cli {

void Input::declare(CLI::App &app, bool required) {
    app.add_option("--input", path, "payments: .csv (with a header), .ndjson or .jsonl; - for stdin")
        ->required(required);
    app.add_option("--format", format, "csv or ndjson, where the extension does not say")
        ->check(CLI::IsMember({"csv", "ndjson"}));
    app.add_flag("--allow-unknown", allow_unknown, "ignore columns that are not features");
    app.add_flag("--allow-missing", allow_missing, "leave features without a CSV column missing");
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
    if (!header.fault.empty()) throw Failure(exit_failed, "header: " + header.fault);
    file.payments = std::make_unique<Payments>(schema, std::move(options), header.text);
    return file;
}

}  // namespace weighbridge::cli
