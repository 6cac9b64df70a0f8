// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "base/file.hpp"
#include "bundle/bundle.hpp"
#include "support/catch.hpp"

namespace weighbridge::test {

// A directory for one test, gone with the object.
class ScratchDirectory {
  public:
    ScratchDirectory() {
        std::string name = (std::filesystem::temp_directory_path() / "wb-test-XXXXXX").string();
        REQUIRE(mkdtemp(name.data()));
        path_ = std::filesystem::canonical(name).string();
    }
    ~ScratchDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    ScratchDirectory(const ScratchDirectory &) = delete;
    ScratchDirectory &operator=(const ScratchDirectory &) = delete;
    const std::string &path() const { return path_; }

    void write(const std::string &name, std::string_view text) const {
        const std::filesystem::path file = path_ + "/" + name;
        std::filesystem::create_directories(file.parent_path());
        REQUIRE(lib::write_file(file.string(), lib::as_bytes(text)).ok());
    }

  private:
    std::string path_;
};

// A bundle before it is sealed, in memory: `parts` has the manifest's features, tensors, outputs and limits; `files`
// are those that the features name; `more` has what else the manifest says.
struct ModuleBundle {
    std::string version = "1";
    std::string fallback = R"({"score": 0.5})";
};
inline std::shared_ptr<const lib::Bundle> module_bundle(std::string_view module, const std::string &parts,
                                                        const std::map<std::string, std::string> &files = {},
                                                        const ModuleBundle &more = {}) {
    const ScratchDirectory directory;
    directory.write("model.ts", module);
    for (const auto &[name, text] : files) directory.write(name, text);
    directory.write("manifest.json", R"({"weighbridge": {"format": 1, "requires": "0.1.0"},
        "identity": {"name": "test-model", "version": ")" +
                                         more.version + R"("}, "fallback": )" + more.fallback + ", " + parts + "}");
    auto bundle = lib::Bundle::open(directory.path(), lib::Bundle::Mode::unsealed);
    INFO(bundle.status().message);
    REQUIRE(bundle);
    return *bundle;
}

}  // namespace weighbridge::test
