// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "torch/lower/formula.hpp"

namespace weighbridge::torch_plugin {

// The two parts of complex numbers, or of real ones, whose imaginary part is 0.
struct ComplexParts {
    Term real, imaginary;
};
bool is_complex(const TensorPtr &tensor);
ComplexParts parts_of(Call &call, std::string_view argument);
Value complex_of(Term real, Term imaginary);

}  // namespace weighbridge::torch_plugin
