// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "base/child.hpp"
#include "base/clock.hpp"
#include "bundle/golden.hpp"
#include "feature/row.hpp"
#include "torchscript/torchscript.hpp"

namespace weighbridge::lib {

Status score_shortest(Backend &backend, const std::shared_ptr<const Bundle> &bundle) {
    auto program = backend.prepare(bundle, "");
    if (!program) return program.status();
    auto executor = make_lone_executor(**program, 0, 1);
    if (!executor) return executor.status();

    const Schema &schema = *bundle->schema();
    const std::string json = generate_golden_rows(*bundle, 1)[0];
    // No value takes more of the tail than eight bytes for each of its characters.
    std::vector<uint64_t> row(schema.fixed_bytes() / 8 + json.size() + 8);
    if (Status status = init_row(schema, row.data(), row.size() * 8); !status.ok()) return status;
    const int64_t longest = bundle->manifest().limits.length;
    if (Status status = set_row_json(schema, row.data(), json, longest); !status.ok()) return status;
    Tile tile = bundle->encoder().make_tile(1);
    RowNotes notes;
    Encoder::Append done;
    const StridedRows source(schema, row.data(), 0);
    if (Status status = bundle->encoder().append(tile, source, 0, notes, done); !status.ok()) return status;

    std::vector<std::vector<float>> values;
    std::vector<float *> outputs;
    for (const Output &output : bundle->manifest().outputs) values.emplace_back(static_cast<size_t>(output.width));
    for (auto &one : values) outputs.push_back(one.data());
    Run run;
    run.inputs = tile.views();
    run.outputs = outputs;
    run.rows = 1;
    run.stop.clock = &steady_clock();
    if (Status status = (*executor)->run(run); !status.ok()) return status;
    for (size_t i = 0; i < values.size(); ++i)
        if (!std::all_of(values[i].begin(), values[i].end(), [](float value) { return std::isfinite(value); }))
            return Status::failure(WB_BACKEND_FAILED, "output '{}': expected finite numbers, got others",
                                   bundle->manifest().outputs[i].name);
    return {};
}

Status try_shortest(const PluginOptions &options, const std::shared_ptr<const Bundle> &bundle, int64_t longest_ns) {
    const auto score = [&] {
        const auto backend = make_torchscript_backend({options.plugin, options.libtorch, options.scan, 1});
        return score_shortest(*backend, bundle);
    };
    return in_child(score, longest_ns);
}

}  // namespace weighbridge::lib
