// SPDX-License-Identifier: Apache-2.0
#include "target.hpp"

#include <optional>
#include <variant>

#include "call.hpp"
#include "engine.hpp"
#include "figures.hpp"
#include "gil.hpp"
#include "interruptible.hpp"

namespace weighbridge::python {
namespace {

// A directory's path, or its files.
using Bundle = std::variant<std::string, Files>;
using Named = std::vector<std::pair<std::string, std::string>>;

class ModelTarget final : public Target {
  public:
    explicit ModelTarget(wb::Model model)
        : model_(std::move(model)), schema_(std::make_shared<BoundSchema>(model_.schema())) {}

    int32_t score(wb_result *out, void *row, int64_t deadline_ns, wb_call *call, wb_error *err) const override {
        return wb_model_score(out, model_.get(), row, deadline_ns, call, err);
    }
    int32_t score_batch(wb_batch_result *out, wb_batch *batch, int64_t deadline_ns, wb_call *call,
                        wb_error *err) const override {
        return wb_model_score_batch(out, model_.get(), batch, deadline_ns, call, err);
    }
    int32_t submit(wb_queue *queue, uint64_t tag, void *row, int64_t deadline_ns, wb_call *call,
                   wb_error *err) const override {
        return wb_model_submit(queue, tag, model_.get(), row, deadline_ns, call, err);
    }
    int32_t submit_batch(wb_batch_result *out, wb_queue *queue, uint64_t tag, wb_batch *batch, int64_t deadline_ns,
                         wb_call *call, wb_error *err) const override {
        return wb_model_submit_batch(out, queue, tag, model_.get(), batch, deadline_ns, call, err);
    }

    const wb::Model &model() const { return model_; }
    const std::shared_ptr<BoundSchema> &schema() const { return schema_; }

  private:
    wb::Model model_;
    std::shared_ptr<BoundSchema> schema_;
};

class SlotTarget final : public Target {
  public:
    explicit SlotTarget(wb::Slot slot) : slot_(std::move(slot)) {}

    int32_t score(wb_result *out, void *row, int64_t deadline_ns, wb_call *call, wb_error *err) const override {
        return wb_slot_score(out, slot_.get(), row, deadline_ns, call, err);
    }
    int32_t score_batch(wb_batch_result *out, wb_batch *batch, int64_t deadline_ns, wb_call *call,
                        wb_error *err) const override {
        return wb_slot_score_batch(out, slot_.get(), batch, deadline_ns, call, err);
    }
    int32_t submit(wb_queue *queue, uint64_t tag, void *row, int64_t deadline_ns, wb_call *call,
                   wb_error *err) const override {
        return wb_slot_submit(queue, tag, slot_.get(), row, deadline_ns, call, err);
    }
    int32_t submit_batch(wb_batch_result *out, wb_queue *queue, uint64_t tag, wb_batch *batch, int64_t deadline_ns,
                         wb_call *call, wb_error *err) const override {
        return wb_slot_submit_batch(out, queue, tag, slot_.get(), batch, deadline_ns, call, err);
    }

    wb::Slot &slot() { return slot_; }

  private:
    wb::Slot slot_;
};

wb::LoadOptions load_options(Named named, py::handle timeout, py::handle deadline_ns) {
    const bool given = !timeout.is_none() || !deadline_ns.is_none();
    wb::LoadOptions options;
    options.named = std::move(named);
    options.deadline = given ? wb::Deadline::at_ns(deadline_of(timeout, deadline_ns)) : wb::Deadline::never();
    return options;
}

// What `load` returns of the bundle as the C++ API has it. Ctrl-C ends it.
template <class Load>
auto loaded(const Bundle &bundle, wb::LoadOptions options, Load load) {
    wb::CancelToken cancel = wb::CancelToken::create().value();
    options.cancel = &cancel;
    std::optional<decltype(load(std::string(), options))> made;
    if (const auto *path = std::get_if<std::string>(&bundle)) {
        interruptible(cancel, [&] { made.emplace(load(*path, options)); });
    } else {
        const wb::Source source = source_of(std::get<Files>(bundle));
        interruptible(cancel, [&] { made.emplace(load(source, options)); });
    }
    return std::move(*made).value();
}

std::unique_ptr<ModelTarget> load_model(const PyEngine &engine, const Bundle &bundle, Named named, py::handle timeout,
                                        py::handle deadline_ns) {
    wb::Model model =
        loaded(bundle, load_options(std::move(named), timeout, deadline_ns),
               [&](const auto &from, const auto &options) { return wb::Model::load(engine.engine, from, options); });
    return std::make_unique<ModelTarget>(std::move(model));
}

py::dict describe(const wb_model_description &found) {
    py::dict out;
    out["name"] = found.name;
    out["version"] = found.version;
    out["backend"] = wb_backend_name(found.backend);
    out["precision"] = wb_precision_name(found.precision);
    out["numerics"] = found.numerics;
    out["contexts"] = found.contexts;
    out["weight_bytes"] = found.weight_bytes;
    out["context_bytes"] = found.context_bytes;
    out["not_after_s"] = found.not_after_s;
    out["bundle_sha256"] = found.bundle_sha256;
    out["plan_sha256"] = found.plan_sha256;
    out["signers"] = found.signers;
    out["signed_by"] = found.signed_by;
    return out;
}

py::dict describe(const wb_slot_info &found) {
    py::dict out;
    auto put = [&](const char *name, auto value) { out[name] = value; };
    put("name", std::string(found.name));
    put("version", std::string(found.version));
    put("previous_version", std::string(found.previous_version));
    put("generation", found.generation);
    put("since_ns", found.since_ns);
    put("bundle", found.bundle);
    put("previous_bundle", found.previous_bundle);
    put_figures(out, found);
    return out;
}

std::unique_ptr<SlotTarget> open_slot(const PyEngine &engine, const std::string &name, bool create) {
    auto slot = create ? wb::Slot::open_or_create(engine.engine, name) : wb::Slot::open(engine.engine, name);
    return std::make_unique<SlotTarget>(std::move(slot).value());
}

py::list slots(const PyEngine &engine) {
    py::list out;
    const std::vector<wb_slot_info> found = wb::Slot::list(engine.engine).value();
    for (const wb_slot_info &slot : found) out.append(describe(slot));
    return out;
}

}  // namespace

void register_targets(py::module_ &module) {
    py::class_<Target>(module, "Target");
    py::class_<ModelTarget, Target>(module, "Model")
        .def(py::init(&load_model), py::arg("engine"), py::arg("bundle"), py::arg("options"), py::arg("timeout"),
             py::arg("deadline_ns"))
        .def_property_readonly("schema", &ModelTarget::schema)
        .def_property_readonly(
            "token", [](const ModelTarget &self) { return reinterpret_cast<uintptr_t>(self.model().get()); },
            "The C handle.")
        .def("info", [](const ModelTarget &self) { return self.model().info().value(); })
        .def("describe", [](const ModelTarget &self) { return describe(self.model().describe().value()); });
    using released = py::call_guard<Released>;
    py::class_<SlotTarget, Target>(module, "Slot")
        .def(py::init(&open_slot), py::arg("engine"), py::arg("name"), py::arg("create"))
        .def(
            "load",
            [](SlotTarget &self, const Bundle &bundle, Named named, py::handle timeout, py::handle deadline_ns) {
                loaded(bundle, load_options(std::move(named), timeout, deadline_ns),
                       [&](const auto &from, const auto &options) { return self.slot().load(from, options); });
            },
            py::arg("bundle"), py::arg("options"), py::arg("timeout"), py::arg("deadline_ns"))
        .def(
            "swap", [](SlotTarget &self, const ModelTarget &model) { self.slot().swap(model.model()).value(); },
            py::arg("model"), released())
        .def(
            "rollback", [](SlotTarget &self) { self.slot().rollback().value(); }, released())
        .def(
            "forget_previous", [](SlotTarget &self) { self.slot().forget_previous().value(); }, released())
        .def("model", [](SlotTarget &self) { return std::make_unique<ModelTarget>(self.slot().model().value()); })
        .def("describe", [](SlotTarget &self) { return describe(self.slot().describe().value()); });
    module.def("slots", &slots, py::arg("engine"));
}

}  // namespace weighbridge::python
