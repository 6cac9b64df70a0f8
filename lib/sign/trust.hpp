// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "bundle/bundle.hpp"
#include "sign/public_key.hpp"

namespace weighbridge::lib {

// What a host asks of the bundles that it loads, as the load options of the same names have it in text.
struct TrustOptions {
    std::string trusted_keys = {};
    std::string signatures_required = {};
    std::string unsigned_bundles = {};
    std::string revoked = {};
    std::string minimum_version = {};
    std::string expected_name = {};
    uint64_t bundle_bytes = 0;         // 0: no limit but the format's
    uint64_t context_bytes = 1 << 30;  // most that a manifest may have for limits.memory_bytes

    // Whether anything is asked that only a checked signature can give.
    bool asks_signatures() const { return !trusted_keys.empty() || unsigned_bundles == "refused"; }
};

// Whether a text is a list that the option takes, as far as that can be said without reading files.
bool is_required_list(std::string_view text);
bool is_digest_list(std::string_view text);

// The load policy, as read once for a load: keys, how many of them have to sign, and what is refused whoever signed.
// Immutable, thread-safe.
class TrustPolicy final : public BundleGate {
  public:
    // Reads the files of the keys. `directory`: where libweighbridge_verify.so lies. WB_INVALID_ARGUMENT names the
    // option; WB_IO_ERROR the file.
    static Expected<TrustPolicy> read(const TrustOptions &options, std::string directory);

    Expected<std::vector<Signer>> signers(const Digest &manifest,
                                          const std::vector<SignatureFile> &signatures) const override;
    Status admit(const Manifest &manifest) const override;

  private:
    struct TrustedKey {
        std::string role;
        PublicKey key;
    };

    TrustPolicy() = default;
    Status add_keys(std::string_view role, std::string_view label, std::string_view pem);
    Status read_keys(std::string_view text);
    Status read_required(std::string_view text);
    Status check_revoked(std::string_view file, std::string_view digest) const;
    const TrustedKey *find(std::string_view fingerprint) const;
    Status check_count(const std::vector<Signer> &signers) const;

    std::string directory_;
    std::vector<TrustedKey> keys_;
    std::map<std::string, uint32_t> required_;  // signatures by different keys, by role; "" for any
    bool unsigned_allowed_ = true;
    std::set<std::string, std::less<>> revoked_;
    std::string minimum_version_;
    std::string expected_name_;
    uint64_t bundle_bytes_ = 0;
    uint64_t context_bytes_ = 0;
};

// "owner 1f2e3d4c5b6a, risk 0123456789ab": who signed a bundle, by role and fingerprint, of the signatures that were
// checked; "" for none.
std::string signer_names(const Bundle &bundle);
// ", signed by <names>" for events; "" for none.
std::string signed_by(const Bundle &bundle);

}  // namespace weighbridge::lib
