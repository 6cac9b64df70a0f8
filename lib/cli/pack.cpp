// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>

#include "cli/command.hpp"

namespace weighbridge::cli {

namespace {

class Pack final : public Verb {
  public:
    void declare(CLI::App &app) override {
        app.add_option("--module", request_.module, "model.ts, a TorchScript file")->required();
        app.add_option("--manifest", request_.manifest, "manifest.json; vocabularies lie beside it")->required();
        app.add_option("--golden", request_.golden, "golden.jsonl (default: 64 rows, computed through LibTorch)");
        app.add_option("--out", request_.out_dir, "the directory to make; must not exist or be empty")->required();
        app.add_flag("--json", json_, "print what was packed as JSON");
        choice_.declare_engine(app);
    }

    int run() override {
        Engine engine = choice_.engine();
        pack(engine, request_).value();
        if (const uint32_t least = Schema::load(request_.out_dir).value().info().least_length; least > 0)
            std::fprintf(stderr,
                         "limits.least_length is %u: rows with shorter sequences are not scored by the model, see "
                         "limits.shorter\n",
                         least);
        print_report(inspect(request_.out_dir).value(), json_);
        return exit_ok;
    }

  private:
    ModelChoice choice_;
    PackRequest request_;
    bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_pack() { return std::make_unique<Pack>(); }

}  // namespace weighbridge::cli
