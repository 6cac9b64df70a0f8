// SPDX-License-Identifier: Apache-2.0
#include "fake/fake.hpp"

#include <algorithm>
#include <atomic>
#include <span>
#include <unordered_map>
#include <vector>

#include "fake/script.hpp"
#include "feature/hash.hpp"
#include "feature/row.hpp"
#include "weighbridge/c/call.h"

namespace weighbridge::lib {
namespace {

// Of a tile with one row: rows that are encoded alike have one hash.
uint64_t hash_row(std::span<const TensorView> tensors) {
    uint64_t hash = kFnvBasis;
    const auto add = [&](const void *data, size_t size) {
        for (const auto *byte = static_cast<const unsigned char *>(data); size > 0; ++byte, --size)
            hash = (hash ^ *byte) * kFnvPrime;
    };
    for (const TensorView &tensor : tensors) {
        const int64_t elements = tensor.shape.elements();
        add(&elements, sizeof elements);
        add(tensor.data, static_cast<size_t>(elements) * size_of(tensor.dtype));
    }
    return finish_hash(hash);
}

// In [0, 1), exact in a float32.
float score_of_hash(uint64_t hash) { return static_cast<float>(hash >> 40) * 0x1p-24F; }

Status failed(const FakeScript::Failure &failure) { return Status::failure(failure.status, "{}", failure.message); }

// Where a script's score is the probability of a sigmoid or softmax, it is one.
Status check_score(const Output &primary, float score) {
    if (primary.activation == Output::Activation::none || (score >= 0.0F && score <= 1.0F)) return Status();
    return Status::failure(WB_INVALID_ARGUMENT,
                           "fake_script: expected scores in [0, 1], as output '{}' is a probability, got {}",
                           primary.name, static_cast<double>(score));
}

class FakeProgram final : public Program {
  public:
    FakeProgram(FakeScript script, std::vector<int64_t> widths)
        : script_(std::move(script)), widths_(std::move(widths)) {}

    Traits traits() const override {
        return {.inline_safe = true, .cancellable = true, .batch_invariant = script_.scores.empty()};
    }
    int32_t backend() const override { return WB_BACKEND_FAKE; }
    int32_t precision() const override { return WB_PRECISION_FAKE; }
    int32_t numerics() const override { return 0; }
    int64_t tile_rows() const override { return 1; }
    int64_t scratch_bytes(int64_t) const override { return 0; }
    Expected<std::unique_ptr<Executor>> make_executor(int, int64_t) const override {
        return std::unique_ptr<Executor>(std::make_unique<FakeExecutor>(*this));
    }

    // Knows the script's rows by how they are encoded. May throw std::bad_alloc.
    Status find_rows(const Bundle &bundle) {
        const Schema &schema = *bundle.schema();
        Tile tile = bundle.encoder().make_tile(1);
        for (size_t i = 0; i < script_.rows.size(); ++i) {
            const std::string &json = script_.rows[i].json;
            // No value takes more bytes than eight for each of its characters.
            std::vector<uint64_t> row(schema.fixed_bytes() / 8 + json.size() + 8);
            RowNotes notes;
            Encoder::Append appended;
            tile.clear();
            Status status = init_row(schema, row.data(), row.size() * 8);
            if (status.ok()) status = set_row_json(schema, row.data(), json, bundle.manifest().limits.length);
            if (status.ok())
                status = bundle.encoder().append(tile, StridedRows(schema, row.data(), 0), 0, notes, appended);
            if (!status.ok())
                return Status::failure(WB_INVALID_ARGUMENT, "fake_script: rows[{}].row: {}", i, status.message);
            const auto [known, added] = rows_.emplace(hash_row(tile.views()), i);
            if (!added)
                return Status::failure(
                    WB_INVALID_ARGUMENT,
                    "fake_script: rows[{}].row: expected another row than that of rows[{}], got one that is "
                    "encoded alike",
                    i, known->second);
        }
        return Status();
    }

    Status run(Run &run) const {
        const int64_t number = runs_.fetch_add(1, std::memory_order_relaxed) + 1;
        const uint64_t hash = hash_row(run.inputs);
        const auto found = rows_.find(hash);
        const FakeScript::Row *row = found == rows_.end() ? nullptr : &script_.rows[found->second];
        if (const int32_t code = wait(run.stop, row, number); code != WB_OK)
            return ended_while(code, "the fake model ran");
        if (row && row->failure.status != WB_OK) return failed(row->failure);
        if (!row || !row->score)
            for (const FakeScript::Periodic &one : script_.failures)
                if (one.is_due(number)) return failed(one.failure);
        const float score = row && row->score ? *row->score : next_score(hash);
        for (size_t i = 0; i < widths_.size(); ++i) std::fill_n(run.outputs[i], widths_[i], score);
        return Status();
    }

  private:
    struct FakeExecutor final : Executor {
        explicit FakeExecutor(const FakeProgram &of) : program(of) {}
        Status run(Run &run) override { return program.run(run); }
        const FakeProgram &program;
    };

    int32_t wait(const StopSource &stop, const FakeScript::Row *row, int64_t number) const {
        int64_t latency_ns = 0;
        if (row && row->latency_ns)
            latency_ns = *row->latency_ns;
        else if (!script_.latencies_ns.empty())
            latency_ns = script_.latencies_ns[static_cast<size_t>(number - 1) % script_.latencies_ns.size()];
        if (latency_ns == 0) return WB_OK;
        const Clock &clock = stop.clock ? *stop.clock : steady_clock();
        return stop.sleep_until(clock.now_ns() + latency_ns);
    }

    float next_score(uint64_t hash) const {
        if (script_.scores.empty()) return score_of_hash(hash);
        return script_.scores[scored_.fetch_add(1, std::memory_order_relaxed) % script_.scores.size()];
    }

    const FakeScript script_;
    const std::vector<int64_t> widths_;  // floats a row, by output
    std::unordered_map<uint64_t, size_t> rows_;
    mutable std::atomic<int64_t> runs_{0};
    mutable std::atomic<size_t> scored_{0};  // by the script's scores in turn
};

}  // namespace

Expected<std::shared_ptr<const Program>> make_fake_program(const std::shared_ptr<const Bundle> &bundle,
                                                           std::string_view text, const StopSource &stop) {
    auto script = read_fake_script(text);
    if (!script) return script.status();
    for (const float score : script->scores)
        if (Status status = check_score(bundle->primary(), score); !status.ok()) return status;
    for (const FakeScript::Row &row : script->rows)
        if (Status status = check_score(bundle->primary(), row.score.value_or(0.0F)); !status.ok()) return status;
    if (script->load_latency_ns > 0) {
        const Clock &clock = stop.clock ? *stop.clock : steady_clock();
        const int32_t code = stop.sleep_until(clock.now_ns() + script->load_latency_ns);
        if (code != WB_OK) return ended_while(code, "preparing the fake model");
    }
    if (script->load_failure.status != WB_OK) return failed(script->load_failure);
    std::vector<int64_t> widths;
    for (const Output &output : bundle->manifest().outputs) widths.push_back(output.width);
    auto program = std::make_shared<FakeProgram>(*std::move(script), std::move(widths));
    if (Status status = program->find_rows(*bundle); !status.ok()) return status;
    return std::shared_ptr<const Program>(std::move(program));
}

}  // namespace weighbridge::lib
