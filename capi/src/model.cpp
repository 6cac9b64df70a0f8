// SPDX-License-Identifier: Apache-2.0
#include "base/json.hpp"
#include "objects.hpp"
#include "plan/plan.hpp"
#include "weighbridge.h"

using namespace weighbridge;
using capi::Kind;
using lib::Status;

namespace {

template <class Body>
int32_t with_options(wb_load_options *options, wb_error *err, Body &&body) {
    return capi::barrier(err, [&] {
        capi::Pinned<capi::LoadOptionsObject> object(Kind::load_options, options);
        return object ? body(object->options) : object.status();
    });
}

template <class Body>
int32_t with_model(wb_model *model, wb_error *err, Body &&body) {
    return capi::barrier(err, [&] {
        capi::Pinned<capi::ModelObject> object(Kind::model, model);
        return object ? body(*object) : object.status();
    });
}

Status parse_engines(std::string_view text, std::vector<std::string> &engines) {
    std::vector<std::string> parsed;
    for (size_t begin = 0; begin <= text.size();) {
        size_t end = std::min(text.find(',', begin), text.size());
        std::string_view name = text.substr(begin, end - begin);
        while (!name.empty() && name.front() == ' ') name.remove_prefix(1);
        while (!name.empty() && name.back() == ' ') name.remove_suffix(1);
        if (name != "native" && name != "reference" && name != "torchscript")
            return Status::failure(WB_INVALID_ARGUMENT,
                                   "engines_allowed: expected native, reference or torchscript, got \"{}\"",
                                   name.substr(0, 64));
        parsed.emplace_back(name);
        begin = end + 1;
    }
    engines = std::move(parsed);
    return Status();
}

lib::JsonValue describe(const lib::Model &model) {
    lib::JsonValue info = model.bundle().describe();
    lib::Traits traits = model.program().traits();
    info["serving"] = {{"backend", capi::backend_name(model.program().backend())},
                       {"precision", lib::precision_name(model.program().precision())},
                       {"numerics", model.program().numerics()},
                       {"traits",
                        {{"inline_safe", traits.inline_safe},
                         {"cancellable", traits.cancellable},
                         {"batch_invariant", traits.batch_invariant}}},
                       {"tile_rows", model.tile_rows()},
                       {"contexts", model.runtime().pool.contexts()},
                       {"context_bytes", model.context_bytes()}};
    if (const auto level = model.program().cpu_level(); !level.empty()) info["serving"]["cpu_level"] = level;
    return info;
}

}  // namespace

extern "C" {

int32_t wb_load_options_create(wb_load_options **out, wb_error *err) {
    return capi::barrier(err, [&] {
        if (!out) return capi::null_argument("out");
        *out = nullptr;
        return capi::give(out, Kind::load_options, new capi::LoadOptionsObject);
    });
}

void wb_load_options_free(wb_load_options *options) { capi::free_of(Kind::load_options, options); }

int32_t wb_load_options_set_engines(wb_load_options *options, const char *engines_allowed, wb_error *err) {
    return with_options(options, err, [&](lib::LoadOptions &set) {
        return engines_allowed ? parse_engines(engines_allowed, set.engines) : capi::null_argument("engines_allowed");
    });
}

int32_t wb_load_options_set_precision(wb_load_options *options, const char *precision, wb_error *err) {
    return with_options(options, err, [&](lib::LoadOptions &set) {
        if (!precision) return capi::null_argument("precision");
        std::string_view name = precision;
        if (!name.empty() && name != "fp32" && name != "bf16" && name != "int8" && name != "int8bf16")
            return Status::failure(WB_INVALID_ARGUMENT,
                                   "precision: expected fp32, bf16, int8, int8bf16 or nothing, got \"{}\"",
                                   name.substr(0, 64));
        set.precision = name;
        return Status();
    });
}

int32_t wb_load_options_set_verify(wb_load_options *options, int32_t verify, wb_error *err) {
    return with_options(options, err, [&](lib::LoadOptions &set) {
        set.verify = verify != 0;
        return Status();
    });
}

int32_t wb_model_load(wb_model **out, wb_engine *engine, const char *path, wb_load_options *options, wb_error *err) {
    return capi::barrier(err, [&] {
        if (!out) return capi::null_argument("out");
        *out = nullptr;
        if (!path) return capi::null_argument("path");
        capi::Pinned<capi::EngineObject> object(Kind::engine, engine);
        if (!object) return object.status();
        lib::LoadOptions chosen;
        if (Status status = capi::read_load_options(options, chosen); !status.ok()) return status;
        auto model = object->engine->load(path, chosen);
        if (!model) return model.status();
        return capi::give(out, Kind::model, new capi::ModelObject(object->engine, *std::move(model)));
    });
}

void wb_model_free(wb_model *model) {
    if (!model) return;
    lib::Ref<lib::Engine> engine;
    with_model(model, nullptr, [&](capi::ModelObject &of) {
        engine = of.engine;
        return Status();
    });
    capi::free_of(Kind::model, model);
    if (engine) engine->runtime().reap();
}

int32_t wb_model_schema(wb_schema **out, wb_model *model, wb_error *err) {
    if (out) *out = nullptr;
    return with_model(model, err, [&](capi::ModelObject &of) {
        if (!out) return capi::null_argument("out");
        return capi::give(out, Kind::schema, new capi::SchemaObject(of.model->shared_bundle()));
    });
}

int32_t wb_model_info(char *out, size_t capacity, size_t *needed, wb_model *model, wb_error *err) {
    return with_model(model, err, [&](capi::ModelObject &of) {
        return capi::fill_text(out, capacity, needed, describe(*of.model).lines());
    });
}

int32_t wb_model_encode(wb_tensor_info *out, wb_model *model, void *row, uint32_t index, void *buffer, size_t capacity,
                        wb_error *err) {
    return with_model(model, err, [&](capi::ModelObject &of) {
        return capi::encode_row(of.model->bundle(), row, index, out, buffer, capacity);
    });
}

int32_t wb_model_score(wb_result *out, wb_model *model, void *row, int64_t deadline_ns, wb_call *call, wb_error *err) {
    return with_model(model, err, [&](capi::ModelObject &of) {
        return capi::score_row(*of.engine, of.target, out, row, deadline_ns, call);
    });
}

int32_t wb_model_score_batch(wb_model *model, wb_batch *batch, int64_t deadline_ns, wb_call *call, wb_error *err) {
    return with_model(model, err, [&](capi::ModelObject &of) {
        return capi::score_batch(*of.engine, of.target, batch, deadline_ns, call);
    });
}

}  // extern "C"
