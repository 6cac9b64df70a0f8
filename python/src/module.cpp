// SPDX-License-Identifier: Apache-2.0
// weighbridge._native: the C++ API for the package weighbridge, whose Python files are what users see. Every call that
// may wait releases the GIL; nothing relies on it (in_use.hpp).
#include <pybind11/pybind11.h>

#include "arrays.hpp"
#include "block.hpp"
#include "encode.hpp"
#include "engine.hpp"
#include "queue.hpp"
#include "row.hpp"
#include "run.hpp"
#include "score.hpp"
#include "scorer.hpp"
#include "single.hpp"
#include "target.hpp"

PYBIND11_MODULE(_native, module, pybind11::mod_gil_not_used()) {
    namespace wp = weighbridge::python;
    if (!weighbridge::abi_matches())
        throw pybind11::import_error("weighbridge: built for C ABI " + std::to_string(WB_ABI_VERSION) + "." +
                                     std::to_string(WB_ABI_MINOR) + " or a later minor, the library has " +
                                     std::to_string(wb_abi_version()) + "." + std::to_string(wb_abi_minor()));
    module.attr("__version__") = wb_version();
    (void)wp::Mark::epoch();
    wp::register_errors();
    wp::register_schema(module);
    wp::register_engine(module);
    wp::register_targets(module);
    wp::register_row(module);
    wp::register_score(module);
    wp::register_single(module);
    wp::register_scorer(module);
    wp::register_block(module);
    wp::register_columns(module);
    wp::register_objects(module);
    wp::register_arrow(module);
    wp::register_run(module);
    wp::register_encode(module);
    wp::register_queue(module);
    wp::register_arrays(module);
    module.def("status_name", &wb_status_name, pybind11::arg("status"));
    module.def("reason_name", &wb_reason_name, pybind11::arg("reason"));
}
