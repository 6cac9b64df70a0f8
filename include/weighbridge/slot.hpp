// SPDX-License-Identifier: Apache-2.0
/// @file
/// Slots: named deployments (champion, shadow, canary) that point at models.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "weighbridge/c/slot.h"
#include "weighbridge/model.hpp"

namespace weighbridge {
inline namespace v0 {

/// A handle on a slot, which lives as long as the engine. Move-only; every member is thread-safe.
class Slot {
  public:
    /// The engine's slot of that name; WB_NOT_FOUND, with the nearest names, where there is none.
    static Expected<Slot> open(const Engine &engine, const std::string &name) {
        return opened(engine, name, WB_SLOT_EXISTING);
    }

    /// The engine's slot of that name; made, empty, where there is none.
    static Expected<Slot> open_or_create(const Engine &engine, const std::string &name) {
        return opened(engine, name, WB_SLOT_CREATE);
    }

    /// The engine's slots, in the order in which they were made.
    static Expected<std::vector<wb_slot_info>> list(const Engine &engine) {
        std::vector<wb_slot_info> slots;
        for (size_t count = 0;; slots.resize(count)) {
            wb_error err = WB_ERROR_INIT;
            const int32_t status =
                wb_engine_slots(slots.data(), sizeof(wb_slot_info), slots.size(), &count, engine.get(), &err);
            if (status < 0 && status != WB_BUFFER_TOO_SMALL) return detail::error_of(status, err);
            if (status < 0) continue;
            slots.resize(count);  // none goes before the engine does
            return slots;
        }
    }

    /// What the slot serves and has done.
    Expected<wb_slot_info> describe() const {
        wb_slot_info out = {};
        out.struct_size = sizeof out;
        auto read = detail::done([&](wb_error *err) { return wb_slot_describe(&out, get(), err); });
        if (!read) return std::move(read).error();
        return out;
    }

    /// Loads a bundle beside the serving model, then swaps it in. On error the slot serves what it served before.
    Expected<void> load(const std::string &path, const LoadOptions &options = {}) {
        auto load = detail::load_handle(options);
        if (!load) return std::move(load).error();
        return detail::done([&](wb_error *err) { return wb_slot_load(get(), path.c_str(), load->get(), err); });
    }
    Expected<void> load(const Source &source, const LoadOptions &options = {}) {
        auto load = detail::load_handle(options);
        if (!load) return std::move(load).error();
        return detail::done([&](wb_error *err) { return wb_slot_load_source(get(), source.get(), load->get(), err); });
    }

    /// Points the slot at a loaded model of the same engine. WB_SCHEMA_CHANGED where callers would
    /// not survive it (wb_slot_swap).
    Expected<void> swap(const Model &model) {
        return detail::done([&](wb_error *err) { return wb_slot_swap(get(), model.get(), err); });
    }

    /// Points the slot back at the model before the last swap.
    Expected<void> rollback() {
        return detail::done([&](wb_error *err) { return wb_slot_rollback(get(), err); });
    }

    /// Lets go of the model before the last swap: there is nothing to roll back to until the next.
    Expected<void> forget_previous() {
        return detail::done([&](wb_error *err) { return wb_slot_forget_previous(get(), err); });
    }

    /// The serving model; WB_NOT_LOADED where the slot is empty.
    Expected<Model> model() const {
        auto handle = detail::made<wb_model, wb_model_free>(
            [&](wb_model **out, wb_error *err) { return wb_slot_model(out, get(), err); });
        if (!handle) return std::move(handle).error();
        return Model::adopt(handle->release());
    }

    /// Scores one payment with the serving model. Rows made for a schema that the slot has served fit.
    Expected<Result> score(Row &row, Deadline deadline = Deadline::by_engine(), const Call *call = nullptr) const {
        return detail::score_row([&](auto *out, auto... rest) { return wb_slot_score(out, get(), rest...); },
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

    /// Scores a batch with the serving model, as Model::score.
    Expected<BatchResult> score(Batch &batch, Deadline deadline = Deadline::by_engine(),
                                const Call *call = nullptr) const {
        return detail::score_batch([&](auto *out, auto... rest) { return wb_slot_score_batch(out, get(), rest...); },
                                   batch, deadline, call);
    }

    wb_slot *get() const noexcept { return handle_.get(); }

  private:
    using Handle = detail::Handle<wb_slot, wb_slot_free>;
    explicit Slot(Handle handle) : handle_(std::move(handle)) {}

    static Expected<Slot> opened(const Engine &engine, const std::string &name, int32_t create) {
        auto handle = detail::made<wb_slot, wb_slot_free>(
            [&](wb_slot **out, wb_error *err) { return wb_slot_open(out, engine.get(), name.c_str(), create, err); });
        if (!handle) return std::move(handle).error();
        return Slot(*std::move(handle));
    }

    Handle handle_;
};

}  // namespace v0
}  // namespace weighbridge
