// SPDX-License-Identifier: Apache-2.0
#include <charconv>

#include "objects.hpp"
#include "weighbridge.h"

using namespace weighbridge;
using capi::Kind;
using lib::Status;

namespace {

constexpr int kMostContexts = 1024;

// "cpu" or "cpu=N".
Status parse_devices(std::string_view text, int &contexts) {
    std::string_view count = text.substr(0, 4) == "cpu=" ? text.substr(4) : std::string_view();
    int parsed = 0;
    auto [end, error] = std::from_chars(count.data(), count.data() + count.size(), parsed);
    bool number = error == std::errc() && end == count.data() + count.size() && parsed >= 1 && parsed <= kMostContexts;
    if (text != "cpu" && !number)
        return Status::failure(WB_INVALID_ARGUMENT,
                               "devices: expected \"cpu\" or \"cpu=N\" with N in [1, {}], got \"{}\"", kMostContexts,
                               text.substr(0, 64));
    contexts = number ? parsed : 0;
    return Status();
}

template <class Body>
int32_t with_options(wb_engine_options *options, wb_error *err, Body &&body) {
    return capi::barrier(err, [&] {
        capi::Pinned<capi::EngineOptionsObject> object(Kind::engine_options, options);
        return object ? body(object->options) : object.status();
    });
}

template <class Body>
int32_t with_engine(wb_engine *engine, wb_error *err, Body &&body) {
    return capi::barrier(err, [&] {
        capi::Pinned<capi::EngineObject> object(Kind::engine, engine);
        return object ? body(*object->engine) : object.status();
    });
}

Status set_path(std::string &path, const char *name, const char *value) {
    if (!value) return capi::null_argument(name);
    if (value[0] != '/' && value[0] != 0)
        return Status::failure(WB_INVALID_ARGUMENT, "{}: expected an absolute path, got \"{:.128}\"", name, value);
    path = value;
    return Status();
}

}  // namespace

extern "C" {

int32_t wb_engine_options_create(wb_engine_options **out, wb_error *err) {
    return capi::barrier(err, [&] {
        if (!out) return capi::null_argument("out");
        *out = nullptr;
        return capi::give(out, Kind::engine_options, new capi::EngineOptionsObject);
    });
}

void wb_engine_options_free(wb_engine_options *options) { capi::free_of(Kind::engine_options, options); }

int32_t wb_engine_options_set_devices(wb_engine_options *options, const char *devices, wb_error *err) {
    return with_options(options, err, [&](lib::EngineOptions &set) {
        return devices ? parse_devices(devices, set.cpu_contexts) : capi::null_argument("devices");
    });
}

int32_t wb_engine_options_set_queue_limit(wb_engine_options *options, uint32_t waiters, wb_error *err) {
    return with_options(options, err, [&](lib::EngineOptions &set) {
        if (waiters > 1000000)
            return Status::failure(WB_INVALID_ARGUMENT, "waiters: expected at most 1000000, got {}", waiters);
        set.queue_limit = waiters;
        return Status();
    });
}

int32_t wb_engine_options_set_log(wb_engine_options *options, wb_log_fn fn, void *payload, wb_error *err) {
    return with_options(options, err, [&](lib::EngineOptions &set) {
        set.log = fn;
        set.log_payload = payload;
        return Status();
    });
}

int32_t wb_engine_options_set_torch_plugin(wb_engine_options *options, const char *path, wb_error *err) {
    return with_options(options, err,
                        [&](lib::EngineOptions &set) { return set_path(set.torch_plugin, "path", path); });
}

int32_t wb_engine_options_set_libtorch(wb_engine_options *options, const char *directory, wb_error *err) {
    return with_options(options, err,
                        [&](lib::EngineOptions &set) { return set_path(set.libtorch, "directory", directory); });
}

int32_t wb_engine_options_set_cpu_level(wb_engine_options *options, const char *level, wb_error *err) {
    return with_options(options, err, [&](lib::EngineOptions &set) {
        if (!level) return capi::null_argument("level");
        set.cpu_level = level;
        return Status();
    });
}

int32_t wb_engine_options_set_allow_amx(wb_engine_options *options, int32_t allow, wb_error *err) {
    return with_options(options, err, [&](lib::EngineOptions &set) {
        if (allow != 0 && allow != 1)
            return Status::failure(WB_INVALID_ARGUMENT, "allow: expected 0 or 1, got {}", allow);
        set.allow_amx = allow == 1;
        return Status();
    });
}

int32_t wb_engine_create(wb_engine **out, wb_engine_options *options, wb_error *err) {
    return capi::barrier(err, [&] {
        if (!out) return capi::null_argument("out");
        *out = nullptr;
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
    return with_engine(engine, err, [&](lib::Engine &of) { return of.close(deadline_ns); });
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

int32_t wb_engine_snapshot(wb_snapshot *out, wb_engine *engine, wb_error *err) {
    return with_engine(engine, err, [&](lib::Engine &of) {
        wb_snapshot made{};
        of.read(made);
        return capi::fill_struct(out, made, WB_SNAPSHOT_SIZE_V1);
    });
}

int32_t wb_engine_metrics(char *out, size_t capacity, size_t *needed, wb_engine *engine, wb_error *err) {
    return with_engine(engine, err,
                       [&](lib::Engine &of) { return capi::fill_text(out, capacity, needed, of.metrics()); });
}

}  // extern "C"
