// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace weighbridge::lib::reference::math {

// The elementary functions of the native kernels, one float at a time: the same bits (backend/native/README.md has the
// formulas and the errors). Not those of base/numerics.hpp, which are more accurate and several times slower.
float exp(float x);
float tanh(float x);
float sigmoid(float x);
float erf(float x);
float relu(float x);
float gelu(float x);
float gelu_tanh(float x);
float silu(float x);
float softplus(float x, float beta, float threshold);
float leaky_relu(float x, float slope);
float elu(float x, float alpha);
float sign(float x);
float clamp(float x, float least, float most);
float maximum(float a, float b);
float minimum(float a, float b);

}  // namespace weighbridge::lib::reference::math
