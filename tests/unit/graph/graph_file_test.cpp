// SPDX-License-Identifier: Apache-2.0
#include "graph/graph_file.hpp"

#include <cstring>

#include "support/catch.hpp"
#include "support/graphs.hpp"
#include "support/random_graph.hpp"

namespace {

namespace lib = weighbridge::lib;
namespace test = weighbridge::test;
using lib::DType, lib::Extent, lib::Op;

lib::Graph small() {
    test::GraphBuilder build(6);
    build.graph.least_length = 1;
    const auto x = build.input(0, DType::float32, {Extent::rows(), Extent::length(), Extent::of(3)});
    const auto last = build.add(Op::slice, {x}, {.axis = 1, .start = Extent::length(1, -1), .size = Extent::of(1)});
    const auto y = build.linear(build.add(Op::softplus, {last}, {.beta = 1.0, .threshold = 20.0}), 2,
                                {1, 2, 3, 4, 5, 6}, {1, 2}, lib::Activation::relu);
    build.output(y);
    build.output(build.add(Op::concat, {y, y, y}, {.axis = 2}));
    return build.graph;
}

}  // namespace

TEST_CASE("a graph's bytes give the same graph, which gives the same bytes") {
    for (uint32_t seed = 0; seed < 40; ++seed) {
        test::RandomGraphOptions options;
        options.sequences = seed % 2 == 0;
        const lib::Graph graph = seed == 0 ? small() : test::random_graph(seed, options);
        const lib::Bytes bytes = lib::write_graph(graph);
        REQUIRE(bytes.size() % 64 == 0);
        auto read = lib::read_graph(bytes);
        INFO(read.status().message);
        REQUIRE(read);
        REQUIRE(lib::write_graph(*read) == bytes);
        REQUIRE(read->text() == graph.text());
    }
}

TEST_CASE("a graph cut anywhere, or with more behind it, is refused") {
    const lib::Bytes bytes = lib::write_graph(small());
    for (size_t size = 0; size < bytes.size(); ++size) {
        const lib::Bytes part(bytes.begin(),
                              bytes.begin() + static_cast<ptrdiff_t>(size));  // its own memory: sanitizers see
        auto read = lib::read_graph(part);
        CAPTURE(size);
        REQUIRE(read.status().code == WB_INVALID_BUNDLE);
        REQUIRE(std::string_view(read.status().message).find("graph: expected") == 0);
    }
    lib::Bytes longer = bytes;
    longer.resize(bytes.size() + 64);
    REQUIRE(std::string_view(lib::read_graph(longer).status().message).find("64 bytes more") != std::string::npos);
}

TEST_CASE("a graph with any byte changed is refused or another sound graph") {
    const lib::Bytes bytes = lib::write_graph(small());
    size_t refused = 0, read_as_other = 0;
    for (size_t place = 0; place < bytes.size(); ++place)
        for (int change : {0x01, 0x02, 0x04, 0x10, 0x40, 0x80, 0xFF}) {
            lib::Bytes changed = bytes;
            changed[place] ^= static_cast<std::byte>(change);
            auto read = lib::read_graph(changed);
            if (!read) {
                REQUIRE(read.status().code == WB_INVALID_BUNDLE);
                ++refused;
                continue;
            }
            REQUIRE(lib::validate(*read).ok());
            // What the magic's line and a constant's last line leave over is the only thing that nobody reads.
            ++read_as_other;
        }
    REQUIRE(refused > 500);
    REQUIRE(read_as_other > 50);
}

TEST_CASE("counts beyond the caps ask for no memory") {
    lib::Bytes bytes = lib::write_graph(small());
    auto set = [&](size_t place, uint32_t value) { std::memcpy(bytes.data() + 64 + place, &value, 4); };
    for (size_t place : {size_t{0}, size_t{4}, size_t{8}, size_t{12}})
        for (uint32_t value : {0xFFFFFFFFu, 0x7FFFFFFFu, 65537u}) {
            bytes = lib::write_graph(small());
            set(place, value);
            REQUIRE(lib::read_graph(bytes).status().code == WB_INVALID_BUNDLE);
        }
}

TEST_CASE("a bool constant's bytes are 0 or 1") {
    test::GraphBuilder build;
    const uint8_t flags[3] = {1, 0, 1};
    const auto mask = build.graph.add_constant(lib::Constant::copy(DType::boolean, {3}, flags));
    const auto x = build.input(0, DType::float32, {Extent::rows(), Extent::of(3)});
    build.output(build.add(Op::where, {mask, x, x}));
    lib::Bytes bytes = lib::write_graph(build.graph);
    REQUIRE(lib::read_graph(bytes));
    bytes[bytes.size() - 64 + 1] = std::byte{2};
    REQUIRE(lib::read_graph(bytes).status().code == WB_INVALID_BUNDLE);
}
