// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/file.hpp"

namespace weighbridge::lib {

// A bundle's directory, opened once. A Kubernetes volume (ConfigMap, Secret, projected, CSI) keeps its files in a
// directory that the link `..data` names and that is never changed: that one is opened. WB_IO_ERROR.
Expected<Directory> open_bundle_directory(const std::string &path);

// The names in it, but for those that mounts leave there: a directory `lost+found`, files `.nfs...`.
Expected<std::vector<std::string>> bundle_names(const Directory &directory);

// Whether something is there that may be read as a file of the bundle. WB_INVALID_BUNDLE says what to do with what is
// not: a link, a directory, a special file.
Status check_bundle_file(const Directory &directory, const std::string &name);

}  // namespace weighbridge::lib
