// SPDX-License-Identifier: Apache-2.0
// Single rows of one gradient-boosted model, one thread, by three calls that take turns: LightGBM's own
// LGBM_BoosterPredictForMatSingleRowFast, a run of the compiled plan, and wb_model_score with its checks and encoding.
// bench_trees LIGHTGBM.so MODEL.txt BUNDLE ROWS FEATURES ROUNDS: ROWS holds rows of FEATURES floats as they lie, in the
// order of the bundle's features. Compares every answer first (1e-5), then prints each call's median nanoseconds and
// its ratio to LightGBM's.
#include <dlfcn.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "backend/native/native.hpp"
#include "base/clock.hpp"
#include "base/file.hpp"
#include "plan/plan_file.hpp"
#include "weighbridge.h"

namespace {

namespace lib = weighbridge::lib;

constexpr double kMostDifference = 1e-5;

[[noreturn]] void fail(const std::string &what) {
    std::fprintf(stderr, "bench_trees: %s\n", what.c_str());
    std::exit(1);
}

template <class Function>
Function *look_up(void *library, const char *name) {
    void *found = dlsym(library, name);
    if (!found) fail(std::string(name) + ": not in the library");
    return reinterpret_cast<Function *>(found);
}

// LightGBM's C API (LightGBM/c_api.h), as much as is called here.
class LightGbm {
  public:
    LightGbm(const char *library, const char *model, int features) {
        void *opened = dlopen(library, RTLD_NOW | RTLD_LOCAL);
        if (!opened) fail(dlerror());
        constexpr int kFloat32 = 0, kNormal = 0;
        int iterations = 0;
        void *booster = nullptr;
        if (look_up<int(const char *, int *, void **)>(opened, "LGBM_BoosterCreateFromModelfile")(model, &iterations,
                                                                                                  &booster) != 0)
            fail(std::string(model) + ": no model of LightGBM's");
        if (look_up<int(void *, int, int, int, int, int32_t, const char *, void **)>(
                opened, "LGBM_BoosterPredictForMatSingleRowFastInit")(booster, kNormal, 0, -1, kFloat32, features,
                                                                      "num_threads=1", &row_) != 0)
            fail("LGBM_BoosterPredictForMatSingleRowFastInit failed");
        predict_ =
            look_up<int(void *, const void *, int64_t *, double *)>(opened, "LGBM_BoosterPredictForMatSingleRowFast");
    }
    double score(const float *row) const {
        int64_t count = 0;
        double found = 0;
        predict_(row_, row, &count, &found);
        return found;
    }

  private:
    void *row_ = nullptr;
    int (*predict_)(void *, const void *, int64_t *, double *) = nullptr;
};

// A run of the plan as the pool makes one, without its lease.
class PlanRun {
  public:
    PlanRun(const std::string &bundle, int64_t features) {
        auto bytes = lib::read_file(bundle + "/model.plan", int64_t{1} << 30);
        if (!bytes) fail(bytes.status().message);
        memory_ = std::make_shared<lib::AlignedBuffer>(bytes->size());
        std::memcpy(memory_->data(), bytes->data(), bytes->size());
        auto plan = lib::read_plan(lib::ByteView(memory_->data(), bytes->size()), memory_);
        if (!plan) fail(plan.status().message);
        auto program = lib::make_native_program(*plan, WB_PRECISION_FP32, lib::native::best_level(false), {"x"});
        if (!program) fail(program.status().message);
        program_ = *program;
        executor_ = *lib::make_lone_executor(*program_, 0, 1);
        view_.shape = {2, {1, features}};
        output_ = place_.data();
        run_.inputs = {&view_, 1};
        run_.outputs = {&output_, 1};
        run_.rows = 1;
    }
    double score(const float *row) {
        view_.data = row;
        if (!executor_->run(run_).ok()) fail("the plan's run failed");
        return place_[0];
    }

  private:
    std::shared_ptr<lib::AlignedBuffer> memory_;
    std::shared_ptr<const lib::Program> program_;
    std::unique_ptr<lib::Executor> executor_;
    lib::TensorView view_{lib::DType::float32, {}, nullptr};
    std::vector<float> place_ = std::vector<float>(16);
    float *output_ = nullptr;
    lib::Run run_;
};

// wb_model_score of a row whose fields are written at their published offsets.
class ModelScore {
  public:
    ModelScore(const std::string &bundle, int64_t features) : row_(4096) {
        wb_engine *engine = nullptr;
        wb_schema *schema = nullptr;
        if (wb_engine_create(&engine, nullptr, &error_) < 0 ||
            wb_model_load(&model_, engine, bundle.c_str(), nullptr, &error_) < 0 ||
            wb_model_schema(&schema, model_, &error_) < 0 || wb_schema_describe(&schema_, schema, &error_) < 0 ||
            wb_row_init(schema, row_.data(), row_.size() * sizeof(uint64_t), &error_) < 0)
            fail(error_.message);
        features_.assign(static_cast<size_t>(features), WB_FEATURE_INFO_INIT);
        for (uint32_t i = 0; i < features_.size(); ++i)
            if (wb_schema_feature(&features_[i], schema, i, &error_) < 0) fail(error_.message);
    }
    double score(const float *row) {
        for (uint32_t i = 0; i < features_.size(); ++i)
            wb_row_set_float32(row_.data(), &schema_, &features_[i], i, row[i]);
        wb_result result = WB_RESULT_INIT;
        if (wb_model_score(&result, model_, row_.data(), WB_NO_DEADLINE, nullptr, &error_) != WB_OK)
            fail(error_.message);
        return result.score;
    }

  private:
    wb_error error_ = WB_ERROR_INIT;
    wb_model *model_ = nullptr;
    wb_schema_info schema_ = WB_SCHEMA_INFO_INIT;
    std::vector<wb_feature_info> features_;
    std::vector<uint64_t> row_;
};

}  // namespace

int main(int argc, char **argv) {
    if (argc != 7) fail("usage: bench_trees LIGHTGBM.so MODEL.txt BUNDLE ROWS FEATURES ROUNDS");
    std::ifstream file(argv[4], std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    std::vector<float> rows(bytes.size() / sizeof(float));
    std::memcpy(rows.data(), bytes.data(), rows.size() * sizeof(float));
    const int features = std::atoi(argv[5]), rounds = std::atoi(argv[6]);
    const size_t count = features > 0 ? rows.size() / static_cast<size_t>(features) : 0;
    if (count == 0) fail("expected rows");
    const LightGbm light(argv[1], argv[2], features);
    PlanRun plan(argv[3], features);
    ModelScore model(argv[3], features);
    struct Call {
        const char *name;
        std::function<double(const float *)> score;
        std::vector<double> ns = {};
    };
    Call calls[] = {{"lightgbm", [&](const float *row) { return light.score(row); }},
                    {"plan", [&](const float *row) { return plan.score(row); }},
                    {"wb_model_score", [&](const float *row) { return model.score(row); }}};
    const auto row_at = [&](size_t i) { return rows.data() + i * static_cast<size_t>(features); };
    for (size_t i = 0; i < count; ++i)
        for (Call &call : calls)
            if (!(std::abs(call.score(row_at(i)) - calls[0].score(row_at(i))) <= kMostDifference))
                fail(std::string(call.name) + ": row " + std::to_string(i) + " has another score than LightGBM's");
    for (int round = 0; round < rounds; ++round)
        for (Call &call : calls) {
            const int64_t before = wb_now_ns();
            double sum = 0;
            for (size_t i = 0; i < count; ++i) sum += call.score(row_at(i));
            const int64_t after = wb_now_ns();
            if (!(sum > 0)) fail("expected scores above 0");
            call.ns.push_back(static_cast<double>(after - before) / static_cast<double>(count));
        }
    double first = 0;
    for (Call &call : calls) {
        std::sort(call.ns.begin(), call.ns.end());
        const double median = call.ns[call.ns.size() / 2];
        if (first == 0) first = median;
        std::printf("%-16s %8.0f ns a row, %.2f of LightGBM's\n", call.name, median, median / first);
    }
    return 0;
}
