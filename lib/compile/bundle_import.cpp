// SPDX-License-Identifier: Apache-2.0
#include "compile/bundle_import.hpp"

#include <algorithm>

#include "model/binding.hpp"
#include "scan/module.hpp"

namespace weighbridge::lib {
namespace {

std::vector<int64_t> sizes_of(const Shape &shape) { return {shape.size.begin(), shape.size.begin() + shape.rank}; }

bool has_symbol(const TensorSpec &tensor, int64_t symbol) {
    const auto first = tensor.shape.size.begin();
    return std::count(first, first + tensor.shape.rank, symbol) > 0;
}

// A run's rows are of one exact length, so that nothing of a symbolic size is padded. The mask of a text of fixed size
// is data.
Content content_of(const TensorSpec &tensor, const Limits &limits) {
    if (tensor.source == TensorSpec::Source::mask && (has_symbol(tensor, kTokens) || has_symbol(tensor, kLength)))
        return Content::real_mask;
    if (tensor.source == TensorSpec::Source::lengths && tensor.features.empty() && limits.length > 0)
        return Content::lengths;
    return Content::data;
}

// What an importer is asked for a bundle's module.
Expected<ImportRequest> import_request(const Manifest &manifest) {
    std::vector<const TensorSpec *> tensors;
    for (const TensorSpec &tensor : manifest.tensors) tensors.push_back(&tensor);
    const auto largest = largest_size(manifest, tensors);
    if (!largest) return Status::failure(largest.status().code, "{}: {}", kModuleFile, largest.status().message);
    ImportRequest request;
    request.largest_length = *largest;
    for (const TensorSpec &tensor : manifest.tensors) {
        if (has_symbol(tensor, kLength)) request.least_length = manifest.limits.least_length;
        request.arguments.push_back({tensor.dtype, sizes_of(tensor.shape), content_of(tensor, manifest.limits)});
    }
    for (const Output &output : manifest.outputs)
        request.outputs.push_back(
            {output.name, output.source.key, static_cast<uint64_t>(output.source.place), sizes_of(output.shape)});
    return request;
}

}  // namespace

Expected<std::shared_ptr<const Bytes>> checked_module(const Bundle &bundle, const ScanLimits &limits,
                                                      const StopSource &stop) {
    const Bytes *module = bundle.file(kModuleFile);
    if (!module) return Status::failure(WB_INVALID_BUNDLE, "{}: not in the bundle", kModuleFile);
    ModuleReport report;
    auto checked = scan_module(*module, limits, report, stop);
    if (!checked) return checked.status();
    return std::move(checked->archive);
}

Expected<Graph> import_bundle(Importer &importer, const std::shared_ptr<const Bundle> &bundle, const ScanLimits &limits,
                              std::string &report, const StopSource &stop) {
    auto request = import_request(bundle->manifest());
    if (!request) return request.status();
    auto module = checked_module(*bundle, limits, stop);
    if (!module) return module.status();
    return importer.import(*std::move(module), *request, report, stop);
}

Expected<std::shared_ptr<const Plan>> import_plan(Importer &importer, const std::shared_ptr<const Bundle> &bundle,
                                                  const ScanLimits &limits, const Precisions &precisions,
                                                  const DumpPass &dump, std::string &report, const StopSource &stop) {
    auto graph = import_bundle(importer, bundle, limits, report, stop);
    if (!graph) return graph.status();
    auto optimised = optimise(*std::move(graph), dump, stop);
    if (!optimised) return optimised.status();
    auto digest = sha256(*bundle->file(kModuleFile), stop);
    if (!digest) return digest.status();
    auto plan = Plan::make(*std::move(optimised), *digest, precisions, stop);
    if (!plan) return plan;
    const Status fits = check_binding(**plan, bundle->manifest());
    return fits.ok() ? plan : fits;
}

}  // namespace weighbridge::lib
