// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/expected.hpp"
#include "base/sha256.hpp"
#include "bundle/manifest.hpp"
#include "bundle/signature_file.hpp"
#include "bundle/source.hpp"
#include "feature/encoder.hpp"

namespace weighbridge::lib {

class JsonValue;

// Whose signature over a bundle holds.
struct Signer {
    std::string role;  // that the host gave the key; "" for none
    std::string key;   // its fingerprint, 64 hex digits
};

// What a host asks of a bundle before it is believed.
class BundleGate {
  public:
    virtual ~BundleGate() = default;
    // Before anything of manifest.json is parsed: who made each of the signatures, which are of this manifest and may
    // be none; nobody where the gate does not check them. A failure refuses the bundle.
    virtual Expected<std::vector<Signer>> signers(const Digest &manifest,
                                                  const std::vector<SignatureFile> &signatures) const = 0;
    // Before the files that it lists are read.
    virtual Status admit(const Manifest &manifest) const = 0;
};

// A bundle, read once: every file was opened once, hashed and kept, so that nothing is read again later.
class Bundle {
  public:
    enum class Mode {
        full,     // every file that the manifest lists must be there with its digest, and no other
        serving,  // as full, but where there is a model.plan, model.ts must only be there with its size: it is not read
        unsealed,  // as draft, with model.ts: what pack has before golden.jsonl and digests exist
        draft,     // manifest.json and the vocabularies that it names; digests are not asked for
        scripted,  // as draft, for outputs that are given after their activation, whatever the manifest says
    };
    static constexpr int64_t kAnyTime = INT64_MIN;  // as now_s: identity.not_after is not looked at
    static int64_t wall_clock_s();                  // seconds since 1970-01-01 UTC

    // WB_INVALID_BUNDLE and WB_IO_ERROR name the file, the path in the JSON ("features[2].range"), expected and found.
    // A full open refuses a bundle whose identity.not_after lies before now_s; inspect passes kAnyTime. WB_IO_ERROR
    // where the source was removed while it was read. WB_CANCELLED, WB_DEADLINE_EXCEEDED where `stop` says so, which
    // name the file and whether it was read or hashed. Modes full and serving: signatures that are there must be of
    // exactly this bundle; a gate, where there is one, says whether they are enough.
    static Expected<std::shared_ptr<const Bundle>> open(const Source &source, Mode mode, int64_t now_s = wall_clock_s(),
                                                        const StopSource &stop = {}, const BundleGate *gate = nullptr);
    // The directory of that path.
    static Expected<std::shared_ptr<const Bundle>> open(const std::string &path, Mode mode,
                                                        int64_t now_s = wall_clock_s());

    const Manifest &manifest() const { return manifest_; }
    const std::shared_ptr<const Schema> &schema() const { return schema_; }
    const Encoder &encoder() const { return *encoder_; }
    const Digest &digest() const { return digest_; }  // of manifest.json's bytes
    const Output &primary() const { return manifest_.outputs[primary_]; }
    const std::vector<SignatureFile> &signatures() const { return signatures_; }  // that are there, checked or not
    const std::vector<Signer> &signers() const { return signers_; }  // of them, one by one; none where not checked

    // A file's bytes, null where the bundle does not have it. A draft has manifest.json, vocabularies and, where it is
    // there, zones.json.
    const Bytes *file(const std::string &name) const {
        const auto found = files_.find(name);
        return found == files_.end() ? nullptr : found->second.get();
    }

    // Up to 256 raw values that suit feature `index`: keys of its vocabulary (codes as digits) or words of its
    // tokeniser, evenly spread. Empty where it has neither.
    const std::vector<std::string> &samples(uint32_t index) const { return samples_[index]; }

    // The same bundle with a model.plan in memory, in place of its module.
    std::shared_ptr<const Bundle> with_plan(Bytes plan) const;
    bool imported() const { return files_.contains("model.plan") && !manifest_.files.contains("model.plan"); }

    // What inspect prints.
    JsonValue describe() const;

  private:
    Bundle() = default;
    Bundle(const Bundle &) = default;
    static Expected<std::shared_ptr<const Bundle>> read(const Source &source, Mode mode, int64_t now_s,
                                                        const StopSource &stop, const BundleGate *gate);
    Status read_signatures(const Source &source, const std::vector<std::string> &names, const StopSource &stop,
                           const BundleGate *gate);
    Status read_listed_files(const Source &source, const std::vector<std::string> &names, Mode mode,
                             const Manifest &manifest, const StopSource &stop);

    Manifest manifest_;
    std::shared_ptr<const Schema> schema_;
    std::shared_ptr<const Encoder> encoder_;
    Digest digest_{};
    size_t primary_ = 0;
    FilesByName files_;
    std::vector<SignatureFile> signatures_;
    std::vector<Signer> signers_;
    std::vector<std::vector<std::string>> samples_;  // by feature
};

}  // namespace weighbridge::lib
