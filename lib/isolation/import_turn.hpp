// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/cancel.hpp"
#include "base/expected.hpp"

namespace weighbridge::lib {

// The right to run one of the importers that a process has at once: each may use all the memory of its limit. A forked
// child has turns of its own. Thread-safe but for the same object.
class ImportTurn {
  public:
    static constexpr int kAtOnce = 4;

    // Waits until fewer than kAtOnce are taken. Fails as `stop` says.
    static Expected<ImportTurn> take(const StopSource &stop);
    ~ImportTurn();
    ImportTurn(ImportTurn &&other) noexcept : epoch_(other.epoch_) { other.epoch_ = 0; }
    ImportTurn &operator=(ImportTurn &&) = delete;

  private:
    explicit ImportTurn(uint64_t epoch) : epoch_(epoch) {}

    uint64_t epoch_;  // of the process that took it; 0: given on
};

}  // namespace weighbridge::lib
