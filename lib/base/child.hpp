// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>

#include "base/status.hpp"

namespace weighbridge::lib {

// Runs `work` in a forked child and gives its status: whatever ends a process ends that child alone. WB_BACKEND_FAILED
// where the child is killed by a signal, exits, or is not done after timeout_ns, when it is killed. The host's SIGCHLD
// handler may see the child end. For tools; nothing that scores may fork.
Status in_child(const std::function<Status()> &work, int64_t timeout_ns);

}  // namespace weighbridge::lib
