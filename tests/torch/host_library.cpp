// SPDX-License-Identifier: Apache-2.0
// What host_test.py calls through ctypes: loads and runs modules as the core does, inside a Python process.
#include <cstring>

#include "base/file.hpp"
#include "torchscript/plugin_loader.hpp"
#include "torchscript/worker.hpp"
#include "weighbridge/c/schema.h"

using namespace weighbridge::lib;

namespace {

struct ScoreJob : Worker::Job {
    Status perform() override {
        char error[200] = "";
        wb_plugin_module *module = nullptr;
        int32_t code = table->load(&module, bytes.data(), bytes.size(), {0, 0, nullptr}, 1, error, sizeof error);
        for (int i = 0; code == WB_OK && i < 20; ++i) {
            wb_plugin_tensor input{WB_DTYPE_FLOAT32, 2, {rows, width}, values};
            wb_plugin_output output{"score", nullptr, 0, 1, 0, {rows}, scores};
            code = table->run(module, {0, 0, nullptr}, &input, 1, &output, 1, error, sizeof error);
        }
        if (module) table->unload(module);
        return code == WB_OK ? Status() : Status::failure(code, "{}", error);
    }
    const wb_plugin_v1 *table = nullptr;
    Bytes bytes;
    const float *values = nullptr;
    float *scores = nullptr;
    int64_t rows = 0;
    int64_t width = 0;
};

Status score(const char *plugin, const char *libtorch, const char *module, const float *values, int64_t rows,
             int64_t width, float *scores) {
    auto opened = open_plugin(plugin, libtorch, "");
    if (!opened) return opened.status();
    auto bytes = read_file(module, 1 << 26);
    if (!bytes) return bytes.status();
    auto worker = Worker::start("wb:torch-0", [&]() -> Status {
        char error[200] = "";
        const int32_t code = opened->table->thread_init(error, sizeof error);
        return code == WB_OK ? Status() : Status::failure(code, "{}", error);
    });
    if (!worker) return worker.status();
    auto job = std::make_shared<ScoreJob>();
    job->table = opened->table;
    job->bytes = *std::move(bytes);
    job->values = values;
    job->scores = scores;
    job->rows = rows;
    job->width = width;
    bool left = false;
    return (*worker)->run(job, {.clock = &steady_clock()}, {}, left);
}

}  // namespace

// Runs a module of one float32 input [rows, width] and one output [rows]. The status code; `message` has 256 bytes.
extern "C" __attribute__((visibility("default"))) int32_t host_score(const char *plugin, const char *libtorch,
                                                                     const char *module, const float *values,
                                                                     int64_t rows, int64_t width, float *scores,
                                                                     char *message) {
    const Status status = score(plugin, libtorch, module, values, rows, width, scores);
    std::memcpy(message, status.message, sizeof status.message);
    return status.code;
}
