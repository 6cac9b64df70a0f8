// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include "backend/native/native.hpp"
#include "backend/plan_run.hpp"
#include "backend/reference/reference.hpp"
#include "model/binding.hpp"
#include "plan/plan_file.hpp"
#include "support/plans.hpp"
#include "support/random_graph.hpp"

namespace weighbridge::test {

constexpr size_t kLargestFuzzInput = 1 << 20;
constexpr int64_t kLargestFuzzArena = int64_t{8} << 20;  // bytes
constexpr int64_t kLargestFuzzWork = 1 << 18;            // multiply-adds of one row, about
constexpr int64_t kFuzzRows = 3;

// What no bytes may lead to: ends the process with a line that says which.
inline void expect(bool holds, const char *what, const std::string &detail = {}) {
    if (holds) return;
    std::fprintf(stderr, "plan_input: %s %s\n", what, detail.c_str());
    std::abort();
}

// Multiply-adds of one row of a length, about; a size beyond kLargestFuzzWork is as good as any other.
inline int64_t fuzz_work(const lib::Graph &graph, int64_t length) {
    using lib::Op;
    int64_t sum = 0;
    for (const lib::Node &node : graph.nodes()) {
        auto size = [&](size_t operand, size_t from_last) {
            const auto &shape = graph.type(node.operands[operand]).shape;
            return shape[shape.size() - 1 - from_last].at(1, length);
        };
        auto elements = [&](const lib::Type &type) { return lib::product(type.shape)->at(1, length); };
        int64_t each = 1;
        if (node.op == Op::linear || node.op == Op::matmul || node.op == Op::recurrent) each = size(0, 0);
        if (node.op == Op::attention) each = 4 + 2 * size(1, 1);
        int64_t work = 0;
        if (__builtin_mul_overflow(elements(node.type), each, &work)) return INT64_MAX;
        for (lib::ValueId id : node.operands) work = std::max(work, elements(graph.type(id)));
        if (node.op == Op::attention) work = std::max(work, size(0, 1) * size(1, 1));
        if (work > kLargestFuzzWork) return work;
        sum += work;
    }
    return sum;
}

// A manifest that a plan must bind to, and one change of it that it must not.
inline void try_binding(const lib::Plan &plan) {
    const lib::Graph &graph = plan.graph();
    auto shape_of = [](const lib::Type &type) {
        lib::Shape shape;
        for (const lib::Extent &size : type.shape)
            shape.size[static_cast<size_t>(shape.rank++)] = size == lib::Extent::rows()     ? lib::kBatch
                                                            : size == lib::Extent::length() ? lib::kLength
                                                                                            : size.terms[0];
        return shape;
    };
    lib::Manifest manifest;
    manifest.tensors.resize(static_cast<size_t>(graph.inputs()));
    for (const lib::Node &node : graph.nodes()) {
        if (node.op != lib::Op::input) continue;
        lib::TensorSpec &tensor = manifest.tensors[static_cast<size_t>(node.attributes.index)];
        if (tensor.shape.rank != 0 && (tensor.dtype != node.type.dtype || tensor.shape != shape_of(node.type))) {
            expect(!lib::check_binding(plan, manifest).ok(), "an argument of two types was bound");
            return;
        }
        tensor.dtype = node.type.dtype;
        tensor.shape = shape_of(node.type);
    }
    for (lib::ValueId id : graph.outputs()) {
        lib::Output output;
        output.shape = shape_of(graph.type(id));
        if (graph.type(id).dtype != lib::DType::float32 || graph.type(id).rank() == 0 ||
            graph.type(id).shape[0] != lib::Extent::rows() ||
            std::any_of(graph.type(id).shape.begin() + 1, graph.type(id).shape.end(),
                        [](const lib::Extent &size) { return !size.known(); })) {
            manifest.outputs.push_back(output);
            manifest.outputs.resize(graph.outputs().size());
            expect(!lib::check_binding(plan, manifest).ok(), "an output that no manifest can list was bound");
            return;
        }
        manifest.outputs.push_back(output);
    }
    manifest.files["model.ts"].sha256 = lib::hex(plan.module());
    const lib::Status status = lib::check_binding(plan, manifest);
    expect(status.ok(), "a plan does not bind to its own manifest:", status.message);
    manifest.files["model.ts"].sha256[0] ^= 1;
    expect(!lib::check_binding(plan, manifest).ok(), "a plan was bound to another module's manifest");
}

// Runs a plan by the native kernels and by their twins, in each precision that every CPU has, for the least length, one
// above it and the largest: the same bits or the same refusal, and a row alone scores as it does among others.
inline void try_runs(const std::shared_ptr<const lib::Plan> &plan) {
    const lib::Graph &graph = plan->graph();
    const auto names = input_names(graph);
    for (int32_t precision : plan->precisions()) {
        if (lib::needs_bf16_instructions(precision)) continue;
        auto native = lib::make_native_program(plan, precision, lib::native::best_level(false), names);
        if (!native) continue;
        auto twin = lib::make_reference_program(plan, precision, names);
        if ((*native)->scratch_bytes(kFuzzRows) > kLargestFuzzArena ||
            twin->scratch_bytes(kFuzzRows) > kLargestFuzzArena)
            continue;
        auto executor = lib::make_lone_executor(**native, 0, kFuzzRows),
             reference = lib::make_lone_executor(*twin, 0, kFuzzRows);
        int64_t last = -1;
        for (int64_t length :
             {graph.least_length, std::min(graph.largest_length, graph.least_length + 5), graph.largest_length}) {
            if (length == std::exchange(last, length)) continue;
            if (length > 0 && !lib::has_length(graph)) break;
            if (fuzz_work(graph, length) > kLargestFuzzWork) break;
            const Inputs inputs = random_inputs(graph, kFuzzRows, length, static_cast<uint32_t>(length) + 1);
            bool unread = false;  // an argument that no node reads has no shape to give
            for (const auto &view : inputs.views) unread = unread || view.shape.rank == 0;
            if (unread) break;
            auto found = run(**executor, graph, inputs.views, kFuzzRows, length);
            auto expected = run(**reference, graph, inputs.views, kFuzzRows, length);
            expect(found.ok() == expected.ok() && found.status().code == expected.status().code,
                   "the native program and its twin end differently:",
                   found.status().message + std::string(" | ") + expected.status().message);
            if (!found) continue;
            expect(same_bits(*found, *expected), "the native program and its twin give different bits");
            auto alone = run(**executor, graph, inputs.row(1), 1, length);
            expect(alone.ok(), "a row that runs among others does not run alone:", alone.status().message);
            for (size_t i = 0; i < alone->size(); ++i) {
                const auto width = static_cast<size_t>(row_floats(graph, i, length));
                expect(same_bits(std::span((*alone)[i]), std::span((*found)[i]).subspan(width, width)),
                       "a row alone has another score than among others");
            }
        }
    }
}

// Takes bytes as a plan file whose checksum fits, and does with what is a plan all that load and scoring do. Returns
// whether it was one. Whatever the bytes are: no crash, no access out of bounds, no endless work, no two answers.
inline bool try_plan(lib::ByteView bytes) {
    if (bytes.size() > kLargestFuzzInput) return false;
    // The checksum stands in the way of everything behind it, so it is left out.
    auto plan = read_copy(bytes, lib::Checksum::compared);
    if (!plan) return false;
    auto again = read_copy(*lib::write_plan(**plan));
    expect(again.ok(), "a plan that was read cannot be read when it is written:", again.status().message);
    expect(*lib::write_plan(**again) == *lib::write_plan(**plan), "the same plan is not the same bytes");
    try_binding(**plan);
    try_runs(*plan);
    return true;
}

}  // namespace weighbridge::test
