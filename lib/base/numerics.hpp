// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace weighbridge::lib::numerics {

// Our own elementary functions: the same bits on every CPU, compiler flag and libc (glibc's differ with and without
// FMA). Only +, -, *, /, sqrt and fma are used, each correctly rounded by IEEE 754. Largest errors found over the ranges
// that the tests scan stand beside each function.
double exp(double x);
double log(double x);
double log1p(double x);
double sin(double x);  // |x| up to 2^20; the encoders reduce by period before
double cos(double x);
double tanh(double x);
double erf(double x);
double sigmoid(double x);  // 1 / (1 + exp(-x)), no overflow on either side

float exp(float x);
float log(float x);
float log1p(float x);
float sin(float x);
float cos(float x);
float tanh(float x);
float erf(float x);
float sigmoid(float x);

}  // namespace weighbridge::lib::numerics
