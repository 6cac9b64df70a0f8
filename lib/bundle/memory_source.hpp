// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "bundle/source.hpp"

namespace weighbridge::lib {

// A bundle's files in memory. Bundles that are opened from it share their bytes. Immutable.
class MemorySource final : public Source {
  public:
    explicit MemorySource(FilesByName files) : files_(std::move(files)) {}

    const std::string &label() const override { return label_; }
    Expected<std::vector<std::string>> names() const override;
    Expected<std::unique_ptr<File>> open(const std::string &name) const override;
    bool removed() const override { return false; }

  private:
    std::string label_ = "bundle in memory";
    FilesByName files_;
};

}  // namespace weighbridge::lib
