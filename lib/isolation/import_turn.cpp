// SPDX-License-Identifier: Apache-2.0
#include "isolation/import_turn.hpp"

#include "base/lock.hpp"

namespace weighbridge::lib {
namespace {

struct Turns {
    ForkMutex mutex;
    Condition changed;
    int taken WB_GUARDED_BY(mutex) = 0;
    uint64_t epoch WB_GUARDED_BY(mutex) = 0;  // of the process that counts
};

Turns &turns() {
    static Turns all;
    return all;
}

}  // namespace

Expected<ImportTurn> ImportTurn::take(const StopSource &stop) {
    Turns &all = turns();
    const WakeOnCancel waking(stop.cancel, all.mutex, all.changed);
    const Clock &clock = stop.clock ? *stop.clock : steady_clock();
    const Lock lock(all.mutex);
    const uint64_t epoch = fork_epoch();
    if (all.epoch != epoch) all.taken = 0;
    all.epoch = epoch;
    while (all.taken >= kAtOnce) {
        if (const int32_t code = stop.poll(); code != WB_OK)
            return ended_while(code, "the load waited for other imports to end");
        clock.wait_until(all.changed, all.mutex, stop.deadline_ns);
    }
    ++all.taken;
    return ImportTurn(epoch);
}

ImportTurn::~ImportTurn() {
    if (epoch_ == 0) return;
    Turns &all = turns();
    const Lock lock(all.mutex);
    if (all.epoch == epoch_ && epoch_ == fork_epoch()) --all.taken;
    all.changed.notify_all();
}

}  // namespace weighbridge::lib
