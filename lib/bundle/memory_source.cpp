// SPDX-License-Identifier: Apache-2.0
#include "bundle/memory_source.hpp"

namespace weighbridge::lib {
namespace {

class MemoryFile final : public Source::File {
  public:
    MemoryFile(std::string name, SharedBytes content) : name_(std::move(name)), content_(std::move(content)) {}

    uint64_t bytes() const override { return content_->size(); }
    Expected<SharedBytes> read(uint64_t limit_bytes, const StopSource &stop) override {
        if (bytes() > limit_bytes)
            return Status::failure(WB_IO_ERROR, "{}: expected at most {} bytes, got {}", name_, limit_bytes, bytes());
        if (Status status = stop.check("reading it"); !status.ok())
            return Status::failure(status.code, "{}: {}", name_, status.message);
        return content_;
    }
    bool changed() const override { return false; }

  private:
    const std::string name_;
    const SharedBytes content_;
};

}  // namespace

Expected<std::vector<std::string>> MemorySource::names() const {
    std::vector<std::string> names;
    for (const auto &[name, content] : files_) names.push_back(name);
    return names;
}

Expected<std::unique_ptr<Source::File>> MemorySource::open(const std::string &name) const {
    const auto found = files_.find(name);
    if (found == files_.end()) return Status::failure(WB_INVALID_BUNDLE, "{}: expected a file, got none", name);
    return std::unique_ptr<File>(std::make_unique<MemoryFile>(name, found->second));
}

}  // namespace weighbridge::lib
