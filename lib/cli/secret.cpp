// SPDX-License-Identifier: Apache-2.0
#include "cli/secret.hpp"

#include <fstream>

#include "cli/command.hpp"

namespace weighbridge::cli {

namespace {

constexpr size_t most_bytes = 4096;  // of either file

std::string head_of(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    std::string text(most_bytes, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (file.bad() || file.gcount() == 0)
        throw Failure(exit_failed, path + ": expected a file with content, got none that can be read");
    text.resize(static_cast<size_t>(file.gcount()));
    return text;
}

}  // namespace

std::string passphrase_of(const std::string &path) {
    if (path.empty()) return {};
    std::string line = head_of(path);
    line.resize(std::min(line.find_first_of("\r\n"), line.size()));
    if (line.empty()) throw Failure(exit_failed, path + ": expected a passphrase in its first line, got an empty one");
    return line;
}

std::string signature_of(const std::string &path) { return head_of(path); }

}  // namespace weighbridge::cli
