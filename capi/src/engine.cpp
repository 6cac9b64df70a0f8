// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iterator>

#include "base/number.hpp"
#include "engine/devices.hpp"
#include "objects.hpp"
#include "options.hpp"
#include "weighbridge.h"

using namespace weighbridge;
using capi::Kind;
using lib::Status;

namespace {

constexpr int kMostContexts = 1024;

bool parse_path(std::string &path, std::string_view text) {
    if (!text.empty() && text[0] != '/') return false;
    path = text;
    return true;
}

// "aten::add,c10d::*": qualified names of operators, each with at most one "*".
bool parse_operators(std::vector<std::string> &names, std::string_view text) {
    std::vector<std::string> parsed;
    while (!text.empty()) {
        const size_t comma = std::min(text.find(','), text.size());
        const std::string_view name = text.substr(0, comma);
        const bool letters = std::all_of(name.begin(), name.end(), [](char one) {
            return (one >= 'a' && one <= 'z') || (one >= 'A' && one <= 'Z') || (one >= '0' && one <= '9') ||
                   one == '_' || one == ':' || one == '*';
        });
        const size_t colons = name.find("::");
        if (!letters || colons == 0 || colons == name.npos || colons + 2 == name.size() ||
            std::count(name.begin(), name.end(), '*') > 1)
            return false;
        parsed.emplace_back(name);
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    names = std::move(parsed);
    return true;
}

bool parse_event_capacity(lib::EngineOptions &set, std::string_view text) {
    uint32_t capacity = 0;
    if (!lib::parse_number(text, 16, 65536, capacity)) return false;
    set.event_capacity = capacity;
    return true;
}

bool parse_importer(lib::EngineOptions &set, std::string_view text) {
    constexpr std::string_view kNames[] = {"isolated", "process", "in_process", "none"};
    const auto *const found = std::find(std::begin(kNames), std::end(kNames), text);
    if (found == std::end(kNames)) return false;
    set.importer = static_cast<lib::Importing>(found - std::begin(kNames));
    return true;
}

bool parse_async_threads(lib::EngineOptions &set, std::string_view text) {
    if (text != "auto") return lib::parse_number(text, 0, kMostContexts, set.async_threads);
    set.async_threads = WB_ASYNC_THREADS_AUTOMATIC;
    return true;
}

using Option = capi::Option<lib::EngineOptions>;
using Options = lib::EngineOptions;
constexpr Option kOptions[] = {
    {"devices",
     "\"cpu\", \"cpu=N\", \"cuda:I\", \"cuda:I?\" or \"cuda:I=N\" with N in [1, 1024], with commas between them", "cpu",
     "where requests run: N contexts of the CPU, or as many as the affinity mask and the cgroup quota allow; and N "
     "contexts of GPU I, 2 without N; cuda:I? where it may be missing, cuda:I! where it is preferred",
     lib::parse_devices},
    {"cuda_driver", "an absolute path, or nothing", "",
     "the CUDA driver's library; nothing for the system's libcuda.so.1",
     [](Options &set, std::string_view text) { return parse_path(set.cuda_driver, text); }},
    {"cuda_kernels", "an absolute path, or nothing", "",
     "the file of GPU kernels; nothing for the one beside the library",
     [](Options &set, std::string_view text) { return parse_path(set.cuda_kernels, text); }},
    {"queue_limit", "a whole number in [0, 1000000]", "1024", "most requests that wait for a context; more are shed",
     [](Options &set, std::string_view text) { return lib::parse_number(text, 0, 1000000, set.queue_limit); }},
    {"fairness_us", "a whole number in [0, 1000000]", "500",
     "microseconds that a request waits before a context is kept for it; 0 serves strictly in order",
     [](Options &set, std::string_view text) { return lib::parse_number(text, 0, 1000000, set.fairness_us); }},
    {"torch_plugin", "an absolute path, or nothing", "", "the LibTorch plug-in; nothing for the one beside the library",
     [](Options &set, std::string_view text) { return parse_path(set.torch_plugin, text); }},
    {"libtorch", "an absolute path, or nothing", "", "LibTorch's lib directory; nothing for the copy in the process",
     [](Options &set, std::string_view text) { return parse_path(set.libtorch, text); }},
    {"scan_allow", "names of operators as aten::name or aten::*, with commas between them, or nothing", "",
     "operators that a module's code may call besides those that the library allows",
     [](Options &set, std::string_view text) { return parse_operators(set.scan.also_allowed, text); }},
    {"scan_refuse", "names of operators as aten::name or aten::*, with commas between them, or nothing", "",
     "operators that a module's code may not call, whatever else says",
     [](Options &set, std::string_view text) { return parse_operators(set.scan.not_allowed, text); }},
    {"importer", "isolated, process, in_process or none", "isolated",
     "where TorchScript is imported: in a sandboxed process; in a process with what of the sandbox the system allows; "
     "by LibTorch in this process, for trusted bundles; nowhere",
     parse_importer},
    {"importer_program", "an absolute path, or nothing", "",
     "the program weighbridge-importer; nothing for the one beside the library",
     [](Options &set, std::string_view text) { return parse_path(set.isolation.program, text); }},
    {"importer_seconds", "a whole number in [1, 86400]", "60",
     "seconds after which an import in a process of its own is ended",
     [](Options &set, std::string_view text) { return lib::parse_number(text, 1, 86400, set.isolation.seconds); }},
    {"importer_memory_mb", "a whole number in [0, 1000000]", "0",
     "MB that such an import may use; 0: 2048, or eight times the module where that is more",
     [](Options &set, std::string_view text) { return lib::parse_number(text, 0, 1000000, set.isolation.memory_mb); }},
    {"cpu_level", "the name of a level, or nothing", "",
     "highest level of native kernels: portable, avx2, avx512, avx512_vnni, avx512_bf16, amx; nothing for the best",
     [](Options &set, std::string_view text) { return set.cpu_level = text, true; }},
    {"allow_amx", "0, 1, false or true", "0", "whether the process asks Linux for AMX tiles",
     [](Options &set, std::string_view text) { return capi::parse_flag(text, set.allow_amx); }},
    {"event_capacity", "a whole number in [16, 65536]", "256",
     "events that are kept for wb_engine_events and the log callback, 512 bytes each; the oldest make room",
     parse_event_capacity},
    {"default_deadline_us", "a whole number in [0, 3600000000]", "0",
     "microseconds that calls have which name no deadline (WB_DEFAULT_DEADLINE); 0 for no end",
     [](Options &set, std::string_view text) {
         return lib::parse_number(text, 0, 3600000000, set.default_deadline_us);
     }},
    {"async_threads", "\"auto\" or a whole number in [0, 1024]", "auto",
     "threads that run what was submitted to queues; auto: as many as CPU contexts; 0: the host lends its own",
     parse_async_threads},
    {"join", "0, 1, false or true", "1",
     "whether single rows that wait for one model are run together, where its layers gain by that",
     [](Options &set, std::string_view text) { return capi::parse_flag(text, set.join); }},
    {"join_wait_us", "a whole number in [0, 10000]", "0",
     "microseconds that a row waits for more where others wait already and are run with it; 0 for no such wait",
     [](Options &set, std::string_view text) { return lib::parse_number(text, 0, 10000, set.join_wait_us); }},
};

int32_t set_text(wb_engine_options *options, const char *name, const char *text, wb_error *err) {
    return capi::barrier(err, [&] {
        capi::Pinned<capi::EngineOptionsObject> object(Kind::engine_options, options);
        return object ? capi::set_option(kOptions, object->options, name, text) : object.status();
    });
}

template <class Body>
int32_t with_engine(wb_engine *engine, wb_error *err, Body &&body) {
    return capi::barrier(err, [&] {
        capi::Pinned<capi::EngineObject> object(Kind::engine, engine);
        return object ? body(*object->engine) : object.status();
    });
}

}  // namespace

extern "C" {

int32_t wb_engine_options_create(wb_engine_options **out, wb_error *err) {
    return capi::barrier(out, err,
                         [&] { return capi::give(out, Kind::engine_options, new capi::EngineOptionsObject); });
}

void wb_engine_options_free(wb_engine_options *options) { capi::free_of(Kind::engine_options, options); }

int32_t wb_engine_options_set_devices(wb_engine_options *options, const char *devices, wb_error *err) {
    return set_text(options, "devices", devices, err);
}

int32_t wb_engine_options_set_queue_limit(wb_engine_options *options, uint32_t waiters, wb_error *err) {
    return set_text(options, "queue_limit", lib::formatted("{}", waiters).c_str(), err);
}

int32_t wb_engine_options_set_fairness_us(wb_engine_options *options, int64_t microseconds, wb_error *err) {
    return set_text(options, "fairness_us", lib::formatted("{}", microseconds).c_str(), err);
}

int32_t wb_engine_options_set_log(wb_engine_options *options, wb_log_fn fn, void *payload, wb_error *err) {
    return capi::barrier(err, [&] {
        capi::Pinned<capi::EngineOptionsObject> object(Kind::engine_options, options);
        if (!object) return object.status();
        object->options.log = fn;
        object->options.log_payload = payload;
        return Status();
    });
}

int32_t wb_engine_options_set_torch_plugin(wb_engine_options *options, const char *path, wb_error *err) {
    return set_text(options, "torch_plugin", path, err);
}

int32_t wb_engine_options_set_libtorch(wb_engine_options *options, const char *directory, wb_error *err) {
    return set_text(options, "libtorch", directory, err);
}

int32_t wb_engine_options_set_cpu_level(wb_engine_options *options, const char *level, wb_error *err) {
    return set_text(options, "cpu_level", level, err);
}

int32_t wb_engine_options_set_allow_amx(wb_engine_options *options, int32_t allow, wb_error *err) {
    return set_text(options, "allow_amx", lib::formatted("{}", allow).c_str(), err);
}

int32_t wb_engine_options_set_default_deadline_us(wb_engine_options *options, int64_t microseconds, wb_error *err) {
    return set_text(options, "default_deadline_us", lib::formatted("{}", microseconds).c_str(), err);
}

int32_t wb_engine_options_set_async_threads(wb_engine_options *options, int32_t threads, wb_error *err) {
    const bool automatic = threads == WB_ASYNC_THREADS_AUTOMATIC;
    return set_text(options, "async_threads", automatic ? "auto" : lib::formatted("{}", threads).c_str(), err);
}

int32_t wb_engine_options_set(wb_engine_options *options, const char *name, const char *text, wb_error *err) {
    return set_text(options, name, text, err);
}

int32_t wb_engine_options_describe(wb_option_info *out, uint32_t index, wb_error *err) {
    return capi::barrier(err, [&] { return capi::describe_option(kOptions, out, index); });
}

int32_t wb_engine_create(wb_engine **out, wb_engine_options *options, wb_error *err) {
    return capi::barrier(out, err, [&] {
        lib::EngineOptions chosen;
        if (options) {
            capi::Pinned<capi::EngineOptionsObject> object(Kind::engine_options, options);
            if (!object) return object.status();
            chosen = object->options;
        }
        auto engine = lib::Engine::make(chosen);
        if (!engine) return engine.status();
        return capi::give(out, Kind::engine, new capi::EngineObject(*std::move(engine)));
    });
}

int32_t wb_engine_close(wb_engine *engine, int64_t deadline_ns, wb_error *err) {
    return with_engine(engine, err, [&](lib::Engine &of) { return of.close(of.due(deadline_ns)); });
}

int32_t wb_engine_default_deadline_us(int64_t *out, wb_engine *engine, wb_error *err) {
    return with_engine(engine, err, [&](lib::Engine &of) {
        if (!out) return capi::null_argument("out");
        *out = of.default_deadline_us();
        return Status();
    });
}

int32_t wb_engine_work(uint64_t *out, wb_engine *engine, int64_t deadline_ns, wb_error *err) {
    return with_engine(engine, err, [&](lib::Engine &of) {
        auto ran = of.work(of.due(deadline_ns));
        if (ran && out) *out = *ran;
        return ran.status();
    });
}

void wb_engine_free(wb_engine *engine) {
    if (!engine) return;
    with_engine(engine, nullptr, [](lib::Engine &of) {
        of.shutdown();
        return Status();
    });
    capi::free_of(Kind::engine, engine);
}

int32_t wb_engine_maintain(wb_engine *engine, wb_error *err) {
    return with_engine(engine, err, [](lib::Engine &of) {
        of.maintain();
        return Status();
    });
}

int32_t wb_engine_events(wb_event *out, size_t stride, size_t capacity, size_t *count, uint64_t *dropped,
                         wb_engine *engine, wb_error *err) {
    return with_engine(engine, err, [&](lib::Engine &of) {
        if (!count) return capi::null_argument("count");
        *count = 0;
        if (Status status = capi::check_array(out, stride, capacity, WB_EVENT_SIZE_V1); !status.ok()) return status;
        of.tell_counted();
        lib::EventLog &events = of.runtime().events;
        for (wb_event event; *count < capacity && events.take(event); ++*count)
            capi::write_element(out, stride, *count, event);
        if (dropped) *dropped = events.take_dropped();
        return Status();
    });
}

int32_t wb_engine_snapshot(wb_snapshot *out, wb_engine *engine, wb_error *err) {
    return with_engine(engine, err, [&](lib::Engine &of) {
        wb_snapshot made{};
        of.read(made);
        capi::count_handles(made.handles);
        return capi::fill_struct(out, made, WB_SNAPSHOT_SIZE_V1);
    });
}

int32_t wb_engine_metrics(wb_text **out, wb_engine *engine, wb_error *err) {
    if (out) *out = nullptr;
    return with_engine(engine, err, [&](lib::Engine &of) {
        return out ? capi::give_text(out, of.metrics()) : capi::null_argument("out");
    });
}

}  // extern "C"
