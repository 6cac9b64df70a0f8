// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include "base/base64.hpp"
#include "sign/verify_library.hpp"
#include "unit/sign/sign_support.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::lib::test;
namespace fs = std::filesystem;

namespace {

std::string message_of(const Status &status, int32_t code = WB_INVALID_ARGUMENT) {
    CHECK(status.code == code);
    return status.message;
}

// The numbers of a DER signature, one behind the other, as PKCS#11 gives them.
std::string raw_of_der(const std::string &der, size_t field) {
    std::string raw;
    size_t at = static_cast<unsigned char>(der[1]) == 0x81 ? 3 : 2;
    for (int i = 0; i < 2; ++i) {
        std::string number = der.substr(at + 2, static_cast<unsigned char>(der[at + 1]));
        at += 2 + number.size();
        number.erase(0, number.size() > field ? number.size() - field : 0);
        raw += std::string(field - number.size(), '\0') + number;
    }
    return raw;
}

}  // namespace

TEST_CASE("each curve signs a bundle, whose signature its public key checks", "[sign]") {
    for (const char *curve : {"P-256", "P-384", "P-521"}) {
        INFO(curve);
        const Keys keys({"a"}, curve);
        Scratch dir;
        make_bundle(dir);
        sign(dir, keys, "a");
        const auto bundle = open_by(dir.path, {.trusted_keys = keys.shared("a")});
        INFO(bundle.status().message);
        REQUIRE(bundle);
        REQUIRE((*bundle)->signers().size() == 1);
        CHECK((*bundle)->signers()[0].key == keys.fingerprint("a"));
        CHECK(signer_names(**bundle) == keys.fingerprint("a").substr(0, 12));
        sign(dir, keys, "a");  // again, in its place
        CHECK(open_by(dir.path, {.trusted_keys = keys.shared("a")}));
    }
}

TEST_CASE("a private key is its owner's alone, may have a passphrase, and is never written over", "[sign]") {
    const Keys keys({"a"});
    struct stat about {};
    REQUIRE(::stat(keys.secret("a").c_str(), &about) == 0);
    CHECK((about.st_mode & 0777) == 0600);
    CHECK(keys.folder.read("a.key").starts_with("-----BEGIN PRIVATE KEY-----\n"));
    CHECK(message_of(signer().generate_key(keys.secret("a"), keys.folder / "other.pub", "P-256", ""), WB_IO_ERROR)
              .find("cannot create") != std::string::npos);
    CHECK(message_of(signer().generate_key(keys.folder / "b.key", keys.shared("a"), "P-256", ""), WB_IO_ERROR)
              .find("cannot create") != std::string::npos);
    CHECK_FALSE(fs::exists(keys.folder / "b.key"));

    REQUIRE(signer().generate_key(keys.folder / "c.key", keys.folder / "c.pub", "P-384", "hunter2").ok());
    CHECK(keys.folder.read("c.key").starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
    Scratch dir;
    make_bundle(dir);
    for (const char *passphrase : {"", "hunter3"})
        CHECK(message_of(signer().sign(dir.path, "", keys.folder / "c.key", passphrase))
                  .find("expected the passphrase of the key") != std::string::npos);
    CHECK(signer().sign(dir.path, "", keys.folder / "c.key", "hunter2").ok());
}

TEST_CASE("what cannot sign is named", "[sign]") {
    const Keys keys({"a"});
    Scratch dir;
    make_bundle(dir);
    keys.folder.write("text.key", "hello");
    CHECK(message_of(signer().sign(dir.path, "", keys.folder / "text.key", ""))
              .find("expected a private key in PEM (PKCS#8 or SEC 1), got none") != std::string::npos);
    CHECK(message_of(signer().sign(dir.path, "", keys.shared("a"), "")).find("expected a private key") !=
          std::string::npos);
    // openssl genpkey -algorithm ed25519
    keys.folder.write("ed.key",
                      "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAD8c/fdTeYqV39g8Bzxkg93p4PgjBVkMj9c4Hxg8Bxd\n"
                      "-----END PRIVATE KEY-----\n");
    CHECK(message_of(signer().sign(dir.path, "", keys.folder / "ed.key", ""))
              .find("expected a private key of ECDSA on P-256, P-384 or P-521, got another") != std::string::npos);
    for (const char *roles : {"Risk", "risk,", ",risk", "r/x", "a,b,c,d,e,f,g,h,i"})
        CHECK(
            message_of(signer().sign(dir.path, roles, keys.secret("a"), "")).starts_with("roles: expected at most 8"));
    dir.write("vocab.txt", "changed");
    CHECK(message_of(signer().sign(dir.path, "", keys.secret("a"), ""), WB_INVALID_BUNDLE).starts_with("vocab.txt: "));
    CHECK_FALSE(fs::exists(dir / "model.sig"));
    const BundleSigner elsewhere(keys.folder.path);
    CHECK(message_of(elsewhere.generate_key(keys.folder / "x.key", keys.folder / "x.pub", "P-256", ""),
                     WB_BACKEND_UNAVAILABLE)
              .starts_with(keys.folder.path + "/libweighbridge_verify.so: signatures cannot be checked without it"));
    CHECK(message_of(signer().generate_key(keys.folder / "x.key", keys.folder / "x.pub", "P-224", ""))
              .starts_with("curve: "));
}

TEST_CASE("a signature that was made elsewhere is attached, as DER and as PKCS#11 gives it", "[sign]") {
    const std::pair<const char *, size_t> curves[] = {{"P-256", 32}, {"P-384", 48}, {"P-521", 66}};
    const auto library = VerifyLibrary::open(WB_TEST_VERIFY);
    REQUIRE(library);
    for (const auto &[curve, field] : curves) {
        INFO(curve);
        const Keys keys({"hsm", "other"}, curve);
        Scratch dir;
        make_bundle(dir);
        const auto bytes = signer().bytes_to_sign(dir.path, "risk");
        REQUIRE(bytes);
        CHECK(bytes->starts_with("DSSEv1 28 application/vnd.in-toto+json "));
        const auto der = library->sign("hsm", keys.folder.read("hsm.key"), "", *bytes);
        REQUIRE(der);
        const std::string raw = raw_of_der(*der, field);
        for (const std::string &form : {*der, raw}) {
            fs::remove(dir / "model.risk.sig");
            const Status attached = signer().attach(dir.path, "risk", keys.shared("hsm"), form);
            INFO(attached.message);
            REQUIRE(attached.ok());
            CHECK(open_by(dir.path, {.trusted_keys = "risk=" + keys.shared("hsm")}));
        }
        fs::remove(dir / "model.risk.sig");
        const auto refused = [&](const Status &status) {
            CHECK(message_of(status).starts_with("signature: expected one of this bundle's bytes"));
            CHECK_FALSE(fs::exists(dir / "model.risk.sig"));
        };
        refused(signer().attach(dir.path, "risk", keys.shared("other"), *der));
        refused(signer().attach(dir.path, "risk,legal", keys.shared("hsm"), *der));
        refused(signer().attach(dir.path, "risk", keys.shared("hsm"), "no signature"));
        refused(signer().attach(dir.path, "risk", keys.shared("hsm"), std::string(2 * field, '\0')));
        refused(signer().attach(dir.path, "risk", keys.shared("hsm"), ""));
    }
}

TEST_CASE("numbers of PKCS#11 become DER without leading zeros, and never negative", "[sign]") {
    const auto bytes = [](std::initializer_list<int> list) {
        std::string text;
        for (int byte : list) text.push_back(static_cast<char>(byte));
        return text;
    };
    CHECK(der_of_raw(bytes({0, 1, 0x80, 2})) == bytes({0x30, 8, 2, 1, 1, 2, 3, 0, 0x80, 2}));
    CHECK(der_of_raw(bytes({0, 0})) == bytes({0x30, 6, 2, 1, 0, 2, 1, 0}));
    CHECK(der_of_raw(std::string(132, '\x01')).substr(0, 3) == bytes({0x30, 0x81, 136}));
}

TEST_CASE("the same bundle and roles are signed as the same bytes, and each signature ignores the others", "[sign]") {
    Scratch dir;
    make_bundle(dir);
    const auto bytes = signer().bytes_to_sign(dir.path, "legal,owner,audit");
    REQUIRE(bytes);
    const Keys keys({"a"});
    sign(dir, keys, "a", "owner");
    const auto again = signer().bytes_to_sign(dir.path, "legal,owner,audit");
    REQUIRE(again);
    CHECK(*again == *bytes);
    const Json statement = Json::parse(bytes->substr(bytes->find('{')));
    CHECK(statement["predicate"]["serialization"]["ignore_paths"] ==
          Json({"model.audit.sig", "model.legal.sig", "model.owner.sig", "model.risk.sig", "model.sig"}));
    CHECK(statement["subject"][0]["name"] == "card-mlp");
    CHECK(statement["predicate"]["resources"][1]["name"] == "manifest.json");
}
