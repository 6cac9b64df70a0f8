// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>

#include <cstddef>
#include <string>

#include "base/status.hpp"

namespace weighbridge::lib {

// What a JVM gives a Java thread, on which the same code scores. The system's default of 8 MB would count where a host
// limits address space.
inline constexpr size_t kStackBytes = size_t{1} << 20;

// Starts a thread with all signals blocked; the system sees 15 bytes of its name. WB_OUT_OF_MEMORY where it gives none.
Status start_thread(pthread_t &thread, const std::string &name, size_t stack_bytes, void *(*main)(void *),
                    void *argument);

}  // namespace weighbridge::lib
