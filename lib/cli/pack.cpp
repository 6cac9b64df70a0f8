// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "cli/command.hpp"
#include "cli/interrupt.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/printable.hpp"
#include "cli/report.hpp"

namespace weighbridge::cli {

namespace {

namespace fs = std::filesystem;

// What the library calls a bundle that is not whole: OUT.partial-<process>-<nanoseconds>, beside OUT.
class Partials {
  public:
    explicit Partials(std::string out) {
        while (out.size() > 1 && out.back() == '/') out.pop_back();
        const fs::path path(out);
        parent_ = path.has_parent_path() ? path.parent_path() : fs::path(".");
        name_ = path.filename().string() + ".partial-";
    }

    // Those of a process, as "12-"; of every process for "".
    std::vector<std::string> found(const std::string &process) const {
        std::vector<std::string> all;
        std::error_code failed;
        for (fs::directory_iterator at(parent_, failed), end; !failed && at != end; at.increment(failed)) {
            const std::string name = at->path().filename().string();
            const bool ours = name.starts_with(name_ + process);
            const bool counted = ours && name.find_first_not_of("0123456789-", name_.size()) == name.npos;
            if (counted) all.push_back((parent_ / name).lexically_normal().string());
        }
        return all;
    }

    // The process's own, while another thread may be adding files, or giving the directory its place: whoever renames
    // it first has it.
    void remove_own() const {
        for (const std::string &path : found(std::to_string(::getpid()) + "-")) {
            const std::string ours = path + "-0";
            std::error_code failed;
            fs::rename(path, ours, failed);
            for (int i = 0; i < 100 && fs::exists(ours, failed); ++i) fs::remove_all(ours, failed);
        }
    }

  private:
    fs::path parent_;
    std::string name_;
};

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
        const Partials partials(request_.out_dir);
        for (const std::string &path : partials.found(""))
            std::fprintf(stderr,
                         "warning: '%s' is of a pack that still runs, or was killed: then remove that directory\n",
                         printable(path).c_str());
        {
            const CleanEnd end("pack", [&] { partials.remove_own(); });
            Engine engine = choice_.engine();
            pack(engine, request_).value();
        }
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
