// SPDX-License-Identifier: Apache-2.0

#include "base/lock.hpp"
#include "bundle/manifest_reader.hpp"
#include "objects.hpp"
#include "weighbridge.h"

using namespace weighbridge;
using capi::Kind;
using lib::Status;

namespace weighbridge::capi {

lib::Expected<lib::MemorySource> read_source(wb_source *source) {
    Pinned<SourceObject> object(Kind::source, source);
    if (!object) return object.status();
    const lib::Lock lock(object->mutex);
    return lib::MemorySource(object->files);
}

}  // namespace weighbridge::capi

extern "C" {

int32_t wb_source_create(wb_source **out, wb_error *err) {
    return capi::barrier(out, err, [&] { return capi::give(out, Kind::source, new capi::SourceObject); });
}

int32_t wb_source_add_file(wb_source *source, const char *name, const void *data, size_t size, wb_error *err) {
    return capi::barrier(err, [&] {
        capi::Pinned<capi::SourceObject> object(Kind::source, source);
        if (!object) return object.status();
        if (!name) return capi::null_argument("name");
        if (!data && size > 0) return capi::null_argument("data");
        if (size > PTRDIFF_MAX)
            return Status::failure(WB_INVALID_ARGUMENT, "size: expected at most {} bytes, got {}", PTRDIFF_MAX, size);
        if (!lib::is_file_name(name))
            return Status::failure(WB_INVALID_ARGUMENT,
                                   "name: expected 1 to 127 of [A-Za-z0-9._-], the first no '.', got \"{:.64}\"", name);
        const auto *from = static_cast<const std::byte *>(data);
        auto content = std::make_shared<const lib::Bytes>(from, from + size);
        const lib::Lock lock(object->mutex);
        if (object->files.emplace(name, std::move(content)).second) return Status();
        return Status::failure(WB_INVALID_ARGUMENT, "name: expected one that is not there yet, got \"{}\"", name);
    });
}

void wb_source_free(wb_source *source) { capi::free_of(Kind::source, source); }

}  // extern "C"
