// SPDX-License-Identifier: Apache-2.0
#include "base/sha256.hpp"

#include <string>
#include <thread>
#include <vector>

#include "support/catch.hpp"

using namespace weighbridge::lib;

namespace {
std::string hex_of(std::string_view text) {
    auto digest = sha256(as_bytes(text));
    REQUIRE(digest);
    return hex(*digest);
}
}  // namespace

TEST_CASE("sha256 gives the digests of FIPS 180-4's examples") {
    CHECK(hex_of("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(hex_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(hex_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    CHECK(hex_of(std::string(1000000, 'a')) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("one flipped bit changes the digest") { CHECK(hex_of("abc") != hex_of("abb")); }

TEST_CASE("leading_u64 is the first eight bytes, big-endian") {
    auto digest = sha256(as_bytes("abc"));
    REQUIRE(digest);
    CHECK(leading_u64(*digest) == 0xba7816bf8f01cfeaULL);
}

TEST_CASE("threads hash at once, the first use included") {
    std::vector<std::string> found(8);
    std::vector<std::thread> threads;
    for (auto &slot : found)
        threads.emplace_back([&slot] {
            for (int i = 0; i < 50; ++i) {
                auto digest = sha256(as_bytes("abc"));
                slot = digest ? hex(*digest) : "failed";
            }
        });
    for (auto &thread : threads) thread.join();
    for (const auto &text : found) CHECK(text == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
