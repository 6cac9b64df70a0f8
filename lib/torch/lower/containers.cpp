// SPDX-License-Identifier: Apache-2.0
// Operators on lists, tuples and dicts.
#include <algorithm>

#include "torch/lower/scalars.hpp"

namespace weighbridge::torch_plugin {

const List *list_of_value(const Value &value) {
    if (const auto *list = value.as<std::shared_ptr<List>>()) return list->get();
    if (const auto *tuple = value.as<Tuple>()) return tuple->elements.get();
    return nullptr;
}

bool same_key(const Value &a, const Value &b) {
    if (a.is<std::string>() && b.is<std::string>()) return *a.as<std::string>() == *b.as<std::string>();
    if (a.is<Extent>() && b.is<Extent>()) return *a.as<Extent>() == *b.as<Extent>();
    if (a.is<bool>() && b.is<bool>()) return *a.as<bool>() == *b.as<bool>();
    if (a.is<double>() && b.is<double>()) return *a.as<double>() == *b.as<double>();
    return false;
}

namespace {

size_t place_in(const List &list, const Value &place) {
    const auto *extent = place.as<Extent>();
    if (!extent || !extent->known()) throw Unsupported{"a place in a list that depends on sizes"};
    const auto size = static_cast<int64_t>(list.size());
    const int64_t at = extent->terms[0] < 0 ? extent->terms[0] + size : extent->terms[0];
    if (at < 0 || at >= size)
        throw Unsupported{"place " + std::to_string(at) + " of a list of " + std::to_string(size)};
    return static_cast<size_t>(at);
}

std::optional<Value> of_dict(const std::string &name, Dict &dict, const std::vector<Value> &arguments) {
    auto found = [&](const Value &key) {
        return std::find_if(dict.begin(), dict.end(), [&](const auto &entry) { return same_key(entry.first, key); });
    };
    if (name == "aten::len") return Value(Extent::of(static_cast<int64_t>(dict.size())));
    if (name == "aten::keys" || name == "aten::values" || name == "aten::items") {
        List list;
        for (const auto &[key, value] : dict)
            list.push_back(name == "aten::keys" ? key : name == "aten::values" ? value : tuple_of({key, value}));
        return list_of(std::move(list));
    }
    if (arguments.size() < 2) return std::nullopt;
    const auto at = found(arguments[1]);
    if (name == "aten::__contains__") return Value(at != dict.end());
    if (name == "aten::__getitem__") {
        if (at == dict.end()) throw Unsupported{"a key that the dict does not have"};
        return at->second;
    }
    if (name == "aten::get") return at == dict.end() ? (arguments.size() > 2 ? arguments[2] : Value()) : at->second;
    if (name == "aten::_set_item") {
        if (at == dict.end())
            dict.emplace_back(arguments[1], arguments[2]);
        else
            at->second = arguments[2];
        return Value();
    }
    return std::nullopt;
}

// list[start:end:step]; nullopt for a step below 1.
std::optional<Value> part_of_list(const List &list, const std::vector<Value> &arguments) {
    const auto size = static_cast<int64_t>(list.size());
    auto number = [&](size_t i, int64_t otherwise) {
        const auto *extent = i < arguments.size() ? arguments[i].as<Extent>() : nullptr;
        if (extent && !extent->known()) throw Unsupported{"a place in a list that depends on sizes"};
        return extent ? extent->terms[0] : otherwise;
    };
    auto at = [&](size_t i, int64_t otherwise) {
        const int64_t place = number(i, otherwise);
        return std::clamp<int64_t>(place < 0 ? place + size : place, 0, size);
    };
    const int64_t step = number(3, 1);
    if (step < 1) return std::nullopt;
    List part;
    for (int64_t i = at(1, 0), end = at(2, size); i < end; i += step) part.push_back(list[static_cast<size_t>(i)]);
    return list_of(std::move(part));
}

// Operators that leave the list or tuple as it is.
std::optional<Value> of_elements(const std::string &name, const List &list, const std::vector<Value> &arguments) {
    if (name == "aten::len") return Value(Extent::of(static_cast<int64_t>(list.size())));
    if (name == "aten::__getitem__") return list[place_in(list, arguments[1])];
    if (name == "aten::list" || name == "aten::copy") return list_of(list);
    if (name == "aten::slice") return part_of_list(list, arguments);
    return std::nullopt;
}

// list + more, as a new list or in the list's place.
std::optional<Value> joined_lists(const std::string &name, List &list, const std::vector<Value> &arguments) {
    const List *more = list_of_value(arguments[1]);
    if (!more) return std::nullopt;
    List both = list;
    both.insert(both.end(), more->begin(), more->end());
    if (name == "aten::add") return list_of(std::move(both));
    list = std::move(both);
    return name == "aten::extend" ? Value() : arguments[0];
}

// Operators that lists have and tuples do not; arguments[0] is the list.
std::optional<Value> of_list(const std::string &name, List &list, const std::vector<Value> &arguments) {
    if (name == "aten::append") {
        list.push_back(arguments[1]);
        return arguments[0];
    }
    if (name == "aten::insert") {
        const auto *place = arguments[1].as<Extent>();
        if (!place || !place->known()) throw Unsupported{"a place in a list that depends on sizes"};
        const auto size = static_cast<int64_t>(list.size());
        const int64_t at = place->terms[0] < 0 ? place->terms[0] + size : place->terms[0];
        list.insert(list.begin() + std::clamp<int64_t>(at, 0, size), arguments[2]);
        return Value();
    }
    if (name == "aten::pop") {
        const size_t at = arguments.size() > 1 ? place_in(list, arguments[1]) : list.size() - 1;
        Value value = list.at(at);
        list.erase(list.begin() + static_cast<ptrdiff_t>(at));
        return value;
    }
    if (name == "aten::reverse") {
        std::reverse(list.begin(), list.end());
        return Value();
    }
    if (name == "aten::clear") {
        list.clear();
        return Value();
    }
    if (name == "aten::_set_item") {
        list[place_in(list, arguments[1])] = arguments[2];
        return arguments[0];
    }
    if (name == "aten::add" || name == "aten::add_" || name == "aten::extend")
        return joined_lists(name, list, arguments);
    if (name == "aten::mul" && arguments[1].is<Extent>() && arguments[1].as<Extent>()->known()) {
        List repeated;
        for (int64_t i = 0; i < arguments[1].as<Extent>()->terms[0]; ++i)
            repeated.insert(repeated.end(), list.begin(), list.end());
        return list_of(std::move(repeated));
    }
    return std::nullopt;
}

}  // namespace

std::optional<Value> container_operator(const std::string &name, const std::vector<Value> &arguments) {
    if (arguments.empty()) return std::nullopt;
    const auto *list = arguments[0].as<std::shared_ptr<List>>();
    if (list && std::any_of((*list)->begin(), (*list)->end(), [](const Value &value) {
            const auto *tensor = value.as<TensorPtr>();
            return tensor && (*tensor)->each_place;
        }))
        return std::nullopt;  // of as many elements as a loop had places: stack() knows them
    if (const auto *dict = arguments[0].as<std::shared_ptr<Dict>>()) return of_dict(name, **dict, arguments);
    if (const List *elements = list_of_value(arguments[0]))
        if (auto answer = of_elements(name, *elements, arguments)) return answer;
    if (list) return of_list(name, **list, arguments);
    return std::nullopt;
}

}  // namespace weighbridge::torch_plugin
