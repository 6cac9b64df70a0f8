// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/file.hpp"
#include "bundle/source.hpp"

namespace weighbridge::lib {

// A bundle's directory, opened once: all is read through its descriptor, so that a link in its path that is pointed
// elsewhere meanwhile changes nothing.
class DirectorySource final : public Source {
  public:
    // A Kubernetes volume (ConfigMap, Secret, projected, CSI) keeps its files in a directory that the link `..data`
    // names and that is never changed: that one is opened. WB_IO_ERROR.
    static Expected<DirectorySource> open_path(const std::string &path);

    const Directory &directory() const { return directory_; }
    const std::string &label() const override { return directory_.path(); }
    // But for those that mounts leave there: a directory `lost+found`, files `.nfs...`.
    Expected<std::vector<std::string>> names() const override;
    Expected<std::unique_ptr<File>> open(const std::string &name) const override;
    bool removed() const override { return directory_.removed(); }

  private:
    explicit DirectorySource(Directory directory) : directory_(std::move(directory)) {}

    Directory directory_;
};

}  // namespace weighbridge::lib
