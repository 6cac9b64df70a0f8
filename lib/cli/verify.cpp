// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>

#include "cli/command.hpp"

namespace weighbridge::cli {

namespace {

class Verify final : public Verb {
  public:
    void declare(CLI::App &app) override {
        choice_.declare_directory(app);
        choice_.declare_load(app);
        app.add_flag("--json", json_, "print JSON");
    }

    int run() override {
        Engine engine = choice_.engine();
        Verification found = verify(engine, choice_.directory, choice_.load());
        if (!found.report.empty()) print_report(found.report, json_);
        found.outcome.value();
        return exit_ok;
    }

  private:
    ModelChoice choice_;
    bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_verify() { return std::make_unique<Verify>(); }

}  // namespace weighbridge::cli
