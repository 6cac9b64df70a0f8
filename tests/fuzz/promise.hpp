// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "base/utf8.hpp"
#include "bundle/manifest_reader.hpp"
#include "feature/encoder.hpp"

namespace weighbridge::test {

// A promise that the code under test keeps whatever it is given; a broken one is the fuzzer's finding.
inline void promise(bool kept, const char *what) {
    if (kept) return;
    std::fprintf(stderr, "a promise is broken: %s\n", what);
    std::abort();
}

// A failure says something, on one line of valid UTF-8.
inline void promise_message(const lib::Status &status) {
    const std::string_view message = status.message;
    promise(!message.empty() && lib::utf8_error(message) == message.npos, "a message in UTF-8");
    for (const char letter : message)
        promise(static_cast<unsigned char>(letter) >= 0x20 && letter != 0x7F, "a message on one line");
}

// Features of every type, and an encoder of them.
struct EveryType {
    std::shared_ptr<const lib::Schema> schema;
    std::unique_ptr<const lib::Encoder> encoder;
};
const EveryType &every_type();

}  // namespace weighbridge::test
