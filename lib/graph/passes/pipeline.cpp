// SPDX-License-Identifier: Apache-2.0
#include "graph/passes/pipeline.hpp"

#include "graph/passes/rewrite.hpp"

namespace weighbridge::lib {

namespace {

// A pass whose time is bounded by the graph's size: it is not stopped on its way.
template <Expected<Graph> (*kPass)(const Graph &)>
Expected<Graph> brief(const Graph &graph, const StopSource &) {
    return kPass(graph);
}

}  // namespace

std::span<const Pass> pipeline() {
    static constexpr Pass kPasses[] = {
        {"remove_dead", brief<remove_dead>},
        {"simplify_layouts", brief<simplify_layouts>},
        // Padding elimination: a run's rows have one exact length, so masks of real positions are all true, and what
        // they select folds away.
        {"fold_fills", brief<fold_fills>},
        {"fold_constants", fold_constants},
        {"simplify_layouts", brief<simplify_layouts>},
        {"share_subexpressions", brief<share_subexpressions>},
        {"recognise_trees", recognise_trees},
        {"remove_dead", brief<remove_dead>},
        {"fold_norms", brief<fold_norms>},
        {"fuse_attention", brief<fuse_attention>},
        {"remove_dead", brief<remove_dead>},
        {"sink_slices", sink_slices},
        {"share_subexpressions", brief<share_subexpressions>},
        {"merge_linears", brief<merge_linears>},
        {"fuse_epilogues", brief<fuse_epilogues>},
        {"simplify_layouts", brief<simplify_layouts>},
        {"share_subexpressions", brief<share_subexpressions>},
        {"remove_dead", brief<remove_dead>},
        {"mark_ranges", brief<mark_ranges>},
    };
    return kPasses;
}

Expected<Graph> optimise(Graph graph, const DumpPass &dump, const StopSource &stop) {
    if (Status status = validate(graph); !status.ok()) return status;
    if (dump) dump("imported", graph);
    for (const Pass &pass : pipeline()) {
        if (Status status = stop.check("optimising ({})", pass.name); !status.ok()) return status;
        auto next = pass.run(graph, stop);
        if (!next && is_stop(next.status().code))
            return ended_while(next.status().code, formatted("optimising ({})", pass.name));
        Status status = next ? validate(*next) : next.status();
        if (!status.ok()) return Status::failure(WB_INTERNAL, "pass {}: {}", pass.name, status.message);
        graph = *std::move(next);
        if (dump) dump(pass.name, graph);
    }
    return graph;
}

}  // namespace weighbridge::lib
