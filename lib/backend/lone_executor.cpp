// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "backend/program.hpp"

namespace weighbridge::lib {
namespace {

class LoneExecutor final : public Executor {
  public:
    LoneExecutor(std::unique_ptr<Executor> executor, int64_t bytes)
        : scratch_(static_cast<size_t>(bytes)), executor_(std::move(executor)) {}

    Status run(Run &run) override {
        run.scratch = scratch_.data();
        return executor_->run(run);
    }

  private:
    AlignedBuffer scratch_;
    const std::unique_ptr<Executor> executor_;
};

}  // namespace

Expected<std::unique_ptr<Executor>> make_lone_executor(const Program &program, int context, int64_t tile_rows) {
    auto executor = program.make_executor(context, tile_rows);
    if (!executor) return executor.status();
    return std::unique_ptr<Executor>(
        std::make_unique<LoneExecutor>(*std::move(executor), program.scratch_bytes(tile_rows)));
}

}  // namespace weighbridge::lib
