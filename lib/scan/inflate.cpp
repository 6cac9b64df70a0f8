// SPDX-License-Identifier: Apache-2.0
#include <zlib.h>

#include <algorithm>
#include <limits>

#include "scan/archive.hpp"

namespace weighbridge::lib {

uint32_t crc32_of(ByteView bytes) {
    return static_cast<uint32_t>(crc32_z(0, reinterpret_cast<const Bytef *>(bytes.data()), bytes.size()));
}

Status inflate_exactly(ByteView packed, Bytes &out) {
    constexpr size_t kMost = std::numeric_limits<uInt>::max();
    if (packed.size() > kMost || out.size() > kMost)
        return Status::failure(WB_INVALID_BUNDLE, "expected less than 4 GiB, found {} bytes", out.size());
    z_stream stream{};
    stream.next_in = reinterpret_cast<Bytef *>(const_cast<std::byte *>(packed.data()));
    stream.avail_in = static_cast<uInt>(packed.size());
    Bytef nothing;  // zlib takes no null pointer
    stream.next_out = out.empty() ? &nothing : reinterpret_cast<Bytef *>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    const bool begun = inflateInit2(&stream, -MAX_WBITS) == Z_OK;
    const int code = begun ? inflate(&stream, Z_FINISH) : Z_MEM_ERROR;
    const uInt left = stream.avail_in, missing = stream.avail_out;
    inflateEnd(&stream);
    if (code == Z_MEM_ERROR) return Status::failure(WB_OUT_OF_MEMORY, "out of memory for inflating");
    if (code == Z_STREAM_END && left == 0 && missing == 0) return {};
    return Status::failure(WB_INVALID_BUNDLE,
                           "expected compressed data of exactly {} bytes, found it damaged or of another length",
                           out.size());
}

}  // namespace weighbridge::lib
