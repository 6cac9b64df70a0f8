// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/status.hpp"

namespace weighbridge::lib {

// The first half, before anything is opened: no descriptor but standard ones and the two pipes, no core file, no
// tracer, no new privileges, and an end together with the thread that started this process. Ends the process where its
// parent is not `parent` any more.
void confine_process(int parent);

// The second half, once LibTorch is mapped and primed: limits of memory beyond what is mapped, of processor time, of
// file sizes, descriptors and processes; then a seccomp allow-list of 23 system calls for all threads, without open,
// exec, sockets, signals or ptrace: anything else fails with EPERM. WB_BACKEND_UNAVAILABLE says which part the system
// forbids and what to do; where not `strict`, that part is left out.
Status enter_sandbox(uint64_t memory_bytes, uint64_t cpu_s, bool strict);

}  // namespace weighbridge::lib
