// SPDX-License-Identifier: Apache-2.0
#include "backend/cuda/weights.hpp"

#include <algorithm>
#include <iterator>

#include "backend/tensor_sums.hpp"
#include "plan/panels.hpp"

namespace weighbridge::lib::cuda {
namespace {

constexpr int64_t kAlignment = 256;

// What is copied, each array once: layers may share weights.
class Upload {
  public:
    void add(const void *from, int64_t bytes) {
        if (!from || !places_.try_emplace(from, bytes_).second) return;
        parts_.push_back({from, bytes_, bytes});
        bytes_ += (bytes + kAlignment - 1) / kAlignment * kAlignment;
    }
    // n floats as panel_columns(n) of them.
    const float *padded(const float *from, int64_t n) {
        auto &copy = padded_[from];
        if (copy.empty()) {
            copy.resize(static_cast<size_t>(panel_columns(n)));
            std::copy_n(from, n, copy.data());
        }
        return copy.data();
    }
    // Panels with what tensor cores take: tensor_operand() of each.
    const uint16_t *operands(const uint16_t *panels, int64_t elements) {
        auto &copy = operands_[panels];
        if (copy.empty())
            std::transform(panels, panels + elements, std::back_inserter(copy),
                           [](uint16_t weight) { return tensor_operand(weight); });
        return copy.data();
    }
    template <class T>
    T *at(DevicePointer base, T *from) const {
        return from ? reinterpret_cast<T *>(base + static_cast<DevicePointer>(places_.at(from))) : nullptr;
    }
    int64_t bytes() const { return bytes_; }

    // Returns when the device is through, or hangs.
    Status copy(const KernelSet &kernels, DevicePointer to) const {
        const auto &context = kernels.context();
        auto stream = make_stream(context);
        if (!stream) return stream.status();
        auto look = kernels.make_look();
        if (!look) return look.status();
        const DeviceContext::Current current(*context);
        Result result = current.result();
        for (const Part &part : parts_)
            if (result == kSuccess && part.bytes > 0)
                result = context->functions().copy_to_device(to + static_cast<DevicePointer>(part.begin), part.from,
                                                             static_cast<size_t>(part.bytes), stream->get());
        return kernels.end(*look, *stream, result, "copying weights");
    }

  private:
    struct Part {
        const void *from;
        int64_t begin, bytes;
    };
    std::vector<Part> parts_;
    std::map<const void *, int64_t> places_;
    std::map<const float *, std::vector<float>> padded_;
    std::map<const uint16_t *, std::vector<uint16_t>> operands_;
    int64_t bytes_ = 0;
};

void add_linear(Upload &upload, LinearWeights &weights) {
    const int64_t columns = panel_columns(weights.n) * 4;
    upload.add(weights.f32, panel_elements_f32(weights.n, weights.k) * 4);
    upload.add(weights.bias, columns);
    if (weights.bf16) {
        const int64_t elements = panel_elements_bf16(weights.n, weights.k);
        weights.bf16 = upload.operands(weights.bf16, elements);
        upload.add(weights.bf16, elements * 2);
    }
    if (!weights.i8) return;
    weights.scale = upload.padded(weights.scale, weights.n);
    upload.add(weights.i8, panel_elements_i8(weights.n, weights.k));
    upload.add(weights.scale, columns);
    upload.add(weights.start, columns);
    upload.add(weights.shift, columns);
}

}  // namespace

Expected<std::shared_ptr<const DeviceWeights>> DeviceWeights::make(const KernelSet &kernels, const Plan &plan,
                                                                   const Linears &linears) {
    std::shared_ptr<DeviceWeights> weights(new DeviceWeights);
    const Graph &graph = plan.graph();
    const auto uses = constant_uses(graph);
    Upload upload;
    for (size_t i = 0; i < graph.constants().size(); ++i)
        if (uses[i].raw)
            upload.add(graph.constants()[i].data.get(),
                       graph.constants()[i].elements() * static_cast<int64_t>(size_of(graph.constants()[i].dtype)));
    for (ValueId id = 0; id < graph.nodes().size(); ++id) {
        weights->linears_.push_back(linears.of(id));
        if (has_panels(graph.node(id).op)) add_linear(upload, weights->linears_.back());
    }
    weights->bytes_ = upload.bytes();
    auto memory = allocate_on_device(kernels.context(), upload.bytes(), "weights");
    if (!memory) return memory.status();
    weights->memory_ = *std::move(memory);
    const DevicePointer base = weights->memory_.get();
    if (Status status = upload.copy(kernels, base); !status.ok()) return status;
    for (size_t i = 0; i < graph.constants().size(); ++i) {
        auto *data = const_cast<std::byte *>(graph.constants()[i].data.get());
        weights->constants_.push_back(uses[i].raw ? upload.at(base, data) : nullptr);
    }
    for (LinearWeights &of : weights->linears_) {
        of.f32 = upload.at(base, of.f32);
        of.bf16 = upload.at(base, of.bf16);
        of.i8 = upload.at(base, of.i8);
        of.bias = upload.at(base, of.bias);
        of.scale = upload.at(base, of.scale);
        of.start = upload.at(base, of.start);
        of.shift = upload.at(base, of.shift);
    }
    return std::shared_ptr<const DeviceWeights>(std::move(weights));
}

}  // namespace weighbridge::lib::cuda
