// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "bundle/manifest_reader.hpp"
#include "bundle/source.hpp"

namespace weighbridge::lib {

// Hands the steps of a manifest the vocabularies and tokenisers that they name, made once per file and options, and
// completes its samples. `files` holds every file that the steps name. WB_INVALID_BUNDLE names file and line; also for
// a default that its own vocabulary does not know.
Status bind_vocabularies(const FilesByName &files, ReadManifest &read);

}  // namespace weighbridge::lib
