# SPDX-License-Identifier: Apache-2.0
# cmake -DFATBIN=... -DHEADER=... -P CudaDigest.cmake: writes the fatbin's sha256 into a header.
file(SHA256 "${FATBIN}" digest)
file(WRITE "${HEADER}" "// Made by cmake/CudaDigest.cmake.
#define WEIGHBRIDGE_FATBIN_SHA256 \"${digest}\"
")
