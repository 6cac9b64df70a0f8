// SPDX-License-Identifier: Apache-2.0
// Keys and signed bundles. WB_TEST_VERIFY is the folder of libweighbridge_verify.so.
#pragma once

#include "bundle/bundle_directory.hpp"
#include "sign/signing.hpp"
#include "sign/trust.hpp"
#include "unit/bundle/bundle_support.hpp"

namespace weighbridge::lib::test {

inline const BundleSigner &signer() {
    static const BundleSigner made(WB_TEST_VERIFY);
    return made;
}

// Keys of the names, in files: <name>.key and <name>.pub.
class Keys {
  public:
    explicit Keys(std::initializer_list<const char *> names, const char *curve = "P-256") {
        for (const std::string name : names) {
            const Status made = signer().generate_key(secret(name), shared(name), curve, "");
            INFO(made.message);
            REQUIRE(made.ok());
        }
    }
    std::string secret(const std::string &name) const { return folder / (name + ".key"); }
    std::string shared(const std::string &name) const { return folder / (name + ".pub"); }
    std::string fingerprint(const std::string &name) const {
        return read_public_keys(name, folder.read(name + ".pub"))->front().fingerprint;
    }

    Scratch folder;
};

inline void sign(const Scratch &bundle, const Keys &keys, const std::string &name, const std::string &roles = "") {
    const Status signed_so = signer().sign(bundle.path, roles, keys.secret(name), "");
    INFO(signed_so.message);
    REQUIRE(signed_so.ok());
}

inline Expected<std::shared_ptr<const Bundle>> open_by(const std::string &path, const TrustOptions &options) {
    const auto policy = TrustPolicy::read(options, WB_TEST_VERIFY);
    if (!policy) return policy.status();
    const auto source = DirectorySource::open_path(path);
    if (!source) return source.status();
    return Bundle::open(*source, Bundle::Mode::full, Bundle::kAnyTime, {}, &*policy);
}

// The message of a bundle that the policy refuses.
inline std::string refusal_by(const std::string &path, const TrustOptions &options, int32_t code = WB_INVALID_BUNDLE) {
    const auto bundle = open_by(path, options);
    if (bundle) return "opened";
    INFO(bundle.status().message);
    CHECK(bundle.status().code == code);
    CHECK(std::strlen(bundle.status().message) < 255);
    return bundle.status().message;
}

}  // namespace weighbridge::lib::test
