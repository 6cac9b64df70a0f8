// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include "cli/command.hpp"
#include "cli/options.hpp"
#include "cli/printable.hpp"
#include "cli/report.hpp"

namespace weighbridge::cli {

namespace {

class Scan final : public Verb {
  public:
    void declare(Options &options) override {
        options.argument("FILE", file_, "a TorchScript file, or a bundle's directory");
        options.text("--allow", allow_, "operators to allow besides, as aten::name, with commas between them");
        options.text("--refuse", refuse_, "operators to refuse, as aten::name or aten::*, with commas between them");
        options.flag("--json", json_, "print JSON");
    }

    int run() override {
        EngineOptions options;
        options.named = {{"scan_allow", allow_}, {"scan_refuse", refuse_}};
        const Engine engine = Engine::create(options).value();
        const Reported found = scan(engine, std::filesystem::is_directory(file_) ? file_ + "/model.ts" : file_);
        if (!found.report.empty()) print_report(found.report, json_, Lines::before, take_findings);
        found.outcome.value();
        return exit_ok;
    }

  private:
    // A line for each finding.
    static std::string take_findings(Report &report) {
        std::string lines;
        for (const auto &[unnamed, finding] : report["findings"].members()) {
            std::string place = finding["file"].text();
            if (const std::string line = finding["line"].text(); !line.empty()) place += ":" + line;
            lines += printable(finding["rule"].text()) + ": " + printable(place) + (place.empty() ? "" : ": ") +
                     printable(finding["text"].text()) + "\n";
        }
        report.erase("findings");
        return lines;
    }

    std::string file_, allow_, refuse_;
    bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_scan() { return std::make_unique<Scan>(); }

}  // namespace weighbridge::cli
