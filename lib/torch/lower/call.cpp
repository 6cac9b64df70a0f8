// SPDX-License-Identifier: Apache-2.0
#include "torch/lower/call.hpp"

#include <algorithm>

namespace weighbridge::torch_plugin {

const Value *Call::find(std::string_view argument) const {
    for (const Argument &one : arguments)
        if (one.name == argument) return &one.value;
    return nullptr;
}

bool Call::has(std::string_view argument) const {
    const Value *value = find(argument);
    return value && !value->none();
}

const Value &Call::at(std::string_view argument) const {
    for (const Argument &one : arguments) {
        if (one.name != argument) continue;
        if (const auto *undecided = one.value.as<Undecided>()) throw Unsupported{undecided->what};
        one.read = true;
        return one.value;
    }
    throw Unsupported{"the overload without '" + std::string(argument) + "' is not supported"};
}

TensorPtr to_tensor(Builder &b, const Value &value) {
    if (const auto *tensor = value.as<TensorPtr>()) {
        require_fresh(**tensor);
        if ((*tensor)->each_place) throw Unsupported{"a list that a loop filled; write torch.stack"};
        return *tensor;
    }
    if (const auto *undecided = value.as<Undecided>()) throw Unsupported{undecided->what};
    auto number = std::make_shared<Tensor>();
    number->number = true;
    if (const auto *extent = value.as<Extent>()) {
        number->kind = Tensor::Kind::size;
        number->size = *extent;
    } else if (const auto *real = value.as<double>()) {
        number->id = b.full(*real, {});
    } else if (const auto *flag = value.as<bool>()) {
        number->id = b.full(*flag, {}, DType::boolean);
    } else {
        throw Unsupported{"expected a tensor or a number"};
    }
    return number;
}

void each_tensor(Value &value, const std::function<TensorPtr(const TensorPtr &)> &change) {
    if (const auto *tensor = value.as<TensorPtr>()) {
        value = change(*tensor);
    } else if (const auto *list = value.as<std::shared_ptr<List>>()) {
        auto changed = std::make_shared<List>(**list);
        for (Value &one : *changed) each_tensor(one, change);
        value = changed;
    } else if (const auto *tuple = value.as<Tuple>()) {
        auto changed = std::make_shared<List>(*tuple->elements);
        for (Value &one : *changed) each_tensor(one, change);
        value = Tuple{changed};
    }
}

std::vector<TensorPtr> tensors_of(const Call &call) {
    std::vector<TensorPtr> found;
    for (const Argument &argument : call.arguments) {
        Value value = argument.value;
        each_tensor(value, [&](const TensorPtr &tensor) { return found.emplace_back(tensor); });
    }
    return found;
}

TensorPtr Call::tensor(std::string_view argument) const { return to_tensor(b, at(argument)); }

std::optional<ValueId> Call::optional_id(std::string_view argument) const {
    if (!has(argument)) return std::nullopt;
    return id(argument);
}

ValueId Call::float_id(std::string_view argument) const {
    const ValueId x = id(argument);
    return is_real(b.dtype(x)) ? x : b.cast(x, DType::float32);
}

std::vector<TensorPtr> Call::tensors(std::string_view argument) const {
    const auto *list = at(argument).as<std::shared_ptr<List>>();
    if (!list) throw Unsupported{"expected a list of tensors"};
    std::vector<TensorPtr> found;
    for (const Value &value : **list) found.push_back(to_tensor(b, value));
    return found;
}

Extent Call::size(std::string_view argument) const {
    const Value &value = at(argument);
    if (const auto *extent = value.as<Extent>()) return *extent;
    if (const auto *flag_value = value.as<bool>()) return Extent::of(*flag_value);
    if (const auto *tensor_value = value.as<TensorPtr>(); tensor_value && (*tensor_value)->kind == Tensor::Kind::size)
        return (*tensor_value)->size;
    throw Unsupported{"expected '" + std::string(argument) + "' to be a size"};
}

int64_t Call::integer(std::string_view argument) const {
    const Extent extent = size(argument);
    if (!extent.known()) throw Unsupported{"'" + std::string(argument) + "' depends on sizes: " + to_string(extent)};
    return extent.terms[0];
}
int64_t Call::integer(std::string_view argument, int64_t otherwise) const {
    return has(argument) ? integer(argument) : otherwise;
}

double Call::real(std::string_view argument) const {
    const Value &value = at(argument);
    if (const auto *number = value.as<double>()) return *number;
    if (value.is<Extent>() || value.is<bool>()) return static_cast<double>(integer(argument));
    if (const auto *tensor_value = value.as<TensorPtr>(); tensor_value && (*tensor_value)->folded) {
        const auto numbers = (*tensor_value)->folded->numbers();
        if (numbers.size() == 1) return numbers[0];
    }
    throw Unsupported{"'" + std::string(argument) + "' depends on data or sizes"};
}
double Call::real(std::string_view argument, double otherwise) const {
    return has(argument) ? real(argument) : otherwise;
}

bool Call::flag(std::string_view argument, bool otherwise) const {
    return has(argument) ? integer(argument) != 0 : otherwise;
}

std::string Call::text(std::string_view argument) const {
    const auto *found = at(argument).as<std::string>();
    if (!found) throw Unsupported{"expected '" + std::string(argument) + "' to be a string"};
    return *found;
}

Extents Call::sizes(std::string_view argument) const {
    const Value &value = at(argument);
    if (value.is<Extent>()) return {size(argument)};
    const auto *list = value.as<std::shared_ptr<List>>();
    if (!list) throw Unsupported{"expected '" + std::string(argument) + "' to be a list of sizes"};
    Extents found;
    for (const Value &element : **list) {
        const Call one{b, name, {{std::string(argument), element}}};
        found.push_back(one.size(argument));
    }
    return found;
}

std::vector<int64_t> Call::integers(std::string_view argument) const {
    std::vector<int64_t> found;
    for (const Extent &extent : sizes(argument)) {
        if (!extent.known()) throw Unsupported{"'" + std::string(argument) + "' depends on sizes"};
        found.push_back(extent.terms[0]);
    }
    return found;
}

std::optional<DType> Call::dtype(std::string_view argument) const {
    if (!has(argument)) return std::nullopt;
    return dtype_of_scalar_type(integer(argument));
}

void require_strided(const Call &call) {
    if (call.integer("layout", 0) != 0) throw Unsupported{"expected layout=torch.strided, found another"};
}

size_t wrap_axis(int64_t axis, size_t rank) {
    const auto most = static_cast<int64_t>(rank);
    if (axis < -most || axis >= most) throw Unsupported{"axis " + std::to_string(axis) + " of " + std::to_string(rank)};
    return static_cast<size_t>(axis < 0 ? axis + most : axis);
}

size_t Call::axis(std::string_view argument, size_t rank) const { return wrap_axis(integer(argument), rank); }

std::vector<size_t> Call::axes(std::string_view argument, size_t rank) const {
    std::vector<size_t> found;
    if (has(argument))
        for (int64_t axis : integers(argument)) found.push_back(wrap_axis(axis, rank));
    if (found.empty())
        for (size_t i = 0; i < rank; ++i) found.push_back(i);
    std::sort(found.begin(), found.end());
    return found;
}

// c10/core/ScalarType.h numbers them; LibTorch keeps the numbers, modules are stored with them.
DType dtype_of_scalar_type(int64_t scalar_type) {
    switch (scalar_type) {
        case 3:
        case 4:
            return DType::int64;
        case 6:
            return DType::float32;
        case 7:
            return DType::float64;
        case 11:
            return DType::boolean;
        case 5:
            throw Unsupported{"float16 computation"};
        case 15:
            throw Unsupported{"bfloat16 computation"};
        case 8:
        case 9:
        case 10:
            throw Unsupported{"complex numbers"};
        case 0:
        case 1:
        case 2:
            throw Unsupported{"integers of 8 or 16 bits; write .long()"};
        default:
            throw Unsupported{"dtype number " + std::to_string(scalar_type)};
    }
}

int64_t scalar_type_of(DType dtype) {
    switch (dtype) {
        case DType::float32:
            return 6;
        case DType::float64:
            return 7;
        case DType::boolean:
            return 11;
        default:
            return 4;
    }
}

int64_t scalar_type_of(Foreign foreign) {
    return foreign == Foreign::float16 ? 5 : foreign == Foreign::bfloat16 ? 15 : 9;
}
std::optional<Foreign> foreign_of_scalar_type(int64_t scalar_type) {
    for (Foreign foreign : {Foreign::float16, Foreign::bfloat16, Foreign::complex64})
        if (scalar_type == scalar_type_of(foreign)) return foreign;
    return std::nullopt;
}

Value results(const std::vector<ValueId> &ids) {
    List list;
    for (ValueId id : ids) list.push_back(tensor_of(id));
    return tuple_of(std::move(list));
}

}  // namespace weighbridge::torch_plugin
