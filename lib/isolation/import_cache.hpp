// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "compile/importer.hpp"

namespace weighbridge::lib {

// Keeps what an importer gave in a directory, a file for each result: named by the digest of the module, the request
// and the importer's identity; written beside its name and renamed. What is read is digested again and parsed as
// untrusted: a file that is damaged, or another's, is imported anew and replaced. Failures are not kept, nor is
// anything of an importer without an identity. What cannot be written is not kept, and is no failure. The 64 entries
// that were written last stay.
class CachedImporter final : public Importer {
  public:
    // `directory`: "" keeps nothing. The importer outlives it.
    CachedImporter(Importer &importer, std::string directory) : importer_(importer), directory_(std::move(directory)) {}

    // As Importer::import; WB_IO_ERROR too where the directory is not this user's alone (Directory::open_private), or
    // cannot be made in an existing one.
    Expected<Graph> import(std::shared_ptr<const Bytes> module, const ImportRequest &request, std::string &report,
                           const StopSource &stop) override;

  private:
    Importer &importer_;
    const std::string directory_;
};

}  // namespace weighbridge::lib
