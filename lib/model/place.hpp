// SPDX-License-Identifier: Apache-2.0
// What model.cpp and joining.cpp share.
#pragma once

#include <memory>
#include <vector>

#include "base/exception.hpp"
#include "model/model.hpp"

namespace weighbridge::lib {

// A model's side of one of the runs that a context holds.
struct Model::Place {
    Tile tile;
    std::vector<float *> output_data;        // by output, tile_rows * width floats
    std::vector<const float *> row_outputs;  // of the row that is being answered
    RowNotes *notes = nullptr;               // by row of the tile
    std::unique_ptr<Executor> executor;
    std::byte *memory = nullptr;  // where tile, outputs and notes lie
    Pool::Lease lease;            // held here during a run, so that an abandoned one keeps its context
    Ref<Model> model;             // and its model

    // The backend is through with an abandoned run.
    static void finish(void *self) {
        auto *place = static_cast<Place *>(self);
        Ref<Model> model = std::move(place->model);
        place->lease.reset();
    }
};

// An exception is a failure like any other: it must cost its row only.
template <class Step>
Status guarded(Step &&step) noexcept {
    try {
        return step();
    } catch (...) {
        return failure_of_exception();
    }
}

// Failures that are not one row's, nor the model's on it, are the whole call's: what is left would only meet them
// again.
inline bool ends_call(int32_t code) {
    return code < 0 && code != WB_INVALID_INPUT && code != WB_BACKEND_FAILED && code != WB_INTERNAL &&
           code != WB_OUT_OF_MEMORY;
}

}  // namespace weighbridge::lib
