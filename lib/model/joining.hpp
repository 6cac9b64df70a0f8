// SPDX-License-Identifier: Apache-2.0
// Joining requests: single rows of one model that wait are run together, by who gets a context first.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "base/status.hpp"
#include "feature/row_source.hpp"
#include "pool/guest.hpp"

namespace weighbridge::lib {

class Model;
class RowSink;
struct CallOptions;
struct Progress;

// A call for one row, which another's run may serve. All that it names is its caller's, who stays until it is let go.
struct Rider : Guest {
    Rider(const RowSource &from, std::span<int64_t> of, const CallOptions &how, RowSink &to, Progress &came)
        : source(from), order(of), options(how), sink(to), progress(came) {}

    const RowSource &source;
    const std::span<int64_t> order;  // the one row
    const CallOptions &options;
    RowSink &sink;
    Progress &progress;
    // Once served, of the run that did it: when it began and ended, and what Model::score() would say.
    int64_t began_ns = 0;
    int64_t ended_ns = 0;
    Status status;
};

// Single rows that wait elsewhere than in a pool: for who runs one of them, and has a context for it.
class Company {
  public:
    virtual uint32_t waiting() const = 0;  // among how many claim() may find some; takes no lock
    // Those of the model that get a seat, one after the other by `next`. Who claimed them says by `served` what became
    // of them, before Model::score() returns.
    virtual Rider *claim(const Model &model, Seats &seats) = 0;

  protected:
    ~Company() = default;
};

// What a model's runs take, by which a run's end is told before it begins. Thread-safe.
class Pace {
  public:
    // Of a row by itself, the least that was seen.
    void saw_one(int64_t took_ns);
    // Of a run of `rows`, at least two.
    void saw(int64_t rows, int64_t took_ns);
    // In the place of all that was seen: the least that a run of `rows` took, at least two.
    void measured(int64_t rows, int64_t took_ns);
    // Of a row with so many others; 0 where nothing was seen.
    int64_t run_ns(int64_t others) const { return first_ns_.load(std::memory_order_relaxed) + others * each_ns(); }
    // How many others such a run may have to be through in less than `left_ns`.
    int64_t others_before(int64_t left_ns) const;

  private:
    int64_t each_ns() const { return each_ns_.load(std::memory_order_relaxed); }
    std::atomic<int64_t> first_ns_{0}, each_ns_{0};
};

}  // namespace weighbridge::lib
