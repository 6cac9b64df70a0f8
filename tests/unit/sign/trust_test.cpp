// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <thread>

#include "base/base64.hpp"
#include "unit/sign/sign_support.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::lib::test;
namespace fs = std::filesystem;

namespace {

// A policy that cannot be meant.
std::string wrong(const TrustOptions &options, int32_t code = WB_INVALID_ARGUMENT) {
    const auto policy = TrustPolicy::read(options, WB_TEST_VERIFY);
    if (policy) return "read";
    CHECK(policy.status().code == code);
    return policy.status().message;
}

bool starts(const std::string &text, const std::string &with) {
    INFO(text);
    CHECK(text.starts_with(with));
    return text.starts_with(with);
}

}  // namespace

TEST_CASE("where no keys are named, unsigned bundles load, and signatures have to be of the bundle", "[sign]") {
    const Keys keys({"a"});
    Scratch dir, other;
    make_bundle(dir);
    Json manifest = example();
    manifest["identity"]["version"] = "2";
    make_bundle(other, manifest);
    CHECK(open_by(dir.path, {}));
    sign(dir, keys, "a");
    const auto signed_bundle = open_by(dir.path, {});
    REQUIRE(signed_bundle);
    CHECK((*signed_bundle)->signers().empty());
    CHECK(signed_by(**signed_bundle) == "");
    fs::copy(dir / "model.sig", other / "model.sig");
    starts(refusal_by(other.path, {}), "model.sig: manifest.json: signed with sha256 ");
}

TEST_CASE("where keys are named, a bundle needs signatures that hold", "[sign]") {
    const Keys keys({"a", "b"});
    Scratch dir;
    make_bundle(dir);
    const TrustOptions trust_a{.trusted_keys = keys.shared("a")};
    starts(refusal_by(dir.path, trust_a),
           "model.sig: expected a signature by a trusted key, found none: sign the bundle");
    CHECK(open_by(dir.path, {.trusted_keys = keys.shared("a"), .unsigned_bundles = "allowed"}));
    sign(dir, keys, "b");
    for (const char *allowed : {"", "allowed", "refused"})
        starts(refusal_by(dir.path, {.trusted_keys = keys.shared("a"), .unsigned_bundles = allowed}),
               "model.sig: expected a signature by a trusted key, got one by " + keys.fingerprint("b").substr(0, 12));
    sign(dir, keys, "a");
    const auto bundle = open_by(dir.path, trust_a);
    REQUIRE(bundle);
    CHECK(signed_by(**bundle) == ", signed by " + keys.fingerprint("a").substr(0, 12));
    // A second one that nobody trusts, or that is damaged, refuses the bundle too.
    sign(dir, keys, "b", "risk");
    starts(refusal_by(dir.path, trust_a), "model.risk.sig: expected a signature by a trusted key, got one by ");
    CHECK(open_by(dir.path, {.trusted_keys = keys.shared("a") + "," + keys.shared("b")}));
}

TEST_CASE("a signature of which one bit differs does not hold", "[sign]") {
    const Keys keys({"a", "b"});
    Scratch dir;
    make_bundle(dir);
    sign(dir, keys, "a");
    const Json good = Json::parse(dir.read("model.sig"));
    const std::string der = *base64_bytes(good["dsseEnvelope"]["signatures"][0]["sig"].get<std::string>());
    for (size_t bit = 0; bit < der.size() * 8; bit += 7) {
        std::string changed = der;
        changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
        Json file = good;
        file["dsseEnvelope"]["signatures"][0]["sig"] = base64(changed);
        dir.write("model.sig", file.dump());
        INFO("bit " << bit);
        CHECK(refusal_by(dir.path, {.trusted_keys = keys.shared("a")}).find("got one that does not hold") !=
              std::string::npos);
    }
    Json renamed = good;  // says to be of another key
    renamed["verificationMaterial"]["publicKey"]["hint"] = keys.fingerprint("b");
    dir.write("model.sig", renamed.dump());
    starts(refusal_by(dir.path, {.trusted_keys = keys.shared("a") + "\n" + keys.shared("b")}),
           "model.sig: expected a signature by key " + keys.fingerprint("b").substr(0, 12) +
               "..., got one that does not hold");
    Json restated = good;  // a statement that was not signed
    std::string statement = *base64_bytes(good["dsseEnvelope"]["payload"].get<std::string>());
    restated["dsseEnvelope"]["payload"] = base64(replaced(statement, "card-mlp", "card-mlq"));
    dir.write("model.sig", restated.dump());
    CHECK(refusal_by(dir.path, {.trusted_keys = keys.shared("a")}).find("got one that does not hold") !=
          std::string::npos);
    dir.write("model.sig", good.dump());
    CHECK(open_by(dir.path, {.trusted_keys = keys.shared("a")}));
}

TEST_CASE("roles and counts say how many different keys must have signed", "[sign]") {
    const Keys keys({"o1", "o2", "r"});
    Scratch dir;
    make_bundle(dir);
    const std::string named =
        "owner=" + keys.shared("o1") + ", owner=" + keys.shared("o2") + "\nrisk=" + keys.shared("r");
    const auto by = [&](const char *required) {
        return TrustOptions{.trusted_keys = named, .signatures_required = required};
    };
    sign(dir, keys, "o1", "owner");
    CHECK(open_by(dir.path, by("1")));
    CHECK(open_by(dir.path, by("owner=1")));
    starts(refusal_by(dir.path, by("")),
           "signatures: expected 1 by different keys of role risk, found 0: have the bundle");
    starts(refusal_by(dir.path, by("2")), "signatures: expected 2 by different keys, found 1");
    sign(dir, keys, "o1", "risk");  // what the file is called gives no role, and one key counts once
    starts(refusal_by(dir.path, by("2")), "signatures: expected 2 by different keys, found 1");
    starts(refusal_by(dir.path, by("risk=1")), "signatures: expected 1 by different keys of role risk, found 0");
    sign(dir, keys, "r", "risk");
    const auto both = open_by(dir.path, by(""));
    REQUIRE(both);
    CHECK(signer_names(**both) ==
          "owner " + keys.fingerprint("o1").substr(0, 12) + ", risk " + keys.fingerprint("r").substr(0, 12));
    CHECK(open_by(dir.path, by("2,owner=1, risk=1")));
    starts(refusal_by(dir.path, by("owner=2")), "signatures: expected 2 by different keys of role owner, found 1");
    sign(dir, keys, "o2");
    CHECK(open_by(dir.path, by("3,owner=2,risk=1")));
}

TEST_CASE("keys are named by path, by link, as text and several in a file", "[sign]") {
    const Keys keys({"a", "b"});
    Scratch dir;
    make_bundle(dir);
    sign(dir, keys, "a");
    sign(dir, keys, "b", "risk");
    const std::string a = keys.folder.read("a.pub"), b = keys.folder.read("b.pub");
    keys.folder.write("both.pub", a + b);
    fs::create_symlink("both.pub", keys.folder / "link.pub");  // as Kubernetes mounts a secret
    for (const std::string &named :
         {a + b, a + "," + b, "owner=" + a + "risk=" + b, " " + keys.shared("a") + " ,\n" + b, keys.folder / "both.pub",
          "any=" + (keys.folder / "link.pub")}) {
        INFO(named);
        CHECK(refusal_by(dir.path, {.trusted_keys = named, .signatures_required = "2"}) == "opened");
    }
}

TEST_CASE("a policy that cannot be meant is refused by its option's name", "[sign]") {
    const Keys keys({"a"});
    const std::string a = keys.shared("a");
    starts(wrong({.trusted_keys = "/no/such.pub"}, WB_IO_ERROR), "/no/such.pub: cannot open the key: ");
    starts(wrong({.trusted_keys = keys.secret("a")}), keys.secret("a") + ": expected a public key, got a private one");
    starts(wrong({.trusted_keys = a + "," + a}), "trusted_keys: expected each key once, got ");
    starts(wrong({.trusted_keys = " ,\n"}), "trusted_keys: expected public keys, got none");
    starts(wrong({.trusted_keys = "-----BEGIN PUBLIC KEY-----"}), "trusted_keys: expected -----END PUBLIC KEY-----");
    starts(wrong({.signatures_required = "1"}), "signatures_required: expected trusted_keys beside it, got none");
    starts(wrong({.trusted_keys = a, .signatures_required = "2"}),
           "signatures_required: expected at most the 1 keys that are trusted, got 2");
    starts(wrong({.trusted_keys = a, .signatures_required = "risk=1"}),
           "signatures_required: expected at most the 0 keys that are trusted as risk, got 1");
    starts(wrong({.unsigned_bundles = "refused"}), "unsigned: refused: expected trusted_keys beside it");
    for (const char *list : {"0", "x", "risk=", "risk=0", "-1", "1;2", "65", "=1", "risk = 1"})
        CHECK_FALSE(is_required_list(list));
    for (const char *list : {"", " ", "1", "1,risk=2", "risk=1\n2"}) CHECK(is_required_list(list));
    CHECK(is_digest_list(std::string(64, 'a') + ",\n " + std::string(64, '0')));
    for (const char *list : {"abc", "a,b"}) CHECK_FALSE(is_digest_list(list));
    CHECK_FALSE(is_digest_list(std::string(64, 'A')));
}

TEST_CASE("what is revoked is refused: bundles, files, keys", "[sign]") {
    const Keys keys({"a"});
    Scratch dir;
    make_bundle(dir);
    const std::string bundle = hex(*sha256(as_bytes(dir.read("manifest.json"))));
    const std::string file = hex(*sha256(as_bytes(dir.read("vocab.txt"))));
    starts(refusal_by(dir.path, {.revoked = std::string(64, '0') + "," + bundle}),
           "manifest.json: sha256 " + bundle.substr(0, 12));
    starts(refusal_by(dir.path, {.revoked = file}), "vocab.txt: sha256 " + file.substr(0, 12) + "... is revoked");
    CHECK(open_by(dir.path, {.revoked = std::string(64, '0')}));
    sign(dir, keys, "a");
    for (const std::string &trusted : {std::string(), keys.shared("a")})
        starts(refusal_by(dir.path, {.trusted_keys = trusted, .revoked = keys.fingerprint("a")}),
               "model.sig: key " + keys.fingerprint("a").substr(0, 12) + "... is revoked");
}

TEST_CASE("versions older than the least are refused", "[sign]") {
    Scratch dir;
    make_bundle(dir);  // 2026.11.1
    CHECK(open_by(dir.path, {.minimum_version = "2026.11.1"}));
    CHECK(open_by(dir.path, {.minimum_version = "2026.9.30"}));
    CHECK(refusal_by(dir.path, {.minimum_version = "2026.11.2"}) ==
          "manifest.json: identity.version: expected 2026.11.2 or later (option minimum_version), got 2026.11.1: load "
          "a newer one");
    std::string manifest = dir.read("manifest.json");
    manifest.insert(manifest.find("2026.11.1") + 9, "-rc.1");
    dir.write("manifest.json", manifest);
    CHECK(open_by(dir.path, {.minimum_version = "2026.11.1-rc"}));
    starts(refusal_by(dir.path, {.minimum_version = "2026.11.1"}),
           "manifest.json: identity.version: expected 2026.11.1 or later");
}

TEST_CASE("a signature's file that is none refuses a bundle, whoever is trusted, and says what to do", "[sign]") {
    const Keys keys({"a"});
    Scratch dir;
    make_bundle(dir);
    for (const char *content : {"", "{}", "[]", "\xff", "signature"}) {
        dir.write("model.risk.sig", content);
        for (const std::string &trusted : {std::string(), keys.shared("a")}) {
            const std::string said = refusal_by(dir.path, {.trusted_keys = trusted, .unsigned_bundles = "allowed"});
            INFO(said);
            CHECK(said.starts_with("model.risk.sig: "));
            CHECK(said.ends_with(": take the file away, or sign again"));
        }
    }
}

TEST_CASE("of the bundles that a key signed, a policy may name which one is expected", "[sign]") {
    const Keys keys({"a"});
    Scratch expected, other;
    Json manifest = example();
    make_bundle(expected, manifest);
    const std::string name = manifest["identity"]["name"];
    manifest["identity"]["name"] = "merchant-risk";
    make_bundle(other, manifest);
    for (const Scratch *bundle : {&expected, &other}) sign(*bundle, keys, "a");
    for (const std::string &trusted : {std::string(), keys.shared("a")}) {
        CHECK(open_by(expected.path, {.trusted_keys = trusted, .expected_name = name}));
        CHECK(open_by(other.path, {.trusted_keys = trusted}));
        CHECK(refusal_by(other.path, {.trusted_keys = trusted, .expected_name = name}) ==
              "manifest.json: identity.name: expected " + name +
                  " (option expected_name), got merchant-risk: load that model's bundle, or name this one");
    }
}

TEST_CASE("a bundle of more bytes than the host takes is refused before its files are read", "[sign]") {
    Scratch dir;
    make_bundle(dir);
    uint64_t bytes = 0;
    const Json manifest = Json::parse(dir.read("manifest.json"));
    for (const auto &[name, entry] : manifest["files"].items()) bytes += entry["bytes"].get<uint64_t>();
    CHECK(open_by(dir.path, {.bundle_bytes = bytes}));
    starts(refusal_by(dir.path, {.bundle_bytes = bytes - 1}), "manifest.json: files: expected at most ");
}

TEST_CASE("a bundle has no more memory than the host gives each context", "[sign]") {
    Scratch dir;
    make_bundle(dir);
    Json manifest = Json::parse(dir.read("manifest.json"));
    manifest["limits"]["memory_bytes"] = int64_t{1} << 30;
    dir.write("manifest.json", manifest.dump());
    CHECK(open_by(dir.path, {}));
    starts(refusal_by(dir.path, {.context_bytes = (1 << 30) - 1}),
           "manifest.json: limits.memory_bytes: expected at most 1073741823 (option context_bytes), got 1073741824");
    manifest["limits"]["memory_bytes"] = int64_t{1} << 40;
    dir.write("manifest.json", manifest.dump());
    starts(refusal_by(dir.path, {}),
           "manifest.json: limits.memory_bytes: expected at most 1073741824 (option context_");
    CHECK(open_by(dir.path, {.context_bytes = uint64_t{1} << 40}));
}

TEST_CASE("without libweighbridge_verify.so a load that names keys is refused, and no other", "[sign]") {
    const Keys keys({"a"});
    Scratch dir;
    make_bundle(dir);
    sign(dir, keys, "a");
    const auto source = DirectorySource::open_path(dir.path);
    REQUIRE(source);
    for (const std::string &trusted : {std::string(), keys.shared("a")}) {
        const auto policy = TrustPolicy::read({.trusted_keys = trusted}, dir.path);
        REQUIRE(policy);
        const auto bundle = Bundle::open(*source, Bundle::Mode::full, Bundle::kAnyTime, {}, &*policy);
        CHECK(bundle.ok() == trusted.empty());
        if (trusted.empty()) continue;
        CHECK(bundle.status().code == WB_BACKEND_UNAVAILABLE);
        CHECK(std::string(bundle.status().message).find("install it there") != std::string::npos);
    }
}

TEST_CASE("a signed bundle that is exchanged while it is read is whole, or refused", "[sign]") {
    const Keys keys({"a"});
    Scratch base;
    for (const char *version : {"v1", "v2"}) {
        Scratch made;
        Json manifest = example();
        manifest["identity"]["version"] = version;
        make_bundle(made, manifest);
        sign(made, keys, "a");
        fs::copy(made.path, base / version);
    }
    fs::copy(base / "v1", base / "current");
    std::atomic<bool> done{false};
    std::thread exchanging([&] {  // file by file, as nobody should
        for (int i = 1; !done; ++i)
            for (const auto &entry : fs::directory_iterator(base / (i % 2 ? "v2" : "v1"))) {
                const std::string name = entry.path().filename().string();
                fs::copy_file(entry.path(), base / ("next-" + name));
                fs::rename(base / ("next-" + name), base / ("current/" + name));
            }
    });
    std::map<std::string, std::string> manifests;
    for (const char *version : {"v1", "v2"}) manifests[version] = hex((*open_full(base / version))->digest());
    int opened = 0;
    for (int i = 0; i < 500; ++i) {
        const auto bundle = open_by(base / "current", {.trusted_keys = keys.shared("a")});
        if (!bundle) continue;
        ++opened;
        CHECK(manifests.at((*bundle)->manifest().identity.version) == hex((*bundle)->digest()));
    }
    done = true;
    exchanging.join();
    INFO(opened);
    CHECK(open_by(base / "v1", {.trusted_keys = keys.shared("a")}));
}
