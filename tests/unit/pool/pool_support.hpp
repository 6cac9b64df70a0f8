// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <thread>

#include "pool/pool.hpp"
#include "support/catch.hpp"

namespace weighbridge::test {

inline void wait_for_waiters(const lib::Pool &pool, uint32_t count) {
    while (pool.waiting() != count) std::this_thread::yield();
}

// A thread that acquires; what it got is read after join().
struct Request {
    Request(lib::Pool &pool, lib::Priority priority, int64_t deadline_ns = WB_NO_DEADLINE,
            lib::CancelToken *cancel = nullptr, lib::Patience patience = lib::Patience::queue)
        : thread([this, &pool, priority, deadline_ns, cancel, patience] {
              auto got = pool.acquire(priority, deadline_ns, cancel, patience);
              status = got.status();
              if (got) lease = *std::move(got);
          }) {}
    lib::Status join() {
        thread.join();
        return status;
    }
    lib::Pool::Lease lease;
    lib::Status status;
    std::thread thread;
};

}  // namespace weighbridge::test
