// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/options.hpp"

namespace weighbridge::cli {

namespace {

class Version final : public Verb {
  public:
    void declare(Options &options) override { options.flag("--json", json_, "print JSON"); }

    int run() override {
        print_report(system_info().value(), json_);
        return exit_ok;
    }

  private:
    bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_version() { return std::make_unique<Version>(); }

}  // namespace weighbridge::cli
