// SPDX-License-Identifier: Apache-2.0
#include "interpreter.hpp"

#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/runtime/operator.h>

#include <algorithm>
#include <exception>
#include <new>

#include "ivalue.hpp"
#include "torch/lower/scalars.hpp"

namespace weighbridge::torch_plugin {
namespace {

constexpr int64_t kMaxIterations = 4096;
constexpr size_t kMaxReason = 300;

bool poisoned(const Value &value) {
    if (value.is<Poison>()) return true;
    auto any = [](const List &list) { return std::any_of(list.begin(), list.end(), poisoned); };
    if (const auto *list = value.as<std::shared_ptr<List>>()) return any(**list);
    if (const auto *tuple = value.as<Tuple>()) return any(*tuple->elements);
    return false;
}

bool holds_tensor(const Value &value) {
    if (value.is<TensorPtr>()) return true;
    auto any = [](const List &list) { return std::any_of(list.begin(), list.end(), holds_tensor); };
    if (const auto *list = value.as<std::shared_ptr<List>>()) return any(**list);
    if (const auto *tuple = value.as<Tuple>()) return any(*tuple->elements);
    return false;
}

bool is_random(const std::string &name) {
    static const std::set<std::string, std::less<>> kNames{
        "aten::rand",         "aten::randn",      "aten::randint",     "aten::randperm",
        "aten::rand_like",    "aten::randn_like", "aten::normal",      "aten::normal_",
        "aten::bernoulli",    "aten::bernoulli_", "aten::multinomial", "aten::uniform_",
        "aten::exponential_", "aten::random_",    "aten::poisson",     "aten::randint_like"};
    return kNames.count(name) > 0;
}

// "aten::add_" writes into its first argument; "aten::__and__" does not.
bool in_place(const std::string &name) { return name.size() > 3 && name.back() == '_' && name[name.size() - 2] != '_'; }

std::string first_line(std::string text) {
    text = text.substr(0, std::min(text.find('\n'), kMaxReason));
    return text;
}

std::string base_name(const std::string &path) { return path.substr(path.find_last_of('/') + 1); }

bool is_library(const std::string &file) {
    return file.find("/torch/") != std::string::npos || file.rfind("torch/", 0) == 0;
}

// A traced node's range is a Python stack, innermost first: "/path/model.py(12): forward".
std::string of_stack(const std::string &text) {
    std::string first;
    size_t at = 0;
    while (at < text.size()) {
        const size_t end = std::min(text.find('\n', at), text.size());
        const std::string line = text.substr(at, end - at);
        at = end + 1;
        const size_t close = line.find("): "), open = line.rfind('(', close);
        if (close == std::string::npos || open == std::string::npos || open == 0) continue;
        const std::string file = line.substr(0, open), number = line.substr(open + 1, close - open - 1);
        if (number.empty() || number.find_first_not_of("0123456789") != std::string::npos) continue;
        const std::string origin = base_name(file) + ":" + number;
        if (first.empty()) first = origin;
        if (!is_library(file)) return origin;
    }
    return first;
}

}  // namespace

std::string origin_of(const torch::jit::Node &node) {
    std::vector<torch::jit::SourceRange> ranges{node.sourceRange()};
    if (const auto stack = node.callstack()) {
        auto frames = (*stack)->vec();
        for (auto frame = frames.rbegin(); frame != frames.rend(); ++frame) ranges.push_back(std::get<1>(*frame));
    }
    std::string first;
    for (const auto &range : ranges) {
        if (!range.source()) continue;
        if (const std::string stack = of_stack(range.source()->text_str().str()); !stack.empty()) return stack;
        // The Python line, where the module has its debug files; else the line of the code in it.
        const auto written = range.findSourceRangeThatGenerated();
        const auto place = (written ? *written : range).file_line_col();
        if (!place || std::get<0>(*place).empty()) continue;
        const std::string &file = std::get<0>(*place);
        const std::string origin = base_name(file) + ":" + std::to_string(std::get<1>(*place));
        if (first.empty()) first = origin;
        if (!is_library(file)) return origin;
    }
    return first;
}

std::vector<Value> Interpreter::run(const torch::jit::Graph &graph, std::vector<Value> inputs) {
    for (size_t i = 0; i < inputs.size(); ++i) set(graph.inputs()[i], std::move(inputs[i]));
    run_block(*graph.block());
    std::vector<Value> outputs;
    for (const torch::jit::Value *value : graph.outputs()) outputs.push_back(get(value));
    return outputs;
}

const Value &Interpreter::get(const torch::jit::Value *value) const {
    static const Value kPoison = Poison{};
    const auto found = values_.find(value);
    return found == values_.end() ? kPoison : found->second;
}

void Interpreter::set_outputs(const torch::jit::Node &node, std::vector<Value> values) {
    for (size_t i = 0; i < node.outputs().size() && i < values.size(); ++i)
        set(node.outputs()[i], std::move(values[i]));
}

void Interpreter::poison(const torch::jit::Node &node) {
    for (const torch::jit::Value *output : node.outputs()) set(output, Poison{});
}

void Interpreter::run_block(const torch::jit::Block &block) {
    for (const torch::jit::Node *node : block.nodes()) run_node(*node);
}

void Interpreter::run_node(const torch::jit::Node &node) {
    if (node.kind() == c10::prim::Constant) return constant(node);
    const std::string name = node.kind().toQualString();
    const std::string place = origin_of(node);
    builder_.origin = place.empty() ? name : place + ", " + name;
    auto report = [&](const std::string &reason) {
        findings_.add(name + (place.empty() ? "" : ", " + place) + ": " + first_line(reason));
        poison(node);
    };
    try {
        if (run_primitive(node)) return;
        for (const torch::jit::Value *input : node.inputs())
            if (poisoned(get(input))) return poison(node);
        run_operator(node);
    } catch (const Unsupported &unsupported) {
        report(unsupported.reason);
    } catch (const c10::Error &error) {
        report(error.what_without_backtrace());
    } catch (const std::bad_alloc &) {
        throw;
    } catch (const std::exception &error) {
        report(error.what());
    }
}

void Interpreter::constant(const torch::jit::Node &node) {
    const auto found = constants_.find(&node);
    if (found != constants_.end()) return set(node.output(), found->second);
    Value value = Poison{};
    if (const auto held = torch::jit::toIValue(node.output())) {
        try {
            value = from_ivalue(*held);
        } catch (const Unsupported &unsupported) {
            const std::string place = origin_of(node);
            findings_.add("prim::Constant" + (place.empty() ? "" : ", " + place) + ": " + unsupported.reason);
        }
        protect(*held);
    }
    constants_[&node] = value;
    set(node.output(), std::move(value));
}

bool Interpreter::run_primitive(const torch::jit::Node &node) {
    List inputs;
    for (const torch::jit::Value *input : node.inputs()) inputs.push_back(get(input));
    const std::string name = node.kind().toQualString();
    if (name == "prim::If") {
        run_if(node);
    } else if (name == "prim::Loop") {
        run_loop(node);
    } else if (name == "prim::ListConstruct") {
        set(node.output(), list_of(std::move(inputs)));
    } else if (name == "prim::TupleConstruct") {
        set(node.output(), tuple_of(std::move(inputs)));
    } else if (name == "prim::DictConstruct") {
        auto dict = std::make_shared<Dict>();
        for (size_t i = 0; i + 1 < inputs.size(); i += 2) dict->emplace_back(inputs[i], inputs[i + 1]);
        set(node.output(), dict);
    } else if (name == "prim::ListUnpack" || name == "prim::TupleUnpack") {
        if (inputs[0].is<Poison>()) {
            poison(node);
            return true;
        }
        const auto *list = inputs[0].as<std::shared_ptr<List>>();
        const auto *tuple = inputs[0].as<Tuple>();
        if (!list && !tuple) throw Unsupported{"expected a list or a tuple"};
        const List &elements = list ? **list : *tuple->elements;
        if (elements.size() != node.outputs().size())
            throw Unsupported{"expected " + std::to_string(node.outputs().size()) + " elements, found " +
                              std::to_string(elements.size())};
        set_outputs(node, elements);
    } else if (name == "prim::TupleIndex") {
        const auto *tuple = inputs[0].as<Tuple>();
        const auto *place = inputs[1].as<Extent>();
        if (!tuple || !place) {
            poison(node);
            return true;
        }
        const auto size = static_cast<int64_t>(tuple->elements->size());
        set(node.output(),
            tuple->elements->at(static_cast<size_t>(place->terms[0] < 0 ? place->terms[0] + size : place->terms[0])));
    } else if (name == "prim::GetAttr") {
        const auto *object = inputs[0].as<Opaque>();
        if (!object) throw Unsupported{"an attribute of something unknown"};
        attribute(node, *object);
    } else if (name == "prim::SetAttr") {
        throw Unsupported{"keeps state in '" + node.s(c10::attr::name) + "'"};
    } else if (name == "prim::RaiseException") {
        const auto *text = inputs[0].as<std::string>();
        throw Unsupported{"raises for every input: " + (text ? first_line(*text) : std::string("an exception"))};
    } else if (name == "prim::unchecked_cast" || name == "prim::unchecked_unwrap_optional" ||
               name == "aten::_unwrap_optional" || name == "prim::annotate") {
        set(node.output(), inputs[0]);
    } else if (name == "prim::Uninitialized") {
        set(node.output(), Undecided{"a value that is never set"});
    } else if (name == "prim::device" && inputs[0].is<TensorPtr>()) {
        set(node.output(), Opaque{std::make_shared<const c10::IValue>(c10::Device(c10::kCPU))});
    } else if (name == "aten::warn" || name == "prim::Print" || name == "aten::_assert_tensor_metadata") {
        // Nothing to compute.
    } else if (name == "aten::format") {
        set(node.output(), std::string("..."));  // of messages
    } else if (name == "prim::CallMethod" || name == "prim::CallFunction" || name == "prim::PythonOp" ||
               name == "prim::fork") {
        throw Unsupported{"a call that was not inlined"};
    } else {
        return false;
    }
    return true;
}

// Freezing leaves an attribute where it cannot prove that forward only reads it; a write is found when it comes.
void Interpreter::attribute(const torch::jit::Node &node, const Opaque &object) {
    const auto &owner = static_cast<const c10::IValue *>(object.value.get())->toObjectRef();
    const std::string &name = node.s(c10::attr::name);
    const auto key = std::make_pair(static_cast<const void *>(&owner), name);
    const auto found = attributes_.find(key);
    if (found != attributes_.end()) return set(node.output(), found->second);
    const c10::IValue held = owner.getAttr(name);
    protect(held);
    Value value = held.isObject() ? Value(Opaque{std::make_shared<const c10::IValue>(held)}) : from_ivalue(held);
    attributes_.emplace(key, value);
    set(node.output(), std::move(value));
}

void Interpreter::protect(const c10::IValue &held) {
    if (held.isTensor() && held.toTensor().defined()) weights_.insert(held.toTensor().storage().unsafeGetStorageImpl());
    if (held.isTensorList())
        for (const at::Tensor &tensor : held.toTensorVector()) weights_.insert(tensor.storage().unsafeGetStorageImpl());
}

void Interpreter::run_if(const torch::jit::Node &node) {
    const Value condition = get(node.input());
    if (condition.is<Poison>()) return poison(node);
    const torch::jit::Block *branch = node.blocks()[decided(builder_, condition) ? 0 : 1];
    run_block(*branch);
    for (size_t i = 0; i < node.outputs().size(); ++i) set(node.outputs()[i], get(branch->outputs()[i]));
}

void Interpreter::run_loop(const torch::jit::Node &node) {
    const torch::jit::Block &body = *node.blocks()[0];
    Value condition = get(node.inputs()[1]);
    const Value &most = get(node.inputs()[0]);
    if (condition.is<Poison>() || most.is<Poison>()) return poison(node);
    const auto *trips = most.as<Extent>();
    if (!trips) throw Unsupported{"a loop whose count depends on data"};
    if (!trips->known()) throw Unsupported{"a loop of " + to_string(*trips) + " rounds"};
    const int64_t end = trips->terms[0];
    std::vector<Value> carried;
    for (size_t i = 2; i < node.inputs().size(); ++i) carried.push_back(get(node.inputs()[i]));
    int64_t round = 0;
    while (round < end && decided(builder_, condition)) {
        if (round >= kMaxIterations)
            throw Unsupported{"a loop of more than " + std::to_string(kMaxIterations) + " rounds"};
        set(body.inputs()[0], Extent::of(round));
        for (size_t i = 0; i < carried.size(); ++i) set(body.inputs()[i + 1], carried[i]);
        run_block(body);
        condition = get(body.outputs()[0]);
        if (condition.is<Poison>()) return poison(node);
        for (size_t i = 0; i < carried.size(); ++i) carried[i] = get(body.outputs()[i + 1]);
        ++round;
    }
    set_outputs(node, std::move(carried));
}

std::vector<Value> Interpreter::compute(const torch::jit::Node &node, const std::vector<Value> &arguments) {
    torch::jit::Stack stack;
    for (size_t i = 0; i < arguments.size(); ++i) stack.push_back(to_ivalue(arguments[i], node.inputs()[i]->type()));
    if (node.hasNamedInput("self") && node.schema().is_mutable() && !stack.empty() && stack[0].isTensor() &&
        weights_.count(stack[0].toTensor().storage().unsafeGetStorageImpl()))
        throw Unsupported{"writes into a weight or a constant"};
    node.getOperation()(stack);
    std::vector<Value> results;
    for (const c10::IValue &value : stack) results.push_back(from_ivalue(value));
    return results;
}

Value Interpreter::lower(const torch::jit::Node &node, const std::string &name, const std::vector<Value> &arguments) {
    const auto found = registry().find(name);
    if (found == registry().end()) throw Unsupported{"not supported"};
    Call call{builder_, name, {}, node.outputs().size()};
    const auto *schema = node.maybeSchema();
    if (!schema) throw Unsupported{"not supported"};
    for (size_t i = 0; i < arguments.size(); ++i) {
        std::string argument = schema->arguments()[i].name();
        if (argument == "a" && i == 0) argument = "self";  // of operators on Python numbers
        if (argument == "b" && i == 1) argument = "other";
        call.arguments.emplace_back(std::move(argument), arguments[i]);
    }
    return found->second(call);
}

void Interpreter::run_in_place(const torch::jit::Node &node, const std::string &name, std::vector<Value> arguments) {
    const auto *target = arguments[0].as<TensorPtr>();
    if (!target) throw Unsupported{"writes into something that is no tensor"};
    const TensorPtr tensor = *target;
    const Extents shape = shape_of(builder_, *tensor);
    const DType dtype = dtype_of(builder_, *tensor);
    const Value made = lower(node, name.substr(0, name.size() - 1), arguments);
    const auto *written = made.as<TensorPtr>();
    if (!written) throw Unsupported{"not supported"};
    if (*written != tensor) {
        const ValueId id = builder_.expand(builder_.cast(plain(builder_, **written), dtype), shape);
        write(builder_, tensor, id);
    }
    set_outputs(node, {tensor});
}

void Interpreter::run_operator(const torch::jit::Node &node) {
    const std::string name = node.kind().toQualString();
    std::vector<Value> arguments;
    for (const torch::jit::Value *input : node.inputs()) arguments.push_back(get(input));
    if (auto answer = container_operator(name, arguments)) return set_outputs(node, {std::move(*answer)});
    if (auto answer = question(builder_, name, arguments)) return set_outputs(node, {std::move(*answer)});
    if (is_random(name)) throw Unsupported{"draws random numbers"};
    if (std::all_of(arguments.begin(), arguments.end(), is_concrete)) {
        const bool writes = node.maybeSchema() && node.maybeSchema()->is_mutable();
        std::vector<Value> results = compute(node, arguments);
        if (writes && in_place(name)) results = {arguments[0]};
        return set_outputs(node, std::move(results));
    }
    if (auto answer = scalar_operator(builder_, name, arguments)) return set_outputs(node, {std::move(*answer)});
    for (const Value &argument : arguments)
        if (const auto *undecided = argument.as<Undecided>()) throw Unsupported{undecided->what};
    if (in_place(name) && !registry().count(name)) return run_in_place(node, name, std::move(arguments));
    const Value made = lower(node, name, arguments);
    if (const auto *several = made.as<Tuple>(); several && (node.outputs().size() > 1 || name == "aten::embedding_bag"))
        return set_outputs(node, *several->elements);
    if (const auto *several = made.as<Tuple>(); several && node.outputs().size() == 1)
        return set_outputs(node, {several->elements->at(0)});
    set_outputs(node, {made});
}

}  // namespace weighbridge::torch_plugin
