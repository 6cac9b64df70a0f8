// SPDX-License-Identifier: Apache-2.0
#include "engine.hpp"

#include "call.hpp"
#include "figures.hpp"
#include "gil.hpp"

namespace weighbridge::python {
namespace {

using Named = std::vector<std::pair<std::string, std::string>>;

PyEngine create(Named named) {
    bool threads = true;
    for (const auto &[name, text] : named)
        if (name == "async_threads") threads = text != "0";
    return {wb::Engine::create({.named = std::move(named)}).value(), threads};
}

py::dict snapshot(const PyEngine &self) {
    const wb_snapshot found = self.engine.snapshot().value();
    py::dict out;
    auto put = [&](const char *name, auto value) { out[name] = value; };
    put("contexts", found.contexts);
    put("waiting", found.waiting);
    put("models", found.models);
    put("swaps", found.swaps);
    put_figures(out, found);
    put("handles", std::vector<uint32_t>(std::begin(found.handles), std::end(found.handles)));
    return out;
}

py::tuple events(PyEngine &self) {
    const wb::Events found = self.engine.events().value();
    py::list out;
    for (const wb_event &event : found.taken) {
        py::dict one;
        one["event"] = wb_event_name(event.event);
        one["level"] = event.level;
        one["time_ns"] = event.time_ns;
        one["count"] = event.count;
        one["slot"] = event.slot;
        one["version"] = event.version;
        one["message"] = event.message;
        out.append(one);
    }
    return py::make_tuple(out, found.dropped);
}

py::list options(const std::vector<wb_option_info> &listed) {
    py::list out;
    for (const wb_option_info &option : listed) {
        py::dict one;
        one["name"] = option.name;
        one["form"] = option.form;
        one["initial"] = option.initial;
        one["help"] = option.help;
        out.append(one);
    }
    return out;
}

}  // namespace

void register_engine(py::module_ &module) {
    py::class_<PyEngine>(module, "Engine")
        .def(py::init(&create), py::arg("options"))
        .def(
            "close",
            [](PyEngine &self, py::handle timeout) {
                const int64_t deadline = deadline_of(timeout, py::none());
                const Released released;
                self.engine.close(wb::Deadline::at_ns(deadline)).value();
            },
            py::arg("timeout"))
        .def("metrics", [](const PyEngine &self) { return self.engine.metrics().value(); })
        .def(
            "maintain", [](PyEngine &self) { self.engine.maintain().value(); }, py::call_guard<Released>())
        .def(
            "work",
            [](PyEngine &self, py::handle timeout) {
                const int64_t deadline = deadline_of(timeout, py::none());
                const Released released;
                return self.engine.work(wb::Deadline::at_ns(deadline)).value();
            },
            py::arg("timeout"))
        .def_property_readonly("default_deadline_us",
                               [](const PyEngine &self) { return self.engine.default_deadline().value().count(); })
        .def("snapshot", &snapshot)
        .def("events", &events);
    module.def("engine_options", [] { return options(wb::engine_option_list()); });
    module.def("load_options", [] { return options(wb::load_option_list()); });
    module.def("system_info", [] { return wb::system_info().value(); });
}

}  // namespace weighbridge::python
