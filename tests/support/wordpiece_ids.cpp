// SPDX-License-Identifier: Apache-2.0
// wordpiece_ids VOCABULARY FLAGS MAX_TOKENS: reads texts from stdin, each as its size in bytes, a newline and the
// bytes; writes the ids of each on a line. FLAGS are letters: l lowercase, a strip accents, d do so by default, c split
// CJK, s add special tokens, t keep the tail. Ends with 2 and a line on stderr where it cannot.
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "base/utf8.hpp"
#include "feature/wordpiece.hpp"

using namespace weighbridge::lib;

int main(int argc, char **argv) {
    if (argc != 4) {
        std::cerr << "expected VOCABULARY FLAGS MAX_TOKENS\n";
        return 2;
    }
    std::ifstream file(argv[1], std::ios::binary);
    const std::string vocabulary{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    const std::string flags = argv[2];
    const auto has = [&](char flag) { return flags.find(flag) != std::string::npos; };
    const auto strip_accents = has('d') ? std::nullopt : std::optional(has('a'));
    const auto wordpiece = WordPiece::make(vocabulary, {has('l'), strip_accents, has('c'), has('s'), has('t')});
    if (!wordpiece) {
        std::cerr << wordpiece.status().message << "\n";
        return 2;
    }
    const int64_t max_tokens = std::atoll(argv[3]);
    WordPiece::Scratch scratch;
    std::vector<int64_t> ids;
    std::string text, line;
    while (std::getline(std::cin, line)) {
        text.resize(std::stoull(line));
        std::cin.read(text.data(), static_cast<std::streamsize>(text.size()));
        if (!std::cin || utf8_error(text) != std::string_view::npos) {
            std::cerr << "expected " << text.size() << " bytes of UTF-8\n";
            return 2;
        }
        ids.clear();
        (*wordpiece)->encode(text, max_tokens, ids, scratch);
        for (size_t i = 0; i < ids.size(); ++i) std::cout << (i ? " " : "") << ids[i];
        std::cout << "\n";
    }
    return 0;
}
