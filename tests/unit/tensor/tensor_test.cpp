// SPDX-License-Identifier: Apache-2.0
#include "tensor/tensor.hpp"

#include <algorithm>
#include <cstdint>
#include <new>

#include "support/catch.hpp"

namespace {

using namespace weighbridge::lib;

TEST_CASE("every dtype has the manifest's name and its size", "[tensor]") {
    REQUIRE(name_of(DType::float32) == "float32");
    REQUIRE(size_of(DType::float32) == 4);
    REQUIRE(name_of(DType::float64) == "float64");
    REQUIRE(size_of(DType::float64) == 8);
    REQUIRE(name_of(DType::int64) == "int64");
    REQUIRE(size_of(DType::int64) == 8);
    REQUIRE(name_of(DType::int32) == "int32");
    REQUIRE(size_of(DType::int32) == 4);
    REQUIRE(name_of(DType::boolean) == "bool");
    REQUIRE(size_of(DType::boolean) == 1);
}

TEST_CASE("a shape's elements are the product of its sizes, one for a scalar", "[tensor]") {
    REQUIRE(Shape{}.elements() == 1);
    REQUIRE(Shape{2, {3, 4}}.elements() == 12);
    REQUIRE(Shape{2, {3, 0}}.elements() == 0);
    REQUIRE(Shape{1, {int64_t{1} << 40}}.elements() == int64_t{1} << 40);
    REQUIRE(Shape{2, {3, 4}} == Shape{2, {3, 4}});
    REQUIRE_FALSE(Shape{2, {3, 4}} == Shape{2, {4, 3}});
}

TEST_CASE("an aligned buffer is zeroed and starts on 64 bytes", "[tensor]") {
    for (size_t bytes : {size_t{1}, size_t{63}, size_t{64}, size_t{4097}}) {
        AlignedBuffer buffer(bytes);
        REQUIRE(buffer.size() == bytes);
        REQUIRE(reinterpret_cast<uintptr_t>(buffer.data()) % 64 == 0);
        REQUIRE(std::all_of(buffer.data(), buffer.data() + bytes, [](std::byte b) { return b == std::byte{0}; }));
    }
}

TEST_CASE("an empty buffer holds no memory", "[tensor]") {
    REQUIRE(AlignedBuffer().data() == nullptr);
    REQUIRE(AlignedBuffer(0).data() == nullptr);
    REQUIRE(AlignedBuffer(0).size() == 0);
}

TEST_CASE("a moved buffer leaves an empty one", "[tensor]") {
    AlignedBuffer from(128);
    const std::byte *data = from.data();
    AlignedBuffer to(std::move(from));
    REQUIRE(to.data() == data);
    REQUIRE(from.data() == nullptr);
    AlignedBuffer third(64);
    third = std::move(to);
    REQUIRE(third.data() == data);
    REQUIRE(third.size() == 128);
    REQUIRE(to.size() == 0);
}

// The sanitizers end the process instead.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("memory that cannot be had is std::bad_alloc", "[tensor]") {
    volatile size_t bytes = SIZE_MAX / 2;
    REQUIRE_THROWS_AS(AlignedBuffer(bytes), std::bad_alloc);
}
#endif

}  // namespace
