// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include "cli/command.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/secret.hpp"

namespace weighbridge::cli {

namespace {

namespace fs = std::filesystem;

class Keygen final : public Verb {
  public:
    void declare(Options &options) override {
        options.required("--out", name_, "NAME: writes NAME.key, private, and NAME.pub, which loads trust");
        options.choice("--curve", request_.curve, {"P-256", "P-384", "P-521"}, "P-256, P-384, P-521 (default P-256)");
        options.text("--passphrase-file", passphrase_file_, "its first line encrypts the private key");
    }

    int run() override {
        check_streams();
        refuse_bundle();
        request_.private_path = name_ + ".key";
        request_.public_path = name_ + ".pub";
        request_.passphrase = passphrase_of(passphrase_file_);
        generate_key(request_).value();
        Output output("-");
        output.write(request_.private_path + "\n" + request_.public_path + "\n");
        output.close();
        return exit_ok;
    }

  private:
    // A bundle with another file in it loads nowhere, and goes to where a private key must not.
    void refuse_bundle() const {
        const fs::path folder = fs::absolute(name_).parent_path();
        if (inspect(folder.string()))
            throw Failure(exit_failed, "--out '" + name_ + "' cannot be written: it is in the bundle's directory '" +
                                           folder.string() + "'");
    }

    std::string name_, passphrase_file_;
    KeyRequest request_;
};

}  // namespace

std::unique_ptr<Verb> make_keygen() { return std::make_unique<Keygen>(); }

}  // namespace weighbridge::cli
