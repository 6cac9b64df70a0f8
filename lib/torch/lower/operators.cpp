// SPDX-License-Identifier: Apache-2.0
// The table of operators: which lower, and what becomes of each of their arguments.
#include <algorithm>

#include "base/format.hpp"
#include "torch/lower/call.hpp"

namespace weighbridge::torch_plugin {
namespace {

constexpr WithoutEffect kWithoutEffect[] = {
    {"", "device", "a program runs where it is made for"},
    {"", "pin_memory", "says where memory lies"},
    {"", "non_blocking", "says when a copy is done"},
    {"", "memory_format", "elements are counted in row-major order whatever their strides"},
    {"", "requires_grad", "nothing keeps gradients"},
    {"", "cudnn_enable", "another library for the same function"},
    {"", "cudnn_enabled", "another library for the same function"},
    {"", "out_int32", "int32 counts as int64"},
    {"aten::expand", "implicit", "who expands"},
    {"aten::einsum", "path", "the order of products"},
    {"aten::_convolution", "benchmark", "how a kernel is found"},
    {"aten::_convolution", "deterministic", "how a kernel is found"},
    {"aten::_convolution", "allow_tf32", "of CUDA's products"},
    {"aten::cdist", "compute_mode", "products or differences for the same distances"},
    {"aten::isin", "assume_unique", "a faster way to the same answer"},
    {"aten::repeat_interleave", "output_size", "the size that the result has anyway"},
    {"aten::gather", "sparse_grad", "of gradients"},
    {"aten::embedding", "padding_idx", "of gradients"},
    {"aten::embedding", "scale_grad_by_freq", "of gradients"},
    {"aten::embedding", "sparse", "of gradients"},
    {"aten::embedding_bag", "scale_grad_by_freq", "of gradients"},
    {"aten::embedding_bag", "sparse", "of gradients"},
    {"aten::batch_norm", "momentum", "of training"},
    {"aten::to_dense", "masked_grad", "of gradients"},
    {"aten::native_group_norm", "N", "the input's size"},
    {"aten::native_group_norm", "C", "the input's size"},
    {"aten::native_group_norm", "HxW", "the input's size"},
    {"aten::instance_norm", "momentum", "of training"},
    {"aten::dropout", "p", "nothing is dropped outside training"},
    {"aten::dropout_", "p", "nothing is dropped outside training"},
    {"aten::feature_dropout", "p", "nothing is dropped outside training"},
    {"aten::alpha_dropout", "p", "nothing is dropped outside training"},
    {"aten::feature_alpha_dropout", "p", "nothing is dropped outside training"},
    {"aten::native_dropout", "p", "nothing is dropped outside training"},
    {"aten::_nested_tensor_from_mask", "mask_check", "a check of the mask's elements"},
};

bool lacks_effect(std::string_view name, std::string_view argument) {
    return std::any_of(std::begin(kWithoutEffect), std::end(kWithoutEffect), [&](const WithoutEffect &one) {
        return one.argument == argument && (one.operator_name[0] == '\0' || one.operator_name == name);
    });
}

std::optional<double> number_of(const Value &value) {
    if (const auto *extent = value.as<Extent>(); extent && extent->known())
        return static_cast<double>(extent->terms[0]);
    if (const auto *real = value.as<double>()) return *real;
    if (const auto *flag = value.as<bool>()) return *flag ? 1.0 : 0.0;
    return std::nullopt;
}

bool same(const Value &a, const Value &b) {
    if (a.none() || b.none()) return a.none() && b.none();
    if (const auto x = number_of(a), y = number_of(b); x && y) return *x == *y;
    if (a.is<std::string>() && b.is<std::string>()) return *a.as<std::string>() == *b.as<std::string>();
    const auto *x = a.as<std::shared_ptr<List>>(), *y = b.as<std::shared_ptr<List>>();
    return x && y && std::equal((*x)->begin(), (*x)->end(), (*y)->begin(), (*y)->end(), same);
}

std::string python_text(const Value &value) {
    if (value.none()) return "None";
    if (const auto *extent = value.as<Extent>()) return to_string(*extent);
    if (const auto *flag = value.as<bool>()) return *flag ? "True" : "False";
    if (const auto *text = value.as<std::string>()) return "'" + *text + "'";
    if (const auto *real = value.as<double>()) return lib::formatted("{}", *real);
    if (const auto *list = value.as<std::shared_ptr<List>>()) {
        std::string text = "[";
        for (size_t i = 0; i < (*list)->size(); ++i) text += (i ? ", " : "") + python_text((**list)[i]);
        return text + "]";
    }
    return value.is<TensorPtr>() ? "a tensor" : "another value";
}

}  // namespace

bool lists(std::string_view names, std::string_view name) {
    for (size_t at = 0; at < names.size();) {
        const size_t end = std::min(names.find(' ', at), names.size());
        if (names.substr(at, end - at) == name) return true;
        at = end + 1;
    }
    return false;
}

std::span<const WithoutEffect> without_effect() { return kWithoutEffect; }

void add(Registry &to, std::span<const Entry> entries) {
    for (const Entry &entry : entries) to.emplace(entry.name, Lowering{entry.lower, entry.arguments});
}

const Registry &registry() {
    static const Registry *const all = [] {
        auto *made = new Registry;
        add_pointwise(*made);
        add_binary(*made);
        add_layout(*made);
        add_joins(*made);
        add_indexing(*made);
        add_creation(*made);
        add_reductions(*made);
        add_norms(*made);
        add_products(*made);
        add_look_ups(*made);
        add_encoders(*made);
        add_functions(*made);
        add_functions_of_two(*made);
        add_losses(*made);
        add_convolutions(*made);
        add_order(*made);
        add_series(*made);
        add_shapes(*made);
        add_writes(*made);
        add_recurrences(*made);
        add_complex(*made);
        add_pools(*made);
        add_resampling(*made);
        add_special(*made);
        add_bessel(*made);
        add_matrices(*made);
        add_rearrangements(*made);
        add_fourier(*made);
        return made;
    }();
    return *all;
}

Value lower_as(Call &call, const char *name, std::vector<Argument> arguments) {
    Call other{call.b, name, std::move(arguments)};
    return registry().at(name).lower(other);
}

Value lower_operator(Call &call) {
    if (auto made = lower_complex(call)) return *made;
    if (auto made = lower_narrow(call)) return *made;
    const auto found = registry().find(call.name);
    if (found == registry().end()) throw Unsupported{why_refused(call.name)};
    require_float64(call);
    Value made = found->second.lower(call);
    for (const Argument &one : call.arguments) {
        if (one.read && !lists(found->second.arguments, one.name))
            throw Unsupported{"takes '" + one.name + "', which the table of operators does not say"};
        // None, where a schema has no default, gives nothing.
        if (one.read || one.value.none() || lacks_effect(call.name, one.name)) continue;
        if (one.otherwise && same(one.value, *one.otherwise)) continue;
        throw Unsupported{"expected " + one.name + "=" + (one.otherwise ? python_text(*one.otherwise) : "None") +
                          ", found " + one.name + "=" + python_text(one.value) + ", which is not supported"};
    }
    return made;
}

}  // namespace weighbridge::torch_plugin
