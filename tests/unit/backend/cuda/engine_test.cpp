// SPDX-License-Identifier: Apache-2.0
// An engine with a simulated GPU: an example's bundle is loaded to both devices and scores alike on both.
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "bundle/golden.hpp"
#include "engine/devices.hpp"
#include "support/cuda_sim/simulated.hpp"
#include "support/fake_engine.hpp"
#include "support/sanitized.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;

namespace {

// Kernels that the CPU plays, unoptimised and with sanitizers, take minutes for the transformer.
const std::string kBundle = std::string(WB_EXAMPLES) + (kSanitized ? "/card-mlp" : "/card-transformer");

// The file that stands for the kernels, while it lives.
struct KernelFile {
    KernelFile() : path(std::filesystem::temp_directory_path() / ("wb-kernels-" + std::to_string(getpid()))) {
        std::ofstream(path, std::ios::binary)
            .write(reinterpret_cast<const char *>(kSimulatedImage), sizeof kSimulatedImage);
    }
    ~KernelFile() { std::filesystem::remove(path); }
    std::filesystem::path path;
};

EngineOptions options_with(const KernelFile &kernels, const std::string &devices) {
    EngineOptions options;
    REQUIRE(parse_devices(options, devices));
    options.cuda_driver = simulated_driver();
    options.cuda_kernels = kernels.path;
    return options;
}

// The scores of the bundle's golden rows, as one batch.
std::vector<double> scores_of(Engine &engine, const Ref<Model> &model, wb_batch_result &result) {
    const auto golden = *read_golden(model->bundle(), {});
    const Schema &schema = *model->bundle().schema();
    const auto bytes = static_cast<int64_t>(schema.fixed_bytes());
    int64_t stride = bytes;
    for (const auto &one : golden) stride = std::max(stride, static_cast<int64_t>(one.row.size() * 8));
    const auto rows = static_cast<int64_t>(golden.size());
    std::vector<uint64_t> memory(static_cast<size_t>(rows * stride / 8));
    for (int64_t i = 0; i < rows; ++i)
        std::memcpy(reinterpret_cast<std::byte *>(memory.data()) + i * stride,
                    golden[static_cast<size_t>(i)].row.data(), golden[static_cast<size_t>(i)].row.size() * 8);
    Batch batch(model->shared_bundle());
    std::vector<double> scores(static_cast<size_t>(rows));
    REQUIRE(batch.reset(rows).ok());
    REQUIRE(batch.set_rows(memory.data(), stride).ok());
    REQUIRE(batch.set_result(WB_COLUMN_SCORE, scores.data(), sizeof(double)).ok());
    std::optional<wb_batch_result> made;
    const Status status = engine.score_batch({model, {}}, batch, {}, made);
    INFO(status.message);
    REQUIRE(status.ok());
    result = *made;
    return scores;
}

}  // namespace

TEST_CASE("a bundle on a simulated GPU scores with the CPU's bits, in fp32 and int8", "[cuda]") {
    SimulatedMachine machine;
    KernelFile kernels;
    auto engine = Engine::make(options_with(kernels, "cuda:0=1,cpu=1"));
    INFO(engine.status().message);
    REQUIRE(engine);
    for (const char *precision : {"fp32", "int8"}) {
        CAPTURE(precision);
        LoadOptions load;
        load.precision = precision;
        auto model = (*engine)->load(kBundle, load);
        INFO(model.status().message);
        REQUIRE(model);
        REQUIRE((*model)->replicas().size() == 1);
        wb_batch_result here{}, there{};
        const auto expected = scores_of(**engine, *model, here);
        const auto found = scores_of(**engine, (*model)->replicas()[0], there);
        CHECK(std::memcmp(expected.data(), found.data(), expected.size() * sizeof(double)) == 0);
        CHECK(here.backend == WB_BACKEND_NATIVE);
        CHECK(here.device == 0);
        CHECK(there.backend == WB_BACKEND_CUDA);
        CHECK(there.device == 1);
        CHECK(there.numerics == here.numerics);
    }
}

TEST_CASE("GPUs that cannot be had: a refusal that names them, or the CPU alone", "[cuda]") {
    SimulatedMachine machine;
    KernelFile kernels;
    auto refused = Engine::make(options_with(kernels, "cpu=1,cuda:9"));
    REQUIRE(refused.status().code == WB_BACKEND_UNAVAILABLE);
    CHECK(std::string(refused.status().message).starts_with("cuda:9: "));

    auto engine = Engine::make(options_with(kernels, "cpu=1,cuda:9?,cuda:0=1"));
    REQUIRE(engine);
    wb_event event;
    REQUIRE((*engine)->runtime().events.take(event));
    CHECK(std::string(event.message).starts_with("the CPU serves alone: cuda:9: "));

    EngineOptions missing = options_with(kernels, "cuda:0");
    missing.cuda_kernels += ".none";
    auto without = Engine::make(missing);
    REQUIRE(without.status().code == WB_BACKEND_UNAVAILABLE);
    CHECK(std::string(without.status().message).find("the GPU kernels: ") != std::string::npos);
}

TEST_CASE("a GPU's context has two runs in flight, and calls that wait for it run together", "[cuda]") {
    SimulatedMachine machine;
    KernelFile kernels;
    auto engine = Engine::make(options_with(kernels, "cuda:0!=1,cpu=1"));
    REQUIRE(engine);
    auto model = (*engine)->load(kBundle, {});
    INFO(model.status().message);
    REQUIRE(model);
    REQUIRE((*model)->replicas().size() == 1);
    wb_batch_result result{};
    const auto expected = scores_of(**engine, *model, result);
    auto golden = *read_golden((*model)->bundle(), {});
    constexpr size_t kCalls = 8;
    REQUIRE(golden.size() >= kCalls);
    Pool &pool = (*model)->replicas()[0]->pool();
    const uint64_t launched = cuda_sim::calls("cuGraphLaunch");
    const auto eventually = [](auto &&condition) {
        for (int tries = 0; tries < 800 && !condition(); ++tries)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return condition();
    };
    cuda_sim::set_hanging(0, true);
    std::array<wb_result, kCalls> found;
    {
        std::vector<std::jthread> callers;
        for (size_t i = 0; i < kCalls; ++i)
            callers.emplace_back([&, i] {
                found[i] = WB_RESULT_INIT;
                (void)(*engine)->score({*model, {}}, golden[i].row.data(), {}, {}, found[i]);
            });
        CHECK(eventually([&] { return cuda_sim::calls("cuGraphLaunch") == launched + 2; }));
        CHECK(eventually([&] { return pool.waiting() == kCalls - 2; }));
        cuda_sim::set_hanging(0, false);
    }
    for (size_t i = 0; i < kCalls; ++i) {
        CAPTURE(i);
        CHECK(found[i].device == 1);
        CHECK(found[i].score == expected[i]);
    }
    CHECK((*engine)->runtime().joined_rows >= 2);
    CHECK(cuda_sim::calls("cuGraphLaunch") < launched + kCalls);
}
