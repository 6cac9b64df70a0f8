// SPDX-License-Identifier: Apache-2.0
#include "advice.hpp"

namespace weighbridge::torch_plugin {
namespace {

struct Advice {
    const char *reason;  // how it begins
    const char *instead;
};
constexpr Advice kAdvice[] = {
    {"not supported", "the torchscript engine runs it"},
    {"float64 computation", "write .float() on its operands"},
    {"float16 computation", "write .float() on its operands, or export the model in float32"},
    {"bfloat16 computation", "write .float() on its operands, or export the model in float32"},
    {"complex numbers", "keep real and imaginary parts in two columns"},
    {"a condition that depends on data", "write torch.where"},
    {"a number that depends on data", "keep it a tensor"},
    {"a loop of", "write operators over the whole axis"},
    {"a loop over places unrolled to",
     "write operators over the whole axis, nn.GRU, a fixed window of the last places, or a smaller limits.length"},
    {"a loop over places whose state", "give the state one shape and dtype before the loop"},
    {"a loop over places", "write nn.LSTM, nn.GRU or nn.RNN, or operators over the whole axis"},
    {"a loop whose count depends on data", "write operators over the whole axis"},
    {"picks elements by a mask", "write torch.where, or multiply by the mask"},
    {"mixes rows", "let each row depend on itself alone"},
    {"computes with the number of rows", "let each row depend on itself alone"},
    {"draws random numbers", "leave it out outside training"},
    {"keeps state in", "keep no state in forward"},
    {"writes into a weight", "write into its clone()"},
    {"reads a view of a tensor that was written", "write into a clone()"},
    {"dropout in training mode", "pass training=self.training"},
};

}  // namespace

std::string with_advice(const std::string &reason) {
    for (const Advice &one : kAdvice)
        if (reason.starts_with(one.reason)) return reason + "; " + one.instead;
    return reason;
}

}  // namespace weighbridge::torch_plugin
