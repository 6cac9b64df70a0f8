// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>

#include "cli/command.hpp"

namespace weighbridge::cli {

namespace {

class Inspect final : public Verb {
  public:
    void declare(CLI::App &app) override {
        choice_.declare_directory(app);
        app.add_flag("--json", json_, "print JSON");
    }

    int run() override {
        print_report(inspect(choice_.directory).value(), json_);
        return exit_ok;
    }

  private:
    ModelChoice choice_;
    bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_inspect() { return std::make_unique<Inspect>(); }

}  // namespace weighbridge::cli
