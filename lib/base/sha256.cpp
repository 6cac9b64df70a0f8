// SPDX-License-Identifier: Apache-2.0
#include "base/sha256.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

#include <atomic>
#include <memory>

#include "base/unload.hpp"

namespace weighbridge::lib {
namespace {

// Our own corner of OpenSSL. Constant after construction.
struct Library {
    OSSL_LIB_CTX *context = nullptr;
    OSSL_PROVIDER *provider = nullptr;
    EVP_MD *algorithm = nullptr;

    Library() {
        context = OSSL_LIB_CTX_new();
        if (context) provider = OSSL_PROVIDER_load(context, "default");
        if (provider) algorithm = EVP_MD_fetch(context, "SHA2-256", nullptr);
    }
    ~Library() {
        EVP_MD_free(algorithm);
        if (provider) OSSL_PROVIDER_unload(provider);
        OSSL_LIB_CTX_free(context);
    }
    Library(const Library &) = delete;
    Library &operator=(const Library &) = delete;
};

// Made at the first use and kept until the process ends: destroying it from a static destructor would race with the
// host's own OpenSSL clean-up. Published by one compare-and-swap, so that no fork can leave a lock behind.
constinit std::atomic<const Library *> shared{nullptr};

__attribute__((destructor)) void free_library() {
    if (unloading()) delete shared.load(std::memory_order_relaxed);
}

const Library *library() {
    if (const Library *made = shared.load(std::memory_order_acquire)) return made;
    auto mine = std::make_unique<const Library>();
    if (!mine->algorithm) return nullptr;
    const Library *expected = nullptr;
    if (shared.compare_exchange_strong(expected, mine.get(), std::memory_order_acq_rel)) return mine.release();
    return expected;
}

}  // namespace

Expected<Digest> sha256(ByteView data) {
    const Library *openssl = library();
    if (!openssl) return Status::failure(WB_INTERNAL, "OpenSSL: expected SHA2-256 in the default provider, got none");
    Digest digest{};
    unsigned int size = 0;
    if (EVP_Digest(data.data(), data.size(), digest.data(), &size, openssl->algorithm, nullptr) != 1 ||
        size != digest.size())
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
