// SPDX-License-Identifier: Apache-2.0
/// @file
/// Bundles in memory.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "weighbridge/c/source.h"
#include "weighbridge/error.hpp"

namespace weighbridge {
inline namespace v0 {

/// The files of a bundle, in memory, by name: what comes from an object store, a database or an archive needs no
/// directory. Checked as a directory is by whatever it is given to. Move-only; every member is thread-safe.
class Source {
  public:
    static Expected<Source> create() {
        auto handle = detail::made<wb_source, wb_source_free>(wb_source_create);
        if (!handle) return std::move(handle).error();
        return Source(*std::move(handle));
    }

    /// Adds a file: its bytes are copied, once; models share that copy.
    Expected<void> add(const std::string &name, std::string_view bytes) {
        return detail::done(
            [&](wb_error *err) { return wb_source_add_file(get(), name.c_str(), bytes.data(), bytes.size(), err); });
    }

    wb_source *get() const noexcept { return handle_.get(); }

  private:
    using Handle = detail::Handle<wb_source, wb_source_free>;
    explicit Source(Handle handle) : handle_(std::move(handle)) {}
    Handle handle_;
};

}  // namespace v0
}  // namespace weighbridge
