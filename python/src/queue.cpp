// SPDX-License-Identifier: Apache-2.0
// Asynchronous calls for an event loop: submits, a descriptor to watch, and what is complete. And the queue of run.cpp.
#include "queue.hpp"

#include <array>

#include "call.hpp"
#include "gil.hpp"
#include "score.hpp"
#include "single.hpp"

namespace weighbridge::python {
Completions::Completions(const PyEngine &engine, uint32_t capacity) {
    wb_error err = WB_ERROR_INIT;
    wb_queue *made = nullptr;
    check(wb_queue_create(&made, engine.engine.get(), capacity, &err), err);
    handle_.reset(made);
}

Completions::~Completions() {
    const Released released;
    wb_queue_close(get(), WB_NO_DEADLINE, nullptr);  // waits for what runs
}

size_t Completions::take(wb_completion *out, size_t capacity, int64_t deadline_ns) {
    size_t count = 0;
    wb_error err = WB_ERROR_INIT;
    int32_t status = 0;
    {
        const Released released;
        status = wb_queue_next(out, sizeof *out, capacity, &count, get(), deadline_ns, &err);
    }
    check(status, err);
    return count;
}

namespace {

// The score where a context was free and it was to be tried, else None: its completion comes by drain().
py::object submit(Completions &self, uint64_t tag, const Target &target, const std::shared_ptr<BoundSchema> &bound,
                  py::handle data, py::handle timeout, py::handle deadline_ns, bool try_inline) {
    OneRow row(bound, data);
    const int64_t deadline = deadline_of(timeout, deadline_ns);
    wb_error err = WB_ERROR_INIT;
    if (try_inline) {
        wb_result result = WB_RESULT_INIT;
        int32_t status = 0;
        {
            const Released released;
            status = target.score(&result, row.data(), deadline, inline_call(), &err);
        }
        if (status >= 0) return make_score(result);
        if (status != WB_WOULD_WAIT) check(status, err);
    }
    check(target.submit(self.get(), tag, row.data(), deadline, nullptr, &err), err);
    return py::none();
}

// (tag, Score or Error) of what is complete; never waits.
py::list drain(Completions &self) {
    std::array<wb_completion, 16> done;
    py::list out;
    for (size_t count = done.size(); count == done.size();) {
        count = self.take(done.data(), done.size(), 0);
        for (size_t i = 0; i < count; ++i) {
            const wb_completion &one = done[i];
            const wb_error &error = one.error;
            py::object what = one.status < 0 ? error_object({one.status, error.message, error.feature, error.row})
                                             : make_score(one.result);
            out.append(py::make_tuple(one.tag, std::move(what)));
        }
    }
    return out;
}

int32_t descriptor(const Completions &self) {
    int32_t out = -1;
    wb_error err = WB_ERROR_INIT;
    check(wb_queue_fd(&out, self.get(), &err), err);
    return out;
}

bool cancel(Completions &self, uint64_t tag) {
    wb_error err = WB_ERROR_INIT;
    const int32_t status = wb_queue_cancel(self.get(), tag, &err);
    if (status == WB_NOT_FOUND) return false;
    check(status, err);
    return true;
}

}  // namespace

void register_queue(py::module_ &module) {
    py::class_<Completions>(module, "Queue")
        .def(py::init<const PyEngine &, uint32_t>(), py::arg("engine"), py::arg("capacity"))
        .def_property_readonly("descriptor", &descriptor)
        .def("submit", &submit, py::arg("tag"), py::arg("target"), py::arg("schema"), py::arg("data"),
             py::arg("timeout"), py::arg("deadline_ns"), py::arg("try_inline"))
        .def("drain", &drain)
        .def("cancel", &cancel, py::arg("tag"));
}

}  // namespace weighbridge::python
