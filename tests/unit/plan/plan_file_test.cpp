// SPDX-License-Identifier: Apache-2.0
#include "plan/plan_file.hpp"

#include <cstdlib>
#include <map>

#include "backend/native/native.hpp"
#include "plan/panels.hpp"
#include "support/catch.hpp"
#include "support/plans.hpp"
#include "support/random_graph.hpp"
#include "support/sanitized.hpp"

namespace {

namespace lib = weighbridge::lib;
namespace test = weighbridge::test;

const lib::Precisions kAll{WB_PRECISION_FP32, WB_PRECISION_BF16, WB_PRECISION_INT8, WB_PRECISION_INT8BF16};

lib::Bytes bytes_of(const test::GraphBuilder &build,
                    lib::Precisions precisions = {WB_PRECISION_FP32, WB_PRECISION_INT8}) {
    return *lib::write_plan(*build.plan(std::move(precisions)));
}

template <class T>
lib::Bytes patched(lib::Bytes file, size_t offset, T value) {
    std::memcpy(file.data() + offset, &value, sizeof value);
    return test::resealed(std::move(file));
}

std::string refusal(const lib::Bytes &file) {
    auto read = test::read_copy(file);
    REQUIRE_FALSE(read);
    REQUIRE(read.status().code == WB_INVALID_BUNDLE);
    REQUIRE(std::string_view(read.status().message).find("model.plan: ") == 0);
    return read.status().message;
}

// From place to place of a file that is changed everywhere: a fifth of it will do where a sanitizer looks on.
size_t step() { return test::kSanitized && !std::getenv("WB_FULL") ? 5 : 1; }

bool contains(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

// Prepares and runs a plan that somebody changed; anything but a crash will do.
void run_anyhow(const std::shared_ptr<const lib::Plan> &plan) {
    const lib::Graph &graph = plan->graph();
    for (int32_t precision : {WB_PRECISION_FP32, WB_PRECISION_INT8}) {
        if (!plan->has(precision)) continue;
        auto program =
            lib::make_native_program(plan, precision, lib::native::best_level(false), test::input_names(graph));
        if (!program || (*program)->scratch_bytes(2) > (1 << 24)) continue;
        auto executor = lib::make_lone_executor(**program, 0, 2);
        const int64_t length = std::min<int64_t>(graph.largest_length, graph.least_length + 2);
        if (length > 100) continue;
        const auto inputs = test::random_inputs(graph, 2, length, 1);
        bool empty = false;  // an argument that no node reads
        for (const auto &view : inputs.views) empty = empty || view.shape.rank == 0;
        if (!empty) static_cast<void>(test::run(**executor, graph, inputs.views, 2, length));
    }
}

}  // namespace

TEST_CASE("a plan's bytes give the same plan, which gives the same bytes and the same scores") {
    for (const auto &build : {test::mlp_graph(), test::transformer_graph()}) {
        const auto plan = build.plan(kAll);
        const lib::Bytes file = *lib::write_plan(*plan);
        REQUIRE(file.size() % 64 == 32);
        REQUIRE(file == *lib::write_plan(*build.plan(kAll)));
        auto read = test::read_copy(file);
        INFO(read.status().message);
        REQUIRE(read);
        REQUIRE(*lib::write_plan(**read) == file);
        REQUIRE((*read)->precisions() == kAll);
        const auto inputs = test::random_inputs(build.graph, 2, 3, 1);
        auto score = [&](const std::shared_ptr<const lib::Plan> &from, int32_t precision) {
            auto program =
                lib::make_native_program(from, precision, lib::native::Level::portable, test::input_names(build.graph));
            return *test::run(**lib::make_lone_executor(**program, 0, 2), build.graph, inputs.views, 2, 3);
        };
        for (int32_t precision : {WB_PRECISION_FP32, WB_PRECISION_INT8})
            REQUIRE(test::same_bits(score(plan, precision), score(*read, precision)));
    }
}

TEST_CASE("frames that do not fit are refused by what was expected") {
    const lib::Bytes good = bytes_of(test::mlp_graph());
    REQUIRE(contains(refusal(patched(good, 0, 'X')), "magic"));
    REQUIRE(contains(refusal(patched(good, 8, uint32_t{2})), "expected plan version 1, found 2"));
    REQUIRE(contains(refusal(patched(good, 8, uint32_t{0})), "found 0"));
    REQUIRE(contains(refusal(patched(good, 12, uint32_t{2})), "numerics id 1, found 2"));
    REQUIRE(contains(refusal(patched(good, 16, uint64_t{good.size() + 64})), "bytes as its header says"));
    for (uint64_t size : {uint64_t{0}, uint64_t{1} << 63, UINT64_MAX, UINT64_MAX - 63, uint64_t{good.size()}}) {
        REQUIRE(contains(refusal(patched(good, 24, size)), "sections"));
        REQUIRE(contains(refusal(patched(good, 32, size)), "sections"));
    }
    REQUIRE(contains(refusal(patched(good, 56, uint8_t{1})), "reserved"));
    REQUIRE(contains(refusal(patched(good, 127, uint8_t{1})), "reserved"));
    lib::Bytes flipped = good;
    uint64_t graph = 0;
    std::memcpy(&graph, good.data() + 24, 8);
    flipped[128 + graph] ^= std::byte{1};  // a number of the embedding's table
    REQUIRE(contains(refusal(flipped), "sha256: expected"));
    REQUIRE(test::read_copy(flipped, lib::Checksum::compared));  // its caller has compared it
    flipped = good;
    flipped.back() ^= std::byte{1};
    REQUIRE(contains(refusal(flipped), "sha256: expected"));
    lib::Bytes longer = good;
    longer.resize(good.size() + 1);
    REQUIRE(contains(refusal(longer), "header says"));
}

TEST_CASE("lists of precisions that are none are refused") {
    const lib::Bytes good = bytes_of(test::mlp_graph(60, 80));
    REQUIRE(contains(refusal(patched(good, 40, int32_t{0})), "precisions"));
    REQUIRE(contains(refusal(patched(good, 44, int32_t{WB_PRECISION_FP32})), "precisions"));
    REQUIRE(contains(refusal(patched(good, 44, int32_t{77})), "precisions"));
    REQUIRE(contains(refusal(patched(good, 40, int32_t{WB_PRECISION_BF16})), "precisions"));  // is no default
    REQUIRE_FALSE(test::read_copy(patched(good, 48, int32_t{WB_PRECISION_BF16})));            // has no panels for it
    REQUIRE_FALSE(test::read_copy(patched(good, 44, int32_t{0})));                            // and panels too many
}

TEST_CASE("a plan cut at any byte is refused") {
    const lib::Bytes good = bytes_of(test::mlp_graph(2, 2));
    for (size_t size = 0; size < good.size(); ++size) {
        lib::Bytes part(good.begin(), good.begin() + static_cast<ptrdiff_t>(size));
        CAPTURE(size);
        refusal(part);
        if (size < 160) continue;
        // The same with a header and a checksum that say so.
        const uint64_t total = size;
        std::memcpy(part.data() + 16, &total, 8);
        REQUIRE_FALSE(test::read_copy(test::resealed(part)));
        uint64_t graph = 0;
        std::memcpy(&graph, part.data() + 24, 8);
        if (size < 160 + graph) continue;
        const uint64_t weights = size - 160 - graph;
        std::memcpy(part.data() + 32, &weights, 8);
        REQUIRE_FALSE(test::read_copy(test::resealed(part)));
    }
}

TEST_CASE("a plan with any bit flipped is refused, or with a checksum that fits runs or is refused") {
    for (const auto &build : {test::mlp_graph(2, 2), test::transformer_graph(2, 3)}) {
        const lib::Bytes good = bytes_of(build);
        uint64_t graph = 0;
        std::memcpy(&graph, good.data() + 24, 8);
        for (size_t place = 0; place < good.size(); place += step()) {
            lib::Bytes changed = good;
            changed[place] ^= static_cast<std::byte>(1 << place % 8);
            if (place % 3 == 0) REQUIRE_FALSE(test::read_copy(changed));
            const bool weights = place >= 128 + graph;
            if (weights && place % 13 != 0) continue;  // numbers; the header and the graph are what decides
            for (int bit = static_cast<int>(place % 2); bit < 8; bit += 2) {
                changed = good;
                changed[place] ^= static_cast<std::byte>(1 << bit);
                auto read = test::read_copy(changed, lib::Checksum::compared);
                if (read) run_anyhow(*read);
            }
        }
    }
}

TEST_CASE("every bit of the header counts") {
    const lib::Digest module = *lib::sha256(lib::as_bytes("a module"));
    test::GraphBuilder build;
    const auto x = build.input(0, lib::DType::float32, {lib::Extent::rows(), lib::Extent::of(125)});
    build.output(build.linear(x, 33, test::fixed_numbers(33 * 125, 1)));
    const lib::Bytes good = *lib::write_plan(*build.plan({WB_PRECISION_INT8}, module));
    for (size_t bit = 0; bit < 128 * 8; ++bit) {
        lib::Bytes changed = good;
        changed[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
        CAPTURE(bit);
        refusal(changed);
        const lib::Bytes sealed = test::resealed(changed);
        const size_t place = bit / 8;
        if (place >= 64 && place < 96) {  // the module's digest: check_binding refuses it, as another bundle's
            auto read = test::read_copy(sealed);
            REQUIRE(read);
            REQUIRE((*read)->module() != module);
        } else if (place == 44 && bit % 8 == 2) {  // one precision more: int8bf16, whose panels are int8's
            auto read = test::read_copy(sealed);
            REQUIRE(read);
            REQUIRE((*read)->precisions() == lib::Precisions{WB_PRECISION_INT8, WB_PRECISION_INT8BF16});
        } else {
            const std::string message = refusal(sealed);
            REQUIRE(contains(message, "expected"));
            REQUIRE(contains(message, "found"));
        }
    }
}

TEST_CASE("a plan with any word of its graph at an extreme is refused, or runs") {
    constexpr int64_t kExtremes[] = {
        -1, INT64_MIN, INT64_MAX, INT32_MAX, int64_t{1} << 31, int64_t{1} << 62, lib::kMaxLength};
    size_t refused = 0, run = 0;
    for (const auto &build : {test::mlp_graph(2, 2), test::transformer_graph(2, 3)}) {
        const lib::Bytes good = bytes_of(build);
        uint64_t graph = 0;
        std::memcpy(&graph, good.data() + 24, 8);
        for (size_t place = 128; place < 128 + graph; place += 4 * step())
            for (int64_t extreme : kExtremes)
                for (size_t bytes : {size_t{4}, size_t{8}}) {
                    lib::Bytes changed = good;
                    std::memcpy(changed.data() + place, &extreme, bytes);
                    auto read = test::read_copy(changed, lib::Checksum::compared);
                    if (read) {
                        run_anyhow(*read);
                        ++run;
                    } else {
                        REQUIRE(read.status().code == WB_INVALID_BUNDLE);
                        ++refused;
                    }
                }
    }
    REQUIRE(refused > 10000 / step());
    REQUIRE(run > 100 / step());
}

TEST_CASE("what pads a panel is zero") {
    test::GraphBuilder build;
    const auto x = build.input(0, lib::DType::float32, {lib::Extent::rows(), lib::Extent::of(67)});
    build.output(build.linear(x, 65, test::fixed_numbers(65 * 67, 1)));
    const int64_t columns = lib::panel_columns(65);
    for (int32_t precision : {WB_PRECISION_FP32, WB_PRECISION_INT8}) {
        const lib::Bytes good = bytes_of(build, {precision});
        uint64_t graph = 0;
        std::memcpy(&graph, good.data() + 24, 8);
        const bool floats = precision == WB_PRECISION_FP32;
        const size_t panels = 128 + graph + (floats ? 0 : static_cast<size_t>(columns) * 4);  // behind the scales
        const size_t bytes = static_cast<size_t>(floats ? columns * 67 * 4 : columns * 68);
        std::vector<int8_t> used(bytes, 0);
        if (floats) {
            std::vector<float> ones(65 * 67, 1.0f), packed(bytes / 4);
            lib::pack_f32(ones.data(), 67, 65, 67, packed.data());
            for (size_t i = 0; i < bytes; ++i) used[i] = packed[i / 4] != 0;
        } else {
            const std::vector<int8_t> ones(65 * 67, 1);
            lib::pack_i8(ones.data(), 67, 65, 67, used.data());
        }
        size_t padding = 0;
        for (size_t i = 0; i < bytes; i += 13) {
            lib::Bytes changed = good;
            changed[panels + i] ^= std::byte{0x40};
            const bool refused = !test::read_copy(changed, lib::Checksum::compared).ok();
            if (refused != (used[i] == 0)) FAIL("place " << i);
            padding += refused;
        }
        REQUIRE(padding > bytes / 13 / 4);  // 31 of 96 columns
    }
}

TEST_CASE("weights are finite, bools are bools and scales are numbers") {
    test::GraphBuilder build;
    const auto x = build.input(0, lib::DType::float32, {lib::Extent::rows(), lib::Extent::of(65)});
    build.output(build.linear(x, 64, test::fixed_numbers(64 * 65, 1)));
    lib::Bytes file = bytes_of(build, {WB_PRECISION_INT8});
    uint64_t graph = 0;
    std::memcpy(&graph, file.data() + 24, 8);
    REQUIRE(contains(refusal(patched(file, 128 + graph, std::numeric_limits<float>::quiet_NaN())), "finite scales"));
    build = test::GraphBuilder();
    build.output(
        build.linear(build.input(0, lib::DType::float32, {lib::Extent::rows(), lib::Extent::of(1)}), 1, {INFINITY}));
    auto made = lib::Plan::make(build.graph, {}, {WB_PRECISION_FP32});
    REQUIRE(contains(made.status().message, "finite"));
}

TEST_CASE("a plan with fewer precisions is a plan of its own") {
    const auto plan = test::mlp_graph().plan(kAll);
    auto one = lib::with_precisions(plan, {WB_PRECISION_INT8});
    REQUIRE(one);
    REQUIRE(*lib::write_plan(**one) == bytes_of(test::mlp_graph(), {WB_PRECISION_INT8}));
    auto turned = lib::with_precisions(plan, {WB_PRECISION_INT8, WB_PRECISION_FP32});
    REQUIRE((*turned)->precisions()[0] == WB_PRECISION_INT8);
    auto read = test::read_copy(*lib::write_plan(**turned));
    REQUIRE(read);
    REQUIRE(lib::with_precisions(*one, {WB_PRECISION_FP32}).status().code == WB_INVALID_ARGUMENT);
    REQUIRE_FALSE(lib::with_precisions(plan, {}));
    REQUIRE_FALSE(lib::with_precisions(plan, {WB_PRECISION_BF16}));
}
