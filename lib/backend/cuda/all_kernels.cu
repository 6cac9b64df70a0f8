// SPDX-License-Identifier: Apache-2.0
// All device kernels in one unit, which nvcc makes the fatbin of (cmake/Cuda.cmake).
#include "backend/cuda/kernels/attention.cu"
#include "backend/cuda/kernels/attention_bf16.cu"
#include "backend/cuda/kernels/elements.cu"
#include "backend/cuda/kernels/linear_bf16.cu"
#include "backend/cuda/kernels/linear_f32.cu"
#include "backend/cuda/kernels/linear_i8.cu"
#include "backend/cuda/kernels/recurrent.cu"
#include "backend/cuda/kernels/rows.cu"
