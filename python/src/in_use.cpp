// SPDX-License-Identifier: Apache-2.0
#include "in_use.hpp"

#include <pthread.h>

namespace weighbridge::python {

std::atomic<uint32_t> &Mark::epoch() noexcept {
    static std::atomic<uint32_t> forks{1};
    static const int registered = pthread_atfork(nullptr, nullptr, [] { ++epoch(); });
    (void)registered;
    return forks;
}

}  // namespace weighbridge::python
