// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "torch/lower/call.hpp"

// Windows that convolutions and pools look through, as slices of what they move over.
namespace weighbridge::torch_plugin {

// Windows along one axis: `taps` places, `dilation` apart, every `stride`.
struct Windows {
    int64_t taps = 1, stride = 1, dilation = 1;
};

// A number for each of `count` axes: a list of one counts for all, and an empty or missing one is `otherwise`.
std::vector<int64_t> for_axes(const Call &call, const char *argument, size_t count, int64_t otherwise);

// Refuses windows that no model has, whose sizes might overflow.
void require_small(const Windows &windows);

// How many windows an axis has.
Extent count_of(Builder &b, const Extent &size, const Windows &windows);

// One slice for each place of a window, over several axes from `first` on, the last axis's places fastest.
std::vector<ValueId> shifted(Builder &b, ValueId x, size_t first, const std::vector<Windows> &windows);

// x with `before` and `after` more places of a value along an axis.
ValueId padded(Builder &b, ValueId x, size_t axis, int64_t before, int64_t after, double value);

}  // namespace weighbridge::torch_plugin
