// SPDX-License-Identifier: Apache-2.0
#include "sign/public_key.hpp"

#include "support/catch.hpp"

using namespace weighbridge::lib;

namespace {

// By openssl ecparam -genkey and openssl pkey -pubout; the fingerprints by sha256sum.
const std::string kP256 =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEwOYsrjB/kVnp3ZY6dXqivB1iWhy6\n"
    "25ylyhTT6YgqZgkoTXqfVmJ3krzmHoTEelqwOIgkDt8fyet2PnLhrDPLvQ==\n"
    "-----END PUBLIC KEY-----\n";
const std::string kP384 =
    "-----BEGIN PUBLIC KEY-----\n"
    "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEzJOjwhkvUmIy8k+0lqkCeIc3v3I/gHNJ\n"
    "MYaVh4I9mrtRBQ3oPCsKBsQDCXxHPPqfT8WDVCdFxeaXvszos2HNIg0EgKZea8C6\n"
    "HQGaCbbsV7/TtfVvBRF4D9E/Cx1upTwb\n"
    "-----END PUBLIC KEY-----\n";
const std::string kP521 =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQAzWdbT4vJwdKIkkKiiO56jTUnWiTA\n"
    "tQdholydpx4eMCOMihieDGu8mac05+mrfOTFGR5bMkwAJNfQdPfrvBHbqGcAduFq\n"
    "crkpNXtfx60pS/vP+9c8+tKJimUWIJQcQKDDL7cDaTUjTA98fH+qpby4PbWCTefk\n"
    "G3d/q49z3Ay7O/R6lbY=\n"
    "-----END PUBLIC KEY-----\n";

std::string problem(const std::string &pem) {
    const auto keys = read_public_keys("owner.pub", pem);
    if (keys) return "read";
    CHECK(keys.status().code == WB_INVALID_ARGUMENT);
    return keys.status().message;
}

}  // namespace

TEST_CASE("public keys of three curves are read, and written as OpenSSL writes them", "[sign]") {
    const auto keys = read_public_keys("keys", kP256 + "\r\n\n" + kP384 + kP521);
    INFO(keys.status().message);
    REQUIRE(keys);
    REQUIRE(keys->size() == 3);
    const char *names[] = {"P-256", "P-384", "P-521"};
    const std::string pems[] = {kP256, kP384, kP521};
    const char *fingerprints[] = {"87f1fb505a296f377ae7b0500bfc904aa77abf03a65f5c1a195da2e5d1436fff",
                                  "45e42e422be5e37dd31728d41426924e385531ff07d068748ae78fa5fc021464",
                                  "6eed88b2889d52ff7319fb3c9ef061bf92144a589899f94e468314ef65eaad1c"};
    for (size_t i = 0; i < 3; ++i) {
        CHECK(name_of((*keys)[i].curve) == names[i]);
        CHECK(curve_of(names[i]).ok());
        CHECK(public_pem((*keys)[i]) == pems[i]);
        CHECK((*keys)[i].fingerprint == fingerprints[i]);
    }
    CHECK(std::string(curve_of("P-224").status().message) == "curve: expected P-256, P-384 or P-521, got \"P-224\"");
    CHECK_FALSE(make_public_key(Curve::p256, std::string(64, 'x')));
}

TEST_CASE("what is no public key of these curves is refused with what to do", "[sign]") {
    CHECK(problem("") == "owner.pub: expected a public key in PEM, got nothing");
    CHECK(problem("hello").find("got other text") != std::string::npos);
    CHECK(problem(kP256 + "hello").find("got other text") != std::string::npos);
    CHECK(problem("-----BEGIN EC PRIVATE KEY-----\nx").find("keep this away from the service") != std::string::npos);
    CHECK(problem(kP256.substr(0, 100)).find("expected -----END PUBLIC KEY-----") != std::string::npos);
    std::string damaged = kP256;
    damaged[60] = '!';
    CHECK(problem(damaged).find("base64 is damaged") != std::string::npos);
    const char *others[] = {
        // ed25519
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAVSLXWkkbLkfIT9fdrMKhvX8tjm750JY8vtb/atGsYVI=\n"
        "-----END PUBLIC KEY-----\n",
        // P-256 with its point compressed
        "-----BEGIN PUBLIC KEY-----\nMDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgADwOYsrjB/kVnp3ZY6dXqivB1iWhy6\n"
        "25ylyhTT6YgqZgk=\n-----END PUBLIC KEY-----\n"};
    for (const char *other : others)
        CHECK(problem(other).find("expected a public key of ECDSA on P-256, P-384 or P-521") != std::string::npos);
}
