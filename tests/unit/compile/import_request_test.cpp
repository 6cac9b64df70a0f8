// SPDX-License-Identifier: Apache-2.0
#include "compile/import_request.hpp"

#include <string>

#include "support/catch.hpp"

using namespace weighbridge::lib;

namespace {

ImportRequest made_request() {
    ImportRequest request;
    request.arguments = {{DType::float32, {kBatch, 6}},
                         {DType::int64, {kBatch, kLength}},
                         {DType::boolean, {kBatch, kLength}, Content::real_mask},
                         {DType::int64, {kBatch}, Content::lengths}};
    request.outputs = {{"fraud", "", 1, {kBatch}}, {"reason", "reasons", 0, {kBatch, 4}}};
    request.least_length = 2;
    request.largest_length = 512;
    return request;
}

}  // namespace

TEST_CASE("an import request reads back as it was written, and the same request is the same bytes") {
    const ImportRequest request = made_request();
    const Bytes bytes = write_request(request);
    const auto read = read_request(bytes);
    REQUIRE(read);
    CHECK(*read == request);
    CHECK(write_request(*read) == bytes);
}

TEST_CASE("an import request that is cut anywhere, longer or not one is refused") {
    const Bytes bytes = write_request(made_request());
    for (size_t size = 0; size < bytes.size(); ++size) {
        CAPTURE(size);
        const auto read = read_request(ByteView(bytes).first(size));
        REQUIRE_FALSE(read);
        CHECK(read.status().code == WB_INVALID_ARGUMENT);
    }
    Bytes longer = bytes;
    longer.push_back({});
    CHECK(std::string(read_request(longer).status().message) == "import request: expected its end, found 1 bytes more");
    Bytes other = bytes;
    other[0] = std::byte{'?'};
    CHECK(std::string(read_request(other).status().message).starts_with("import request: expected one of version 1"));
    Bytes rank = bytes;
    rank[32 + 8] = std::byte{9};
    CHECK(read_request(rank).status().code == WB_INVALID_ARGUMENT);
    Bytes content = bytes;
    content[32 + 4] = std::byte{3};
    CHECK(std::string(read_request(content).status().message) ==
          "import request: argument 0: expected content 0 to 2, found 3");
}
