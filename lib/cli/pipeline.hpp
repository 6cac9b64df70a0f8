// SPDX-License-Identifier: Apache-2.0
// A file goes through several threads in chunks and comes back in its own order.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/metrics.hpp"
#include "cli/records.hpp"
#include "weighbridge/c/call.h"

namespace weighbridge::cli {

// The record that takes the most lines, more than one of them; none has 1.
struct LongestRecord {
    uint64_t line = 0, lines = 1;
};

// What became of a chunk's records.
struct Chunk {
    std::vector<Record> records;
    bool cut = false;  // interrupted: the records behind those counted in `rows` were not looked at

    std::string output, rejects;  // to be written
    uint64_t rows = 0, scored = 0, rejected = 0;
    LongestRecord longest;
    uint64_t on_gpus = 0;                          // rows that a GPU answered
    uint64_t fallbacks[WB_REASON_SHORT + 1] = {};  // by WB_REASON_*
    uint64_t backends[WB_BACKEND_FAKE + 1] = {};   // by WB_BACKEND_*
    std::vector<uint64_t> with_id;                 // rows by --id that have a text there
    std::vector<uint64_t> bands;                   // rows by band
    std::vector<uint64_t> band_frauds;
    std::vector<int64_t> latencies_ns;  // of calls
    uint64_t with_label = 0;            // scored rows
    std::vector<Labelled> labelled;     // of them, those that the model answered
};

// Works on one chunk; made for each thread, and used by that thread only.
using Worker = std::function<void(Chunk &)>;

// Reads all records, `chunk_rows` at a time, works on them on `threads` threads, and hands the chunks to `done`, on the
// calling thread, in the order of the file. At most 2 * threads + 1 chunks are in memory. Ends early, after the first
// chunk that is cut, once interrupted. What a worker or `done` throws is thrown here.
void run_pipeline(RecordReader &reader, unsigned threads, size_t chunk_rows, const std::function<Worker()> &make_worker,
                  const std::function<void(Chunk &)> &done);

}  // namespace weighbridge::cli
