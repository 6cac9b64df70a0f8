// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backend/program.hpp"
#include "bundle/bundle.hpp"

namespace weighbridge::lib {

// The fake engine, for tests of services: rows are checked and encoded as for any engine, and a script gives the score,
// the latency or the failure of each. Its outputs are after their activation (a bundle of Mode::scripted). Tiles have
// one row, so that which run a row is does not depend on the rows beside it.
// WB_INVALID_ARGUMENT names what is wrong in the script; the failure that it gives the load; WB_CANCELLED and
// WB_DEADLINE_EXCEEDED as `stop` says, during its load's latency.
Expected<std::shared_ptr<const Program>> make_fake_program(const std::shared_ptr<const Bundle> &bundle,
                                                           std::string_view script, const StopSource &stop);

}  // namespace weighbridge::lib
