// SPDX-License-Identifier: Apache-2.0
#include "bundle/signature_file.hpp"

#include <algorithm>

#include "base/base64.hpp"
#include "bundle/json_cursor.hpp"
#include "bundle/manifest_reader.hpp"

namespace weighbridge::lib {
namespace {

constexpr std::string_view kStart = "model.";
constexpr std::string_view kEnd = ".sig";
constexpr size_t kShownDigest = 12;
constexpr size_t kSignatureValueBytes = 256;  // P-521 takes 139 at most, as DER

// The bytes of a base64 text; "" after a failure.
std::string read_base64(const JsonCursor &at, size_t least, size_t most) {
    auto bytes = base64_bytes(at.word());
    if (at.is_string() && bytes && bytes->size() >= least && bytes->size() <= most) return *std::move(bytes);
    at.expected(formatted("base64 of {} to {} bytes", least, most));
    return {};
}

// The public key's fingerprint. A signature by a certificate has none.
std::string read_key(const JsonCursor &material) {
    if (!material.object({"publicKey", "tlogEntries", "timestampVerificationData"})) return {};
    const JsonCursor key = material.field("publicKey");
    if (!key) key.expected("a signature by a key, without certificate or transparency log");
    if (!key.object({"hint"})) return {};
    return key.field("hint").text(is_hex_digest, "the sha256 of a public key, 64 hex digits");
}

void read_envelope(const JsonCursor &envelope, SignatureFile &out) {
    if (!envelope.object({"payload", "payloadType", "signatures"})) return;
    envelope.field("payloadType").choice({kStatementMedia});
    out.statement = read_base64(envelope.field("payload"), 2, kSignatureBytes);
    const JsonCursor signatures = envelope.field("signatures");
    if (signatures.array(1, 1) == 0) return;
    const JsonCursor one = signatures.element(0);
    if (one.object({"sig", "keyid"})) out.signature = read_base64(one.field("sig"), 8, kSignatureValueBytes);
}

void read_resources(const JsonCursor &resources, SignatureFile &out, RootDigest &root) {
    const size_t count = resources.array(1, kSignedFiles);
    for (size_t i = 0; i < count && !resources.report().failed(); ++i) {
        const JsonCursor entry = resources.element(i);
        if (!entry.object({"name", "algorithm", "digest"})) return;
        entry.field("algorithm").choice({"sha256"});
        const JsonCursor name = entry.field("name");
        std::string file = name.text(is_file_name, "a file of the bundle");
        std::string digest = entry.field("digest").text(is_hex_digest, "64 hex digits");
        root.add(digest);
        if (!out.digests.emplace(std::move(file), std::move(digest)).second) name.expected("each file once");
    }
}

// Serialisations that are not of whole files, and links, are refused. What else stands there says how a directory is
// listed, which the bundle's own manifest says here.
void read_serialization(const JsonCursor &serialization) {
    if (!serialization.object()) return;
    serialization.field("method").choice({"files"});
    serialization.field("hash_type").choice({"sha256"});
    const JsonCursor links = serialization.field("allow_symlinks");
    if (links.boolean()) links.expected("false");
}

// The statement's digest of all resources must be theirs.
void check_root(const JsonCursor &subjects, const RootDigest &root) {
    if (subjects.array(1, 1) == 0) return;
    const JsonCursor subject = subjects.element(0);
    if (!subject.object({"name", "digest"})) return;
    subject.field("name").text(1, 4096);
    const JsonCursor digests = subject.field("digest");
    if (!digests.object({"sha256"})) return;
    const JsonCursor digest = digests.field("sha256");
    const std::string stated = digest.text(is_hex_digest, "64 hex digits");
    if (subjects.report().failed()) return;
    const auto made = root.digest();
    if (!made || hex(*made) != stated) digest.expected("the digest of the digests in predicate.resources");
}

Status read_statement(SignatureFile &out) {
    const std::string label = out.name + ": statement";
    auto document = parse_json(label, out.statement, kSignatureBytes);
    if (!document) return document.status();
    JsonReport report(label);
    const JsonCursor statement(report, *document);
    RootDigest root;
    if (statement.object({"_type", "subject", "predicateType", "predicate"})) {
        statement.field("_type").choice({kStatementType});
        statement.field("predicateType").choice({kPredicateType});
        const JsonCursor predicate = statement.field("predicate");
        if (predicate.object()) {  // v1.0 has a verifier ignore its other fields
            read_serialization(predicate.field("serialization"));
            read_resources(predicate.field("resources"), out, root);
        }
        check_root(statement.field("subject"), root);
    }
    return report.status();
}

Status wrong_digest(const SignatureFile &signature, const std::string &file, const std::string &got) {
    return Status::failure(
        WB_INVALID_BUNDLE,
        "{}: {}: signed with sha256 {}..., got {}...: the bundle was changed after it was signed, or "
        "the signature is another bundle's: take it away and sign again",
        signature.name, file, signature.digests.at(file).substr(0, kShownDigest), got.substr(0, kShownDigest));
}

Status unsigned_file(const SignatureFile &signature, const std::string &file) {
    return Status::failure(WB_INVALID_BUNDLE, "{}: expected a signature of all files, got one without '{}': sign again",
                           signature.name, file);
}

}  // namespace

bool is_role(std::string_view text) {
    return !text.empty() && text.size() <= 31 && text[0] >= 'a' && text[0] <= 'z' &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'; });
}

std::string signature_name(std::string_view role) {
    return role.empty() ? "model.sig" : formatted("model.{}.sig", role);
}

bool is_signature_name(std::string_view name) {
    if (name == "model.sig") return true;
    if (name.size() <= kStart.size() + kEnd.size() || !name.starts_with(kStart) || !name.ends_with(kEnd)) return false;
    return is_role(name.substr(kStart.size(), name.size() - kStart.size() - kEnd.size()));
}

void RootDigest::add(std::string_view hex_digest) {
    const auto value = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    for (size_t i = 0; i + 1 < hex_digest.size(); i += 2)
        bytes_.push_back(static_cast<char>(value(hex_digest[i]) << 4 | value(hex_digest[i + 1])));
}

Expected<Digest> RootDigest::digest() const { return sha256(as_bytes(bytes_)); }

std::string signed_bytes(std::string_view statement) {
    const std::string_view type = kStatementMedia;
    return formatted("DSSEv1 {} {} {} ", type.size(), type, statement.size()).append(statement);
}

Expected<SignatureFile> read_signature(const std::string &name, std::string_view text) {
    auto document = parse_json(name, text, kSignatureBytes);
    if (!document) return document.status();
    SignatureFile out;
    out.name = name;
    JsonReport report(name);
    const JsonCursor root(report, *document);
    if (root.object({"mediaType", "verificationMaterial", "dsseEnvelope"})) {
        root.field("mediaType").choice({kSigstoreMedia});
        out.key = read_key(root.field("verificationMaterial"));
        read_envelope(root.field("dsseEnvelope"), out);
    }
    if (report.failed()) return report.status();
    if (Status status = read_statement(out); !status.ok()) return status;
    return out;
}

Status check_signed_manifest(const SignatureFile &signature, const Digest &manifest) {
    const auto found = signature.digests.find("manifest.json");
    if (found == signature.digests.end()) return unsigned_file(signature, "manifest.json");
    const std::string got = hex(manifest);
    return found->second == got ? Status() : wrong_digest(signature, "manifest.json", got);
}

Status check_signed_files(const SignatureFile &signature, const std::map<std::string, FileEntry> &files) {
    for (const auto &[name, entry] : files) {
        const auto found = signature.digests.find(name);
        if (found == signature.digests.end()) return unsigned_file(signature, name);
        if (found->second != entry.sha256) return wrong_digest(signature, name, entry.sha256);
    }
    for (const auto &[name, digest] : signature.digests)
        if (name != "manifest.json" && !files.contains(name))
            return Status::failure(WB_INVALID_BUNDLE,
                                   "{}: expected a signature of this bundle's files, got one of '{}' "
                                   "too, which manifest.json does not list: sign again",
                                   signature.name, name);
    return {};
}

}  // namespace weighbridge::lib
