// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/expected.hpp"
#include "sign/public_key.hpp"
#include "sign/verify_api.h"

namespace weighbridge::lib {

// libweighbridge_verify.so, which is opened where keys come into play and nowhere else. It stays mapped until the
// process ends, as OpenSSL keeps threads' state. Copied freely; thread-safe.
class VerifyLibrary {
  public:
    // From this folder, by its absolute path. WB_BACKEND_UNAVAILABLE: "<file>: <what is wrong>; <what to do>".
    static Expected<VerifyLibrary> open(const std::string &directory);

    // Whether a signature (DER) over the bytes is of this key. Failures name the key by `label`.
    Expected<bool> verify(const PublicKey &key, std::string_view label, std::string_view bytes,
                          std::string_view signature) const;
    // Of a private key in PEM; `path` is what messages call it. WB_INVALID_ARGUMENT.
    Expected<PublicKey> public_key(const std::string &path, std::string_view pem, std::string_view passphrase) const;
    Expected<std::string> sign(const std::string &path, std::string_view pem, std::string_view passphrase,
                               std::string_view bytes) const;
    // A new private key, in PEM.
    Expected<std::string> generate(Curve curve, std::string_view passphrase) const;

  private:
    explicit VerifyLibrary(const wb_verify_v1 *table) : table_(table) {}

    const wb_verify_v1 *table_;
};

}  // namespace weighbridge::lib
