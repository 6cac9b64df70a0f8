// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <signal.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>

#include "graph/graph_file.hpp"
#include "isolation/isolated_importer.hpp"
#include "support/catch.hpp"
#include "support/fixture_plan.hpp"
#include "support/module_bundle.hpp"

namespace weighbridge::test {

// Files of this program's folder fake_plugins.
inline std::string beside_tests(const std::string &name) {
    return std::filesystem::read_symlink("/proc/self/exe").parent_path().string() + "/fake_plugins/" + name;
}

// fake_importer under a name that says what it does, in a folder of its own.
class TestImporter {
  public:
    explicit TestImporter(const std::string &mode) : path_(directory_.path() + "/" + mode) {
        std::filesystem::create_symlink(beside_tests("fake_importer"), path_);
    }

    lib::IsolationOptions options() const {
        lib::IsolationOptions options;
        options.program = path_;
        return options;
    }
    const std::string &path() const { return path_; }
    void gives(lib::ByteView graph) const { directory_.write(name() + ".graph", lib::as_text(graph)); }
    // Whether the process that ran last is there no more.
    bool ended() const {
        std::ifstream file(path_ + ".pid");
        pid_t last = 0;
        file >> last;
        return last > 0 && ::kill(last, 0) != 0 && errno == ESRCH;
    }

  private:
    std::string name() const { return path_.substr(path_.rfind('/') + 1); }
    const ScratchDirectory directory_;
    const std::string path_;
};

inline lib::Graph small_graph() {
    const float by_country[] = {0.125f, 0.5f, -0.5f, 0.25f};
    return fixture_graph({0.5f, -0.25f, 1.0f}, 0.0f, by_country);
}

inline std::shared_ptr<const lib::Bytes> some_module(size_t bytes = 100) {
    return std::make_shared<const lib::Bytes>(bytes, std::byte{'m'});
}

}  // namespace weighbridge::test
