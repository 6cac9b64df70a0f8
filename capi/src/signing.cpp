// SPDX-License-Identifier: Apache-2.0
#include "sign/signing.hpp"

#include "base/own_directory.hpp"
#include "objects.hpp"
#include "weighbridge.h"

using namespace weighbridge;

namespace {

std::string_view text_or_empty(const char *text) { return text ? text : ""; }

lib::BundleSigner signer() { return lib::BundleSigner(lib::own_directory()); }

}  // namespace

extern "C" {

int32_t wb_key_generate(const char *private_path, const char *public_path, const char *curve, const char *passphrase,
                        wb_error *err) {
    return capi::barrier(err, [&] {
        if (!private_path) return capi::null_argument("private_path");
        if (!public_path) return capi::null_argument("public_path");
        return signer().generate_key(private_path, public_path, curve ? curve : "P-256", text_or_empty(passphrase));
    });
}

int32_t wb_bundle_sign(const char *path, const char *roles, const char *key_path, const char *passphrase,
                       wb_error *err) {
    return capi::barrier(err, [&] {
        if (!path) return capi::null_argument("path");
        if (!key_path) return capi::null_argument("key_path");
        return signer().sign(path, text_or_empty(roles), key_path, text_or_empty(passphrase));
    });
}

int32_t wb_bundle_signed_bytes(wb_text **out, const char *path, const char *roles, wb_error *err) {
    return capi::barrier(out, err, [&] {
        if (!path) return capi::null_argument("path");
        auto bytes = signer().bytes_to_sign(path, text_or_empty(roles));
        return bytes ? capi::give_text(out, *std::move(bytes)) : bytes.status();
    });
}

int32_t wb_bundle_attach_signature(const char *path, const char *roles, const char *public_key_path,
                                   const void *signature, size_t size, wb_error *err) {
    return capi::barrier(err, [&] {
        if (!path) return capi::null_argument("path");
        if (!public_key_path) return capi::null_argument("public_key_path");
        if (!signature) return capi::null_argument("signature");
        return signer().attach(path, text_or_empty(roles), public_key_path,
                               {static_cast<const char *>(signature), size});
    });
}

}  // extern "C"
