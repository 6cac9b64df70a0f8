// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/expected.hpp"
#include "bundle/bundle.hpp"

namespace weighbridge::lib {

// The statement over a bundle's files that a signer signs: the same bundle and roles, the same bytes.
// `roles`: of all who sign it; their files are named as ignored, so that each signature holds beside the others.
Expected<std::string> statement_of(const Bundle &bundle, const std::vector<std::string> &roles);

// ECDSA's signature as DER, of the two numbers one behind the other, as PKCS#11 gives them.
std::string der_of_raw(std::string_view raw);

// Signs bundles in their directories, and makes keys for that. `directory`: where libweighbridge_verify.so lies.
class BundleSigner {
  public:
    explicit BundleSigner(std::string directory) : directory_(std::move(directory)) {}

    // Writes a private key (mode 0600, encrypted where there is a passphrase) and its public one; neither may exist.
    // WB_INVALID_ARGUMENT; WB_IO_ERROR.
    Status generate_key(const std::string &private_path, const std::string &public_path, std::string_view curve,
                        std::string_view passphrase) const;

    // Checks the bundle whole, but for signatures that are there, and writes model.sig, or the first role's
    // model.<role>.sig, or another in its place. `roles`: as "risk,owner"; "" for none.
    Status sign(const std::string &bundle, std::string_view roles, const std::string &key_path,
                std::string_view passphrase) const;

    // For keys that do not leave where they are: what to sign, and what takes the signature (DER, or as PKCS#11 gives
    // it) once it has been checked against the bundle and the public key.
    Expected<std::string> bytes_to_sign(const std::string &bundle, std::string_view roles) const;
    Status attach(const std::string &bundle, std::string_view roles, const std::string &public_key_path,
                  std::string_view signature) const;

  private:
    std::string directory_;
};

}  // namespace weighbridge::lib
