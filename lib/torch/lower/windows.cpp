// SPDX-License-Identifier: Apache-2.0
#include "torch/lower/windows.hpp"

namespace weighbridge::torch_plugin {
namespace {

constexpr int64_t kMostTaps = 64;  // slices of one window along an axis
constexpr int64_t kFarthest = 1 << 20;
constexpr size_t kMostSlices = 1024;  // of one window over all axes

}  // namespace

std::vector<int64_t> for_axes(const Call &call, const char *argument, size_t count, int64_t otherwise) {
    std::vector<int64_t> numbers;
    if (call.has(argument)) numbers = call.integers(argument);
    if (numbers.empty()) numbers = {otherwise};
    if (numbers.size() == 1) numbers.resize(count, numbers[0]);
    if (numbers.size() != count)
        throw Unsupported{"expected " + std::to_string(count) + " numbers as " + std::string(argument)};
    return numbers;
}

void require_small(const Windows &windows) {
    if (windows.taps < 1 || windows.taps > kMostTaps || windows.stride < 1 || windows.stride > kFarthest ||
        windows.dilation < 1 || windows.dilation > kFarthest)
        throw Unsupported{"windows of " + std::to_string(windows.taps) + " places every " +
                          std::to_string(windows.stride)};
}

Extent count_of(Builder &b, const Extent &size, const Windows &windows) {
    require_small(windows);
    const auto room = size - Extent::of(windows.dilation * (windows.taps - 1) + 1);
    if (!room) throw Unsupported{"windows along " + to_string(size)};
    b.require_nonnegative(*room, "an axis as long as a window");
    if (windows.stride == 1) return *(*room + Extent::of(1));
    if (!room->known())
        throw Unsupported{"every " + std::to_string(windows.stride) + "th window along " + to_string(size)};
    return Extent::of(room->terms[0] / windows.stride + 1);
}

std::vector<ValueId> shifted(Builder &b, ValueId x, size_t first, const std::vector<Windows> &windows) {
    std::vector<ValueId> slices{x};
    for (size_t axis = 0; axis < windows.size(); ++axis) {
        const Windows &along = windows[axis];
        const Extent count = count_of(b, b.shape(x)[first + axis], along);
        std::vector<ValueId> finer;
        for (ValueId slice : slices)
            for (int64_t i = 0; i < along.taps; ++i)
                finer.push_back(b.slice(slice, first + axis, Extent::of(i * along.dilation), count, along.stride));
        if (finer.size() > kMostSlices) throw Unsupported{"windows of " + std::to_string(finer.size()) + " places"};
        slices = std::move(finer);
    }
    return slices;
}

ValueId padded(Builder &b, ValueId x, size_t axis, int64_t before, int64_t after, double value) {
    if (before < 0 || after < 0 || before > kFarthest || after > kFarthest)
        throw Unsupported{"padding by " + std::to_string(before) + " and " + std::to_string(after)};
    std::vector<ValueId> parts;
    auto add = [&](int64_t count) {
        Extents shape = b.shape(x);
        shape[axis] = Extent::of(count);
        if (count > 0) parts.push_back(b.full(value, shape));
    };
    add(before);
    parts.push_back(x);
    add(after);
    return parts.size() == 1 ? x : b.concat(parts, axis);
}

}  // namespace weighbridge::torch_plugin
