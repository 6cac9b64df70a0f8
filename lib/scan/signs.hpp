// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "scan/locals.hpp"

namespace weighbridge::lib {

// An operator that a line runs without a call of its name.
struct SignedOperator {
    size_t at = 0;     // the token
    std::string name;  // qualified
};

// Those of signs (`a @ b` is aten::matmul), of indexing, of Python's own functions (`int(x)` is aten::Int) and of
// attributes of tensors (`x.T` is aten::numpy_T). A sign may stand for several: which, the types decide. Each form in
// place is named too.
std::vector<SignedOperator> operators_of_signs(CodeTokens line, const CodeLocals &locals, const ModuleCode &code);

}  // namespace weighbridge::lib
