// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/options.hpp"
#include "cli/report.hpp"

namespace weighbridge::cli {

namespace {

class Verify final : public Verb {
  public:
    void declare(Options &options) override {
        choice_.declare_directory(options);
        choice_.declare_load(options);
        options.flag("--json", json_, "print JSON");
    }

    int run() override {
        Engine engine = choice_.engine();
        const Reported found = verify(engine, choice_.directory, choice_.load());
        if (!found.report.empty())
            print_report(found.report, json_, Lines::behind,
                         [](Report &report) { return take_lines(report, "mismatches"); });
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
