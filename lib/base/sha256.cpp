// SPDX-License-Identifier: Apache-2.0
#include "base/sha256.hpp"

#define OPENSSL_SUPPRESS_DEPRECATED  // what replaces these functions needs all of libcrypto, 3.9 MB instead of 24 KB
#include <openssl/sha.h>

namespace weighbridge::lib {

Expected<Digest> sha256(ByteView data) {
    Digest digest{};
    SHA256_CTX state;
    if (SHA256_Init(&state) != 1 || SHA256_Update(&state, data.data(), data.size()) != 1 ||
        SHA256_Final(digest.data(), &state) != 1)
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
