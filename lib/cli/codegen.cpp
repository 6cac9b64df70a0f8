// SPDX-License-Identifier: Apache-2.0
#include "cli/codegen.hpp"

#include <filesystem>

#include "cli/command.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"

namespace weighbridge::cli {

namespace {

struct Language {
    const char *option;
    const char *help;
    std::string (*write)(const CodeRequest &request);
};

constexpr Language languages[] = {
    {"--java", "a Java record, for Scorer.bind()", java_record},
    {"--json", "names, types and currencies, for the fakes without the library", json_schema},
};

class Codegen final : public Verb {
  public:
    void declare(Options &options) override {
        options.argument("DIR", directory_, "the bundle's directory");
        for (size_t i = 0; i < std::size(languages); ++i)
            options.flag(languages[i].option, asked_[i], languages[i].help);
        options.text("--name", name_, "the type's name (Java: Payment)");
        options.text("--package", package_, "its package or module (default none)");
        options.text("--output", output_, "the file to write (default stdout)");
    }

    int run() override {
        const Language *language = nullptr;
        for (size_t i = 0; i < std::size(languages); ++i) {
            if (!asked_[i]) continue;
            if (language)
                throw Failure(exit_usage, std::string(language->option) + " and " + languages[i].option +
                                              ": expected one language");
            language = &languages[i];
        }
        if (!language) throw Failure(exit_usage, "expected a language: " + all_options());
        check_outputs(directory_ + "/manifest.json", directory_, {{"--output", output_}});
        std::string bundle = std::filesystem::weakly_canonical(directory_).filename().string();
        CodeRequest request{Schema::load(directory_).value(), bundle, name_, package_};
        std::string code = language->write(request);
        Output file(output_);
        file.write(code);
        file.close();
        return exit_ok;
    }

  private:
    static std::string all_options() {
        std::string all;
        for (const Language &language : languages) all += (all.empty() ? "" : ", ") + std::string(language.option);
        return all;
    }

    std::string directory_, name_, package_, output_ = "-";
    bool asked_[std::size(languages)] = {};
};

}  // namespace

std::unique_ptr<Verb> make_codegen() { return std::make_unique<Codegen>(); }

}  // namespace weighbridge::cli
