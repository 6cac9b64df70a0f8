// SPDX-License-Identifier: Apache-2.0
// The options of verbs that read a file of payments.
#pragma once

#include <memory>
#include <string>

#include "cli/payments.hpp"
#include "cli/records.hpp"

namespace weighbridge::cli {

class Options;

// An open file of payments.
struct InputFile {
    std::unique_ptr<RecordReader> reader;
    std::unique_ptr<Payments> payments;
};

struct Input {
    std::string path, format;
    bool allow_unknown = false, allow_missing = false;

    void declare(Options &options);
    void declare_optional(Options &options, const char *help);
    // Reads the header of a CSV file.
    InputFile open(const Schema &schema, InputOptions options = {}) const;

  private:
    void declare_reading(Options &options);
};

}  // namespace weighbridge::cli
