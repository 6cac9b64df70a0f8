// SPDX-License-Identifier: Apache-2.0
#include "compile/compiler.hpp"

#include <algorithm>

#include "backend/native/native.hpp"
#include "backend/reference/reference.hpp"
#include "bundle/add_file.hpp"
#include "compile/bundle_import.hpp"
#include "graph/passes/pipeline.hpp"
#include "model/binding.hpp"
#include "model/verify.hpp"
#include "plan/plan_file.hpp"

namespace weighbridge::lib {
namespace {

JsonValue describe(const Graph &graph) {
    std::map<std::string, int> counts;
    for (const Node &node : graph.nodes())
        if (node.op != Op::input && node.op != Op::constant) ++counts[std::string(name_of(node.op))];
    JsonValue list = JsonValue::object();
    for (const auto &[name, count] : counts) list[name] = count;
    return list;
}

// What does not lower, a line each, goes into the report; the message has the number and the first.
Status refuse(const Status &failure, std::string_view lines, JsonValue &report) {
    if (failure.code != WB_INVALID_BUNDLE || lines.empty()) return failure;
    size_t count = 0;
    const std::string_view first = lines.substr(0, lines.find('\n'));
    while (!lines.empty()) {
        const std::string_view line = lines.substr(0, lines.find('\n'));
        report["refused"].push_back(line);
        lines.remove_prefix(std::min(lines.size(), line.size() + 1));
        ++count;
    }
    if (count == 1) return failure;
    return Status::failure(failure.code, "model.ts: {} operators do not lower, the first: {}", count, first);
}

// Where the plan goes and what it came to.
Status add_plan(const Directory &directory, const Plan &plan, const StopSource &stop, JsonValue &report) {
    auto bytes = write_plan(plan, stop);
    if (!bytes) return bytes.status();
    auto digest = sha256(*bytes, stop);
    if (!digest) return digest.status();
    if (Status status = add_file(directory, "model.plan", *bytes, stop); !status.ok()) return status;
    report["plan_bytes"] = bytes->size();
    report["plan_sha256"] = hex(*digest);
    return {};
}

}  // namespace

// Runs the golden vectors in one precision and adds what came out to the entry. WB_VERIFY_FAILED beyond the manifest's
// tolerance. Where this CPU has no instructions for it, the reference backend emulates them.
Status Compiler::check_precision(const std::shared_ptr<const Plan> &plan, int32_t precision, JsonValue &entry) {
    const Manifest &manifest = bundle_->manifest();
    std::vector<std::string> names;
    for (const TensorSpec &tensor : manifest.tensors) names.push_back(tensor.name);
    auto program = make_native_program(plan, precision, level_, names, stop_);
    if (!program && program.status().code == WB_BACKEND_UNAVAILABLE)
        program = make_reference_program(plan, precision, names);
    if (!program) return program.status();
    auto model = Model::make(runtime_, bundle_, *program);
    if (!model) return model.status();
    auto report = verify(**model, stop_, Mismatches::told);
    if (!report) return report.status();
    entry["precision"] = precision_name(precision);
    entry["measured_on"] = (*program)->backend() == WB_BACKEND_NATIVE ? native::name_of(level_) : "reference";
    entry["vectors"] = report->vectors;
    entry["tolerance"] = report->tolerance;
    for (size_t i = 0; i < manifest.outputs.size(); ++i) {
        const std::string &name = manifest.outputs[i].name;
        entry["largest_difference"][name] = report->largest_difference[i];
        entry["mean_difference"][name] = report->mean_difference[i];
    }
    if (!report->mismatches.empty()) entry["mismatches"] = JsonValue::array(report->mismatches);
    const Status verdict = report->verdict(manifest);
    entry["accepted"] = verdict.ok();
    if (verdict.ok()) return {};
    return Status::failure(verdict.code, "precision {}: {}", precision_name(precision), verdict.message);
}

// All of them, also behind one that is beyond its tolerance; that one's failure.
Status Compiler::check_precisions(const std::shared_ptr<const Plan> &plan, JsonValue &report) {
    Status verdict;
    report["precisions"] = JsonValue::array();
    for (int32_t precision : plan->precisions()) {
        JsonValue entry;
        const Status status = check_precision(plan, precision, entry);
        if (!status.ok() && status.code != WB_VERIFY_FAILED) return status;
        report["precisions"].push_back(std::move(entry));
        if (verdict.ok()) verdict = status;
    }
    return verdict;
}

// Imports the module, optimises it and packs its weights. `report` receives what does not lower, `passes` the passes.
Expected<std::shared_ptr<const Plan>> Compiler::make_plan(const CompileOptions &options, JsonValue &report,
                                                          JsonValue &passes) {
    std::string lines;
    const auto dump = [&](std::string_view name, const Graph &after) {
        JsonValue entry = {{"pass", name}, {"operators", after.nodes().size()}};
        if (options.dump_passes) entry["graph"] = after.text();
        passes.push_back(std::move(entry));
    };
    auto plan = import_plan(importer_, bundle_, limits_, options.precisions, dump, lines, stop_);
    return plan || lines.empty() ? plan : refuse(plan.status(), lines, report);
}

Status Compiler::compile(const DirectorySource &source, const CompileOptions &options, JsonValue &report) {
    auto bundle = Bundle::open(source, Bundle::Mode::full, Bundle::kAnyTime, stop_);
    if (!bundle) return bundle.status();
    bundle_ = *std::move(bundle);
    if (!bundle_->signatures().empty())
        return Status::failure(WB_INVALID_BUNDLE,
                               "{}: expected a bundle without signatures, as a signed one is not changed: take them "
                               "away, compile, and sign again",
                               bundle_->signatures().front().name);
    JsonValue passes = JsonValue::array();
    auto plan = make_plan(options, report, passes);
    if (!plan) return plan.status();
    const BundleIdentity &identity = bundle_->manifest().identity;
    report["name"] = identity.name;
    report["version"] = identity.version;
    report["operators"] = describe((*plan)->graph());
    // Shorter rows get the fallback, with reason backend where the manifest states a smaller least_length.
    if ((*plan)->graph().largest_length > 0) report["least_length"] = (*plan)->graph().least_length;
    Status status = check_precisions(*plan, report);
    if (status.ok()) status = add_plan(source.directory(), **plan, stop_, report);
    report["passes"] = std::move(passes);
    return status;
}

}  // namespace weighbridge::lib
