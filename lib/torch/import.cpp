// SPDX-License-Identifier: Apache-2.0
#include "import.hpp"

#include <torch/csrc/jit/passes/constant_pooling.h>
#include <torch/csrc/jit/passes/inliner.h>

#include <algorithm>

#include "error_text.hpp"
#include "frozen.hpp"
#include "graph/passes/rewrite.hpp"
#include "guarded.hpp"
#include "interpreter.hpp"
#include "ivalue.hpp"
#include "weighbridge/c/base.h"

namespace weighbridge::torch_plugin {
namespace {

[[noreturn]] void refuse(const std::string &message) { throw Refusal{WB_INVALID_BUNDLE, message}; }

Extents symbolic(const std::vector<int64_t> &shape) {
    Extents sizes;
    for (int64_t size : shape)
        sizes.push_back(size == lib::kBatch                            ? Extent::rows()
                        : size == lib::kLength || size == lib::kTokens ? Extent::length()
                                                                       : Extent::of(size));
    return sizes;
}

void check_lengths(const lib::ImportRequest &request) {
    bool length = false, tokens = false;
    for (const lib::ImportArgument &argument : request.arguments)
        for (int64_t size : argument.shape) {
            length = length || size == lib::kLength;
            tokens = tokens || size == lib::kTokens;
        }
    if (length && tokens) refuse("expected arguments of one symbolic size, found length and tokens");
}

Value argument_value(Builder &b, const lib::ImportArgument &argument, int64_t index) {
    const Extents shape = symbolic(argument.shape);
    const DType dtype = argument.dtype == DType::int32     ? DType::int64
                        : argument.dtype == DType::float64 ? DType::float32
                                                           : argument.dtype;
    b.origin = "argument " + std::to_string(index);
    if (argument.content == lib::Content::real_mask) return tensor_of(b.full(1, shape, dtype));
    if (argument.content == lib::Content::lengths) return tensor_of(b.cast(b.full_int(Extent::length(), shape), dtype));
    const ValueId input = b.input(index, argument.dtype, shape);
    return tensor_of(argument.dtype == DType::int32 ? b.cast(input, DType::int64) : input);
}

const Value *element(const Value &returned, const lib::ImportOutput &wanted) {
    if (!wanted.key.empty()) {
        const auto *dict = returned.as<std::shared_ptr<Dict>>();
        if (!dict) return nullptr;
        for (const auto &[key, value] : **dict)
            if (key.is<std::string>() && *key.as<std::string>() == wanted.key) return &value;
        return nullptr;
    }
    if (returned.is<TensorPtr>() || returned.is<Poison>()) return wanted.index == 0 ? &returned : nullptr;
    const auto *list = returned.as<std::shared_ptr<List>>();
    const auto *tuple = returned.as<Tuple>();
    const List *elements = list ? list->get() : tuple ? tuple->elements.get() : nullptr;
    return elements && wanted.index < elements->size() ? &(*elements)[wanted.index] : nullptr;
}

void add_output(Builder &b, lib::Graph &graph, const Value &returned, const lib::ImportOutput &wanted,
                Findings &findings) {
    const std::string what = "output '" + wanted.name + "': ";
    const Value *value = element(returned, wanted);
    if (!value)
        return findings.add(what +
                            (wanted.key.empty() ? "expected place " + std::to_string(wanted.index)
                                                : "expected the key '" + wanted.key + "'") +
                            " in what forward gives, found none");
    if (value->is<Poison>()) return;
    b.origin = what + "result";
    try {
        const auto *tensor = value->as<TensorPtr>();
        if (!tensor) throw Unsupported{"expected a tensor"};
        require_fresh(**tensor);
        const auto foreign = foreign_of(**tensor);
        const bool narrow = foreign && foreign != Foreign::complex64;
        ValueId id = plain(b, narrow ? *as_it_stands(b, *tensor) : **tensor);
        if (narrow) b.origin += foreign == Foreign::float16 ? ", float16 as float32" : ", bfloat16 as float32";
        if (b.dtype(id) != DType::float32) {  // columns of results are float32
            b.origin += ", " + std::string(lib::name_of(b.dtype(id))) + " as float32";
            id = b.cast(id, DType::float32);
        }
        const Extents expected = symbolic(wanted.shape);
        if (b.shape(id) != expected)
            throw Unsupported{"expected shape " + to_string(expected) + ", found " + to_string(b.shape(id))};
        graph.add_output(graph.outputs().empty() ? b.required(id) : id);
    } catch (const Unsupported &unsupported) {
        findings.add(what + unsupported.reason);
    }
}

std::string report(const Findings &findings) {
    std::string text;
    for (const std::string &line : findings.lines()) text += (text.empty() ? "" : "\n") + line;
    return text;
}

// What forward makes of the arguments, as a graph with the results; what does not lower is in findings.
lib::Graph interpreted(const Frozen &frozen, const torch::jit::Graph &forward, const lib::ImportRequest &request,
                       const Loops &unrolled, Findings &findings) {
    lib::Graph graph;
    graph.least_length = request.least_length;
    graph.largest_length = request.largest_length;
    Builder builder(graph);
    std::vector<Value> inputs{Opaque{std::make_shared<const c10::IValue>(frozen.module._ivalue())}};
    for (size_t i = 0; i < request.arguments.size(); ++i)
        inputs.push_back(argument_value(builder, request.arguments[i], static_cast<int64_t>(i)));
    const auto &arguments = frozen.module.get_method("forward").function().getSchema().arguments();
    for (size_t i = inputs.size(); i < forward.inputs().size() && i < arguments.size(); ++i)
        inputs.push_back(arguments[i].default_value() ? from_ivalue(*arguments[i].default_value()) : Value());
    Interpreter interpreter(builder, frozen.layers, findings, unrolled);
    const std::vector<Value> returned = interpreter.run(forward, std::move(inputs));
    for (const lib::ImportOutput &wanted : request.outputs)
        add_output(builder, graph, returned.empty() ? Value() : returned[0], wanted, findings);
    return graph;
}

// Each loop over places that is no recurrence is found by a run, and unrolled from the next one on.
lib::Graph interpreted(const Frozen &frozen, const torch::jit::Graph &forward, const lib::ImportRequest &request) {
    for (Loops unrolled;;) {
        Findings findings;
        try {
            lib::Graph graph = interpreted(frozen, forward, request, unrolled, findings);
            if (!findings.lines().empty()) refuse(report(findings));
            return graph;
        } catch (const NoRecurrence &found) {
            unrolled.insert(found.loop);
        }
    }
}

}  // namespace

lib::Graph import_module(const void *bytes, size_t size, const lib::ImportRequest &request) {
    check_lengths(request);
    const c10::NoGradGuard no_grad;
    const Frozen frozen = load_frozen(bytes, size, static_cast<uint32_t>(request.arguments.size()), true);
    const torch::jit::Method forward = frozen.module.get_method("forward");
    const auto inlined = forward.graph()->copy();
    torch::jit::Inline(*inlined);
    remove_guards(inlined);
    torch::jit::ConstantPooling(inlined);

    const lib::Graph graph = interpreted(frozen, *inlined, request);
    auto needed = lib::remove_dead(graph);
    if (!needed) refuse(needed.status().message);
    if (lib::Status status = validate(*needed); !status.ok()) refuse(status.message);
    return *std::move(needed);
}

}  // namespace weighbridge::torch_plugin
