// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/secret.hpp"

namespace weighbridge::cli {

namespace {

class Sign final : public Verb {
  public:
    void declare(Options &options) override {
        options.argument("DIR", request_.bundle, "the bundle's directory; pack and compile it first");
        options.text("--key", key_, "the private key, in PEM");
        options.text("--passphrase-file", passphrase_file_, "its first line is the key's passphrase");
        options.text("--role", role_, "as whom: writes model.ROLE.sig (default: model.sig)");
        options.text("--with", others_, "roles that sign too, with commas, beside owner and risk");
        options.text("--detached", detached_, "FILE for the bytes to be signed elsewhere; - for stdout");
        options.text("--attach", attached_,
                     "FILE with the signature that was made of them, DER or as PKCS#11 gives it");
        options.text("--public-key", public_key_, "with --attach: the public key, in PEM");
    }

    int run() override {
        const int ways = !key_.empty() + !detached_.empty() + !attached_.empty();
        if (ways != 1) throw Failure(exit_usage, "expected one of --key, --detached and --attach");
        if (attached_.empty() != public_key_.empty())
            throw Failure(exit_usage, "expected --attach and --public-key together");
        if (role_.empty() && !others_.empty()) throw Failure(exit_usage, "expected --role beside --with");
        request_.roles = role_ + (others_.empty() ? "" : ",") + others_;
        request_.key = key_.empty() ? public_key_ : key_;
        if (!detached_.empty()) return write_bytes();
        check_streams();
        if (attached_.empty()) {
            request_.passphrase = passphrase_of(passphrase_file_);
            sign(request_).value();
        } else {
            attach_signature(request_, signature_of(attached_)).value();
        }
        Output output("-");
        output.write(request_.bundle + "/model." + role_ + (role_.empty() ? "" : ".") + "sig\n");
        output.close();
        warn_of_end(request_.bundle);
        return exit_ok;
    }

  private:
    int write_bytes() const {
        check_outputs("", request_.bundle, {{"--detached", detached_}});
        Output output(detached_);
        output.write(signed_bytes(request_).value());
        output.close();
        return exit_ok;
    }

    SignRequest request_;
    std::string key_, passphrase_file_, role_, others_, detached_, attached_, public_key_;
};

}  // namespace

std::unique_ptr<Verb> make_sign() { return std::make_unique<Sign>(); }

}  // namespace weighbridge::cli
