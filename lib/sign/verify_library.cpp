// SPDX-License-Identifier: Apache-2.0
#include "sign/verify_library.hpp"

#include <dlfcn.h>

namespace weighbridge::lib {
namespace {

wb_bytes bytes_of(std::string_view text) { return {reinterpret_cast<const uint8_t *>(text.data()), text.size()}; }

uint8_t *place_in(std::string &buffer) { return reinterpret_cast<uint8_t *>(buffer.data()); }

wb_private_key private_key(std::string_view pem, std::string_view passphrase) {
    return {bytes_of(pem), bytes_of(passphrase)};
}

Status crypto_failed(const wb_verify_v1 &table, std::string_view what) {
    return Status::failure(WB_INTERNAL, "{}: {} failed", table.crypto, what);
}

Status private_key_status(int32_t ended, const wb_verify_v1 &table, const std::string &path) {
    switch (ended) {
        case WB_CRYPTO_YES:
            return {};
        case WB_CRYPTO_BAD_KEY:
            return Status::failure(WB_INVALID_ARGUMENT, "{}: expected a private key in PEM (PKCS#8 or SEC 1), got none",
                                   path);
        case WB_CRYPTO_BAD_CURVE:
            return Status::failure(WB_INVALID_ARGUMENT,
                                   "{}: expected a private key of ECDSA on P-256, P-384 or P-521, got another", path);
        case WB_CRYPTO_PASSPHRASE:
            return Status::failure(WB_INVALID_ARGUMENT, "{}: expected the passphrase of the key, got {}", path,
                                   "another or none");
        default:
            return crypto_failed(table, "using a private key");
    }
}

template <class... Values>
Status unavailable(TextFormat<Values...> format, const Values &...values) {
    return Status::failure(WB_BACKEND_UNAVAILABLE, format, values...);
}

}  // namespace

Expected<VerifyLibrary> VerifyLibrary::open(const std::string &directory) {
    const std::string path = directory + "/" WB_VERIFY_LIBRARY;
    void *handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!handle)
        return unavailable(
            "{}: signatures cannot be checked without it; install it there, as this library's package "
            "has it, or name no keys ({:.80})",
            path, ::dlerror());
    const auto get = reinterpret_cast<wb_verify_get_fn>(::dlsym(handle, WB_VERIFY_GET));
    const wb_verify_v1 *table = get ? get(WB_VERIFY_ABI) : nullptr;
    if (!table || table->abi != WB_VERIFY_ABI || table->struct_size < sizeof(wb_verify_v1))
        return unavailable("{}: expected ABI {} of it, got another; install the one of this library's version", path,
                           WB_VERIFY_ABI);
    return VerifyLibrary(table);
}

Expected<bool> VerifyLibrary::verify(const PublicKey &key, std::string_view label, std::string_view bytes,
                                     std::string_view signature) const {
    const int32_t ended =
        table_->verify(static_cast<int32_t>(key.curve), bytes_of(key.point), bytes_of(bytes), bytes_of(signature));
    if (ended == WB_CRYPTO_BAD_POINT)
        return Status::failure(WB_INVALID_ARGUMENT, "{}: expected a point of {}, got one beside the curve", label,
                               name_of(key.curve));
    if (ended != WB_CRYPTO_YES && ended != WB_CRYPTO_NO) return crypto_failed(*table_, "checking a signature");
    return ended == WB_CRYPTO_YES;
}

Expected<PublicKey> VerifyLibrary::public_key(const std::string &path, std::string_view pem,
                                              std::string_view passphrase) const {
    int32_t curve = 0;
    std::string point(WB_POINT_BYTES, '\0');
    size_t size = point.size();
    const int32_t ended = table_->public_point(private_key(pem, passphrase), &curve, place_in(point), &size);
    if (Status status = private_key_status(ended, *table_, path); !status.ok()) return status;
    point.resize(size);
    return make_public_key(static_cast<Curve>(curve), std::move(point));
}

Expected<std::string> VerifyLibrary::sign(const std::string &path, std::string_view pem, std::string_view passphrase,
                                          std::string_view bytes) const {
    std::string signature(WB_SIGNATURE_BYTES, '\0');
    size_t size = signature.size();
    const int32_t ended = table_->sign(private_key(pem, passphrase), bytes_of(bytes), place_in(signature), &size);
    if (Status status = private_key_status(ended, *table_, path); !status.ok()) return status;
    signature.resize(size);
    return signature;
}

Expected<std::string> VerifyLibrary::generate(Curve curve, std::string_view passphrase) const {
    std::string pem(WB_KEY_BYTES, '\0');
    size_t size = pem.size();
    if (table_->generate(static_cast<int32_t>(curve), bytes_of(passphrase), place_in(pem), &size) != WB_CRYPTO_YES)
        return crypto_failed(*table_, "making a key");
    pem.resize(size);
    return pem;
}

}  // namespace weighbridge::lib
