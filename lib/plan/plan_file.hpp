// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/bytes.hpp"
#include "plan/plan.hpp"

namespace weighbridge::lib {

inline constexpr uint32_t kPlanVersion = 0;

// The content of model.plan, whose form is in lib/plan/README.md. The same plan gives the same bytes.
// WB_INTERNAL where OpenSSL fails.
Expected<Bytes> write_plan(const Plan &plan);

// Reads untrusted bytes: magic, version, size and checksum first, then every field. The weights are copied, so that the
// bytes may go. WB_INVALID_BUNDLE: "model.plan: ", what was expected and what was found. May throw std::bad_alloc, but
// holds no more than a small multiple of the bytes given.
Expected<std::shared_ptr<const Plan>> read_plan(ByteView bytes);

}  // namespace weighbridge::lib
