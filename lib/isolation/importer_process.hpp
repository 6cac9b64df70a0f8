// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/cancel.hpp"
#include "base/file.hpp"
#include "isolation/child_process.hpp"
#include "isolation/wire.hpp"
#include "scan/limits.hpp"

namespace weighbridge::lib {

struct IsolationOptions {
    std::string program;  // absolute path of weighbridge-importer; "" for the one in own_directory()
    std::string plugin;   // as PluginOptions has them
    std::string libtorch;
    bool strict = true;     // no work where the system forbids a part of the sandbox
    int64_t seconds = 60;   // of an order
    ScanLimits scan = {};   // of modules, before an importer sees them
    int64_t memory_mb = 0;  // of the importer, beyond LibTorch; 0: 2048, or eight times the module where that is more
};

// What an importer may use for a module of that size, beyond LibTorch.
uint64_t importer_memory_bytes(const IsolationOptions &options, uint64_t module_bytes);
// What an importer may use of processor time, in whole seconds: for one order, as long as that may take; for as many as
// come until `stop`, and without a deadline no end, since each of them ends after the options' seconds.
uint64_t one_order_s(const IsolationOptions &options);
uint64_t many_orders_s(const StopSource &stop);
// The program that these options name.
std::string importer_program(const IsolationOptions &options);
// The LibTorch that an importer is told to open: the one named, else WEIGHBRIDGE_LIBTORCH, else the copy that this
// process has mapped. "" leaves it to the plug-in's RUNPATH.
std::string importer_libtorch(const IsolationOptions &options);

struct ImporterLimits {
    uint64_t memory_bytes;  // beyond LibTorch
    uint64_t cpu_s;
};

// A process of weighbridge-importer: spawned without a fork of the host's memory, with an empty environment, default
// signal handling, a process group of its own, and no descriptor but its two pipes. It ends with this object, with the
// thread that started it, with the host, at an order's time limit, and when its pipes close. One thread at a time; each
// wait is in poll(), which looks at the caller's StopSource 50 times a second.
class ImporterProcess {
  public:
    struct Reply {
        int32_t code;
        Bytes body;
    };

    // Spawns it, and waits until it has LibTorch and its sandbox.
    // WB_BACKEND_UNAVAILABLE: "<program>: <what is wrong>; <what to do>"; as `stop` says.
    static Expected<std::unique_ptr<ImporterProcess>> start(const IsolationOptions &options,
                                                            const ImporterLimits &limits, const StopSource &stop);
    ~ImporterProcess();
    ImporterProcess(const ImporterProcess &) = delete;
    ImporterProcess &operator=(const ImporterProcess &) = delete;

    // Gives an order, whose body is `parts`, and waits for its reply of at most limit_bytes. WB_BACKEND_FAILED where
    // the process died or wrote what is no reply; WB_DEADLINE_EXCEEDED after the options' seconds; as `stop` says: "the
    // deadline passed while <doing>". After a failure there is no process any more.
    Expected<Reply> call(WireKind kind, std::span<const ByteView> parts, uint64_t limit_bytes, const StopSource &stop,
                         std::string_view doing);

  private:
    struct Orders;  // bytes on their way
    ImporterProcess(Descriptor orders, Descriptor kept, Descriptor replies, int64_t seconds)
        : orders_(std::move(orders)), kept_(std::move(kept)), replies_(std::move(replies)), seconds_(seconds) {}
    static Expected<std::unique_ptr<ImporterProcess>> spawn(const std::string &program, int64_t seconds);
    Status exchange(Orders &orders, WireReader &reader);
    Status lost();
    void end();

    std::optional<ChildProcess> child_;  // none yet, or none any more
    const Descriptor orders_;
    const Descriptor kept_;  // the orders' reading end: while somebody can read, a write raises no SIGPIPE
    const Descriptor replies_;
    const int64_t seconds_;
    Bytes buffer_;  // not on the stack, of which a JVM's thread has 1 MB
};

}  // namespace weighbridge::lib
