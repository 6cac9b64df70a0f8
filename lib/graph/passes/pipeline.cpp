// SPDX-License-Identifier: Apache-2.0
#include "graph/passes/pipeline.hpp"

#include "graph/passes/rewrite.hpp"

namespace weighbridge::lib {

std::span<const Pass> pipeline() {
    static constexpr Pass kPasses[] = {
        {"remove_dead", remove_dead},
        {"simplify_layouts", simplify_layouts},
        // Padding elimination: a run's rows have one exact length, so masks of real positions are all true, and what
        // they select folds away.
        {"fold_fills", fold_fills},
        {"fold_constants", fold_constants},
        {"simplify_layouts", simplify_layouts},
        {"share_subexpressions", share_subexpressions},
        {"recognise_trees", recognise_trees},
        {"remove_dead", remove_dead},
        {"fold_norms", fold_norms},
        {"fuse_attention", fuse_attention},
        {"remove_dead", remove_dead},
        {"sink_slices", sink_slices},
        {"share_subexpressions", share_subexpressions},
        {"merge_linears", merge_linears},
        {"fuse_epilogues", fuse_epilogues},
        {"simplify_layouts", simplify_layouts},
        {"share_subexpressions", share_subexpressions},
        {"remove_dead", remove_dead},
        {"mark_ranges", mark_ranges},
    };
    return kPasses;
}

Expected<Graph> optimise(Graph graph, const DumpPass &dump, const StopSource &stop) {
    if (Status status = validate(graph); !status.ok()) return status;
    if (dump) dump("imported", graph);
    for (const Pass &pass : pipeline()) {
        if (Status status = stop.check("optimising ({})", pass.name); !status.ok()) return status;
        auto next = pass.run(graph);
        Status status = next ? validate(*next) : next.status();
        if (!status.ok()) return Status::failure(WB_INTERNAL, "pass {}: {}", pass.name, status.message);
        graph = *std::move(next);
        if (dump) dump(pass.name, graph);
    }
    return graph;
}

}  // namespace weighbridge::lib
