// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
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
        if (!found.report.empty()) print(found.report);
        found.outcome.value();
        return exit_ok;
    }

  private:
    // A line for each finding, then what the module holds.
    void print(const std::string &text) const {
        if (json_) return print_report(text, json_);
        Report report = Report::parse(text);
        for (const auto &[unnamed, finding] : report["findings"].members()) {
            std::string place = finding["file"].text();
            if (const std::string line = finding["line"].text(); !line.empty()) place += ":" + line;
            std::printf("%s: %s%s%s\n", printable(finding["rule"].text()).c_str(), printable(place).c_str(),
                        place.empty() ? "" : ": ", printable(finding["text"].text()).c_str());
        }
        report.erase("findings");
        print_report(report, json_);
    }

    std::string file_, allow_, refuse_;
    bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_scan() { return std::make_unique<Scan>(); }

}  // namespace weighbridge::cli
