// SPDX-License-Identifier: Apache-2.0
#include "interpreter.hpp"

#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/runtime/operator.h>

#include <algorithm>
#include <exception>
#include <new>

#include "advice.hpp"
#include "foldable.hpp"
#include "ivalue.hpp"
#include "torch/lower/scalars.hpp"

namespace weighbridge::torch_plugin {
namespace {

constexpr size_t kMaxReason = 300;

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

bool reshapes_in_place(const std::string &name) {
    static const std::set<std::string, std::less<>> kNames{"aten::unsqueeze_", "aten::squeeze_",  "aten::transpose_",
                                                           "aten::t_",         "aten::swapaxes_", "aten::swapdims_"};
    return kNames.count(name) > 0;
}

std::string first_line(std::string text) {
    text = text.substr(0, std::min(text.find('\n'), kMaxReason));
    return text;
}

}  // namespace

bool poisoned(const Value &value) {
    if (value.is<Poison>()) return true;
    auto any = [](const List &list) { return std::any_of(list.begin(), list.end(), poisoned); };
    if (const auto *list = value.as<std::shared_ptr<List>>()) return any(**list);
    if (const auto *tuple = value.as<Tuple>()) return any(*tuple->elements);
    return false;
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
    const std::string line = line_of(node);
    builder_.origin = line.empty() ? name : line + ", " + name;
    auto report = [&](const std::string &reason) {
        this->report(node, reason);
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

void Interpreter::report(const torch::jit::Node &node, const std::string &reason) {
    std::string text = node.kind().toQualString();
    for (const std::string &part : {layers_.layer_of(node), line_of(node)})
        if (!part.empty()) text += ", " + part;
    findings_.add(text + ": " + with_advice(first_line(reason)));
}

void Interpreter::constant(const torch::jit::Node &node) {
    const auto found = constants_.find(&node);
    if (found != constants_.end()) return set(node.output(), found->second);
    Value value = Poison{};
    if (const auto held = torch::jit::toIValue(node.output())) {
        try {
            value = from_ivalue(*held);
            // Tracing stores a Python number as a float64 tensor of rank 0.
            const auto *tensor = value.as<TensorPtr>();
            if (tensor && shape_of(builder_, **tensor).empty() && !foreign_of(**tensor) &&
                dtype_of(builder_, **tensor) == DType::float64)
                (*tensor)->number = true;
        } catch (const Unsupported &unsupported) {
            report(node, unsupported.reason);
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
        unpack(node, inputs[0]);
    } else if (name == "prim::TupleIndex") {
        tuple_element(node, inputs[0], inputs[1]);
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
    } else if (name == "prim::isinstance" && inputs[0].is<TensorPtr>()) {
        const auto &types = node.tys(c10::attr::types);
        set(node.output(), std::any_of(types.begin(), types.end(),
                                       [](const auto &type) { return type->kind() == c10::TypeKind::TensorType; }));
    } else if (name == "aten::warn" || name == "aten::_assert_tensor_metadata") {
        // A check or a warning: no result.
    } else if (name == "aten::format") {
        set(node.output(), std::string("..."));  // only messages are formatted
    } else if (name == "prim::CallMethod" || name == "prim::CallFunction" || name == "prim::PythonOp" ||
               name == "prim::fork") {
        throw Unsupported{"a call that was not inlined"};
    } else {
        return false;
    }
    return true;
}

void Interpreter::unpack(const torch::jit::Node &node, const Value &whole) {
    if (whole.is<Poison>()) return poison(node);
    const auto *list = whole.as<std::shared_ptr<List>>();
    const auto *tuple = whole.as<Tuple>();
    if (!list && !tuple) throw Unsupported{"expected a list or a tuple"};
    const List &elements = list ? **list : *tuple->elements;
    if (elements.size() != node.outputs().size())
        throw Unsupported{"expected " + std::to_string(node.outputs().size()) + " elements, found " +
                          std::to_string(elements.size())};
    set_outputs(node, elements);
}

void Interpreter::tuple_element(const torch::jit::Node &node, const Value &whole, const Value &at) {
    const auto *tuple = whole.as<Tuple>();
    const auto *place = at.as<Extent>();
    if (!tuple || !place) return poison(node);
    const auto size = static_cast<int64_t>(tuple->elements->size());
    set(node.output(),
        tuple->elements->at(static_cast<size_t>(place->terms[0] < 0 ? place->terms[0] + size : place->terms[0])));
}

// Reads an attribute that freezing left, because it could not prove that forward only reads it. A write to it is
// refused when it is reached.
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
    if (run_guard(node, condition)) return;
    const torch::jit::Block *branch = node.blocks()[decided(builder_, condition) ? 0 : 1];
    run_block(*branch);
    for (size_t i = 0; i < node.outputs().size(); ++i) set(node.outputs()[i], get(branch->outputs()[i]));
}

std::vector<Value> Interpreter::compute(const torch::jit::Node &node, const std::vector<Value> &arguments) {
    torch::jit::Stack stack;
    const c10::FunctionSchema *schema = node.maybeSchema();
    if (!schema || !may_fold(node.kind().toQualString(), *schema)) throw Unsupported{"not supported"};
    for (size_t i = 0; i < arguments.size(); ++i) {
        stack.push_back(to_ivalue(arguments[i], node.inputs()[i]->type()));
        const c10::AliasInfo *alias = i < schema->arguments().size() ? schema->arguments()[i].alias_info() : nullptr;
        const c10::IValue &given = stack.back();
        if (alias && alias->isWrite() && given.isTensor() &&
            weights_.count(given.toTensor().storage().unsafeGetStorageImpl()))
            throw Unsupported{"writes into a weight or a constant"};
    }
    node.getOperation()(stack);
    std::vector<Value> results;
    for (const c10::IValue &value : stack) results.push_back(from_ivalue(value));
    return results;
}

Value Interpreter::lower(const torch::jit::Node &node, const std::string &name, const std::vector<Value> &arguments) {
    Call call{builder_, name, {}, node.outputs().size()};
    const auto *schema = node.maybeSchema();
    if (!schema || arguments.size() > schema->arguments().size()) throw Unsupported{"not supported"};
    for (size_t i = 0; i < arguments.size(); ++i) {
        const c10::Argument &declared = schema->arguments()[i];
        if (declared.is_out()) throw Unsupported{"writes into '" + declared.name() + "'; take what it gives instead"};
        Argument argument{declared.name(), arguments[i]};
        if (argument.name == "a" && i == 0) argument.name = "self";  // operators on Python numbers have a, b
        if (argument.name == "b" && i == 1) argument.name = "other";
        if (declared.default_value()) argument.otherwise = from_ivalue(*declared.default_value());
        call.arguments.push_back(std::move(argument));
    }
    return lower_operator(call);
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
    if ((*written)->kind != Tensor::Kind::graph && tensor->kind == Tensor::Kind::folded && !tensor->folded->alone())
        throw Unsupported{"writes into a weight or a constant"};
    const bool as_it_is = !tensor->view && !builder_.round;  // also where it is no value of the graph
    if ((*written)->kind == Tensor::Kind::row_index && as_it_is) {
        tensor->kind = Tensor::Kind::row_index;
        tensor->rows = (*written)->rows;
        tensor->version = ++tensor->storage->version;
    } else if ((*written)->kind == Tensor::Kind::size && as_it_is) {
        tensor->kind = Tensor::Kind::size;
        tensor->size = (*written)->size;
        tensor->version = ++tensor->storage->version;
    } else if (*written != tensor) {
        const ValueId id = builder_.expand(builder_.cast(plain(builder_, **written), dtype), shape);
        write(builder_, tensor, id);
    }
    set_outputs(node, {tensor});
}

// x.unsqueeze_(1): the object sees its elements in another shape from then on. What else sees them is stale.
void Interpreter::reshape_in_place(const torch::jit::Node &node, const std::string &name,
                                   const std::vector<Value> &arguments) {
    const auto *target = arguments[0].as<TensorPtr>();
    const Value made = lower(node, name.substr(0, name.size() - 1), arguments);
    const auto *seen = made.as<TensorPtr>();
    if (!target || !seen) throw Unsupported{"not supported"};
    if (builder_.round) throw Unsupported{"a loop over places that writes a shape in place"};
    if (*seen != *target) {
        const int64_t version = ++(*target)->storage->version;
        **target = Tensor(**seen);
        (*target)->view.reset();
        (*target)->version = version;
    }
    set_outputs(node, {*target});
}

void Interpreter::run_operator(const torch::jit::Node &node) {
    const std::string name = node.kind().toQualString();
    std::vector<Value> arguments;
    for (const torch::jit::Value *input : node.inputs()) arguments.push_back(get(input));
    const bool writes = node.maybeSchema() && node.maybeSchema()->is_mutable();
    if (loops_over_places_ > 0 && writes) return append_each(name, arguments);
    if (builder_.round && writes && arguments[0].is<std::shared_ptr<Dict>>())
        throw Unsupported{"a loop over places that writes into a dict"};
    // Within a loop a list that it fills has grown to its round only, which nothing else than the round knows.
    if (loops_over_places_ == 0 || (arguments.size() == 2 && arguments[1].is<EachPlace>()))
        if (auto answer = of_places(builder_, name, arguments)) return set_outputs(node, {std::move(*answer)});
    if (auto answer = container_operator(name, arguments)) return set_outputs(node, {std::move(*answer)});
    if (auto answer = tensor_property(builder_, name, arguments)) return set_outputs(node, {std::move(*answer)});
    if (is_random(name)) throw Unsupported{"draws random numbers"};
    // In a round that not all sequences reach, a write depends on the length.
    if (!(writes && builder_.round) && std::all_of(arguments.begin(), arguments.end(), is_concrete)) {
        std::vector<Value> results = compute(node, arguments);
        if (writes && in_place(name)) results = {arguments[0]};
        return set_outputs(node, std::move(results));
    }
    if (auto answer = scalar_operator(builder_, name, arguments)) return set_outputs(node, {std::move(*answer)});
    for (const Value &argument : arguments)
        if (const auto *undecided = argument.as<Undecided>()) throw Unsupported{undecided->what};
    if (reshapes_in_place(name)) return reshape_in_place(node, name, arguments);
    if (in_place(name) && !registry().count(name)) return run_in_place(node, name, std::move(arguments));
    const Value made = lower(node, name, arguments);
    if (const auto *several = made.as<Tuple>(); several && (node.outputs().size() > 1 || name == "aten::embedding_bag"))
        return set_outputs(node, *several->elements);
    if (const auto *several = made.as<Tuple>(); several && node.outputs().size() == 1)
        return set_outputs(node, {several->elements->at(0)});
    set_outputs(node, {made});
}

}  // namespace weighbridge::torch_plugin
