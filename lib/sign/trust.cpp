// SPDX-License-Identifier: Apache-2.0
#include "sign/trust.hpp"

#include <algorithm>
#include <filesystem>

#include "base/file.hpp"
#include "base/number.hpp"
#include "bundle/manifest_reader.hpp"
#include "sign/verify_library.hpp"
#include "sign/version_order.hpp"

namespace weighbridge::lib {
namespace {

constexpr uint32_t kMostKeys = 64;
constexpr uint64_t kKeyFileBytes = 64 << 10;
constexpr size_t kShownKey = 12;  // digits of a fingerprint in messages
constexpr std::string_view kEndOfKey = "-----END PUBLIC KEY-----";

template <class... Values>
Status wrong(TextFormat<Values...> format, const Values &...values) {
    return Status::failure(WB_INVALID_ARGUMENT, format, values...);
}

template <class... Values>
Status refused(TextFormat<Values...> format, const Values &...values) {
    return Status::failure(WB_INVALID_BUNDLE, format, values...);
}

std::string_view trimmed(std::string_view text) {
    const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    while (!text.empty() && blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && blank(text.back())) text.remove_suffix(1);
    return text;
}

// Takes the next entry of a list by commas or lines, without blanks around it; "" at the end.
std::string_view next_entry(std::string_view &text) {
    std::string_view entry;
    while (entry.empty() && !text.empty()) {
        const size_t end = std::min(text.find_first_of(",\n"), text.size());
        entry = trimmed(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return entry;
}

// Takes "role=" from the front; "" where there is none.
std::string_view take_role(std::string_view &entry) {
    const size_t equals = entry.find('=');
    if (equals == entry.npos || !is_role(entry.substr(0, equals))) return {};
    const std::string_view role = entry.substr(0, equals);
    entry.remove_prefix(equals + 1);
    return role;
}

// A key's file. Links are followed: Kubernetes mounts secrets as links, and whoever sets the option chose the path.
Expected<std::string> read_key_file(const std::string &path) {
    std::error_code failed;
    const std::filesystem::path real = std::filesystem::canonical(path, failed);
    if (failed) return io_error(path, "cannot open the key", failed.value());
    auto bytes = read_file(real.string(), kKeyFileBytes);
    if (!bytes) return bytes.status();
    return std::string(as_text(*bytes));
}

std::string name_of(const Signer &signer) {
    const std::string key = signer.key.substr(0, kShownKey);
    return signer.role.empty() ? key : formatted("{} {}", signer.role, key);
}

}  // namespace

bool is_required_list(std::string_view text) {
    while (!trimmed(text).empty()) {
        std::string_view entry = next_entry(text);
        if (entry.empty()) break;
        take_role(entry);
        if (uint32_t count = 0; !parse_number(trimmed(entry), 1, kMostKeys, count)) return false;
    }
    return true;
}

bool is_digest_list(std::string_view text) {
    for (std::string_view entry = next_entry(text); !entry.empty(); entry = next_entry(text))
        if (!is_hex_digest(entry)) return false;
    return true;
}

std::string signer_names(const Bundle &bundle) {
    std::string names;
    for (const Signer &signer : bundle.signers()) names += (names.empty() ? "" : ", ") + name_of(signer);
    return names;
}

std::string signed_by(const Bundle &bundle) {
    return bundle.signers().empty() ? std::string() : ", signed by " + signer_names(bundle);
}

Status TrustPolicy::add_keys(std::string_view role, std::string_view label, std::string_view pem) {
    auto keys = read_public_keys(label, pem);
    if (!keys) return keys.status();
    for (PublicKey &key : *keys) {
        if (find(key.fingerprint))
            return wrong("trusted_keys: expected each key once, got {} twice", key.fingerprint.substr(0, kShownKey));
        if (keys_.size() == kMostKeys) return wrong("trusted_keys: expected at most {} keys, got more", kMostKeys);
        keys_.push_back({std::string(role), std::move(key)});
    }
    return {};
}

Status TrustPolicy::read_keys(std::string_view text) {
    for (text = trimmed(text); !text.empty(); text = trimmed(text)) {
        if (text.front() == ',') {
            text.remove_prefix(1);
            continue;
        }
        const std::string_view role = take_role(text);
        Status status;
        if (text.starts_with("-----BEGIN")) {
            const size_t end = text.find(kEndOfKey);
            const size_t size = end == text.npos ? text.size() : end + kEndOfKey.size();
            status = add_keys(role, "trusted_keys", text.substr(0, size));
            text.remove_prefix(size);
        } else {
            const std::string path(next_entry(text));
            auto pem = read_key_file(path);
            status = pem ? add_keys(role, shown_path(path), *pem) : pem.status();
        }
        if (!status.ok()) return status;
    }
    return {};
}

// Where nothing is said, one signature of each role that a key is named for, or one at all.
Status TrustPolicy::read_required(std::string_view text) {
    if (keys_.empty())
        return trimmed(text).empty() ? Status()
                                     : wrong("signatures_required: expected trusted_keys beside it, got none");
    for (std::string_view entry = next_entry(text); !entry.empty(); entry = next_entry(text)) {
        const std::string role(take_role(entry));
        uint32_t count = 0;
        if (!parse_number(trimmed(entry), 1, kMostKeys, count))
            return wrong("signatures_required: expected numbers from 1 to {}, as 2 or owner=1,risk=1, got \"{:.40}\"",
                         kMostKeys, entry);
        if (!required_.emplace(role, count).second)
            return wrong("signatures_required: expected each role once, got \"{:.40}\" twice", role);
    }
    if (required_.empty())
        for (const TrustedKey &key : keys_)
            if (!key.role.empty()) required_[key.role] = 1;
    if (required_.empty()) required_[""] = 1;
    for (const auto &[role, count] : required_) {
        const auto named = std::count_if(keys_.begin(), keys_.end(), [&role = role](const TrustedKey &key) {
            return role.empty() || key.role == role;
        });
        if (count > named)
            return wrong("signatures_required: expected at most the {} keys that are trusted{}{}, got {}", named,
                         role.empty() ? "" : " as ", role, count);
    }
    return {};
}

Expected<TrustPolicy> TrustPolicy::read(const TrustOptions &options, std::string directory) {
    TrustPolicy policy;
    policy.directory_ = std::move(directory);
    policy.minimum_version_ = options.minimum_version;
    policy.expected_name_ = options.expected_name;
    policy.bundle_bytes_ = options.bundle_bytes;
    policy.context_bytes_ = options.context_bytes;
    std::string_view revoked = options.revoked;
    for (std::string_view entry = next_entry(revoked); !entry.empty(); entry = next_entry(revoked))
        policy.revoked_.emplace(entry);
    if (Status status = policy.read_keys(options.trusted_keys); !status.ok()) return status;
    if (!options.trusted_keys.empty() && policy.keys_.empty())
        return wrong("trusted_keys: expected public keys, got none");
    if (Status status = policy.read_required(options.signatures_required); !status.ok()) return status;
    if (options.unsigned_bundles == "refused" && policy.keys_.empty())
        return wrong("unsigned: refused: expected trusted_keys beside it, got none: no signature could be checked");
    policy.unsigned_allowed_ = options.unsigned_bundles == "allowed" || policy.keys_.empty();
    return policy;
}

Status TrustPolicy::check_revoked(std::string_view file, std::string_view digest) const {
    if (!revoked_.contains(digest)) return {};
    return refused("{}: sha256 {}... is revoked (option revoked): load another version", file,
                   digest.substr(0, kShownKey));
}

const TrustPolicy::TrustedKey *TrustPolicy::find(std::string_view fingerprint) const {
    const auto found = std::find_if(keys_.begin(), keys_.end(),
                                    [&](const TrustedKey &one) { return one.key.fingerprint == fingerprint; });
    return found == keys_.end() ? nullptr : &*found;
}

// Signatures of different keys count, however many files hold them.
Status TrustPolicy::check_count(const std::vector<Signer> &signers) const {
    for (const auto &[role, count] : required_) {
        std::set<std::string_view> keys;
        for (const Signer &signer : signers)
            if (role.empty() || signer.role == role) keys.insert(signer.key);
        if (keys.size() < count)
            return refused(
                "signatures: expected {} by different keys{}{}, found {}: have the bundle signed (weighbridge sign)",
                count, role.empty() ? "" : " of role ", role, keys.size());
    }
    return {};
}

Expected<std::vector<Signer>> TrustPolicy::signers(const Digest &manifest,
                                                   const std::vector<SignatureFile> &signatures) const {
    if (Status status = check_revoked("manifest.json", hex(manifest)); !status.ok()) return status;
    for (const SignatureFile &signature : signatures)
        if (revoked_.contains(signature.key))
            return refused("{}: key {}... is revoked (option revoked): take the file away and sign with another key",
                           signature.name, signature.key.substr(0, kShownKey));
    std::vector<Signer> signers;
    if (keys_.empty()) return signers;
    if (signatures.empty()) {
        if (unsigned_allowed_) return signers;
        return refused(
            "model.sig: expected a signature by a trusted key, found none: sign the bundle (weighbridge "
            "sign), or set the option unsigned to allowed");
    }
    auto library = VerifyLibrary::open(directory_);
    if (!library) return library.status();
    for (const SignatureFile &signature : signatures) {
        const std::string shown = signature.key.substr(0, kShownKey);
        const TrustedKey *trusted = find(signature.key);
        if (!trusted)
            return refused(
                "{}: expected a signature by a trusted key, got one by {}...: trust that key, or take the "
                "file away",
                signature.name, shown);
        auto held =
            library->verify(trusted->key, "trusted_keys", signed_bytes(signature.statement), signature.signature);
        if (!held) return held.status();
        if (!*held)
            return refused(
                "{}: expected a signature by key {}..., got one that does not hold: the file was changed, "
                "or made with another key: sign again",
                signature.name, shown);
        signers.push_back({trusted->role, signature.key});
    }
    const Status enough = check_count(signers);
    if (!enough.ok()) return enough;
    return signers;
}

Status TrustPolicy::admit(const Manifest &manifest) const {
    const std::string &version = manifest.identity.version, &name = manifest.identity.name;
    if (!expected_name_.empty() && name != expected_name_)
        return refused(
            "manifest.json: identity.name: expected {:.31} (option expected_name), got {}: load that "
            "model's bundle, or name this one",
            expected_name_, name);
    if (!minimum_version_.empty() && is_older(version, minimum_version_))
        return refused(
            "manifest.json: identity.version: expected {:.31} or later (option minimum_version), got {}: load a newer "
            "one",
            minimum_version_, version);
    const auto memory = static_cast<uint64_t>(manifest.limits.memory_bytes);
    if (memory > context_bytes_)
        return refused(
            "manifest.json: limits.memory_bytes: expected at most {} (option context_bytes), got {}: raise the option, "
            "if that much memory is there for each context",
            context_bytes_, memory);
    uint64_t bytes = 0;
    for (const auto &[file, entry] : manifest.files) {
        if (Status status = check_revoked(file, entry.sha256); !status.ok()) return status;
        bytes += entry.bytes;
    }
    if (bundle_bytes_ == 0 || bytes <= bundle_bytes_) return {};
    return refused("manifest.json: files: expected at most {} bytes together (option bundle_bytes), got {}",
                   bundle_bytes_, bytes);
}

}  // namespace weighbridge::lib
