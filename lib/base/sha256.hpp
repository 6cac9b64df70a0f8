// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string>

#include "base/bytes.hpp"
#include "base/cancel.hpp"
#include "base/expected.hpp"

namespace weighbridge::lib {

using Digest = std::array<uint8_t, 32>;

// SHA-256 (FIPS 180-4), by the functions of OpenSSL that need nothing else of it: no context, no provider, no
// configuration, and nothing shared with an OpenSSL of the host's. WB_INTERNAL where OpenSSL fails; WB_CANCELLED,
// WB_DEADLINE_EXCEEDED where `stop` says so, which is asked after each 4 MiB.
Expected<Digest> sha256(ByteView data, const StopSource &stop = {});

std::string hex(const Digest &digest);  // 64 lower-case digits

// The first eight bytes as a big-endian number.
uint64_t leading_u64(const Digest &digest);

}  // namespace weighbridge::lib
