// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pybind11/pybind11.h>

namespace weighbridge::python {

// The counters and latencies that an engine's snapshot and a slot's description have in common.
template <class T>
void put_figures(pybind11::dict &out, const T &found) {
    auto put = [&](const char *name, auto value) { out[name] = value; };
    put("requests", found.requests);
    put("rows", found.rows);
    put("fallbacks", found.fallbacks);
    put("overloaded", found.overloaded);
    put("expired", found.expired);
    put("invalid", found.invalid);
    put("failed", found.failed);
    put("latency_p50_ns", found.latency_p50_ns);
    put("latency_p90_ns", found.latency_p90_ns);
    put("latency_p99_ns", found.latency_p99_ns);
    put("latency_p999_ns", found.latency_p999_ns);
    put("latency_max_ns", found.latency_max_ns);
}

}  // namespace weighbridge::python
