// SPDX-License-Identifier: Apache-2.0
#include "isolation/wire.hpp"

#include <algorithm>
#include <string>

#include "support/catch.hpp"

using namespace weighbridge::lib;

namespace {

Bytes frame(WireHead head, std::string_view body) {
    Bytes bytes;
    const auto add = [&](const void *from, size_t size) {
        const auto *first = static_cast<const std::byte *>(from);
        bytes.insert(bytes.end(), first, first + size);
    };
    add(&head, sizeof head);
    add(body.data(), body.size());
    add(kWireTrailer, sizeof kWireTrailer);
    return bytes;
}

Bytes reply(std::string_view body, int32_t code = WB_OK) {
    return frame(wire_head(WireKind::reply, code, body.size()), body);
}

std::string refusal(ByteView bytes, uint64_t limit = 1000) {
    WireReader reader(limit);
    const Status status = reader.take(bytes);
    CHECK(status.code == WB_BACKEND_FAILED);
    CHECK_FALSE(reader.done());
    return status.message;
}

}  // namespace

TEST_CASE("a frame is read in pieces of any size, and is one only with its trailer") {
    for (const std::string_view body : {"", "x", "what an importer says"}) {
        const Bytes bytes = reply(body, WB_INVALID_BUNDLE);
        for (size_t piece = 1; piece <= bytes.size(); ++piece) {
            WireReader reader(1000);
            for (size_t at = 0; at < bytes.size(); at += piece) {
                REQUIRE_FALSE(reader.done());
                REQUIRE(reader.take(ByteView(bytes).subspan(at, std::min(piece, bytes.size() - at))).ok());
            }
            REQUIRE(reader.done());
            CHECK(reader.kind() == WireKind::reply);
            CHECK(reader.code() == WB_INVALID_BUNDLE);
            CHECK(as_text(reader.take_body()) == body);
        }
        for (size_t size = 0; size < bytes.size(); ++size) {
            WireReader reader(1000);
            REQUIRE(reader.take(ByteView(bytes).first(size)).ok());
            REQUIRE_FALSE(reader.done());
        }
    }
}

TEST_CASE("what is no frame is refused, and nothing is kept for what is only announced") {
    Bytes magic = reply("body");
    magic[0] = std::byte{'?'};
    CHECK(refusal(magic) == "importer: expected the head of a frame, found other bytes");
    CHECK(refusal(frame(wire_head(static_cast<WireKind>(9), WB_OK, 4), "body")) ==
          "importer: expected the head of a frame, found other bytes");
    WireHead reserved = wire_head(WireKind::reply, WB_OK, 4);
    reserved.reserved = 1;
    CHECK(refusal(frame(reserved, "body")) == "importer: expected the head of a frame, found other bytes");
    CHECK(refusal(reply("body"), 3) == "importer: expected at most 3 bytes, found 4");
    CHECK(refusal(frame(wire_head(WireKind::reply, WB_OK, ~uint64_t{0}), "body")) ==
          "importer: expected at most 1000 bytes, found 18446744073709551615");
    Bytes trailer = reply("body");
    trailer.back() = std::byte{'?'};
    CHECK(refusal(trailer) == "importer: expected the trailer of a frame, found other bytes");
    Bytes longer = reply("body");
    longer.push_back({});
    CHECK(refusal(longer) == "importer: expected the end of a frame, found 1 bytes more");
}

TEST_CASE("the first order reads back, cut anywhere it is refused, and another version is told by name") {
    const ImporterStart start{false, 1 << 20, 65, "/p/plugin.so", "/l", "/d"};
    const Bytes bytes = write_start(start);
    const auto read = read_start(bytes);
    REQUIRE(read);
    CHECK(*read == start);
    for (size_t size = 0; size < bytes.size(); ++size)
        REQUIRE(read_start(ByteView(bytes).first(size)).status().code == WB_INVALID_ARGUMENT);
    Bytes longer = bytes;
    longer.push_back({});
    CHECK(read_start(longer).status().code == WB_INVALID_ARGUMENT);
    Bytes other = bytes;
    other[4] = std::byte{'9'};
    const Status status = read_start(other).status();
    CHECK(status.code == WB_BACKEND_UNAVAILABLE);
    CHECK(std::string(status.message).find("but the library is 9") != std::string::npos);
}

TEST_CASE("an order to run reads back, its data at lines of 64 bytes, and cut anywhere it is refused") {
    const std::string first = "abcdefgh", second(100, 'z');
    const WireRun run{{{1, {1, 2}, as_bytes(first)}, {3, {}, as_bytes(second)}},
                      {{"fraud", "", 1, {1}}, {"o", "key", 0, {1, 3}}}};
    const Bytes bytes = write_run(run);
    const auto read = read_run(bytes);
    REQUIRE(read);
    REQUIRE(read->inputs.size() == 2);
    CHECK(read->inputs[0].dtype == 1);
    CHECK(read->inputs[0].shape == std::vector<int64_t>{1, 2});
    CHECK(as_text(read->inputs[0].data) == first);
    CHECK(as_text(read->inputs[1].data) == second);
    for (const WireTensor &input : read->inputs) CHECK((input.data.data() - bytes.data()) % 64 == 0);
    REQUIRE(read->outputs.size() == 2);
    CHECK(read->outputs[0].name == "fraud");
    CHECK(read->outputs[0].index == 1);
    CHECK(read->outputs[1].key == "key");
    CHECK(read->outputs[1].shape == std::vector<int64_t>{1, 3});
    for (size_t size = 0; size < bytes.size(); ++size)
        REQUIRE(read_run(ByteView(bytes).first(size)).status().code == WB_INVALID_ARGUMENT);
}

TEST_CASE("what an importer says is shown as printable lines") {
    CHECK(wire_text(as_bytes("a\tb\xc3\xa9\nc")) == "a?b??\nc");
    CHECK(wire_text(as_bytes(std::string(3 << 20, 'x'))).size() == 1 << 20);
}
