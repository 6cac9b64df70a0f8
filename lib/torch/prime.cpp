// SPDX-License-Identifier: Apache-2.0
#include "prime.hpp"

#include <ATen/ops/ones.h>
#include <torch/csrc/jit/api/module.h>

#include <sstream>
#include <string>

#include "error_text.hpp"
#include "frozen.hpp"
#include "import.hpp"
#include "weighbridge/c/base.h"

namespace weighbridge::torch_plugin {
namespace {

constexpr int64_t kWidth = 32;

// Parts of what models are made of, so that the libraries behind LibTorch's operators (MKL, oneDNN, OpenMP) have looked
// at the CPU too.
constexpr const char *kForward = R"(
def forward(self, x: Tensor) -> Tensor:
    y = torch.relu(torch.linear(x, self.w, self.b))
    y = torch.layer_norm(y, [32], self.b, self.b, 1e-05, True)
    z = torch.matmul(y.unsqueeze(1), self.w).squeeze(1)
    z = torch.softmax(torch.tanh(z) + torch.sigmoid(y), -1)
    z = torch.gelu(z) if z.dim() > 1 else torch.exp(z)
    return torch.sum(torch.cat([z, y], 1), [1])
)";

std::string primer() {
    torch::jit::Module module("__torch__.Primer");
    module.register_parameter("w", at::ones({kWidth, kWidth}), false);
    module.register_parameter("b", at::ones({kWidth}), false);
    module.define(kForward);
    std::ostringstream file;
    module.save(file);
    return std::move(file).str();
}

}  // namespace

int32_t prime(char *error, uint32_t error_bytes) {
    try {
        const c10::NoGradGuard no_grad;
        const std::string file = primer();
        const Frozen frozen = load_frozen(file.data(), file.size(), 1, true);
        for (const int64_t rows : {1, 2, 64}) frozen.module.get_method("forward")({at::ones({rows, kWidth})});
        lib::ImportRequest request;
        request.arguments = {{lib::DType::float32, {lib::kBatch, kWidth}}};
        request.outputs = {{"score", "", 0, {lib::kBatch}}};
        import_module(file.data(), file.size(), request);
        return WB_OK;
    } catch (...) {
        return write_exception(WB_BACKEND_UNAVAILABLE, error, error_bytes);
    }
}

}  // namespace weighbridge::torch_plugin
