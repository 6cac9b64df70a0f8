// SPDX-License-Identifier: Apache-2.0
#include "torchscript/torchscript.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "base/own_directory.hpp"
#include "compile/bundle_import.hpp"
#include "graph/graph_file.hpp"
#include "torchscript/plugin_api.h"
#include "torchscript/plugin_loader.hpp"
#include "torchscript/torch_job.hpp"
#include "torchscript/warm_inputs.hpp"
#include "weighbridge/c/call.h"

namespace weighbridge::lib {
namespace {

constexpr wb_plugin_device kCpu{0, 0, nullptr};
// Rows of a tile. In a tile of 64 a row costs a ninth of one alone: LibTorch 2.15 takes 545 us and 78 us for an MLP of
// 0.5 M parameters (one EPYC core). Sequences fill a core with fewer rows.
constexpr int64_t kTileRows = 64;
constexpr int64_t kSequenceTileRows = 32;

// The plug-in's description of an output; borrows its names.
wb_plugin_output described(const Output &output) {
    wb_plugin_output described{};
    described.name = output.name.c_str();
    if (!output.source.key.empty()) described.key = output.source.key.c_str();
    described.index = output.source.place;
    described.rank = output.shape.rank;
    std::copy_n(output.shape.size.begin(), described.rank, described.shape);
    return described;
}

// A loaded module. Constant after construction.
struct Module {
    Module(const wb_plugin_v1 *owner, wb_plugin_module *loaded) : table(owner), handle(loaded) {}
    ~Module() { table->unload(handle); }
    Module(const Module &) = delete;
    Module &operator=(const Module &) = delete;

    const wb_plugin_v1 *const table;
    wb_plugin_module *const handle;
};

// One run on a context's thread. Outputs go to the context's scratch memory, never to the caller's, who may have left.
class ModuleRun final : public Worker::Job {
  public:
    ModuleRun(std::shared_ptr<const Module> module, std::shared_ptr<const Bundle> bundle)
        : module_(std::move(module)), bundle_(std::move(bundle)) {
        const Manifest &manifest = bundle_->manifest();
        inputs_.resize(manifest.tensors.size());
        for (const Output &output : manifest.outputs) outputs_.push_back(described(output));
    }

    // `views` and `scratch` (output_bytes() of it) are borrowed until the run is over.
    void set(std::span<const TensorView> views, int64_t rows, std::byte *scratch) {
        for (size_t i = 0; i < inputs_.size(); ++i) {
            wb_plugin_tensor &input = inputs_[i];
            input.dtype = static_cast<int32_t>(views[i].dtype);
            input.rank = views[i].shape.rank;
            std::copy_n(views[i].shape.size.begin(), input.rank, input.shape);
            input.data = views[i].data;
        }
        auto *data = reinterpret_cast<float *>(scratch);
        for (size_t i = 0; i < outputs_.size(); ++i) {
            outputs_[i].shape[0] = rows;
            outputs_[i].data = data;
            data += rows * bundle_->manifest().outputs[i].width;
        }
    }

    Status perform() override {
        PluginLine line = "";
        const int32_t code =
            module_->table->run(module_->handle, kCpu, inputs_.data(), static_cast<uint32_t>(inputs_.size()),
                                outputs_.data(), static_cast<uint32_t>(outputs_.size()), line, sizeof line);
        if (code == WB_OK) return {};
        const std::string &name = bundle_->manifest().identity.name;
        // A text of forward's own may quote a payment; the plug-in's texts about its results never do.
        if (code == WB_BACKEND_FAILED && private_values)
            return Status::failure(code, "model '{}': forward failed; the reason may hold private values", name);
        return Status::failure(code == WB_INVALID_BUNDLE ? WB_BACKEND_FAILED : code, "model '{}': {}", name, line);
    }

    const float *output(size_t index) const { return outputs_[index].data; }
    size_t inputs() const { return inputs_.size(); }
    size_t outputs() const { return outputs_.size(); }

    bool private_values = false;  // the rows are a caller's, and one of their features has a privacy class

  private:
    const std::shared_ptr<const Module> module_;
    const std::shared_ptr<const Bundle> bundle_;
    std::vector<wb_plugin_tensor> inputs_;
    std::vector<wb_plugin_output> outputs_;
};

class TorchscriptExecutor final : public Executor {
  public:
    TorchscriptExecutor(std::shared_ptr<Worker> worker, std::shared_ptr<ModuleRun> job, const Bundle &bundle,
                        int64_t tile_rows)
        : worker_(std::move(worker)), job_(std::move(job)), tile_rows_(tile_rows) {
        for (const Output &output : bundle.manifest().outputs) widths_.push_back(output.width);
    }

    Status run(Run &run) override {
        if (run.rows < 1 || run.rows > tile_rows_ || run.inputs.size() != job_->inputs() ||
            run.outputs.size() != job_->outputs())
            return Status::failure(WB_INTERNAL, "a run of {} rows, {} inputs and {} outputs does not fit its executor",
                                   run.rows, run.inputs.size(), run.outputs.size());
        job_->set(run.inputs, run.rows, run.scratch);
        const Status status = worker_->run(job_, run.stop, {run.done, run.done_arg}, run.abandoned);
        if (!status.ok()) return status;
        for (size_t i = 0; i < widths_.size(); ++i)
            std::memcpy(run.outputs[i], job_->output(i), static_cast<size_t>(run.rows * widths_[i]) * sizeof(float));
        return status;
    }

  private:
    const std::shared_ptr<Worker> worker_;
    const std::shared_ptr<ModuleRun> job_;  // the worker's too while a run is abandoned
    const int64_t tile_rows_;
    std::vector<int64_t> widths_;
};

int64_t tile_rows_of(const Bundle &bundle) {
    const auto &features = bundle.schema()->features();
    const bool sequences = std::any_of(features.begin(), features.end(),
                                       [](const Feature &one) { return one.sequence || one.type == StoredType::text; });
    return std::clamp<int64_t>(bundle.manifest().limits.rows, 1, sequences ? kSequenceTileRows : kTileRows);
}

// Bytes of all outputs for so many rows; saturates at INT64_MAX.
int64_t output_bytes(const Bundle &bundle, int64_t rows) {
    int64_t total = 0;
    for (const Output &output : bundle.manifest().outputs) {
        int64_t bytes = 0;
        if (__builtin_mul_overflow(rows, output.width, &bytes) ||
            __builtin_mul_overflow(bytes, int64_t{sizeof(float)}, &bytes) ||
            __builtin_add_overflow(total, bytes, &total))
            return std::numeric_limits<int64_t>::max();
    }
    return total;
}

Expected<std::shared_ptr<ModuleRun>> make_run(const std::shared_ptr<const Module> &module,
                                              const std::shared_ptr<const Bundle> &bundle, int64_t rows) {
    const int64_t limit = bundle->manifest().limits.memory_bytes;
    if (const int64_t bytes = output_bytes(*bundle, rows); bytes > limit)
        return Status::failure(WB_INVALID_BUNDLE,
                               "limits.memory_bytes: expected at least {} for the outputs of {} rows, got {}", bytes,
                               rows, limit);
    return std::make_shared<ModuleRun>(module, bundle);
}

class TorchscriptProgram final : public Program {
  public:
    TorchscriptProgram(std::shared_ptr<const TorchThreads> threads, std::shared_ptr<const Module> module,
                       std::shared_ptr<const Bundle> bundle)
        : threads_(std::move(threads)), module_(std::move(module)), bundle_(std::move(bundle)) {}

    Traits traits() const override { return {.inline_safe = false, .cancellable = false, .batch_invariant = false}; }
    int32_t backend() const override { return WB_BACKEND_TORCHSCRIPT; }
    int32_t precision() const override { return WB_PRECISION_FP32; }
    int32_t numerics() const override { return 0; }
    int64_t tile_rows() const override { return tile_rows_of(*bundle_); }
    int64_t scratch_bytes(int64_t tile_rows) const override { return output_bytes(*bundle_, tile_rows); }
    int64_t weight_bytes() const override {  // the file's size: LibTorch does not tell
        const Bytes *module = bundle_->file(kModuleFile);
        return module ? static_cast<int64_t>(module->size()) : 0;
    }

    Expected<std::unique_ptr<Executor>> make_executor(int context, int64_t tile_rows) const override {
        if (context < 0 || static_cast<size_t>(context) >= threads_->contexts.size())
            return Status::failure(WB_INTERNAL, "context {} of {}", context, threads_->contexts.size());
        auto job = make_run(module_, bundle_, tile_rows);
        if (!job) return job.status();
        const auto &features = bundle_->schema()->features();
        (*job)->private_values =
            std::any_of(features.begin(), features.end(), [](const Feature &one) { return !one.privacy.empty(); });
        return std::unique_ptr<Executor>(std::make_unique<TorchscriptExecutor>(
            threads_->contexts[static_cast<size_t>(context)], *std::move(job), *bundle_, tile_rows));
    }

  private:
    const std::shared_ptr<const TorchThreads> threads_;
    const std::shared_ptr<const Module> module_;
    const std::shared_ptr<const Bundle> bundle_;
};

// Loads a module and warms it: a run of each of warm_sizes(), in which LibTorch plans and allocates.
class LoadAndWarm final : public TorchJob {
  public:
    LoadAndWarm(Ref<TorchStart> start, std::shared_ptr<const Bundle> bundle, std::shared_ptr<const Bytes> checked)
        : TorchJob(std::move(start)), bundle_(std::move(bundle)), checked_(std::move(checked)) {}

    std::shared_ptr<const Module> module;  // the result

  protected:
    Status work(const wb_plugin_v1 &table) override {
        const Bytes &bytes = *checked_;
        PluginLine line = "";
        wb_plugin_module *handle = nullptr;
        const int32_t code = table.load(&handle, bytes.data(), bytes.size(), kCpu,
                                        static_cast<uint32_t>(bundle_->manifest().tensors.size()), line, sizeof line);
        if (code != WB_OK) return Status::failure(code, "{}: {}", kModuleFile, line);
        auto loaded = std::make_shared<const Module>(&table, handle);
        const int64_t rows = tile_rows_of(*bundle_);
        auto job = make_run(loaded, bundle_, rows);
        if (!job) return job.status();
        AlignedBuffer scratch(static_cast<size_t>(output_bytes(*bundle_, rows)));
        for (const WarmSize size : warm_sizes(bundle_->manifest().tensors, rows)) {
            if (left()) break;
            if (const Status status = warm(**job, size, scratch.data()); !status.ok()) return status;
        }
        module = std::move(loaded);
        return {};
    }

  private:
    Status warm(ModuleRun &job, WarmSize size, std::byte *scratch) const {
        const Manifest &manifest = bundle_->manifest();
        const WarmInputs inputs(*bundle_->schema(), manifest.limits, manifest.tensors, size);
        job.set(inputs.views(), size.rows, scratch);
        // A shape's first run is 5 to 80 times slower, its second up to 2 times with one row (lib/torch/README.md).
        const int runs = size.rows == 1 ? 2 : 1;
        for (int i = 0; i < runs; ++i) {
            const Status status = job.perform();
            if (status.ok()) continue;
            if (inputs.may_fail() && status.code == WB_BACKEND_FAILED) return {};
            return Status::failure(status.code, "{}: warm-up with {} row(s): {}", kModuleFile, size.rows,
                                   status.message);
        }
        return {};
    }

    const std::shared_ptr<const Bundle> bundle_;
    const std::shared_ptr<const Bytes> checked_;  // the module, as the scan gave it
};

// Imports a module through the plug-in.
class Import final : public TorchJob {
  public:
    Import(Ref<TorchStart> start, std::shared_ptr<const Bytes> module, Bytes request)
        : TorchJob(std::move(start)), module_(std::move(module)), request_(std::move(request)) {}

    Bytes result;  // the graph, serialised, or the lines that say why there is none

  protected:
    Status work(const wb_plugin_v1 &table) override {
        const int32_t code =
            table.import_module(module_->data(), module_->size(), request_.data(), request_.size(), store, store, this);
        if (lost_) return Status::failure(WB_OUT_OF_MEMORY, "out of memory for what LibTorch gave");
        const std::string_view text = as_text(result);
        return code == WB_OK ? Status() : Status::failure(code, "{}: {}", kModuleFile, text.substr(0, text.find('\n')));
    }

  private:
    static void store(const void *bytes, uint64_t size, void *self) {
        auto &import = *static_cast<Import *>(self);
        const auto *from = static_cast<const std::byte *>(bytes);
        try {
            import.result.assign(from, from + size);
        } catch (const std::bad_alloc &) {
            import.lost_ = true;
        }
    }

    const std::shared_ptr<const Bytes> module_;
    const Bytes request_;
    bool lost_ = false;
};

class Torchscript final : public TorchscriptBackend {
  public:
    explicit Torchscript(PluginOptions options)
        : limits_(options.scan), start_(make_ref<TorchStart>(std::move(options))) {}

    std::string_view name() const override { return "torchscript"; }
    bool started() const override { return start_->done(); }

    Expected<std::shared_ptr<const Program>> prepare(const std::shared_ptr<const Bundle> &bundle,
                                                     std::string_view precision, const StopSource &stop) override {
        if (!precision.empty() && precision != "fp32")
            return Status::failure(WB_BACKEND_UNAVAILABLE, "precision '{}': the torchscript engine has fp32 only",
                                   precision);
        if (!bundle->file(kModuleFile))
            return Status::failure(WB_BACKEND_UNAVAILABLE, "{}: not in the bundle, which the torchscript engine needs",
                                   kModuleFile);
        auto checked = checked_module(*bundle, limits_, stop);
        if (!checked) return checked.status();
        const auto job = std::make_shared<LoadAndWarm>(start_, bundle, *std::move(checked));
        const Status status = run_job(job, "wb:torch-load", "LibTorch was loading model.ts", stop);
        if (!status.ok()) return status;
        return std::shared_ptr<const Program>(std::make_shared<TorchscriptProgram>(job->threads, job->module, bundle));
    }

    Expected<Graph> import(std::shared_ptr<const Bytes> module, const ImportRequest &request, std::string &report,
                           const StopSource &stop) override {
        const auto job = std::make_shared<Import>(start_, std::move(module), write_request(request));
        const Status status = run_job(job, "wb:torch-import", "LibTorch was importing model.ts", stop);
        if (status.ok()) return read_graph(job->result);
        if (status.code == WB_INVALID_BUNDLE) report = as_text(job->result);
        return status;
    }

  private:
    const ScanLimits limits_;
    const Ref<TorchStart> start_;
};

}  // namespace

std::unique_ptr<TorchscriptBackend> make_torchscript_backend(PluginOptions options) {
    return std::make_unique<Torchscript>(std::move(options));
}

JsonValue describe_plugins() {
    JsonValue list = JsonValue::array();
    for (const PluginFile &file : plugins_in(own_directory()))
        list.push_back({{"kind", "plugin"}, {"libtorch", file.minor}, {"path", file.path}});
    if (const auto mapped = mapped_libtorch())
        list.push_back({{"kind", "mapped"}, {"libtorch", mapped->version}, {"path", mapped->directory}});
    return list;
}

}  // namespace weighbridge::lib
