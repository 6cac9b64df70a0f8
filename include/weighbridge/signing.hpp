// SPDX-License-Identifier: Apache-2.0
/// @file
/// Signatures over bundles: keys and signing. Loads check them by LoadOptions::named; c/signing.h has the rules. All
/// thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "weighbridge/bundle.hpp"
#include "weighbridge/c/signing.h"

namespace weighbridge {
inline namespace v0 {

/// A key pair to make: two files in PEM, which must not exist.
struct KeyRequest {
    std::string private_path, public_path;
    std::string curve = "P-256";  ///< or P-384, P-521
    std::string passphrase = {};  ///< encrypts the private key; empty: nothing does
};

/// Makes a key pair.
inline Expected<void> generate_key(const KeyRequest &request) {
    return detail::done([&](wb_error *err) {
        return wb_key_generate(request.private_path.c_str(), request.public_path.c_str(), request.curve.c_str(),
                               request.passphrase.c_str(), err);
    });
}

/// A signature to make: of which bundle, and as whom.
struct SignRequest {
    std::string bundle;
    std::string roles = {};       ///< "risk", or "risk,owner" where they sign too; empty: model.sig
    std::string key = {};         ///< of sign(): the private key; of attach_signature(): the public one
    std::string passphrase = {};  ///< of the private key
};

/// Checks a bundle whole and writes a signature into it.
inline Expected<void> sign(const SignRequest &request) {
    return detail::done([&](wb_error *err) {
        return wb_bundle_sign(request.bundle.c_str(), request.roles.c_str(), request.key.c_str(),
                              request.passphrase.c_str(), err);
    });
}

/// What sign() signs, for a key that stays where it is.
inline Expected<std::string> signed_bytes(const SignRequest &request) {
    return detail::text_of([&](wb_text **out, wb_error *err) {
        return wb_bundle_signed_bytes(out, request.bundle.c_str(), request.roles.c_str(), err);
    });
}

/// Writes a signature that was made of these bytes elsewhere, once it holds.
inline Expected<void> attach_signature(const SignRequest &request, std::string_view signature) {
    return detail::done([&](wb_error *err) {
        return wb_bundle_attach_signature(request.bundle.c_str(), request.roles.c_str(), request.key.c_str(),
                                          signature.data(), signature.size(), err);
    });
}

}  // namespace v0
}  // namespace weighbridge
