# SPDX-License-Identifier: Apache-2.0
# cmake -DFATBIN=... -DHEADER=... -P CudaDigest.cmake: writes the fatbin's sha256 into a header.
file(SHA256 "${FATBIN}" digest)
file(WRITE "${HEADER}" "// Made by cmake/CudaDigest.cmake.
#pragma once

namespace weighbridge::lib::cuda {

inline constexpr char kFatbinSha256[] = \"${digest}\";

}  // namespace weighbridge::lib::cuda
")
