// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include "torch/lower/value.hpp"

namespace weighbridge::torch_plugin {

// LibTorch tensor to abstract tensor. Throws Unsupported where it is not dense and on the CPU.
TensorPtr fold(at::Tensor tensor);
// Abstract tensor to LibTorch tensor; a size becomes one of rank 0.
at::Tensor unfold(const Tensor &tensor);

// LibTorch value to abstract value; a type that Value lacks becomes Opaque.
Value from_ivalue(const c10::IValue &value);
// Concrete abstract value to LibTorch value of that static type.
c10::IValue to_ivalue(const Value &value, const c10::TypePtr &type);

}  // namespace weighbridge::torch_plugin
