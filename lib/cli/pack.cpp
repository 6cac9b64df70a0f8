// SPDX-License-Identifier: Apache-2.0
#include <fstream>
#include <iterator>

#include "cli/command.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/report.hpp"

namespace weighbridge::cli {

namespace {

class Pack final : public Verb {
  public:
    void declare(Options &options) override {
        options.required("--module", request_.module, "model.ts, a TorchScript file");
        options.required("--manifest", request_.manifest, "manifest.json; vocabularies lie beside it");
        options.text("--golden", request_.golden, "golden.jsonl (default: 64 rows, computed through LibTorch)");
        options.required("--out", request_.out_dir, "the directory to make; must not exist or be empty");
        options.flag("--json", json_, "print what was packed as JSON");
        choice_.declare_engine(options);
    }

    int run() override {
        check_streams();
        Engine engine = choice_.engine();
        pack(engine, request_).value();
        std::ifstream draft(request_.manifest);
        const Report manifest = Report::parse(std::string(std::istreambuf_iterator<char>(draft), {}));
        const bool stated = !manifest["limits"]["least_length"].is(Report::Kind::null);
        if (const uint32_t least = Schema::load(request_.out_dir).value().info().least_length; least > 0)
            std::fprintf(stderr,
                         "limits.least_length is %u, %s: rows with shorter sequences are not scored by the model, see "
                         "limits.shorter\n",
                         least, stated ? "as the manifest states" : "found by trying");
        warn_of_end(request_.out_dir);
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
