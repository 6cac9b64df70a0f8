// SPDX-License-Identifier: Apache-2.0
#include "backend/reference/reference.hpp"
#include "base/json.hpp"
#include "bundle/add_file.hpp"
#include "bundle/bundle_directory.hpp"
#include "engine/engine.hpp"
#include "graph/passes/pipeline.hpp"
#include "plan/binding.hpp"
#include "plan/plan_file.hpp"

namespace weighbridge::lib {
namespace {

Expected<Digest> module_digest(const Bundle &bundle) { return sha256(*bundle.file("model.ts")); }

JsonValue describe(const Graph &graph) {
    std::map<std::string, int> counts;
    for (const Node &node : graph.nodes())
        if (node.op != Op::input && node.op != Op::constant) ++counts[std::string(name_of(node.op))];
    JsonValue list = JsonValue::object();
    for (const auto &[name, count] : counts) list[name] = count;
    return list;
}

// Every operator that does not lower, as far as a message goes.
Status with_operators(const Status &failure, std::string blame) {
    if (blame.find('\n') == std::string::npos) return failure;
    for (size_t at = 0; (at = blame.find('\n', at)) != std::string::npos; at += 3) blame.replace(at, 1, " | ");
    return Status::failure(failure.code, "model.ts: {}", blame);
}

// Where the plan goes and what it came to.
Status add_plan(const Directory &directory, const Plan &plan, JsonValue &report) {
    auto bytes = write_plan(plan);
    if (!bytes) return bytes.status();
    if (Status status = add_file(directory, "model.plan", *bytes); !status.ok()) return status;
    auto digest = sha256(*bytes);
    if (!digest) return digest.status();
    report["plan_bytes"] = bytes->size();
    report["plan_sha256"] = hex(*digest);
    return {};
}

}  // namespace

// Runs the golden vectors in one precision and adds what came out to the report. WB_VERIFY_FAILED beyond the manifest's
// tolerance. Where this CPU has no instructions for it, the reference backend emulates them.
Status Engine::check_precision(const std::shared_ptr<const Bundle> &bundle, const std::shared_ptr<const Plan> &plan,
                               int32_t precision, JsonValue &entry) {
    std::vector<std::string> names;
    for (const TensorSpec &tensor : bundle->manifest().tensors) names.push_back(tensor.name);
    auto program = make_native_program(plan, precision, level_, names);
    if (!program && program.status().code == WB_BACKEND_UNAVAILABLE)
        program = make_reference_program(plan, precision, names);
    if (!program) return program.status();
    auto model = Model::make(runtime_, bundle, *program);
    if (!model) return model.status();
    auto report = verify(**model);
    if (!report) return report.status();
    entry["precision"] = precision_name(precision);
    entry["measured_on"] = (*program)->backend() == WB_BACKEND_NATIVE ? native::name_of(level_) : "reference";
    entry["vectors"] = report->vectors;
    entry["tolerance"] = report->tolerance;
    for (size_t i = 0; i < bundle->manifest().outputs.size(); ++i) {
        const std::string &name = bundle->manifest().outputs[i].name;
        entry["largest_difference"][name] = report->largest_difference[i];
        entry["mean_difference"][name] = report->mean_difference[i];
    }
    const Status verdict = report->verdict(bundle->manifest());
    entry["accepted"] = verdict.ok();
    if (verdict.ok()) return {};
    return Status::failure(verdict.code, "precision {}: {}", precision_name(precision), verdict.message);
}

Expected<std::string> Engine::compile(const std::string &path, const CompileOptions &options) {
    if (Status status = usable(); !status.ok()) return status;
    auto directory = open_bundle_directory(path);
    if (!directory) return directory.status();
    auto bundle = Bundle::open(*directory, Bundle::Mode::full, Bundle::kAnyTime);
    if (!bundle) return bundle.status();
    JsonValue report;
    const BundleIdentity &identity = (*bundle)->manifest().identity;
    report["name"] = identity.name;
    report["version"] = identity.version;
    std::string blame;
    auto graph = parts_.torchscript->import_graph(*bundle, blame);
    if (!graph) return with_operators(graph.status(), std::move(blame));
    JsonValue passes = JsonValue::array();
    auto optimised = optimise(*std::move(graph), [&](std::string_view name, const Graph &after) {
        JsonValue entry = {{"pass", name}, {"operators", after.nodes().size()}};
        if (options.dump_passes) entry["graph"] = after.text();
        passes.push_back(std::move(entry));
    });
    if (!optimised) return optimised.status();
    auto digest = module_digest(**bundle);
    if (!digest) return digest.status();
    auto plan = Plan::make(*std::move(optimised), *digest, options.precisions);
    if (!plan) return plan.status();
    if (Status status = check_binding(**plan, (*bundle)->manifest()); !status.ok()) return status;
    report["operators"] = describe((*plan)->graph());
    // Shorter rows get the fallback, with reason backend where the manifest states a smaller least_length.
    if ((*plan)->graph().largest_length > 0) report["least_length"] = (*plan)->graph().least_length;
    report["precisions"] = JsonValue::array();
    for (int32_t precision : options.precisions) {
        JsonValue entry;
        if (Status status = check_precision(*bundle, *plan, precision, entry); !status.ok()) return status;
        report["precisions"].push_back(std::move(entry));
    }
    if (Status status = add_plan(*directory, **plan, report); !status.ok()) return status;
    report["passes"] = std::move(passes);
    return report.lines();
}

}  // namespace weighbridge::lib
