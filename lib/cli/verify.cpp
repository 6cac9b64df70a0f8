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
        if (!found.report.empty()) print(found.report);
        found.outcome.value();
        return exit_ok;
    }

  private:
    void print(const std::string &text) const {
        if (json_) return print_report(text, json_);
        Report report = Report::parse(text);
        const std::string mismatches = take_lines(report, "mismatches");
        print_report(report, json_);
        std::fputs(mismatches.c_str(), stdout);
    }

    ModelChoice choice_;
    bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_verify() { return std::make_unique<Verify>(); }

}  // namespace weighbridge::cli
