// SPDX-License-Identifier: Apache-2.0
#include "base/sha256.hpp"

#define OPENSSL_SUPPRESS_DEPRECATED  // what replaces these functions needs all of libcrypto, 3.9 MB instead of 24 KB
#include <openssl/sha.h>

#include <algorithm>

namespace weighbridge::lib {

namespace {

constexpr size_t kBytesAtOnce = 4 << 20;  // 10 ms without SHA instructions

}  // namespace

Expected<Digest> sha256(ByteView data, const StopSource &stop) {
    Digest digest{};
    SHA256_CTX state;
    bool done = SHA256_Init(&state) == 1;
    for (size_t at = 0; done && at < data.size(); at += kBytesAtOnce) {
        if (Status status = stop.check("hashing it"); !status.ok()) return status;
        const ByteView part = data.subspan(at, std::min(kBytesAtOnce, data.size() - at));
        done = SHA256_Update(&state, part.data(), part.size()) == 1;
    }
    if (!done || SHA256_Final(digest.data(), &state) != 1)
        return Status::failure(WB_INTERNAL, "OpenSSL: SHA2-256 of {} bytes failed", data.size());
    return digest;
}

std::string hex(const Digest &digest) {
    constexpr char digits[] = "0123456789abcdef";
    std::string text;
    text.reserve(2 * digest.size());
    for (uint8_t byte : digest) {
        text.push_back(digits[byte >> 4]);
        text.push_back(digits[byte & 15]);
    }
    return text;
}

uint64_t leading_u64(const Digest &digest) {
    uint64_t value = 0;
    for (size_t i = 0; i < 8; ++i) value = value << 8 | digest[i];
    return value;
}

}  // namespace weighbridge::lib
