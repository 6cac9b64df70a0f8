// SPDX-License-Identifier: Apache-2.0
#include "torch_fixture.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/file.hpp"
#include "support/catch.hpp"

namespace weighbridge::test {
namespace {

using namespace lib;

std::string variable(const char *name) {
    INFO(name << " must be set; ctest does");
    const char *value = std::getenv(name);
    REQUIRE(value);
    return value;
}

struct FunctionJob : Worker::Job {
    explicit FunctionJob(std::function<void()> what) : work(std::move(what)) {}
    Status perform() override {
        work();
        return {};
    }
    std::function<void()> work;
};

}  // namespace

const Plugin &plugin() {
    static const Plugin opened = [] {
        auto result = open_plugin(variable("WEIGHBRIDGE_TEST_PLUGIN"), "", "");
        INFO(result.status().message);
        REQUIRE(result);
        return *result;
    }();
    return opened;
}

Bytes module_bytes(const std::string &name) {
    auto bytes = read_file(variable("WEIGHBRIDGE_TEST_MODULES") + "/" + name + ".ts", 1 << 26);
    REQUIRE(bytes);
    return *bytes;
}

std::vector<float> expected_values(const std::string &name) {
    std::ifstream file(variable("WEIGHBRIDGE_TEST_MODULES") + "/" + name + ".txt");
    std::vector<float> values;
    for (double value; file >> value;) values.push_back(static_cast<float>(value));
    return values;
}

int thread_count() {
    int count = 0;
    for ([[maybe_unused]] const auto &entry : std::filesystem::directory_iterator("/proc/self/task")) ++count;
    return count;
}

std::shared_ptr<Worker> context_thread(const std::string &name) {
    const wb_plugin_v1 &table = *plugin().table;
    auto worker = Worker::start(name, [&]() -> Status {
        char error[256] = "";
        const int32_t code = table.thread_init(error, sizeof error);
        return code == WB_OK ? Status() : Status::failure(code, "{}", error);
    });
    INFO(worker.status().message);
    REQUIRE(worker);
    return *worker;
}

void on_thread(Worker &worker, const std::function<void()> &what) {
    bool left = false;
    REQUIRE(worker.run(std::make_shared<FunctionJob>(what), {.clock = &steady_clock()}, {}, left).ok());
}

CapturedOutput::CapturedOutput() {
    std::fflush(nullptr);
    file_ = memfd_create("output", MFD_CLOEXEC);
    for (int i = 0; i < 2; ++i) {
        saved_[i] = dup(i + 1);
        dup2(file_, i + 1);
    }
}

CapturedOutput::~CapturedOutput() {
    std::fflush(nullptr);
    for (int i = 0; i < 2; ++i) {
        dup2(saved_[i], i + 1);
        close(saved_[i]);
    }
    close(file_);
}

std::string CapturedOutput::text() const {
    std::fflush(nullptr);
    std::string text(1 << 16, 0);
    const ssize_t count = pread(file_, text.data(), text.size(), 0);
    text.resize(count > 0 ? static_cast<size_t>(count) : 0);
    return text;
}

std::vector<float> numbers(int64_t rows, int64_t width) {
    std::vector<float> values(static_cast<size_t>(rows * width));
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 7) * 0.25f;
    return values;
}

Input numbers_input(int64_t rows, int64_t width) {
    return input(WB_DTYPE_FLOAT32, {rows, width}, numbers(rows, width));
}

Loaded::Loaded(Worker &worker, const Bytes &bytes, uint32_t arguments) {
    on_thread(worker, [&] {
        char error[256] = "";
        code =
            plugin().table->load(&handle, bytes.data(), bytes.size(), {0, 0, nullptr}, arguments, error, sizeof error);
        message = error;
    });
}

Loaded::~Loaded() {
    if (handle) plugin().table->unload(handle);
}

Answer Loaded::run(Worker &on, const std::vector<Input> &inputs, const std::vector<Wanted> &wanted) {
    Answer answer;
    std::vector<wb_plugin_tensor> tensors;
    for (const Input &one : inputs) {
        wb_plugin_tensor tensor{one.dtype, static_cast<int32_t>(one.shape.size()), {}, one.data.data()};
        std::copy(one.shape.begin(), one.shape.end(), tensor.shape);
        tensors.push_back(tensor);
    }
    std::vector<wb_plugin_output> outputs;
    for (const Wanted &one : wanted) {
        int64_t count = 1;
        for (const int64_t size : one.shape) count *= size;
        answer.outputs.emplace_back(static_cast<size_t>(count), -1.0f);
        wb_plugin_output output{};
        output.name = one.name.c_str();
        output.key = one.key.empty() ? nullptr : one.key.c_str();
        output.index = one.index;
        output.rank = static_cast<int32_t>(one.shape.size());
        std::copy(one.shape.begin(), one.shape.end(), output.shape);
        output.data = answer.outputs.back().data();
        outputs.push_back(output);
    }
    REQUIRE(handle);
    on_thread(on, [&] {
        char error[256] = "";
        answer.code =
            plugin().table->run(handle, {0, 0, nullptr}, tensors.data(), static_cast<uint32_t>(tensors.size()),
                                outputs.data(), static_cast<uint32_t>(outputs.size()), error, sizeof error);
        answer.message = error;
    });
    return answer;
}

}  // namespace weighbridge::test
