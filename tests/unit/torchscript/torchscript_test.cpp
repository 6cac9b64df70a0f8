// SPDX-License-Identifier: Apache-2.0
#include "torchscript/torchscript.hpp"

#include <dlfcn.h>
#include <semaphore.h>

#include <atomic>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "base/json.hpp"
#include "compile/bundle_import.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/module_archive.hpp"
#include "support/module_bundle.hpp"
#include "torchscript/warm_inputs.hpp"
#include "weighbridge/c/call.h"

using namespace weighbridge::lib;
using weighbridge::test::in_child;
using weighbridge::test::module_archive;
using weighbridge::test::module_bundle;

namespace {

std::string fake(const std::string &variant) {
    return std::filesystem::read_symlink("/proc/self/exe").parent_path().string() + "/fake_plugins/libfake_" + variant +
           ".so";
}

std::unique_ptr<TorchscriptBackend> backend(const std::string &variant, int contexts = 1) {
    return make_torchscript_backend({.plugin = fake(variant), .libtorch = "", .contexts = contexts});
}

// What the fake plug-in exports beside its table.
template <class T>
T &exported(const std::string &variant, const char *name) {
    void *handle = dlopen(fake(variant).c_str(), RTLD_NOW);
    REQUIRE(handle);
    void *symbol = dlsym(handle, name);
    REQUIRE(symbol);
    return *static_cast<T *>(symbol);
}

constexpr const char *kNumbers = R"("features": [{"name": "a", "type": "float32"}, {"name": "b", "type": "float32"}],
    "tensors": [{"name": "numbers", "dtype": "float32", "shape": ["batch", 2], "features": ["a", "b"]}],
    "outputs": [{"name": "fraud", "shape": ["batch"], "primary": true},
                {"name": "wide", "source": "w", "shape": ["batch", 3]}])";

// A module that the scan accepts; the fake plug-in refuses one of class Refused.
const std::string kModule(as_text(module_archive("Net")));
const std::string kRefused(as_text(module_archive("Refused")));

std::shared_ptr<const Bundle> bundle(std::string_view module = kModule) { return module_bundle(module, kNumbers); }

std::shared_ptr<const Bundle> private_bundle() {
    std::string parts = kNumbers;
    const std::string feature = R"({"name": "a", "type": "float32")";
    parts.insert(parts.find(feature) + feature.size(), R"(, "privacy": "payment")");
    return module_bundle(kModule, parts);
}

// One run of `rows` rows whose first has the values a and b.
struct Call {
    Call(float a, float b, int64_t rows = 1)
        : values(static_cast<size_t>(rows) * 2), fraud(static_cast<size_t>(rows), -1) {
        values[0] = a;
        values[1] = b;
        wide.assign(static_cast<size_t>(rows) * 3, -1);
        view = {DType::float32, {2, {rows, 2}}, values.data()};
        outputs = {fraud.data(), wide.data()};
        run.inputs = {&view, 1};
        run.outputs = outputs;
        run.rows = rows;
        run.scratch = scratch.data();
        run.stop.clock = &steady_clock();
    }
    std::vector<float> values, fraud, wide;
    TensorView view;
    std::vector<float *> outputs;
    AlignedBuffer scratch{64 * 4 * sizeof(float)};  // the program's, for a tile
    Run run;
};

std::unique_ptr<Executor> executor(const Program &program, int context = 0) {
    auto made = program.make_executor(context, program.tile_rows());
    INFO(made.status().message);
    REQUIRE(made);
    return *std::move(made);
}

std::shared_ptr<const Program> prepared(Backend &from, const std::shared_ptr<const Bundle> &what) {
    auto program = from.prepare(what, "");
    INFO(program.status().message);
    REQUIRE(program);
    return *program;
}

}  // namespace

TEST_CASE("a program says what it is") {
    const auto engine = backend("good");
    CHECK(engine->name() == "torchscript");
    CHECK_FALSE(engine->started());
    const auto program = prepared(*engine, bundle());
    CHECK(engine->started());
    CHECK_FALSE(program->traits().inline_safe);
    CHECK_FALSE(program->traits().cancellable);
    CHECK_FALSE(program->traits().batch_invariant);
    CHECK(program->backend() == WB_BACKEND_TORCHSCRIPT);
    CHECK(program->precision() == WB_PRECISION_FP32);
    CHECK(program->numerics() == 0);
    CHECK(program->tile_rows() == 64);
    CHECK(program->scratch_bytes(64) == 64 * 4 * 4);
}

TEST_CASE("tiles are smaller with sequences and never beyond the limit of rows") {
    const auto engine = backend("good");
    const auto sequences =
        module_bundle(kModule, R"("features": [{"name": "past", "type": "sequence", "of": "float32"}],
        "tensors": [{"name": "past", "dtype": "float32", "shape": ["batch", "length"], "features": ["past"]}],
        "outputs": [{"name": "fraud", "shape": ["batch"]}], "limits": {"length": 16})");
    CHECK(prepared(*engine, sequences)->tile_rows() == 32);
    const auto few = module_bundle(kModule, std::string(kNumbers) + R"(, "limits": {"rows": 5})");
    CHECK(prepared(*engine, few)->tile_rows() == 5);
}

TEST_CASE("a run gives every output to the caller") {
    const auto engine = backend("good");
    const auto program = prepared(*engine, bundle());
    const auto one = executor(*program);
    Call call(2, 0.5f, 3);
    REQUIRE(one->run(call.run).ok());
    CHECK_FALSE(call.run.abandoned);
    CHECK(call.fraud == std::vector<float>(3, 2.5f));
    CHECK(call.wide == std::vector<float>(9, 102.5f));
    Call again(1, 0);
    REQUIRE(one->run(again.run).ok());
    CHECK(again.fraud[0] == 1.0f);
}

TEST_CASE("each context has a thread, started once") {
    const int before = exported<int>("good", "fake_threads");
    const auto engine = backend("good", 3);
    const auto first = prepared(*engine, bundle());
    CHECK(exported<int>("good", "fake_threads") == before + 4);  // and one that loaded
    const auto second = prepared(*engine, bundle());
    CHECK(exported<int>("good", "fake_threads") == before + 5);
    for (int context = 0; context < 3; ++context) {
        Call call(1, 1);
        CHECK(executor(*second, context)->run(call.run).ok());
    }
    CHECK(first->make_executor(3, 1).status().code == WB_INTERNAL);
    CHECK(first->make_executor(-1, 1).status().code == WB_INTERNAL);
}

TEST_CASE("a module is unloaded with its last program and executor") {
    const int &modules = exported<int>("good", "fake_modules");
    const int before = modules;
    {
        const auto engine = backend("good");
        auto program = prepared(*engine, bundle());
        auto one = executor(*program);
        CHECK(modules == before + 1);
        program.reset();
        Call call(1, 1);
        CHECK(one->run(call.run).ok());
        CHECK(modules == before + 1);
        one.reset();
        CHECK(modules == before);
    }
    CHECK_FALSE(backend("good")->prepare(bundle(kRefused), ""));
    CHECK_FALSE(backend("misfit")->prepare(bundle(), ""));
    CHECK(modules == before);
    CHECK(exported<int>("misfit", "fake_modules") == 0);
}

TEST_CASE("a program outlives its backend") {
    auto engine = backend("good");
    const auto program = prepared(*engine, bundle());
    engine.reset();
    Call call(1, 2);
    CHECK(executor(*program)->run(call.run).ok());
    CHECK(call.fraud[0] == 3.0f);
}

TEST_CASE("what cannot be prepared is refused by name") {
    const auto engine = backend("good");
    for (const char *precision : {"int8", "bf16", "FP32", "x"}) {
        const auto refused = engine->prepare(bundle(), precision);
        CHECK(refused.status().code == WB_BACKEND_UNAVAILABLE);
        CHECK(std::string(refused.status().message) ==
              "precision '" + std::string(precision) + "': the torchscript engine has fp32 only");
    }
    CHECK(engine->prepare(bundle(), "fp32"));
    const auto broken = engine->prepare(bundle(kRefused), "");
    CHECK(broken.status().code == WB_INVALID_BUNDLE);
    CHECK(std::string(broken.status().message) == "model.ts: not a module");
    CHECK(backend("wrong_abi")->prepare(bundle(), "").status().code == WB_BACKEND_UNAVAILABLE);
}

TEST_CASE("a failing warm-up fails the load") {
    const auto refused = backend("misfit")->prepare(bundle(), "");
    CHECK(refused.status().code == WB_BACKEND_FAILED);
    CHECK(std::string(refused.status().message) ==
          "model.ts: warm-up with 1 row(s): model 'test-model': output 'fraud': expected shape [1], got [2]");
}

TEST_CASE("a thread that cannot be set up fails the load") {
    const auto engine = backend("no_thread");
    const auto refused = engine->prepare(bundle(), "");
    CHECK(refused.status().code == WB_BACKEND_UNAVAILABLE);
    CHECK(std::string(refused.status().message).find("no thread today") != std::string::npos);
    CHECK_FALSE(engine->started());
}

TEST_CASE("forward's own words are withheld where a feature is private") {
    const auto engine = backend("fails");
    Call call(41, 1);
    const Status open = executor(*prepared(*engine, bundle()))->run(call.run);
    CHECK(open.code == WB_BACKEND_FAILED);
    CHECK(std::string(open.message) == "model 'test-model': cannot score 42");
    CHECK(call.fraud[0] == -1.0f);
    const Status closed = executor(*prepared(*engine, private_bundle()))->run(call.run);
    CHECK(closed.code == WB_BACKEND_FAILED);
    CHECK(std::string(closed.message).find("42") == std::string::npos);
}

TEST_CASE("a run that does not fit its executor is refused") {
    const auto engine = backend("good");
    const auto program = prepared(*engine, bundle());
    const auto one = executor(*program);
    Call none(1, 1);
    none.run.rows = 0;
    CHECK(one->run(none.run).code == WB_INTERNAL);
    Call many(1, 1, 65);
    CHECK(one->run(many.run).code == WB_INTERNAL);
    Call inputs(1, 1);
    inputs.run.inputs = {};
    CHECK(one->run(inputs.run).code == WB_INTERNAL);
    Call outputs(1, 1);
    outputs.run.outputs = outputs.run.outputs.first(1);
    CHECK(one->run(outputs.run).code == WB_INTERNAL);
}

TEST_CASE("outputs beyond the limit of memory are refused") {
    const auto small = module_bundle(kModule, std::string(kNumbers) + R"(, "limits": {"memory_bytes": 100})");
    const auto refused = backend("good")->prepare(small, "");
    CHECK(refused.status().code == WB_INVALID_BUNDLE);
    CHECK(std::string(refused.status().message) ==
          "limits.memory_bytes: expected at least 1024 for the outputs of 64 rows, got 100");
}

TEST_CASE("a caller leaves at its deadline, and nothing of it is written later") {
    struct HeldClock : Clock {
        int64_t now_ns() const override {
            int waiting = 0;
            sem_getvalue(entered, &waiting);
            return waiting > 0 ? 2'000'000 : 1'000'000;
        }
        sem_t *entered = nullptr;
    } clock;
    clock.entered = &exported<sem_t>("held", "fake_entered");
    std::binary_semaphore done{0};
    auto engine = backend("held");
    auto program = prepared(*engine, bundle());
    auto one = executor(*program);
    Call call(1, 1);
    call.run.stop = {.clock = &clock, .deadline_ns = 1'500'000};
    call.run.done = [](void *to) { static_cast<std::binary_semaphore *>(to)->release(); };
    call.run.done_arg = &done;
    CHECK(one->run(call.run).code == WB_DEADLINE_EXCEEDED);
    CHECK(call.run.abandoned);
    CHECK_FALSE(done.try_acquire());
    one.reset();  // the model is retired while LibTorch is still at work
    program.reset();
    CHECK(exported<int>("held", "fake_modules") == 1);
    sem_post(&exported<sem_t>("held", "fake_go_on"));
    done.acquire();
    sem_wait(clock.entered);
    CHECK(call.fraud[0] == -1.0f);
    CHECK(exported<int>("held", "fake_modules") == 0);
}

TEST_CASE("a cancelled call leaves before the model runs") {
    const auto engine = backend("good");
    const auto program = prepared(*engine, bundle());
    CancelToken token;
    token.set(true);
    Call call(1, 1);
    call.run.stop.cancel = &token;
    CHECK(executor(*program)->run(call.run).code == WB_CANCELLED);
    CHECK_FALSE(call.run.abandoned);
}

TEST_CASE("a forked child is told so") {
    const auto engine = backend("good");
    const auto what = bundle();
    const auto program = prepared(*engine, what);
    const auto one = executor(*program);
    const int code = in_child([&] {
        Call call(1, 1);
        if (one->run(call.run).code != WB_FORKED) return 1;
        if (engine->prepare(what, "").status().code != WB_FORKED) return 2;
        return 0;
    });
    CHECK(code == 0);
    Call call(1, 1);
    CHECK(one->run(call.run).ok());
}

TEST_CASE("warm-up covers one row and a tile, with each length family") {
    TensorSpec fixed;
    fixed.shape = {2, {kBatch, 3}};
    TensorSpec sequence;
    sequence.shape = {2, {kBatch, kLength}};
    const auto rows_and_steps = [](const std::vector<WarmSize> &sizes) {
        std::string text;
        for (const WarmSize size : sizes) text += std::to_string(size.rows) + ":" + std::to_string(size.steps) + " ";
        return text;
    };
    CHECK(rows_and_steps(warm_sizes({&fixed, 1}, 64)) == "1:4 64:4 ");
    CHECK(rows_and_steps(warm_sizes({&fixed, 1}, 1)) == "1:4 ");
    CHECK(rows_and_steps(warm_sizes({&sequence, 1}, 32)) == "1:1 1:2 1:4 1:0 32:1 32:2 32:4 32:0 ");
}

TEST_CASE("warm-up inputs are zeros, true masks and real lengths") {
    const auto what = module_bundle(kModule, R"("features": [{"name": "past", "type": "sequence", "of": "float32"}],
        "tensors": [{"name": "past", "dtype": "float64", "shape": ["batch", "length"], "features": ["past"]},
                    {"name": "mask", "dtype": "bool", "shape": ["batch", "length"], "source": "mask"},
                    {"name": "lengths", "dtype": "int64", "shape": ["batch"], "source": "lengths"}],
        "outputs": [{"name": "fraud", "shape": ["batch"]}], "limits": {"length": 10})");
    const auto inputs = [&](WarmSize size) {
        return WarmInputs(*what->schema(), what->manifest().limits, what->manifest().tensors, size);
    };
    const WarmInputs half = inputs({3, 2});
    CHECK_FALSE(half.may_fail());
    REQUIRE(half.views().size() == 3);
    CHECK(half.views()[0].shape == Shape{2, {3, 5}});
    CHECK(static_cast<const double *>(half.views()[0].data)[14] == 0.0);
    CHECK(static_cast<const uint8_t *>(half.views()[1].data)[14] == 1);
    CHECK(static_cast<const int64_t *>(half.views()[2].data)[2] == 5);
    CHECK(inputs({1, 1}).views()[0].shape.size[1] == 3);
    CHECK(inputs({1, 4}).views()[0].shape.size[1] == 10);
    CHECK(inputs({1, 0}).views()[0].shape.size[1] == 1);
}

TEST_CASE("no warm-up is shorter than limits.least_length, nor empty where a sequence need not be") {
    for (const int64_t least : {0, 1, 3, 10}) {
        const auto what = module_bundle(kModule, R"(
            "features": [{"name": "past", "type": "sequence", "of": "float32"}],
            "tensors": [{"name": "past", "dtype": "float32", "shape": ["batch", "length"], "features": ["past"]}],
            "outputs": [{"name": "fraud", "shape": ["batch"]}], "limits": {"length": 10, "least_length": )" +
                                                     std::to_string(least) + "}");
        for (const WarmSize size : warm_sizes(what->manifest().tensors, 32)) {
            CAPTURE(least, size.rows, size.steps);
            const WarmInputs inputs(*what->schema(), what->manifest().limits, what->manifest().tensors, size);
            CHECK(inputs.views()[0].shape.size[1] >= std::max<int64_t>(least, 1));
            if (size.steps == 0) CHECK(inputs.views()[0].shape.size[1] == std::max<int64_t>(least, 1));
            CHECK(inputs.may_fail() == (least == 0 && size.steps == 0));
        }
    }
    const auto none = module_bundle(kModule, R"(
        "features": [{"name": "past", "type": "sequence", "of": "float32"}],
        "tensors": [{"name": "past", "dtype": "float32", "shape": ["batch", "length"], "features": ["past"]}],
        "outputs": [{"name": "fraud", "shape": ["batch"]}], "limits": {"length": 0})");
    CHECK(WarmInputs(*none->schema(), none->manifest().limits, none->manifest().tensors, {1, 0}).may_fail());
}

TEST_CASE("plug-ins found are described as JSON") {
    const auto list = nlohmann::json::parse(describe_plugins().text());
    CHECK(list.is_array());
}

TEST_CASE("a caller leaves while LibTorch loads or imports, and keeps nobody waiting", "[stop]") {
    auto &entered = exported<sem_t>("held_load", "fake_entered"), &go_on = exported<sem_t>("held_load", "fake_go_on");
    const auto engine = backend("held_load");
    std::string report;
    for (const bool import : {false, true}) {
        std::atomic<bool> kept{true};
        CancelToken token;
        {
            const auto made = bundle();
            const std::shared_ptr<const Bundle> what(made.get(), [made, &kept](const Bundle *) { kept = false; });
            std::thread cancels([&] {
                sem_wait(&entered);
                token.set(true);
            });
            const StopSource stop{.cancel = &token};
            const Status left = import ? import_bundle(*engine, what, {}, report, stop).status()
                                       : engine->prepare(what, "", stop).status();
            cancels.join();
            CHECK(left.code == WB_CANCELLED);
            CHECK(std::string(left.message) == (import ? "cancelled while LibTorch was importing model.ts"
                                                       : "cancelled while LibTorch was loading model.ts"));
        }
        CHECK(kept != import);  // a load's job has the bundle; an import's the checked module alone
        sem_post(&go_on);
        sem_post(&go_on);  // for a load beside the one that was left
        const auto beside = engine->prepare(bundle(), "");
        INFO(beside.status().message);
        CHECK(beside);
        sem_wait(&entered);
        while (kept) std::this_thread::yield();
    }
    while (__atomic_load_n(&exported<int>("held_load", "fake_modules"), __ATOMIC_RELAXED) != 0)
        std::this_thread::yield();
    const StopSource late{.clock = &steady_clock(), .deadline_ns = 1};
    CHECK(engine->prepare(bundle(), "", late).status().code == WB_DEADLINE_EXCEEDED);
}
