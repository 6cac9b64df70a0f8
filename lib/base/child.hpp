// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>

#include "base/status.hpp"

namespace weighbridge::lib {

// Runs `work` in a forked child and gives its status: whatever ends a process ends that child alone. WB_BACKEND_FAILED
// where the child is killed by a signal or exits; WB_DEADLINE_EXCEEDED where it is not done after timeout_ns, and
// killed. No child is left. The host's SIGCHLD handler may see it end. For tools; nothing that scores may fork.
Status in_child(const std::function<Status()> &work, int64_t timeout_ns);

}  // namespace weighbridge::lib
