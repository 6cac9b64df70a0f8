// SPDX-License-Identifier: Apache-2.0
/// @file
/// Models: one loaded version of a bundle.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "weighbridge/batch.hpp"
#include "weighbridge/binding.hpp"
#include "weighbridge/c/model.h"
#include "weighbridge/call.hpp"
#include "weighbridge/engine.hpp"
#include "weighbridge/schema.hpp"
#include "weighbridge/source.hpp"

namespace weighbridge {
inline namespace v0 {

/// How a bundle is loaded. What is empty keeps the library's default (c/model.h says which).
struct LoadOptions {
    /// Who may run it, best first: "native,reference"; "torchscript" only where you trust it; "fake", alone, in tests.
    std::string engines = {};
    std::string precision = {};  ///< "fp32", "bf16", "int8", "int8bf16"
    bool verify = true;          ///< whether the golden vectors must reproduce
    /// By name and text, as a configuration file has them (load_option_list()); set after those above.
    std::vector<std::pair<std::string, std::string>> named = {};
    Due deadline = {};                    ///< when it has to be done; a duration counts from the load's start
    const CancelToken *cancel = nullptr;  ///< ends it early
};

namespace detail {

using LoadHandle = Handle<wb_load_options, wb_load_options_free>;

inline Expected<LoadHandle> load_handle(const LoadOptions &options) {
    auto handle = made<wb_load_options, wb_load_options_free>(wb_load_options_create);
    if (!handle) return handle;
    auto set = done([&](wb_error *err) {
        wb_load_options *o = handle->get();
        int32_t status = wb_load_options_set_verify(o, options.verify ? 1 : 0, err);
        if (status >= 0 && !options.engines.empty())
            status = wb_load_options_set_engines(o, options.engines.c_str(), err);
        if (status >= 0 && !options.precision.empty())
            status = wb_load_options_set_precision(o, options.precision.c_str(), err);
        for (const auto &[name, text] : options.named)
            if (status >= 0) status = wb_load_options_set(o, name.c_str(), text.c_str(), err);
        if (status >= 0) status = wb_load_options_set_deadline(o, options.deadline.from_now().ns(), err);
        if (status >= 0 && options.cancel) status = wb_load_options_set_cancel(o, options.cancel->get(), err);
        return status;
    });
    if (!set) return std::move(set).error();
    return handle;
}

/// What models and slots share: one row scored by `call(wb_result *, void *row, int64_t, wb_call *, wb_error *)`.
template <class Score>
Expected<Result> score_row(Score score, void *row, Deadline deadline, const Call *call) {
    Result result;
    wb_error err = WB_ERROR_INIT;
    int32_t status = score(&result, row, deadline.ns(), call ? call->get() : nullptr, &err);
    if (status < 0) return error_of(status, err);
    return result;
}

/// The same for a batch.
template <class Score>
Expected<BatchResult> score_batch(Score score, Batch &batch, Deadline deadline, const Call *call) {
    BatchResult result;
    auto done = detail::done(
        [&](wb_error *err) { return score(&result, batch.get(), deadline.ns(), call ? call->get() : nullptr, err); });
    if (!done) return std::move(done).error();
    return result;
}

}  // namespace detail

/// What LoadOptions::named takes. Thread-safe.
inline std::vector<wb_option_info> load_option_list() { return detail::option_list(wb_load_options_describe); }

/// A loaded model. Move-only; every member is thread-safe, with a row, binding, batch or call for each thread.
/// Destroying never blocks; calls in progress and slots keep the model.
class Model {
  public:
    /// Reads, checks, warms, and reproduces the golden vectors; blocks for as long as that takes.
    static Expected<Model> load(const Engine &engine, const std::string &path, const LoadOptions &options = {}) {
        return load_by(options, [&](wb_model **out, wb_load_options *load, wb_error *err) {
            return wb_model_load(out, engine.get(), path.c_str(), load, err);
        });
    }
    static Expected<Model> load(const Engine &engine, const Source &source, const LoadOptions &options = {}) {
        return load_by(options, [&](wb_model **out, wb_load_options *load, wb_error *err) {
            return wb_model_load_source(out, engine.get(), source.get(), load, err);
        });
    }

    /// Takes a model of the C API over, also where this fails.
    static Expected<Model> adopt(wb_model *model) {
        Handle handle(model);
        auto schema = detail::made<wb_schema, wb_schema_free>(
            [&](wb_schema **out, wb_error *err) { return wb_model_schema(out, model, err); });
        if (!schema) return std::move(schema).error();
        auto adopted = Schema::adopt(schema->release());
        if (!adopted) return std::move(adopted).error();
        return Model(std::move(handle), *std::move(adopted));
    }

    const Schema &schema() const noexcept { return schema_; }

    /// What was loaded, as JSON.
    Expected<std::string> info() const {
        return detail::text_of([&](wb_text **out, wb_error *err) { return wb_model_info(out, get(), err); });
    }

    /// What was loaded and what runs it; c/model.h documents the members.
    Expected<wb_model_description> describe() const {
        wb_model_description out = {};
        out.struct_size = sizeof out;
        auto read = detail::done([&](wb_error *err) { return wb_model_describe(&out, get(), err); });
        if (!read) return std::move(read).error();
        return out;
    }

    /// Scores one payment. wb_model_score lists the errors. A budget such as 2ms counts from this call.
    Expected<Result> score(Row &row, Deadline deadline = Deadline::by_engine(), const Call *call = nullptr) const {
        return detail::score_row([&](auto *out, auto... rest) { return wb_model_score(out, get(), rest...); },
                                 row.data(), deadline, call);
    }

    /// Fills the binding's own row from the payment and scores it.
    template <class T>
    Expected<Result> score(Binding<T> &binding, const T &payment, Deadline deadline = Deadline::by_engine(),
                           const Call *call = nullptr) const {
        auto row = binding.fill(payment);
        if (!row) return std::move(row).error();
        return score(**row, deadline, call);
    }

    /// Scores the rows of a batch. A row that cannot be scored gets its own code.
    /// @return how many got what, and who scored them; `status` is WB_OK, WB_OK_FALLBACK or WB_OK_PARTIAL
    Expected<BatchResult> score(Batch &batch, Deadline deadline = Deadline::by_engine(),
                                const Call *call = nullptr) const {
        return detail::score_batch([&](auto *out, auto... rest) { return wb_model_score_batch(out, get(), rest...); },
                                   batch, deadline, call);
    }

    wb_model *get() const noexcept { return handle_.get(); }

  private:
    using Handle = detail::Handle<wb_model, wb_model_free>;

    template <class Call>
    static Expected<Model> load_by(const LoadOptions &options, Call &&call) {
        auto load = detail::load_handle(options);
        if (!load) return std::move(load).error();
        auto handle = detail::made<wb_model, wb_model_free>(
            [&](wb_model **out, wb_error *err) { return call(out, load->get(), err); });
        if (!handle) return std::move(handle).error();
        return adopt(handle->release());
    }

    Model(Handle handle, Schema schema) : handle_(std::move(handle)), schema_(std::move(schema)) {}
    Handle handle_;
    Schema schema_;
};

}  // namespace v0
}  // namespace weighbridge
