// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/bytes.hpp"
#include "base/cancel.hpp"
#include "plan/plan.hpp"

namespace weighbridge::lib {

inline constexpr uint32_t kPlanVersion = 1;

// A plan as the bytes of model.plan; the same plan is the same bytes. lib/plan/README.md has the form.
// WB_CANCELLED, WB_DEADLINE_EXCEEDED where `stop` says so.
Expected<Bytes> write_plan(const Plan &plan, const StopSource &stop = {});

// compared: the caller has checked the bytes against a digest. compare: the file's own checksum is checked.
enum class Checksum { compare, compared };

// Parses untrusted bytes. The plan points into them: `owner` keeps them, at a multiple of 64 bytes.
// WB_INVALID_BUNDLE: "model.plan: ", where, what was expected and what was found; WB_CANCELLED, WB_DEADLINE_EXCEEDED
// where `stop` says so, which is asked before each constant.
Expected<std::shared_ptr<const Plan>> read_plan(ByteView bytes, std::shared_ptr<const void> owner,
                                                Checksum checksum = Checksum::compare, const StopSource &stop = {});

// The same plan with fewer precisions, in the order given; each must be there.
Expected<std::shared_ptr<const Plan>> with_precisions(const std::shared_ptr<const Plan> &plan, Precisions precisions);

}  // namespace weighbridge::lib
