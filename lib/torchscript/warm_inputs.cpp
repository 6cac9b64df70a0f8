// SPDX-License-Identifier: Apache-2.0
#include "torchscript/warm_inputs.hpp"

#include <algorithm>
#include <new>

#include "feature/tensor_write.hpp"
#include "model/binding.hpp"

namespace weighbridge::lib {
namespace {

constexpr int kAllSteps = 4;

bool is_symbolic(const TensorSpec &tensor) {
    const auto first = tensor.shape.size.begin();
    return std::any_of(first, first + tensor.shape.rank,
                       [](int64_t size) { return size == kLength || size == kTokens; });
}

int64_t part(int64_t limit, int steps) {
    return (limit / kAllSteps) * steps + (limit % kAllSteps * steps + 3) / kAllSteps;
}

size_t checked_bytes(const TensorView &view) {
    size_t bytes = size_of(view.dtype);
    for (int i = 0; i < view.shape.rank; ++i)
        if (__builtin_mul_overflow(bytes, static_cast<size_t>(view.shape.size[i]), &bytes)) throw std::bad_alloc();
    return bytes;
}

void fill(AlignedBuffer &buffer, DType dtype, int64_t value) {
    const size_t bytes = size_of(dtype);
    for (size_t at = 0; at + bytes <= buffer.size(); at += bytes) put_index(dtype, buffer.data() + at, value);
}

}  // namespace

std::vector<WarmSize> warm_sizes(std::span<const TensorSpec> tensors, int64_t tile_rows) {
    const bool symbolic = std::any_of(tensors.begin(), tensors.end(), is_symbolic);
    std::vector<WarmSize> sizes;
    for (const int64_t rows : {int64_t{1}, tile_rows}) {
        if (symbolic)
            for (const int steps : {1, 2, kAllSteps, 0}) sizes.push_back({rows, steps});
        else
            sizes.push_back({rows, kAllSteps});
        if (tile_rows == 1) break;
    }
    return sizes;
}

WarmInputs::WarmInputs(const Schema &schema, const Limits &limits, std::span<const TensorSpec> tensors, WarmSize size) {
    const int64_t shortest = std::min(limits.length, std::max<int64_t>(limits.least_length, 1));
    const int64_t length = std::max(shortest, part(limits.length, size.steps));
    for (const TensorSpec &tensor : tensors) {
        TensorView view{tensor.dtype, tensor.shape, nullptr};
        for (int i = 0; i < view.shape.rank; ++i) {
            int64_t &extent = view.shape.size[i];
            if (extent == kLength) may_fail_ = may_fail_ || (size.steps == 0 && limits.least_length == 0);
            if (extent == kBatch)
                extent = size.rows;
            else if (extent == kLength)
                extent = length;
            else if (extent == kTokens)
                extent = tensor.features.empty()
                             ? 0
                             : part(most_tokens(schema.features()[tensor.features.front()]), size.steps);
            may_fail_ = may_fail_ || extent == 0;
        }
        AlignedBuffer buffer(std::max<size_t>(checked_bytes(view), 1));
        if (tensor.source == TensorSpec::Source::mask) fill(buffer, tensor.dtype, 1);
        if (tensor.source == TensorSpec::Source::lengths) fill(buffer, tensor.dtype, length);
        view.data = buffer.data();
        buffers_.push_back(std::move(buffer));
        views_.push_back(view);
    }
}

}  // namespace weighbridge::lib
