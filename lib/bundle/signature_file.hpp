// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/expected.hpp"
#include "base/sha256.hpp"
#include "bundle/manifest.hpp"

namespace weighbridge::lib {

inline constexpr uint64_t kSignatureBytes = 1 << 20;  // most of a signature's file
inline constexpr size_t kSignatureFiles = 16;         // most in a bundle
inline constexpr size_t kSignedFiles = 4096;          // most that one signature names

// What the statement of OpenSSF Model Signing v1.0 and what holds it call themselves.
inline constexpr const char *kSigstoreMedia = "application/vnd.dev.sigstore.bundle.v0.3+json";
inline constexpr const char *kStatementMedia = "application/vnd.in-toto+json";
inline constexpr const char *kStatementType = "https://in-toto.io/Statement/v1";
inline constexpr const char *kPredicateType = "https://model_signing/signature/v1.0";

// A role, as of who answers for a model and who for its risk: 1 to 31 of [a-z0-9_-], a letter first.
bool is_role(std::string_view text);
// "model.sig" for no role, else "model.<role>.sig".
std::string signature_name(std::string_view role);
// Whether a bundle's file of this name is a signature over its other files.
bool is_signature_name(std::string_view name);

// A signature as read. Whose it is and whether it holds is not known yet.
struct SignatureFile {
    std::string name;
    std::string key;                             // of whom it says to be: a fingerprint, 64 hex digits
    std::string statement;                       // the payload, byte for byte
    std::string signature;                       // ECDSA's, as DER
    std::map<std::string, std::string> digests;  // what the statement says: sha256 by file, 64 hex digits
};

// Reads a Sigstore bundle (v0.3) with one signature by a key, whose DSSE envelope holds an in-toto statement of OpenSSF
// Model Signing v1.0, of whole files and their sha256. Strict; WB_INVALID_BUNDLE names file and path in the JSON.
Expected<SignatureFile> read_signature(const std::string &name, std::string_view text);

// What is signed: DSSE's pre-authentication encoding of the statement.
std::string signed_bytes(std::string_view statement);

// The digest that stands for all resources: of their digests (64 hex digits each), in the order of the statement.
class RootDigest {
  public:
    void add(std::string_view hex_digest);
    Expected<Digest> digest() const;

  private:
    std::string bytes_;
};

// Whether a signature is of a bundle with this manifest.json, and of exactly the files that it lists. WB_INVALID_BUNDLE
// says which differs.
Status check_signed_manifest(const SignatureFile &signature, const Digest &manifest);
Status check_signed_files(const SignatureFile &signature, const std::map<std::string, FileEntry> &files);

}  // namespace weighbridge::lib
