// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backend/program.hpp"
#include "base/ref.hpp"
#include "bundle/bundle.hpp"
#include "feature/encoder.hpp"
#include "feature/shape_sorter.hpp"
#include "model/joining.hpp"
#include "model/runtime.hpp"
#include "weighbridge/c/call.h"

namespace weighbridge::lib {

// How a request wants to be served.
struct CallOptions {
    Priority priority = Priority::normal;
    int64_t deadline_ns = WB_NO_DEADLINE;
    CancelToken *cancel = nullptr;
    bool accept_fallback = true;
    Patience patience = Patience::queue;
    Company *company = nullptr;  // of a row that was submitted: where others wait
};

class Model;

// A model's answer for one row. Pointers hold until the sink returns.
struct Answer {
    double score = 0.0;
    double probability = 0.0;
    int32_t band = -1;
    RowNotes notes;
    std::span<const float *const> outputs;  // by output: its `width` floats, activation applied
    const Model *by = nullptr;              // that ran: the model, or its replica on another device
};

// What scoring took. Reading the clock is dear next to a small model, so that the ends are handed on.
struct Timing {
    int64_t entered_ns = 0;  // in: when the call began, by the runtime's clock; 0 where score() shall look itself
    int64_t queue_ns = 0;    // out, as the rest: of all waits for a context
    int64_t run_ns = 0;      // in contexts
    int64_t ended_ns = 0;    // when the last tile was answered; 0 where none ran
};

// Receives answers as they come, in any order of rows. Called while a context is held: must be quick.
class RowSink {
  public:
    virtual void answered(int64_t row, const Answer &answer) = 0;
    // The others go on after both.
    virtual void refused(int64_t row, const Status &why) = 0;  // WB_INVALID_INPUT
    virtual void failed(int64_t row, const Status &why) = 0;   // the model did: as Model::score() reports it

  protected:
    ~RowSink() = default;
};

// How far score() came with `rows`, which it has reordered: rows[0..failed) are those that the model failed on,
// rows[failed..done) were answered or refused, rows[done..n) are untouched.
struct Progress {
    size_t failed = 0;
    size_t done = 0;
    size_t alone = 0;  // rows before it run one by one: they were in a tile whose run failed
};

// One loaded version of a bundle, with its place in every run of its device's contexts. Immutable but for the places,
// which whoever holds the run's lease owns. A place is small: what is large (the tile's tensors, what the program
// passes on, outputs) lies in the run's arena, and is nobody's between two runs.
class Model final : public RefCounted {
  public:
    // Has every arena of the program's device grow to what the model needs. WB_OUT_OF_MEMORY; WB_INVALID_BUNDLE where
    // one row needs more than the limit memory_bytes. The runtime has contexts of that device.
    static Expected<Ref<Model>> make(Ref<Runtime> runtime, std::shared_ptr<const Bundle> bundle,
                                     std::shared_ptr<const Program> program);
    ~Model() override;

    const Bundle &bundle() const { return *bundle_; }
    Joining joining() const { return joining_; }
    int64_t tile_run_ns(int64_t others) const;  // of a row that is run with so many others as fit; 0: not known
    const std::shared_ptr<const Bundle> &shared_bundle() const { return bundle_; }
    const Program &program() const { return *program_; }
    Runtime &runtime() const { return *runtime_; }
    Pool &pool() const { return pool_; }                     // whose contexts run it
    int64_t context_bytes() const { return layout_.bytes; }  // of an arena
    int64_t tile_rows() const { return tile_rows_; }
    // The primary output's bands by name, each with its end: where two models' are equal, a band's index means the same
    // decision.
    const std::string &band_names() const { return band_names_; }
    // What every result of this model says: bundle and version, and, where the model answers, what ran.
    void name(wb_result &result) const;
    void name_run(wb_result &result) const;
    int32_t device() const { return named_.device; }  // its number, as in results

    // Scores rows[0..n), in tiles: packed, or for a program that takes none of equal shape, for which `sorter` puts
    // them side by side; null keeps their order. A row that the encoder refuses or that the model fails on goes to the
    // sink alone: where a tile's run fails, its rows run again one by one. Failures are the pool's and the stop's. A
    // row's own: WB_INVALID_INPUT, and the model's: WB_BACKEND_FAILED, which names the output where one is not finite,
    // WB_INTERNAL or WB_OUT_OF_MEMORY.
    Status score(const RowSource &source, std::span<int64_t> rows, const CallOptions &options, RowSink &sink,
                 Progress &progress, Timing &timing, ShapeSorter *sorter = nullptr);

    // The same bundle on another device of the engine's, in a program with this one's bits: takes requests that are
    // sooner done there; a preferred one all that it has time for. Only before the model serves.
    void add_replica(Ref<Model> replica, bool preferred = false) {
        replica->preferred_ = preferred;
        replicas_.push_back(std::move(replica));
    }
    std::span<const Ref<Model>> replicas() const { return replicas_; }
    // Runs rows [0, rows) of the source, at most a tile of them, for what that takes.
    Status measure(const RowSource &source, int64_t rows, const CallOptions &options = {});

    // Runs row 0 of the source in every place, on this thread, in memory of its own: only before the model serves, and
    // only where the program is inline_safe. Ends as the options's deadline and token say. May throw std::bad_alloc.
    Status warm(const RowSource &source, const CallOptions &options = {});

  private:
    struct Place;
    friend class Runtime;
    // Where what a run needs lies in an arena: the tile's tensors from 0 on, and the rest at multiples of 64.
    struct Layout {
        int64_t scratch = 0;
        int64_t scratch_bytes = 0;
        std::vector<int64_t> outputs;  // by output, tile_rows * width floats
        int64_t notes = 0;             // by row of the tile
        int64_t bytes = 0;             // of all
    };
    // The rows that a call to score() is about.
    struct Rows {
        const RowSource &source;
        std::span<int64_t> order;
        const CallOptions &options;
        RowSink &sink;
        Progress &progress;
    };
    Model(Ref<Runtime> runtime, int device, std::shared_ptr<const Bundle> bundle,
          std::shared_ptr<const Program> program);
    Status make_places();
    void retire() override;

    int64_t output_bytes(size_t output, int64_t rows) const;
    Layout layout_of(int64_t tile_rows) const;
    void settle_in(Place &place, AlignedBuffer &block) const;
    Status score_here(const RowSource &source, std::span<int64_t> rows, const CallOptions &options, RowSink &sink,
                      Progress &progress, Timing &timing, ShapeSorter *sorter);
    Status score_tile(Place &place, Pool::Lease &lease, const Rows &rows);
    Status encode_and_run(Place &place, Pool::Lease &lease, const Rows &rows, size_t &end);
    Status fill(Place &place, const Rows &rows, size_t &end) const;
    Status run(Place &place, Pool::Lease &lease, const CallOptions &options);
    Status answer(Place &place, size_t index, int64_t row, RowSink &sink) const;
    static void fail_next(const Rows &rows, Status status);

    // routing.cpp: a model with replicas.
    Status score_routed(const RowSource &source, std::span<int64_t> rows, const CallOptions &options, RowSink &sink,
                        Progress &progress, Timing &timing, ShapeSorter *sorter);
    int64_t finish_ns(int64_t rows) const;
    int64_t spare_ns(int64_t rows, int64_t left_ns) const;
    int64_t leave_ns(int64_t rows, const Model &there, const CallOptions &options, int64_t now_ns) const;
    DeviceHealth &health() const { return runtime_->health[named_.device]; }
    Model *soonest(int64_t rows, const CallOptions &options, int64_t now_ns) const;
    void tell_health(const Status &ran) const;
    void saw_rows(int64_t rows, int64_t took_ns);

    // joining.cpp: a single row of a model that joins.
    struct Ride;
    Status score_row(const Rows &rows, Timing &timing);
    Rider *claim(Rider &own, const Pool::Lease &lease, Pool::Party &party) const;
    void gather(Rider &own, const Pool::Lease &lease) const;
    void board(Place &place, Ride &ride, Rider &rider) const;
    Status score_joined(Place &place, Pool::Lease &lease, Rider &own, Pool::Party &party, Rider *company);
    void run_joined(Place &place, Pool::Lease &lease, const Ride &ride, int64_t began_ns);

    Ref<Runtime> runtime_;
    Pool &pool_;
    std::shared_ptr<const Bundle> bundle_;
    std::shared_ptr<const Program> program_;
    std::vector<std::unique_ptr<Place>> places_;  // by run of the pool
    std::vector<Ref<Model>> replicas_;
    wb_result named_{};  // what name() and name_run() copy
    std::string band_names_;
    bool preferred_ = false;  // of a replica
    bool may_abandon_;        // the backend may keep a run beyond its end
    Joining joining_ = Joining::none;
    Pace pace_;
    int64_t tile_rows_ = 1;
    Layout layout_;
    Model *next_retired_ = nullptr;
};

}  // namespace weighbridge::lib
