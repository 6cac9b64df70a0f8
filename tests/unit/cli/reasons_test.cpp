// SPDX-License-Identifier: Apache-2.0
// Every text that lists the reasons for a fallback lists all of them. Read from the folder tests/, where unit tests
// run.
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "weighbridge/call.hpp"

using namespace weighbridge;

namespace {

std::string text_of(const std::string &path) {
    std::ifstream file("../" + path);
    std::string text{std::istreambuf_iterator<char>(file), {}};
    CAPTURE(path);
    REQUIRE(!text.empty());
    return text;
}

// The part of a file from `first` up to the next `end`.
std::string part_of(const std::string &path, const std::string &first, const std::string &end) {
    const std::string text = text_of(path);
    const size_t at = text.find(first);
    CAPTURE(path, first);
    REQUIRE(at != std::string::npos);
    return text.substr(at, text.find(end, at + first.size()) - at);
}

}  // namespace

TEST_CASE("texts that list why a fallback answered list every reason") {
    const std::string header = text_of("include/weighbridge/c/call.h");
    int32_t reasons = 0;
    for (size_t at = header.find("#define WB_REASON_"); at != std::string::npos;
         at = header.find("#define WB_REASON_", at + 1))
        ++reasons;
    REQUIRE(reasons > 4);
    const struct {
        const char *path, *first, *end;
        std::vector<std::string> words;  // by reason, where they are not the reasons' names
    } lists[] = {
        {"lib/cli/README.md", "and `reason` (of a fallback", ")", {}},
        {"include/weighbridge/c/base.h",
         "/** The bundle's fallback answered",
         "#define WB_OK_FALLBACK",
         {"deadline", "overload", "failing backend", "shorter than the model takes"}},
        {"README.md", "**Always an answer in time.**", "- **", {"late", "shed", "failed", "short"}},
        {"include/weighbridge/call.hpp",
         "Whether the bundle's fallback answered",
         "is_fallback",
         {"deadline", "overload", "model's failure", "too short"}},
    };
    for (const auto &list : lists) {
        const std::string text = part_of(list.path, list.first, list.end);
        for (int32_t reason = 1; reason < reasons; ++reason) {
            CAPTURE(list.path, reason);
            CHECK(std::string(reason_name(reason)) != "none");
            const std::string word = list.words.empty() ? "`" + std::string(reason_name(reason)) + "`"
                                                        : list.words.at(static_cast<size_t>(reason) - 1);
            INFO(word << " in: " << text);
            CHECK(text.find(word) != std::string::npos);
        }
    }
}
