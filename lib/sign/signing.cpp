// SPDX-License-Identifier: Apache-2.0
#include "sign/signing.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "base/base64.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "bundle/bundle_directory.hpp"
#include "bundle/signature_file.hpp"
#include "sign/verify_library.hpp"

namespace weighbridge::lib {
namespace {

constexpr uint64_t kPemBytes = 64 << 10;
constexpr size_t kMostRoles = 8;
// Files that a statement ignores whoever signs: of the roles that most have, so that the second need not be known when
// the first signs.
constexpr const char *kUsualRoles[] = {"", "owner", "risk"};

// Secrets do not stay in freed memory.
struct WipedText {
    std::string text;
    ~WipedText() { ::explicit_bzero(text.data(), text.size()); }
};

// A bundle's files without its signatures.
class WithoutSignatures final : public Source {
  public:
    explicit WithoutSignatures(const Source &source) : source_(source) {}

    const std::string &label() const override { return source_.label(); }
    Expected<std::vector<std::string>> names() const override {
        auto names = source_.names();
        if (names) std::erase_if(*names, is_signature_name);
        return names;
    }
    Expected<std::unique_ptr<File>> open(const std::string &name) const override { return source_.open(name); }
    bool removed() const override { return source_.removed(); }

  private:
    const Source &source_;
};

Expected<std::vector<std::string>> roles_of(std::string_view text) {
    std::vector<std::string> roles;
    for (bool more = !text.empty(); more;) {
        const size_t comma = text.find(',');
        more = comma != text.npos;
        const std::string_view role = text.substr(0, comma);
        if (!is_role(role) || roles.size() == kMostRoles)
            return Status::failure(WB_INVALID_ARGUMENT,
                                   "roles: expected at most {} of 1 to 31 of [a-z0-9_-], a letter first, with commas, "
                                   "got \"{:.40}\"",
                                   kMostRoles, role);
        roles.emplace_back(role);
        if (more) text.remove_prefix(comma + 1);
    }
    return roles;
}

// A bundle that is being signed: its directory, its statement, and the file that takes the signature.
struct Signing {
    DirectorySource source;
    std::string statement, file;
};

Expected<Signing> start_signing(const std::string &bundle, std::string_view roles) {
    auto parsed = roles_of(roles);
    if (!parsed) return parsed.status();
    auto source = DirectorySource::open_path(bundle);
    if (!source) return source.status();
    const WithoutSignatures unsigned_files(*source);
    auto opened = Bundle::open(unsigned_files, Bundle::Mode::full, Bundle::kAnyTime);
    if (!opened) return opened.status();
    auto statement = statement_of(**opened, *parsed);
    if (!statement) return statement.status();
    return Signing{*std::move(source), *std::move(statement), signature_name(parsed->empty() ? "" : parsed->front())};
}

// Writes the signature's file, which reads as a load reads it.
Status write_signature(const Signing &signing, const PublicKey &key, std::string_view signature) {
    const JsonValue one = {{"sig", base64(signature)}, {"keyid", ""}};
    const JsonValue document = {
        {"mediaType", kSigstoreMedia},
        {"verificationMaterial", {{"publicKey", {{"hint", key.fingerprint}}}, {"tlogEntries", JsonValue::array()}}},
        {"dsseEnvelope",
         {{"payload", base64(signing.statement)},
          {"payloadType", kStatementMedia},
          {"signatures", JsonValue::array(JsonValue::Elements{one})}}}};
    const std::string text = document.text() + "\n";
    if (auto read = read_signature(signing.file, text); !read) return read.status();
    return signing.source.directory().replace(signing.file, as_bytes(text));
}

Expected<std::string> read_pem(const std::string &path) {
    auto bytes = read_file(path, kPemBytes);
    if (!bytes) return bytes.status();
    std::string text(as_text(*bytes));
    ::explicit_bzero(bytes->data(), bytes->size());
    return text;
}

}  // namespace

Expected<std::string> statement_of(const Bundle &bundle, const std::vector<std::string> &roles) {
    std::set<std::string> ignored;
    for (const char *role : kUsualRoles) ignored.insert(signature_name(role));
    for (const std::string &role : roles) ignored.insert(signature_name(role));

    std::map<std::string, std::string> digests = {{"manifest.json", hex(bundle.digest())}};
    for (const auto &[name, entry] : bundle.manifest().files) digests.emplace(name, entry.sha256);
    RootDigest root;
    JsonValue resources = JsonValue::array();
    for (const auto &[name, digest] : digests) {
        root.add(digest);
        resources.push_back({{"name", name}, {"algorithm", "sha256"}, {"digest", digest}});
    }
    const auto all = root.digest();
    if (!all) return all.status();
    const JsonValue subject = {{"name", bundle.manifest().identity.name}, {"digest", {{"sha256", hex(*all)}}}};
    const JsonValue statement = {{"_type", kStatementType},
                                 {"subject", JsonValue::array(JsonValue::Elements{subject})},
                                 {"predicateType", kPredicateType},
                                 {"predicate",
                                  {{"serialization",
                                    {{"method", "files"},
                                     {"hash_type", "sha256"},
                                     {"allow_symlinks", false},
                                     {"ignore_paths", JsonValue::array(ignored)}}},
                                   {"resources", std::move(resources)}}}};
    return statement.text();
}

std::string der_of_raw(std::string_view raw) {
    std::string body;
    for (std::string_view number : {raw.substr(0, raw.size() / 2), raw.substr(raw.size() / 2)}) {
        while (number.size() > 1 && number.front() == 0) number.remove_prefix(1);
        const bool padded = !number.empty() && (number.front() & 0x80) != 0;  // else it would be negative
        body.push_back(2);
        body.push_back(static_cast<char>(number.size() + padded));
        if (padded) body.push_back(0);
        body.append(number);
    }
    std::string der(1, 0x30);
    if (body.size() > 127) der.push_back(static_cast<char>(0x81));
    der.push_back(static_cast<char>(body.size()));
    return der.append(body);
}

Status BundleSigner::generate_key(const std::string &private_path, const std::string &public_path,
                                  std::string_view curve, std::string_view passphrase) const {
    const auto chosen = curve_of(curve);
    if (!chosen) return chosen.status();
    auto library = VerifyLibrary::open(directory_);
    if (!library) return library.status();
    auto made = library->generate(*chosen, passphrase);
    if (!made) return made.status();
    const WipedText pem{*std::move(made)};
    auto key = library->public_key(private_path, pem.text, passphrase);
    if (!key) return key.status();
    if (Status status = write_file(private_path, as_bytes(pem.text), 0600); !status.ok()) return status;
    Status status = write_file(public_path, as_bytes(public_pem(*key)));
    if (!status.ok()) ::unlink(private_path.c_str());
    return status;
}

Status BundleSigner::sign(const std::string &bundle, std::string_view roles, const std::string &key_path,
                          std::string_view passphrase) const {
    auto signing = start_signing(bundle, roles);
    if (!signing) return signing.status();
    auto library = VerifyLibrary::open(directory_);
    if (!library) return library.status();
    auto read = read_pem(key_path);
    if (!read) return read.status();
    const WipedText pem{*std::move(read)};
    auto key = library->public_key(shown_path(key_path), pem.text, passphrase);
    if (!key) return key.status();
    const std::string bytes = signed_bytes(signing->statement);
    auto signature = library->sign(shown_path(key_path), pem.text, passphrase, bytes);
    if (!signature) return signature.status();
    auto held = library->verify(*key, key_path, bytes, *signature);
    if (!held) return held.status();
    if (!*held)
        return Status::failure(WB_INTERNAL, "{}: the signature that it made does not hold", shown_path(key_path));
    return write_signature(*signing, *key, *signature);
}

Expected<std::string> BundleSigner::bytes_to_sign(const std::string &bundle, std::string_view roles) const {
    auto signing = start_signing(bundle, roles);
    if (!signing) return signing.status();
    return signed_bytes(signing->statement);
}

Status BundleSigner::attach(const std::string &bundle, std::string_view roles, const std::string &public_key_path,
                            std::string_view signature) const {
    auto signing = start_signing(bundle, roles);
    if (!signing) return signing.status();
    auto pem = read_pem(public_key_path);
    if (!pem) return pem.status();
    auto keys = read_public_keys(shown_path(public_key_path), *pem);
    if (!keys) return keys.status();
    const PublicKey &key = keys->front();
    auto library = VerifyLibrary::open(directory_);
    if (!library) return library.status();
    const std::string bytes = signed_bytes(signing->statement);
    std::vector<std::string> forms = {std::string(signature)};
    if (signature.size() == 2 * field_bytes(key.curve)) forms.push_back(der_of_raw(signature));
    for (const std::string &form : forms) {
        auto held = library->verify(key, shown_path(public_key_path), bytes, form);
        if (!held) return held.status();
        if (*held) return write_signature(*signing, key, form);
    }
    return Status::failure(
        WB_INVALID_ARGUMENT,
        "signature: expected one of this bundle's bytes for these roles by {}, got {} bytes that are "
        "none: sign what --detached writes now",
        shown_path(public_key_path), signature.size());
}

}  // namespace weighbridge::lib
