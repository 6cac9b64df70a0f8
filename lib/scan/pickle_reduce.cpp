// SPDX-License-Identifier: Apache-2.0
// What a pickle calls: functions that rebuild tensors, lists and objects.
#include <algorithm>

#include "scan/pickle_reader.hpp"
#include "scan/types.hpp"

namespace weighbridge::lib {
namespace {

using Kind = PickleValue::Kind;

constexpr size_t kMostRank = 64;  // LibTorch's own limit

struct StorageType {
    std::string_view name;
    int64_t bytes;
};
constexpr StorageType kStorages[] = {{"FloatStorage", 4},    {"DoubleStorage", 8},       {"HalfStorage", 2},
                                     {"BFloat16Storage", 2}, {"LongStorage", 8},         {"IntStorage", 4},
                                     {"ShortStorage", 2},    {"CharStorage", 1},         {"ByteStorage", 1},
                                     {"BoolStorage", 1},     {"ComplexFloatStorage", 8}, {"ComplexDoubleStorage", 16}};

// Functions that pickles of modules call, by what they give.
constexpr std::string_view kRebuild = "torch._utils._rebuild_tensor_v2", kOrdered = "collections.OrderedDict",
                           kDevice = "torch.device", kTag = "torch.jit._pickle.restore_type_tag",
                           kComplex = "builtins.complex";
struct ListBuilder {
    std::string_view name, type;
};
constexpr ListBuilder kLists[] = {{"torch.jit._pickle.build_intlist", "int"},
                                  {"torch.jit._pickle.build_tensorlist", "Tensor"},
                                  {"torch.jit._pickle.build_doublelist", "float"},
                                  {"torch.jit._pickle.build_boollist", "bool"}};

// What stands in code for an Enum's value; "" where that is not certain, as with escapes. LibTorch makes nothing of a
// value that the Enum lacks, and what follows would be taken for it.
std::string literal_of(const PickleValue &value) {
    if (value.kind == Kind::integer) return std::to_string(value.integer);
    const bool plain = value.kind == Kind::text && value.text.find_first_of("\\\"") == value.text.npos;
    return plain ? formatted("\"{}\"", value.text) : std::string();
}

const StorageType *storage_type(std::string_view name) {
    for (const StorageType &one : kStorages)
        if (name.starts_with("torch.") && name.substr(6) == one.name) return &one;
    return nullptr;
}

}  // namespace

bool is_known_global(std::string_view name) {
    const bool list =
        std::any_of(std::begin(kLists), std::end(kLists), [&](const ListBuilder &one) { return one.name == name; });
    return list || name == kRebuild || name == kOrdered || name == kDevice || name == kTag || name == kComplex ||
           storage_type(name);
}

// A call of a global with a tuple.
bool PickleReader::reduce() {
    if (!has(2)) return false;
    const PickleValue arguments = top(), callee = top(1);
    if (callee.kind != Kind::global)
        return refuse("pickle-form", "expected a global to call, found {}", described(callee));
    stack_.resize(stack_.size() - 2);
    if (const CodeClass *of = code_.find_class(callee.text)) {
        if (of->kind != CodeClass::Kind::enumeration || arguments.count > 0 || arguments.kind == Kind::tuple)
            return refuse("pickle-form", "expected a call of an Enum with its value, found one of {}", callee.text);
        if (!of->values.contains(literal_of(arguments)))
            return refuse("pickle-form", "expected one of the values that {} has, found {}", callee.text,
                          described(arguments));
        PickleValue value;
        value.kind = Kind::enumeration;
        value.text = callee.text;
        return push(value);
    }
    if (arguments.kind != Kind::tuple)
        return refuse("pickle-form", "expected a tuple of arguments, found {}", described(arguments));
    if (callee.text == kRebuild) return reduce_tensor(arguments);
    if (callee.text == kTag) return reduce_tagged(arguments);
    for (const ListBuilder &one : kLists)
        if (callee.text == one.name) return reduce_list(arguments, one.type);
    PickleValue value;  // an OrderedDict of hooks becomes None
    bool fits = callee.text == kOrdered && arguments.count == 0;
    if (callee.text == kDevice) {
        value.kind = Kind::device;
        fits = arguments.count == 1 && child(arguments, 0).kind == Kind::text && child(arguments, 0).text.size() <= 16;
    } else if (callee.text == kComplex) {
        value.kind = Kind::complex;
        fits = arguments.count == 2 && child(arguments, 0).kind == Kind::real && child(arguments, 1).kind == Kind::real;
    }
    return fits ? push(value) : refuse("pickle-form", "expected arguments that fit '{}', found others", callee.text);
}

bool PickleReader::reduce_list(const PickleValue &arguments, std::string_view type) {
    const bool list = arguments.count == 1 && child(arguments, 0).kind == Kind::list;
    if (!list || !types_.tag(made_.children[arguments.first], formatted("List[{}]", type)))
        return refuse("pickle-type", "expected a list of {} only", type);
    stack_.push_back(made_.children[arguments.first]);
    return true;
}

// (value, "Dict[str, Tensor]")
bool PickleReader::reduce_tagged(const PickleValue &arguments) {
    if (arguments.count != 2 || child(arguments, 1).kind != Kind::text || !is_type_text(child(arguments, 1).text))
        return refuse("pickle-type", "expected a value and the text of its type, found others");
    std::string type(child(arguments, 1).text);
    type.erase(std::remove(type.begin(), type.end(), ' '), type.end());
    if (!types_.tag(made_.children[arguments.first], type))
        return refuse("pickle-type", "expected a list or dict of type {} for all that hold it, found {}", type,
                      described(child(arguments, 0)));
    stack_.push_back(made_.children[arguments.first]);
    return true;
}

// (storage, offset, sizes, strides, requires_grad, hooks)
bool PickleReader::reduce_tensor(const PickleValue &arguments) {
    const bool form = arguments.count == 6 && child(arguments, 0).kind == Kind::storage &&
                      child(arguments, 1).kind == Kind::integer && child(arguments, 2).kind == Kind::tuple &&
                      child(arguments, 3).kind == Kind::tuple && child(arguments, 4).kind == Kind::boolean &&
                      child(arguments, 5).kind == Kind::none;
    if (!form) return refuse("pickle-form", "expected a storage, place, sizes and strides of a tensor, found others");
    if (!check_extent(child(arguments, 0), arguments)) return false;
    ++tensors;
    PickleValue value;
    value.kind = Kind::tensor;
    return push(value);
}

// The last element lies within the storage.
bool PickleReader::check_extent(const PickleValue &storage, const PickleValue &arguments) {
    const PickleValue &sizes = child(arguments, 2), &strides = child(arguments, 3);
    int64_t last = child(arguments, 1).integer;
    bool fits = sizes.count == strides.count && sizes.count <= kMostRank && last >= 0, empty = false;
    int64_t elements = 1;
    for (size_t i = 0; fits && i < sizes.count; ++i) {
        const PickleValue &size = child(sizes, i), &stride = child(strides, i);
        fits = size.kind == Kind::integer && stride.kind == Kind::integer && size.integer >= 0 && stride.integer >= 0 &&
               !__builtin_mul_overflow(elements, size.integer, &elements);
        empty = empty || (fits && size.integer == 0);
        int64_t span = 0;
        fits = fits && (size.integer == 0 || (!__builtin_mul_overflow(size.integer - 1, stride.integer, &span) &&
                                              !__builtin_add_overflow(last, span, &last)));
    }
    if (fits && (empty ? last <= storage.integer : last < storage.integer)) return true;
    return refuse("tensor-extent", "expected a tensor that lies within its storage of {} elements, found it beyond",
                  storage.integer);
}

// A class with an empty tuple: an object that is to be given its state.
bool PickleReader::make_object() {
    if (!has(2)) return false;
    const CodeClass *of = top(1).kind == Kind::global ? code_.find_class(top(1).text) : nullptr;
    const bool made = of && (of->kind == CodeClass::Kind::module || of->kind == CodeClass::Kind::plain);
    if (!made || top().kind != Kind::tuple || top().count != 0)
        return refuse("pickle-form", "expected a class of the archive and an empty tuple, found {}", described(top(1)));
    PickleValue value;
    value.kind = Kind::object;
    value.open = true;
    value.text = top(1).text;
    stack_.resize(stack_.size() - 2);
    return push(value);
}

// An object's state: exactly its class's attributes, each of its type.
bool PickleReader::build() {
    if (!has(2)) return false;
    const PickleValue state = top(), object = top(1);
    if (object.kind != Kind::object || !object.open || state.kind != Kind::dict)
        return refuse("pickle-form", "expected an object and a dict of its attributes, found {} and {}",
                      described(object), described(state));
    const CodeClass &of = *code_.find_class(object.text);
    std::set<std::string_view> seen;
    for (size_t i = 0; i < state.count; i += 2) {
        const PickleValue &key = child(state, i), &value = child(state, i + 1);
        const auto declared = key.kind == Kind::text ? of.attributes.find(key.text) : of.attributes.end();
        if (declared == of.attributes.end() || !seen.insert(key.text).second)
            return refuse("pickle-attribute", "expected the attributes that {} declares, found {}", object.text,
                          described(key));
        if (!types_.matches(made_.children[state.first + i + 1], declared->second))
            return refuse("pickle-type", "expected {} for attribute '{}' of {}, and for all that hold it, found {}",
                          declared->second, key.text, object.text, described(value));
    }
    if (seen.size() != of.attributes.size())
        return refuse("pickle-attribute", "expected the {} attributes that {} declares, found {}", of.attributes.size(),
                      object.text, seen.size());
    top().open = false;
    top(1).depth = std::max<uint8_t>(object.depth, state.depth);
    top(1).open = false;
    stack_.pop_back();
    return true;
}

// ("storage", type, key, device, elements)
bool PickleReader::persistent() {
    if (!has(1)) return false;
    const PickleValue id = top();
    const bool form = id.kind == Kind::tuple && id.count == 5 && child(id, 0).kind == Kind::text &&
                      child(id, 0).text == "storage" && child(id, 1).kind == Kind::global &&
                      child(id, 2).kind == Kind::text && child(id, 3).kind == Kind::text &&
                      child(id, 4).kind == Kind::integer && child(id, 4).integer >= 0;
    const StorageType *type = form ? storage_type(child(id, 1).text) : nullptr;
    if (!type || scan_.holds == PickleScan::Holds::debug)
        return refuse("pickle-form", "expected the storage of a tensor, found {}", described(id));
    const std::string_view folder = scan_.holds == PickleScan::Holds::module ? "data/" : "constants/";
    const std::string name = std::string(folder) + std::string(child(id, 2).text);
    const int64_t elements = child(id, 4).integer;
    const ArchiveEntry *entry = archive_.find(name);
    int64_t bytes = 0;
    if (__builtin_mul_overflow(elements, type->bytes, &bytes) || (!entry && elements > 0) ||
        (entry && static_cast<int64_t>(entry->content.size()) != bytes))
        return refuse("tensor-storage", "expected an entry '{}' of {} elements of {} bytes, found {}", name, elements,
                      type->bytes, entry ? formatted("{} bytes", entry->content.size()) : std::string("none"));
    const auto wild = [](std::byte one) { return one > std::byte{1}; };
    if (entry && type->name == "BoolStorage" && bools_.insert(entry).second &&
        std::any_of(entry->content.begin(), entry->content.end(), wild))  // kernels count and copy by such bytes
        return refuse("tensor-storage", "expected bools of 0 or 1 in '{}', found others", name);
    PickleValue value;
    value.kind = Kind::storage;
    value.integer = elements;
    value.text = child(id, 1).text;
    stack_.pop_back();
    return push(value);
}

}  // namespace weighbridge::lib
