// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "base/lock.hpp"
#include "compile/bundle_import.hpp"
#include "graph/graph_file.hpp"
#include "isolation/isolated_importer.hpp"
#include "weighbridge/c/call.h"

namespace weighbridge::lib {
namespace {

constexpr uint64_t kMostText = 4096;  // of a reply that is a failure

// Elements of an output of so many rows.
int64_t elements_of(const Output &output, int64_t rows) { return rows * output.width; }

// A module in its process. Runs wait for each other.
class IsolatedModule {
  public:
    IsolatedModule(std::unique_ptr<ImporterProcess> process, std::shared_ptr<const Bundle> bundle)
        : process_(std::move(process)), bundle_(std::move(bundle)) {}

    const Bundle &bundle() const { return *bundle_; }

    Status run(const Run &run) {
        WireRun order;
        for (const TensorView &view : run.inputs) order.inputs.push_back(tensor_of(view));
        uint64_t elements = 0;
        for (const Output &output : bundle_->manifest().outputs) {
            order.outputs.push_back(described(output, run.rows));
            elements += static_cast<uint64_t>(elements_of(output, run.rows));
        }
        const Bytes bytes = write_run(order);
        const ByteView parts[] = {bytes};
        const Lock lock(mutex_);
        auto reply = process_->call(WireKind::run, parts, elements * sizeof(float) + kMostText, run.stop,
                                    "the importer was running model.ts");
        if (!reply) return reply.status();
        if (reply->code != WB_OK) return refused(*reply);
        if (reply->body.size() != elements * sizeof(float))
            return Status::failure(WB_BACKEND_FAILED, "importer: expected {} bytes of outputs, found {}",
                                   elements * sizeof(float), reply->body.size());
        size_t at = 0;
        for (size_t i = 0; i < run.outputs.size(); ++i) {
            const size_t size =
                static_cast<size_t>(elements_of(bundle_->manifest().outputs[i], run.rows)) * sizeof(float);
            std::memcpy(run.outputs[i], reply->body.data() + at, size);
            at += size;
        }
        return {};
    }

  private:
    static Status refused(const ImporterProcess::Reply &reply) {
        const bool memory = reply.code == WB_OUT_OF_MEMORY;
        return Status::failure(memory ? WB_OUT_OF_MEMORY : WB_BACKEND_FAILED, "{}: {}", kModuleFile,
                               wire_line(reply.body));
    }

    static WireTensor tensor_of(const TensorView &view) {
        WireTensor tensor{static_cast<int32_t>(view.dtype), {}, {}};
        size_t bytes = size_of(view.dtype);
        for (int i = 0; i < view.shape.rank; ++i) {
            tensor.shape.push_back(view.shape.size[i]);
            bytes *= static_cast<size_t>(view.shape.size[i]);
        }
        tensor.data = {static_cast<const std::byte *>(view.data), bytes};
        return tensor;
    }

    static WireOutput described(const Output &output, int64_t rows) {
        WireOutput described{output.name, output.source.key, output.source.place, {}};
        for (int i = 0; i < output.shape.rank; ++i) described.shape.push_back(output.shape.size[i]);
        described.shape[0] = rows;
        return described;
    }

    ForkMutex mutex_;
    const std::unique_ptr<ImporterProcess> process_ WB_GUARDED_BY(mutex_);
    const std::shared_ptr<const Bundle> bundle_;
};

class IsolatedExecutor final : public Executor {
  public:
    explicit IsolatedExecutor(std::shared_ptr<IsolatedModule> module) : module_(std::move(module)) {}
    Status run(Run &run) override { return module_->run(run); }

  private:
    const std::shared_ptr<IsolatedModule> module_;
};

class IsolatedProgram final : public Program {
  public:
    explicit IsolatedProgram(std::shared_ptr<IsolatedModule> module) : module_(std::move(module)) {}

    Traits traits() const override { return {.inline_safe = false, .cancellable = true, .batch_invariant = false}; }
    int32_t backend() const override { return WB_BACKEND_TORCHSCRIPT; }
    int32_t precision() const override { return WB_PRECISION_FP32; }
    int32_t numerics() const override { return 0; }
    int64_t tile_rows() const override { return 1; }  // golden rows are scored one by one
    int64_t scratch_bytes(int64_t) const override { return 0; }
    Expected<std::unique_ptr<Executor>> make_executor(int, int64_t) const override {
        return std::unique_ptr<Executor>(std::make_unique<IsolatedExecutor>(module_));
    }

  private:
    const std::shared_ptr<IsolatedModule> module_;
};

class IsolatedBackend final : public Backend {
  public:
    explicit IsolatedBackend(IsolationOptions options) : options_(std::move(options)) {}
    std::string_view name() const override { return "torchscript"; }

    Expected<std::shared_ptr<const Program>> prepare(const std::shared_ptr<const Bundle> &bundle, std::string_view,
                                                     const StopSource &stop) override {
        const auto module = checked_module(*bundle, options_.scan, stop);
        if (!module) return module.status();
        const uint64_t memory = importer_memory_bytes(options_, (*module)->size());
        auto process = ImporterProcess::start(options_, {memory, many_orders_s(stop)}, stop);
        if (!process) return process.status();
        Bytes arguments;
        put(arguments, static_cast<uint64_t>(bundle->manifest().tensors.size()));
        const ByteView parts[] = {arguments, **module};
        auto reply = (*process)->call(WireKind::load, parts, kMostText, stop, "the importer was loading model.ts");
        if (!reply) {
            const int32_t code = is_stop(reply.status().code) ? reply.status().code : WB_INVALID_BUNDLE;
            return Status::failure(code, "{}: {}", kModuleFile, reply.status().message);
        }
        if (reply->code != WB_OK)
            return Status::failure(WB_INVALID_BUNDLE, "{}: {}", kModuleFile, wire_line(reply->body));
        auto loaded = std::make_shared<IsolatedModule>(*std::move(process), bundle);
        return std::shared_ptr<const Program>(std::make_shared<IsolatedProgram>(std::move(loaded)));
    }

  private:
    const IsolationOptions options_;
};

}  // namespace

std::unique_ptr<Backend> make_isolated_backend(IsolationOptions options) {
    return std::make_unique<IsolatedBackend>(std::move(options));
}

}  // namespace weighbridge::lib
