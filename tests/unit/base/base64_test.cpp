// SPDX-License-Identifier: Apache-2.0
#include "base/base64.hpp"

#include "support/catch.hpp"

using namespace weighbridge::lib;

TEST_CASE("base64 is RFC 4648's, both ways", "[base64]") {
    const std::pair<std::string, std::string> vectors[] = {{"", ""},
                                                           {"f", "Zg=="},
                                                           {"fo", "Zm8="},
                                                           {"foo", "Zm9v"},
                                                           {"foob", "Zm9vYg=="},
                                                           {"fooba", "Zm9vYmE="},
                                                           {"foobar", "Zm9vYmFy"},
                                                           {std::string("\x00\xFF\xFB", 3), "AP/7"}};
    for (const auto &[bytes, text] : vectors) {
        INFO(text);
        CHECK(base64(bytes) == text);
        CHECK(base64_bytes(text) == bytes);
    }
    std::string all;
    for (int i = 0; i < 256; ++i) {
        all.push_back(static_cast<char>(i));
        CHECK(base64_bytes(base64(all)) == all);
    }
}

TEST_CASE("base64 of any other spelling is refused", "[base64]") {
    for (const char *text : {"Z", "Zg", "Zg=", "Zg===", "=", "==", "====", "Z===", "Zh==", "Zm9=", "Zg==Zg==", "Zm9v\n",
                             " Zm9v", "Zm-_", "Zm9\xC3", "Zm=v"}) {
        INFO(text);
        CHECK_FALSE(base64_bytes(text));
    }
}
