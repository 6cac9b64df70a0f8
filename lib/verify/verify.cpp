// SPDX-License-Identifier: Apache-2.0
// libweighbridge_verify.so: ECDSA by an OpenSSL that is linked into it and that nobody else sees. It has a library
// context of its own with the built-in default provider, and reads no configuration file, so that nothing of the host's
// OpenSSL or of the system's openssl.cnf has a say.
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/decoder.h>
#include <openssl/encoder.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/provider.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>

#include "sign/verify_api.h"

namespace {

template <auto Free>
struct OpensslFree {
    template <class T>
    void operator()(T *of) const {
        Free(of);
    }
};
using Key = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, OpensslFree<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, OpensslFree<EVP_MD_CTX_free>>;
using Decoder = std::unique_ptr<OSSL_DECODER_CTX, OpensslFree<OSSL_DECODER_CTX_free>>;
using Encoder = std::unique_ptr<OSSL_ENCODER_CTX, OpensslFree<OSSL_ENCODER_CTX_free>>;

// By the numbers of verify_api.h.
struct CurveNames {
    const char *curve, *hash;
};
constexpr CurveNames kCurves[] = {{"prime256v1", "SHA256"}, {"secp384r1", "SHA384"}, {"secp521r1", "SHA512"}};

// Never freed: other threads may still be in here when the process ends. Null where it cannot be had.
OSSL_LIB_CTX *context() {
    static OSSL_LIB_CTX *const made = [] {
        // Flags decide for this OpenSSL only, which is nobody else's.
        OSSL_LIB_CTX *one = nullptr;
        if (OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT | OPENSSL_INIT_NO_LOAD_CONFIG, nullptr) == 1)
            one = OSSL_LIB_CTX_new();
        if (one && !OSSL_PROVIDER_load(one, "default")) {
            OSSL_LIB_CTX_free(one);
            one = nullptr;
        }
        return one;
    }();
    return made;
}

// OpenSSL keeps a thread's errors until somebody takes them.
struct ErrorsCleared {
    ~ErrorsCleared() { ERR_clear_error(); }
};

bool is_curve(int32_t curve) { return curve >= 0 && curve < static_cast<int32_t>(std::size(kCurves)); }

// The public key with this point; null where it is no point of the curve.
Key key_of(int32_t curve, wb_bytes point) {
    KeyContext making(EVP_PKEY_CTX_new_from_name(context(), "EC", nullptr));
    if (!making || EVP_PKEY_fromdata_init(making.get()) != 1) return nullptr;
    OSSL_PARAM parts[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, const_cast<char *>(kCurves[curve].curve), 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, const_cast<uint8_t *>(point.data), point.size),
        OSSL_PARAM_construct_end()};
    EVP_PKEY *made = nullptr;
    return Key(EVP_PKEY_fromdata(making.get(), &made, EVP_PKEY_PUBLIC_KEY, parts) == 1 ? made : nullptr);
}

struct Passphrase {
    wb_bytes text;
    bool asked;
};

// A pem_password_cb, so that OpenSSL never asks at a terminal.
int give_passphrase(char *out, int room, int, void *payload) {
    auto *passphrase = static_cast<Passphrase *>(payload);
    passphrase->asked = true;
    if (passphrase->text.size == 0 || passphrase->text.size > static_cast<size_t>(room)) return -1;
    std::memcpy(out, passphrase->text.data, passphrase->text.size);
    return static_cast<int>(passphrase->text.size);
}

// The first private key of a PEM text, behind the parameters that `openssl ecparam` writes before it.
wb_bytes private_block(wb_bytes pem) {
    const std::string_view text(reinterpret_cast<const char *>(pem.data), pem.size);
    const size_t label = text.find("PRIVATE KEY-----");
    const size_t begin = label == text.npos ? text.npos : text.rfind("-----BEGIN ", label);
    if (begin == text.npos) return {nullptr, 0};
    return {pem.data + begin, pem.size - begin};
}

int32_t open_key(wb_private_key of, Key &key, int32_t &curve) {
    const wb_bytes block = private_block(of.pem);
    if (!block.data) return WB_CRYPTO_BAD_KEY;
    EVP_PKEY *made = nullptr;
    Decoder decoder(
        OSSL_DECODER_CTX_new_for_pkey(&made, "PEM", nullptr, nullptr, EVP_PKEY_KEYPAIR, context(), nullptr));
    Passphrase passphrase{of.passphrase, false};
    if (!decoder || OSSL_DECODER_CTX_set_pem_password_cb(decoder.get(), give_passphrase, &passphrase) != 1)
        return WB_CRYPTO_FAILED;
    const unsigned char *data = block.data;
    size_t size = block.size;
    const bool read = OSSL_DECODER_from_data(decoder.get(), &data, &size) == 1;
    key.reset(made);
    if (!read || !key) return passphrase.asked ? WB_CRYPTO_PASSPHRASE : WB_CRYPTO_BAD_KEY;
    char name[64] = {};
    size_t written = 0;
    if (EVP_PKEY_is_a(key.get(), "EC") != 1 || EVP_PKEY_get_group_name(key.get(), name, sizeof name, &written) != 1)
        return WB_CRYPTO_BAD_CURVE;
    const auto found = std::find_if(std::begin(kCurves), std::end(kCurves),
                                    [&](const CurveNames &one) { return std::string_view(one.curve) == name; });
    curve = static_cast<int32_t>(found - std::begin(kCurves));
    return found == std::end(kCurves) ? WB_CRYPTO_BAD_CURVE : WB_CRYPTO_YES;
}

int32_t verify(int32_t curve, wb_bytes point, wb_bytes message, wb_bytes signature) {
    const ErrorsCleared cleared;
    if (!is_curve(curve)) return WB_CRYPTO_BAD_CURVE;
    const Key key = key_of(curve, point);
    if (!key) return WB_CRYPTO_BAD_POINT;
    DigestContext checking(EVP_MD_CTX_new());
    if (!checking || EVP_DigestVerifyInit_ex(checking.get(), nullptr, kCurves[curve].hash, context(), nullptr,
                                             key.get(), nullptr) != 1)
        return WB_CRYPTO_FAILED;
    const int held = EVP_DigestVerify(checking.get(), signature.data, signature.size, message.data, message.size);
    return held == 1 ? WB_CRYPTO_YES : WB_CRYPTO_NO;
}

int32_t sign(wb_private_key of, wb_bytes message, uint8_t *signature, size_t *size) {
    const ErrorsCleared cleared;
    Key key;
    int32_t curve = 0;
    if (const int32_t opened = open_key(of, key, curve); opened != WB_CRYPTO_YES) return opened;
    DigestContext signing(EVP_MD_CTX_new());
    if (!signing ||
        EVP_DigestSignInit_ex(signing.get(), nullptr, kCurves[curve].hash, context(), nullptr, key.get(), nullptr) != 1)
        return WB_CRYPTO_FAILED;
    const bool done = EVP_DigestSign(signing.get(), signature, size, message.data, message.size) == 1;
    return done ? WB_CRYPTO_YES : WB_CRYPTO_FAILED;
}

int32_t public_point(wb_private_key of, int32_t *curve, uint8_t *point, size_t *size) {
    const ErrorsCleared cleared;
    Key key;
    if (const int32_t opened = open_key(of, key, *curve); opened != WB_CRYPTO_YES) return opened;
    const bool done =
        EVP_PKEY_set_utf8_string_param(key.get(), OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "uncompressed") == 1 &&
        EVP_PKEY_get_octet_string_param(key.get(), OSSL_PKEY_PARAM_PUB_KEY, point, *size, size) == 1;
    return done ? WB_CRYPTO_YES : WB_CRYPTO_FAILED;
}

int32_t generate(int32_t curve, wb_bytes passphrase, uint8_t *pem, size_t *size) {
    const ErrorsCleared cleared;
    if (!is_curve(curve)) return WB_CRYPTO_BAD_CURVE;
    const Key key(EVP_PKEY_Q_keygen(context(), nullptr, "EC", kCurves[curve].curve));
    if (!key) return WB_CRYPTO_FAILED;
    const Encoder encoder(OSSL_ENCODER_CTX_new_for_pkey(key.get(), EVP_PKEY_KEYPAIR, "PEM", "PrivateKeyInfo", nullptr));
    if (!encoder) return WB_CRYPTO_FAILED;
    if (passphrase.size > 0 && (OSSL_ENCODER_CTX_set_cipher(encoder.get(), "AES-256-CBC", nullptr) != 1 ||
                                OSSL_ENCODER_CTX_set_passphrase(encoder.get(), passphrase.data, passphrase.size) != 1))
        return WB_CRYPTO_FAILED;
    unsigned char *text = nullptr;
    size_t bytes = 0;
    if (OSSL_ENCODER_to_data(encoder.get(), &text, &bytes) != 1) return WB_CRYPTO_FAILED;
    const bool fits = bytes <= *size;
    if (fits) std::memcpy(pem, text, *size = bytes);
    OPENSSL_clear_free(text, bytes);
    return fits ? WB_CRYPTO_YES : WB_CRYPTO_FAILED;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const wb_verify_v1 *wb_verify_get(uint32_t abi) {
    static const wb_verify_v1 table = {
        WB_VERIFY_ABI, sizeof(wb_verify_v1), OPENSSL_VERSION_TEXT, verify, sign, public_point, generate};
    return abi == WB_VERIFY_ABI && context() ? &table : nullptr;
}
