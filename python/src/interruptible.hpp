// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "errors.hpp"

namespace weighbridge::python {

// Runs `work`, which `cancel` ends, without the GIL and on a thread of its own, so that this thread hears signals: what
// a handler raises, such as KeyboardInterrupt, ends the work and is thrown once it has ended. Python runs handlers on
// its main thread alone; on others nothing is heard.
void interruptible(wb::CancelToken &cancel, const std::function<void()> &work);

}  // namespace weighbridge::python
