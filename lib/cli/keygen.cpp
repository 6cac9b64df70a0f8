// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/options.hpp"
#include "cli/secret.hpp"

namespace weighbridge::cli {

namespace {

class Keygen final : public Verb {
  public:
    void declare(Options &options) override {
        options.required("--out", name_, "NAME: writes NAME.key, private, and NAME.pub, which loads trust");
        options.choice("--curve", request_.curve, {"P-256", "P-384", "P-521"}, "P-256, P-384, P-521 (default P-256)");
        options.text("--passphrase-file", passphrase_file_, "its first line encrypts the private key");
    }

    int run() override {
        request_.private_path = name_ + ".key";
        request_.public_path = name_ + ".pub";
        request_.passphrase = passphrase_of(passphrase_file_);
        generate_key(request_).value();
        std::printf("%s\n%s\n", request_.private_path.c_str(), request_.public_path.c_str());
        return exit_ok;
    }

  private:
    std::string name_, passphrase_file_;
    KeyRequest request_;
};

}  // namespace

std::unique_ptr<Verb> make_keygen() { return std::make_unique<Keygen>(); }

}  // namespace weighbridge::cli
