// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/json.hpp"
#include "base/number.hpp"
#include "bundle/manifest_reader.hpp"
#include "objects.hpp"
#include "options.hpp"
#include "plan/plan.hpp"
#include "weighbridge.h"

using namespace weighbridge;
using capi::Kind;
using lib::Status;

namespace weighbridge::capi {

LoadUse::LoadUse(wb_load_options *handle) {
    if (!handle) return;
    Pinned<LoadOptionsObject> object(Kind::load_options, handle);
    status_ = object.status();
    if (!object) return;
    options_ = object->options;
    cancel_ = object->cancel;
    if (cancel_) options_.cancel = &cancel_->token;
}

}  // namespace weighbridge::capi

namespace {

template <class Body>
int32_t with_model(wb_model *model, wb_error *err, Body &&body) {
    return capi::barrier(err, [&] {
        capi::Pinned<capi::ModelObject> object(Kind::model, model);
        return object ? body(*object) : object.status();
    });
}

bool parse_engines(lib::LoadOptions &set, std::string_view text) {
    std::vector<std::string> parsed;
    for (size_t begin = 0; begin <= text.size();) {
        size_t end = std::min(text.find(',', begin), text.size());
        std::string_view name = text.substr(begin, end - begin);
        while (!name.empty() && name.front() == ' ') name.remove_prefix(1);
        while (!name.empty() && name.back() == ' ') name.remove_suffix(1);
        if (name != "native" && name != "reference" && name != "torchscript" && name != "fake") return false;
        parsed.emplace_back(name);
        begin = end + 1;
    }
    // The fake engine has to stand alone: a service must hear that no real engine can run its bundle.
    if (parsed.size() > 1 && std::find(parsed.begin(), parsed.end(), "fake") != parsed.end()) return false;
    set.engines = std::move(parsed);
    return true;
}

bool parse_precision(lib::LoadOptions &set, std::string_view text) {
    if (!text.empty() && !lib::precision_of(text)) return false;
    set.precision = text;
    return true;
}

constexpr capi::Option<lib::LoadOptions> kOptions[] = {
    {"engines", "native, reference, torchscript or several with commas, or fake alone", "native,reference",
     "who may run the model, best first; torchscript only for bundles that are trusted", parse_engines},
    {"precision", "fp32, bf16, int8, int8bf16 or nothing", "",
     "the precision that serves; nothing for the plan's first", parse_precision},
    {"verify", "0, 1, false or true", "1", "whether the golden vectors must reproduce before the model serves",
     [](lib::LoadOptions &set, std::string_view text) { return capi::parse_flag(text, set.verify); }},
    {"import_cache", "an absolute path, or nothing", "",
     "directory, of this user alone, that keeps what modules were imported as; nothing to keep nothing",
     [](lib::LoadOptions &set, std::string_view text) {
         if (!text.empty() && text[0] != '/') return false;
         set.import_cache = text;
         return true;
     }},
    {"fake_script", "the JSON that wb_load_options_set_engines describes", "",
     "what the engine fake answers, in tests; read by the load",
     [](lib::LoadOptions &set, std::string_view text) {
         set.fake_script = text;
         return true;
     }},
    {"trusted_keys", "public keys: paths or PEM, as KEY or ROLE=KEY, with commas or line breaks", "",
     "whose signatures count; where there are any, a bundle needs signatures that hold, all of trusted keys, and is "
     "refused without; read by the load",
     [](lib::LoadOptions &set, std::string_view text) {
         set.trust.trusted_keys = text;
         return true;
     }},
    {"signatures_required", "numbers with commas, as 2 or owner=1,risk=1, or nothing", "",
     "how many trusted keys must have signed, in all or by role; nothing for one of each role",
     [](lib::LoadOptions &set, std::string_view text) {
         return lib::is_required_list(text) && (set.trust.signatures_required = text, true);
     }},
    {"unsigned", "allowed, refused or nothing", "",
     "whether a bundle without any signature loads; nothing for allowed where no keys are trusted",
     [](lib::LoadOptions &set, std::string_view text) {
         const bool known = text.empty() || text == "allowed" || text == "refused";
         return known && (set.trust.unsigned_bundles = text, true);
     }},
    {"revoked", "sha256 digests with commas or line breaks, 64 hex digits each, or nothing", "",
     "what does not load: bundles (sha256 of manifest.json), files in them, and signatures by keys of that fingerprint",
     [](lib::LoadOptions &set, std::string_view text) {
         return lib::is_digest_list(text) && (set.trust.revoked = text, true);
     }},
    {"minimum_version", "a version of 1 to 31 of [A-Za-z0-9_.+-], or nothing", "",
     "the least identity.version that loads, by numbers: 1.0-rc.1, 1.0, 2026.9.30, 2026.11.1 ascend",
     [](lib::LoadOptions &set, std::string_view text) {
         if (!text.empty() && !lib::is_identity_label(text)) return false;
         set.trust.minimum_version = text;
         return true;
     }},
    {"expected_name", "a bundle's identity.name, or nothing", "",
     "the only identity.name that loads, whoever signed: a key may sign more models than one; nothing for any",
     [](lib::LoadOptions &set, std::string_view text) {
         set.trust.expected_name = text;
         return true;
     }},
    {"bundle_bytes", "a whole number in [0, 1099511627776]", "0",
     "most bytes of a bundle's files together; 0 for no other limit than the format's",
     [](lib::LoadOptions &set, std::string_view text) {
         return lib::parse_number(text, 0, uint64_t{1} << 40, set.trust.bundle_bytes);
     }},
    {"context_bytes", "a whole number in [1, 1099511627776]", "1073741824",
     "most bytes that a bundle's limits.memory_bytes may give to each context that runs the model",
     [](lib::LoadOptions &set, std::string_view text) {
         return lib::parse_number(text, 1, uint64_t{1} << 40, set.trust.context_bytes);
     }},
};

int32_t set_text(wb_load_options *options, const char *name, const char *text, wb_error *err) {
    return capi::barrier(err, [&] {
        capi::Pinned<capi::LoadOptionsObject> object(Kind::load_options, options);
        return object ? capi::set_option(kOptions, object->options, name, text) : object.status();
    });
}

// From a path or a source.
template <class Where>
Status load(wb_model **out, wb_engine *engine, const Where &where, wb_load_options *options) {
    capi::Pinned<capi::EngineObject> object(Kind::engine, engine);
    if (!object) return object.status();
    const capi::LoadUse use(options);
    if (!use.status().ok()) return use.status();
    auto model = object->engine->load(where, use.options());
    if (!model) return model.status();
    return capi::give(out, Kind::model, new capi::ModelObject(object->engine, *std::move(model)));
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
                       {"contexts", model.pool().contexts()},
                       {"context_bytes", model.context_bytes()}};
    if (const auto level = model.program().cpu_level(); !level.empty()) info["serving"]["cpu_level"] = level;
    return info;
}

}  // namespace

extern "C" {

int32_t wb_load_options_create(wb_load_options **out, wb_error *err) {
    return capi::barrier(out, err, [&] { return capi::give(out, Kind::load_options, new capi::LoadOptionsObject); });
}

void wb_load_options_free(wb_load_options *options) { capi::free_of(Kind::load_options, options); }

int32_t wb_load_options_set_engines(wb_load_options *options, const char *engines_allowed, wb_error *err) {
    return set_text(options, "engines", engines_allowed, err);
}

int32_t wb_load_options_set_precision(wb_load_options *options, const char *precision, wb_error *err) {
    return set_text(options, "precision", precision, err);
}

int32_t wb_load_options_set_verify(wb_load_options *options, int32_t verify, wb_error *err) {
    return set_text(options, "verify", verify ? "1" : "0", err);
}

int32_t wb_load_options_set_cancel(wb_load_options *options, wb_cancel *cancel, wb_error *err) {
    return capi::barrier(err, [&] {
        capi::Pinned<capi::LoadOptionsObject> object(Kind::load_options, options);
        if (!object) return object.status();
        if (!cancel) {
            object->cancel = {};
            return Status();
        }
        capi::Pinned<capi::CancelObject> token(Kind::cancel, cancel);
        if (!token) return token.status();
        object->cancel = lib::Ref<capi::CancelObject>(&*token);
        return Status();
    });
}

int32_t wb_load_options_set_deadline(wb_load_options *options, int64_t deadline_ns, wb_error *err) {
    return capi::barrier(err, [&] {
        capi::Pinned<capi::LoadOptionsObject> object(Kind::load_options, options);
        if (object) object->options.deadline_ns = deadline_ns;
        return object.status();
    });
}

int32_t wb_load_options_set(wb_load_options *options, const char *name, const char *text, wb_error *err) {
    return set_text(options, name, text, err);
}

int32_t wb_load_options_describe(wb_option_info *out, uint32_t index, wb_error *err) {
    return capi::barrier(err, [&] { return capi::describe_option(kOptions, out, index); });
}

int32_t wb_model_load(wb_model **out, wb_engine *engine, const char *path, wb_load_options *options, wb_error *err) {
    return capi::barrier(
        out, err, [&] { return path ? load(out, engine, std::string(path), options) : capi::null_argument("path"); });
}

int32_t wb_model_load_source(wb_model **out, wb_engine *engine, wb_source *source, wb_load_options *options,
                             wb_error *err) {
    return capi::barrier(out, err, [&] {
        auto read = capi::read_source(source);
        return read ? load(out, engine, *read, options) : read.status();
    });
}

void wb_model_free(wb_model *model) { capi::free_of(Kind::model, model); }

int32_t wb_model_schema(wb_schema **out, wb_model *model, wb_error *err) {
    if (out) *out = nullptr;
    return with_model(model, err, [&](capi::ModelObject &of) {
        if (!out) return capi::null_argument("out");
        return capi::give(out, Kind::schema, new capi::SchemaObject(of.model->shared_bundle()));
    });
}

int32_t wb_model_info(wb_text **out, wb_model *model, wb_error *err) {
    if (out) *out = nullptr;
    return with_model(model, err, [&](capi::ModelObject &of) {
        return out ? capi::give_text(out, describe(*of.model).lines()) : capi::null_argument("out");
    });
}

int32_t wb_model_score(wb_result *out, wb_model *model, void *row, int64_t deadline_ns, wb_call *call, wb_error *err) {
    return with_model(model, err, [&](capi::ModelObject &of) {
        return capi::score_row(*of.engine, of.target, out, row, deadline_ns, call);
    });
}

int32_t wb_model_submit(wb_queue *queue, uint64_t tag, wb_model *model, void *row, int64_t deadline_ns, wb_call *call,
                        wb_error *err) {
    return with_model(model, err, [&](capi::ModelObject &of) {
        return capi::submit_row(queue, tag, *of.engine, of.target, row, deadline_ns, call);
    });
}

int32_t wb_model_submit_batch(wb_batch_result *out, wb_queue *queue, uint64_t tag, wb_model *model, wb_batch *batch,
                              int64_t deadline_ns, wb_call *call, wb_error *err) {
    return with_model(model, err, [&](capi::ModelObject &of) {
        return capi::submit_batch(out, queue, tag, *of.engine, of.target, batch, deadline_ns, call);
    });
}

int32_t wb_model_score_batch(wb_batch_result *out, wb_model *model, wb_batch *batch, int64_t deadline_ns, wb_call *call,
                             wb_error *err) {
    return with_model(model, err, [&](capi::ModelObject &of) {
        return capi::score_batch(*of.engine, of.target, out, batch, deadline_ns, call);
    });
}

}  // extern "C"
