// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backend/native/native.hpp"
#include "base/fork.hpp"
#include "base/ref.hpp"
#include "batch/batch.hpp"
#include "compile/compiler.hpp"
#include "engine/crew.hpp"
#include "engine/queue.hpp"
#include "engine/sinks.hpp"
#include "engine/target.hpp"
#include "isolation/isolated_importer.hpp"
#include "model/model.hpp"
#include "model/verify.hpp"
#include "registry/registry.hpp"
#include "scan/limits.hpp"
#include "sign/trust.hpp"
#include "slot/slot.hpp"
#include "torchscript/torchscript.hpp"

namespace weighbridge::lib {

class JsonValue;

// A GPU that an engine is to use.
struct CudaRequest {
    int ordinal = 0;
    int contexts = 2;
    bool optional = false;   // served from the CPU where it is missing
    bool preferred = false;  // takes what it has time for, though the CPU were sooner done
};

// Where modules are imported: in a sandboxed process of their own, in a process with what of the sandbox the system
// allows, by LibTorch in this process, nowhere.
enum class Importing { isolated, process, in_process, none };

struct EngineOptions {
    int cpu_contexts = 0;  // 0: automatic
    std::vector<CudaRequest> cuda;
    std::string cuda_driver;   // libcuda; "" for the system's
    std::string cuda_kernels;  // the fatbin; "" for the one that was installed
    uint32_t queue_limit = 1024;
    uint32_t event_capacity = 256;  // of the ring
    int64_t fairness_us = 500;      // Pool's bound; 0 hands every context over
    wb_log_fn log = nullptr;
    void *log_payload = nullptr;
    std::string torch_plugin;
    std::string libtorch;
    ScanLimits scan;  // of modules
    Importing importer = Importing::isolated;
    IsolationOptions isolation;       // plug-in and LibTorch are those above
    std::string cpu_level;            // the highest that native kernels may use; "" for the best there is
    bool allow_amx = false;           // asks the kernel for AMX tiles, for the whole process
    int64_t default_deadline_us = 0;  // of calls with WB_DEFAULT_DEADLINE; 0: none
    int async_threads = WB_ASYNC_THREADS_AUTOMATIC;
    bool join = true;          // single rows that wait for one model, where it gains
    int64_t join_wait_us = 0;  // that who runs some of them waits for more
};

struct LoadOptions {
    std::vector<std::string> engines = {"native", "reference"};
    std::string precision;
    std::string fake_script;   // of the engine fake, which stands alone
    std::string import_cache;  // directory that keeps what importers gave; "" for none
    bool verify = true;
    bool check_module = false;  // also where the module is not run: its digest, and the scan of it
    TrustOptions trust;         // whose bundles are taken
    CancelToken *cancel = nullptr;
    int64_t deadline_ns = WB_NO_DEADLINE;
};

// A device besides the CPU: its contexts, and what makes programs for it.
struct DevicePart {
    DeviceContexts contexts;
    std::unique_ptr<Backend> backend;
    bool preferred = false;  // as CudaRequest
};

// Dependencies of an engine that tests replace.
struct EngineParts {
    std::unique_ptr<Backend> native;
    std::unique_ptr<Backend> reference;
    std::unique_ptr<TorchscriptBackend> torchscript;
    std::unique_ptr<Importer> importer;    // of modules, in a process of their own
    const Clock *clock = &steady_clock();  // outlives the engine
    Allocate allocate = allocate_on_cpu;   // memory of the CPU's contexts
    std::vector<DevicePart> devices;
};

// Owns contexts, models, slots and telemetry. Everything is thread-safe.
class Engine final : public RefCounted {
  public:
    // WB_BACKEND_UNAVAILABLE names a GPU that the options ask for and that cannot be used.
    static Expected<Ref<Engine>> make(const EngineOptions &options);
    // For tests: `parts` replace the real ones where they are not null.
    static Expected<Ref<Engine>> make(const EngineOptions &options, EngineParts parts);
    ~Engine() override;

    // WB_CLOSED after close() began, WB_FORKED in a child of a process that had LibTorch's threads.
    Status usable() const;

    // Looks at the options' deadline and token between two steps; a load that these end has changed nothing, and names
    // the step. `slot`: the slot to be swapped, for the event of a failure. See wb_model_load.
    Expected<Ref<Model>> load(const std::string &path, const LoadOptions &options, std::string_view slot = {});
    Expected<Ref<Model>> load(const Source &source, const LoadOptions &options, std::string_view slot = {});
    StopSource stop_of(const LoadOptions &options) const;  // from now on
    // Compiles the bundle's module and writes model.plan into the bundle. The report is null where there is none; a
    // failure may come with one. Deadline and token as for load(). See wb_bundle_compile; lib/compile.
    Status compile(const std::string &path, const CompileOptions &options, const LoadOptions &load, JsonValue &report);
    // As load, for a bundle in the making; the golden lines of `count` generated rows, as the module gives them where
    // modules are imported.
    Expected<std::string> compute_golden(const std::shared_ptr<const Bundle> &bundle, int64_t count);
    // score_shortest() or try_shortest(), where modules are imported.
    Status try_shortest(const std::shared_ptr<const Bundle> &bundle);

    // Made, empty, where there is none.
    Expected<Ref<Slot>> slot(const std::string &name);
    // WB_NOT_FOUND, with the nearest names, where there is none.
    Expected<Ref<Slot>> existing_slot(const std::string &name) const;
    std::vector<Ref<Slot>> slots() const { return registry_.list(); }
    Status swap(Slot &slot, Ref<Model> model);
    Status rollback(Slot &slot);
    Status forget_previous(Slot &slot);

    // Row and result are the caller's; see wb_model_score.
    Status score(const Target &target, void *row, const CallOptions &options, std::span<const OutputBuffer> outputs,
                 wb_result &result);
    // See wb_model_score_batch. `result` receives, once the call works on rows, what became of them.
    Status score_batch(const Target &target, Batch &batch, const CallOptions &options,
                       std::optional<wb_batch_result> &result);
    Expected<Target> target(Slot &slot);

    // A queue for this engine's models, which may outlive the engine. Its last owner calls Queue::shut() first.
    Expected<Ref<Queue>> make_queue(uint32_t capacity);
    // See wb_model_submit and wb_model_submit_batch; the calling thread has the batch (Batch::Use).
    Status submit(Queue &queue, uint64_t tag, SubmitOrder order);
    Expected<int> descriptor(Queue &queue);
    Expected<uint64_t> work(int64_t deadline_ns);

    // The deadline, with WB_DEFAULT_DEADLINE replaced by the engine's.
    int64_t due(int64_t deadline_ns) const;
    int64_t default_deadline_us() const { return default_deadline_us_; }

    Status close(int64_t deadline_ns);
    // For wb_engine_free: refuses new requests, drops every model and the callback. Does not wait; maintain() or the
    // engine's destructor destroys the models.
    void shutdown();
    // Deferred work of scoring threads: destroys retired models, frees replaced arenas, writes counted events, calls
    // the callback. Takes milliseconds; for loads, swaps and the library's own threads.
    void maintain();
    void maintain_if_due();  // cheap where there is nothing to do
    // Writes an event for each count that has grown since its last one and is due.
    void tell_counted();
    void read(wb_snapshot &out) const;
    std::string metrics() const;
    Runtime &runtime() const { return *runtime_; }
    const PluginOptions &plugin() const { return plugin_; }

  private:
    Engine(const EngineOptions &options, native::Level level, EngineParts parts);
    // Null: modules are imported nowhere.
    Importer *importer() const;
    Status no_importer() const;
    // The bundle with a plan of its module in memory. WB_BACKEND_UNAVAILABLE where it cannot be imported here.
    Expected<std::shared_ptr<const Bundle>> planned(const std::shared_ptr<const Bundle> &bundle,
                                                    const LoadOptions &options, const StopSource &stop);
    // `bundle` becomes the one that is served: with a plan, where it came without.
    Expected<std::shared_ptr<const Program>> prepare(std::shared_ptr<const Bundle> &bundle, const LoadOptions &options,
                                                     const StopSource &stop);
    Expected<Ref<Model>> make_model(std::shared_ptr<const Bundle> bundle, const LoadOptions &options,
                                    const StopSource &stop);
    Status warm(Model &model, const StopSource &stop);
    Status add_replicas(Model &model, const StopSource &stop);
    Expected<Ref<Model>> make_replica(Model &model, Backend &backend, const StopSource &stop);
    // `version` receives the bundle's as soon as it is known.
    Expected<Ref<Model>> load_source(const Source &source, const LoadOptions &options, std::string &version);
    void tell_load(const std::string &bundle, const Expected<Ref<Model>> &model, std::string_view slot,
                   const std::string &version);
    void let_go();
    Target spare_of(const Model &model, const CallOptions &options) const;
    void tell_swap(const Slot &slot, const Deployment &deployed, std::string_view verb);
    void warn(const Model &model, const std::string &of) const;
    void warn_of_fallbacks(const Slot &changed) const;
    Crew &crew();
    uint32_t waiting() const;
    Crew *present_crew() const;

    const uint64_t epoch_;  // of the process that made it
    const native::Level level_;
    const int64_t default_deadline_us_;
    Ref<Runtime> runtime_;
    const PluginOptions plugin_;
    const Importing importing_;
    const IsolationOptions isolation_;
    const EngineParts parts_;
    Registry registry_;
    std::atomic<bool> closed_{false};
    const int async_threads_;
    ForkMutex crew_mutex_;
    std::atomic<Crew *> crew_{nullptr};  // owned; made by each process when first needed, under crew_mutex_
};

}  // namespace weighbridge::lib
