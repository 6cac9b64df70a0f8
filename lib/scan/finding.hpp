// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.hpp"
#include "base/format.hpp"
#include "base/status.hpp"

namespace weighbridge::lib {

// A rule that a module's file breaks.
struct ScanFinding {
    std::string rule;  // its name, as README.md lists them
    std::string file;  // the archive's entry without its first folder; "" for the archive as a whole
    int64_t line = 0;  // of a code file, from 1; the byte's place in a pickle; 0 for neither
    std::string text;  // one line: what was found, and what is expected or would happen
};

// What a scan found, at most kMost of them; `more` counts the rest. Whatever takes long asks it whether to go on.
class ScanFindings {
  public:
    static constexpr size_t kMost = 100;

    template <class... Values>
    void add(std::string_view rule, std::string_view file, int64_t line, TextFormat<Values...> format,
             const Values &...values) {
        if (full())
            ++more;
        else
            list.push_back(
                {std::string(rule), printable_text(file), line, printable_text(formatted(format, values...))});
    }
    bool none() const { return list.empty(); }
    bool full() const { return list.size() == kMost; }
    // The first as a failure: "model.ts: RULE: FILE:LINE: TEXT (and N more)".
    Status status(std::string_view module) const;

    // Asks the stop, if there is one; where it ended the scan, what was found is not all, and `ending` says why.
    bool ended() {
        if (stop && ending.ok()) ending = stop->check("scanning the module");
        return !ending.ok();
    }

    std::vector<ScanFinding> list;
    size_t more = 0;
    const StopSource *stop = nullptr;  // while a scan runs
    Status ending;

  private:
    static std::string printable_text(std::string_view text);
};

}  // namespace weighbridge::lib
