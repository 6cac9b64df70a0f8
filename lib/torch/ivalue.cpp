// SPDX-License-Identifier: Apache-2.0
#include "ivalue.hpp"

#include <ATen/Functions.h>

#include "torch/lower/call.hpp"

namespace weighbridge::torch_plugin {
namespace {

class TorchTensor final : public Folded {
  public:
    explicit TorchTensor(at::Tensor tensor) : tensor_(std::move(tensor)) {}
    const at::Tensor &tensor() const { return tensor_; }

    DType dtype() const override {
        switch (tensor_.scalar_type()) {
            case c10::kByte:
            case c10::kChar:
            case c10::kShort:
                return DType::int64;
            default:
                return dtype_of_scalar_type(static_cast<int64_t>(tensor_.scalar_type()));
        }
    }
    std::optional<Foreign> foreign() const override {
        switch (tensor_.scalar_type()) {
            case c10::kHalf:
                return Foreign::float16;
            case c10::kBFloat16:
                return Foreign::bfloat16;
            case c10::kComplexFloat:
                return Foreign::complex64;
            default:
                return std::nullopt;
        }
    }
    std::vector<int64_t> shape() const override { return tensor_.sizes().vec(); }
    lib::Constant constant() const override {
        const DType wanted = foreign() ? DType::float32 : dtype();
        const at::Tensor pairs = tensor_.is_complex() ? at::view_as_real(tensor_.resolve_conj()) : tensor_;
        const at::Tensor dense = pairs.to(static_cast<c10::ScalarType>(scalar_type_of(wanted))).contiguous();
        return lib::Constant::copy(wanted, dense.sizes().vec(), dense.const_data_ptr());
    }
    std::vector<double> numbers() const override {
        const at::Tensor dense = tensor_.to(c10::kDouble).contiguous();
        const auto *from = dense.const_data_ptr<double>();
        return {from, from + dense.numel()};
    }
    int64_t version() const override { return tensor_.is_inference() ? 0 : tensor_._version(); }
    bool alone() const override { return tensor_.storage().use_count() == 1 && tensor_.use_count() == 1; }

  private:
    at::Tensor tensor_;
};

}  // namespace

TensorPtr fold(at::Tensor tensor) {
    if (tensor.layout() != c10::kStrided || tensor.is_quantized() || !tensor.device().is_cpu())
        throw Unsupported{"a tensor that is not dense"};
    auto made = std::make_shared<Tensor>();
    made->kind = Tensor::Kind::folded;
    made->number = tensor.dim() == 0 && tensor.unsafeGetTensorImpl()->is_wrapped_number();
    made->folded = std::make_shared<TorchTensor>(std::move(tensor));
    return made;
}

at::Tensor unfold(const Tensor &tensor) {
    if (tensor.kind == Tensor::Kind::size)
        return at::scalar_tensor(tensor.size.terms[0], at::TensorOptions().dtype(c10::kLong));
    const auto *inside = dynamic_cast<const TorchTensor *>(tensor.folded.get());
    if (!inside) throw Unsupported{"expected a tensor that LibTorch computed"};
    return inside->tensor();
}

Value from_ivalue(const c10::IValue &value) {
    if (value.isNone()) return {};
    if (value.isTensor()) return value.toTensor().defined() ? Value(fold(value.toTensor())) : Value();
    if (value.isInt()) return Extent::of(value.toInt());
    if (value.isDouble()) return value.toDouble();
    if (value.isBool()) return value.toBool();
    if (value.isString()) return value.toStringRef();
    if (value.isList()) {
        List list;
        for (const c10::IValue &element : value.toListRef()) list.push_back(from_ivalue(element));
        return list_of(std::move(list));
    }
    if (value.isTuple()) {
        List list;
        for (const c10::IValue &element : value.toTupleRef().elements()) list.push_back(from_ivalue(element));
        return tuple_of(std::move(list));
    }
    if (value.isGenericDict()) {
        auto dict = std::make_shared<Dict>();
        for (const auto &entry : value.toGenericDict())
            dict->emplace_back(from_ivalue(entry.key()), from_ivalue(entry.value()));
        return dict;
    }
    return Opaque{std::make_shared<const c10::IValue>(value)};
}

c10::IValue to_ivalue(const Value &value, const c10::TypePtr &type) {
    if (value.none()) return {};
    if (const auto optional = type->cast<c10::OptionalType>()) return to_ivalue(value, optional->getElementType());
    if (const auto *tensor = value.as<TensorPtr>()) return unfold(**tensor);
    if (const auto *extent = value.as<Extent>()) {
        const int64_t number = extent->terms[0];
        if (type->kind() == c10::TypeKind::FloatType) return static_cast<double>(number);
        if (type->kind() == c10::TypeKind::TensorType)
            return at::scalar_tensor(number, at::TensorOptions().dtype(c10::kLong));
        return number;
    }
    if (const auto *real = value.as<double>()) return *real;
    if (const auto *flag = value.as<bool>()) return *flag;
    if (const auto *text = value.as<std::string>()) return *text;
    if (const auto *opaque = value.as<Opaque>()) return *static_cast<const c10::IValue *>(opaque->value.get());
    if (const auto *list = value.as<std::shared_ptr<List>>()) {
        const auto of = type->cast<c10::ListType>();
        const c10::TypePtr element = of ? of->getElementType() : c10::TypePtr(c10::AnyType::get());
        c10::impl::GenericList made(element);
        for (const Value &one : **list) made.push_back(to_ivalue(one, element));
        return made;
    }
    if (const auto *tuple = value.as<Tuple>()) {
        const auto of = type->cast<c10::TupleType>();
        std::vector<c10::IValue> elements;
        for (size_t i = 0; i < tuple->elements->size(); ++i)
            elements.push_back(to_ivalue((*tuple->elements)[i], of && i < of->elements().size()
                                                                    ? of->elements()[i]
                                                                    : c10::TypePtr(c10::AnyType::get())));
        return c10::ivalue::Tuple::create(std::move(elements));
    }
    throw Unsupported{"a value that LibTorch cannot be given"};
}

}  // namespace weighbridge::torch_plugin
