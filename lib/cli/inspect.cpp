// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/options.hpp"

namespace weighbridge::cli {

namespace {

class Inspect final : public Verb {
  public:
    void declare(Options &options) override {
        choice_.declare_directory(options);
        options.flag("--json", json_, "print JSON");
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
