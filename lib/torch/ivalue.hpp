// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include "torch/lower/value.hpp"

namespace weighbridge::torch_plugin {

// A tensor of LibTorch's as an abstract one. Throws Unsupported where it is not dense and on the CPU.
TensorPtr fold(at::Tensor tensor);
// The tensor inside; of a size, one of rank 0.
at::Tensor unfold(const Tensor &tensor);

// LibTorch's value as an abstract one; what has no form of its own is kept as it is.
Value from_ivalue(const c10::IValue &value);
// A concrete value as LibTorch's, of a static type.
c10::IValue to_ivalue(const Value &value, const c10::TypePtr &type);

}  // namespace weighbridge::torch_plugin
