// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "torchscript/plugin_loader.hpp"
#include "torchscript/worker.hpp"
#include "weighbridge/c/schema.h"

namespace weighbridge::test {

// The real plug-in (WEIGHBRIDGE_TEST_PLUGIN) and what export_modules.py wrote (WEIGHBRIDGE_TEST_MODULES).
const lib::Plugin &plugin();
lib::Bytes module_bytes(const std::string &name);
std::vector<float> expected_values(const std::string &name);

// Entries of /proc/self/task.
int thread_count();

// A thread as a context has it.
std::shared_ptr<lib::Worker> context_thread(const std::string &name = "wb:torch-0");

// Does something on that thread.
void on_thread(lib::Worker &worker, const std::function<void()> &what);

// What the process writes to stdout and stderr while this lives.
class CapturedOutput {
  public:
    CapturedOutput();
    ~CapturedOutput();
    std::string text() const;

  private:
    int file_;
    int saved_[2];
};

// A dense tensor with its values.
struct Input {
    int32_t dtype;
    std::vector<int64_t> shape;
    lib::Bytes data;
};
template <class T>
Input input(int32_t dtype, std::vector<int64_t> shape, const std::vector<T> &values) {
    const auto *first = reinterpret_cast<const std::byte *>(values.data());
    return {dtype, std::move(shape), lib::Bytes(first, first + values.size() * sizeof(T))};
}
// numbers() of export_modules.py.
std::vector<float> numbers(int64_t rows, int64_t width);
Input numbers_input(int64_t rows = 3, int64_t width = 6);

struct Wanted {
    std::string name;
    std::vector<int64_t> shape;
    int64_t index = 0;
    std::string key{};  // "" for none
};

struct Answer {
    int32_t code = 0;
    std::string message;
    std::vector<std::vector<float>> outputs;
};

// A module loaded from bytes, unloaded with the object.
class Loaded {
  public:
    Loaded(lib::Worker &worker, const lib::Bytes &bytes, uint32_t arguments);
    ~Loaded();
    Loaded(const Loaded &) = delete;
    Loaded &operator=(const Loaded &) = delete;

    Answer run(lib::Worker &on, const std::vector<Input> &inputs, const std::vector<Wanted> &wanted);

    int32_t code = 0;
    std::string message;
    wb_plugin_module *handle = nullptr;
};

}  // namespace weighbridge::test
