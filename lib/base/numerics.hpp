// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace weighbridge::lib::numerics {

// Our own elementary functions: the same bits on every CPU, compiler flag and libc (glibc's differ with and without
// FMA). Only +, -, * and / are used, each correctly rounded by IEEE 754. Largest errors found over the ranges
// that the tests scan stand beside each function.
double exp(double x);      // 0.87 ulp
double log(double x);      // 0.83 ulp
double log1p(double x);    // 0.84 ulp
double sin(double x);      // 0.86 ulp, for every finite x
double cos(double x);      // 0.86 ulp
double tanh(double x);     // 1.31 ulp
double erf(double x);      // 1.79 ulp
double sigmoid(double x);  // 1.80 ulp; 1 / (1 + exp(-x)), no overflow on either side

// The double functions rounded once: 0.51 ulp.
float exp(float x);
float log(float x);
float log1p(float x);
float sin(float x);
float cos(float x);
float tanh(float x);
float erf(float x);
float sigmoid(float x);

// The nearest float16 or bfloat16, ties to even, as a float; beyond the largest an infinity, a NaN as it is.
float round_float16(float x);
float round_bfloat16(float x);

}  // namespace weighbridge::lib::numerics
