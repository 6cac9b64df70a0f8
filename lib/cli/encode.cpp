// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/input.hpp"
#include "cli/interrupt.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/scorer.hpp"
#include "cli/text.hpp"

namespace weighbridge::cli {

namespace {

template <class T>
std::string numbers(const Tensor &tensor) {
    std::string out;
    for (T value : tensor.values<T>()) {
        if (!out.empty()) out += ',';
        out += formatted("{}", value);
    }
    return out;
}

// {"dtype":"float32","shape":[1,4],"data":[...]}; the data is row-major.
std::string tensor_json(const Tensor &tensor) {
    const char *dtype = "bool";
    std::string data;
    switch (tensor.info.dtype) {
        case WB_DTYPE_FLOAT32:
            dtype = "float32", data = numbers<float>(tensor);
            break;
        case WB_DTYPE_FLOAT64:
            dtype = "float64", data = numbers<double>(tensor);
            break;
        case WB_DTYPE_INT64:
            dtype = "int64", data = numbers<int64_t>(tensor);
            break;
        case WB_DTYPE_INT32:
            dtype = "int32", data = numbers<int32_t>(tensor);
            break;
        default:
            data = numbers<uint8_t>(tensor);
            break;
    }
    std::string shape;
    for (int64_t size : tensor.shape()) shape += (shape.empty() ? "" : ",") + std::to_string(size);
    return formatted(R"({{"dtype":"{}","shape":[{}],"data":[{}]}})", dtype, shape, data);
}

class Encode final : public Verb {
  public:
    void declare(Options &options) override {
        choice_.declare_directory(options);
        input_.declare(options);
        options.text("--output", output_, "JSON lines (default: stdout)");
        options.text("--rejects", rejects_, "rows that could not be encoded, as JSON lines (default: stderr)");
        options.flag("--json", json_, "nothing changes: the output is JSON lines");
    }

    int run() override {
        check_outputs(input_.path, choice_.directory, {{"--output", output_}, {"--rejects", rejects_}});
        refuse_other_format("--output", output_);
        refuse_other_format("--rejects", rejects_);
        Schema schema = Schema::load(choice_.directory).value();
        InputFile file = input_.open(schema);
        watch_interrupt();
        Output output(output_), rejects(rejects_);
        Row row(schema);
        Payment payment;
        uint64_t rows = 0;
        bool all = true;
        for (Record record; file.reader->next(record);) {
            auto line = encode(*file.payments, record, row, payment);
            ++rows;
            if (line) {
                output.write(*line);
            } else {
                std::string reject;
                append_reject(reject, Format::ndjson, record, payment, line.error(), *file.payments);
                rejects.write(reject);
                all = false;
            }
        }
        output.finish();
        rejects.finish();
        output.close();
        rejects.close();
        if (interrupted())
            throw Failure(interrupt_exit(), formatted("ended by {} after {} rows, {}, to '{}'", interrupt_name(), rows,
                                                      what_is_written(output, rejects), output_));
        return all ? exit_ok : exit_rejected;
    }

  private:
    static void refuse_other_format(const char *option, const std::string &path) {
        if (output_format(option, path, Format::ndjson, ".ndjson or .jsonl") != Format::ndjson)
            throw Failure(exit_usage,
                          formatted("{} '{}': encode writes JSON lines, expected .ndjson or .jsonl", option, path));
    }

    static Expected<std::string> encode(const Payments &payments, const Record &record, Row &row, Payment &payment) {
        if (auto read = payments.read(record, row, payment); !read) return std::move(read).error();
        std::string line = formatted(R"({{"line":{},"tensors":{{)", record.line);
        for (uint32_t i = 0; i < row.schema().info().tensor_count; ++i) {
            auto tensor = row.encode(i);
            if (!tensor) return std::move(tensor).error();
            line += formatted(R"({}"{}":{})", i ? "," : "", tensor->info.name, tensor_json(*tensor));
        }
        return line + "}}\n";
    }

    ModelChoice choice_;
    Input input_;
    std::string output_ = "-", rejects_ = to_stderr;
    bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_encode() { return std::make_unique<Encode>(); }

}  // namespace weighbridge::cli
