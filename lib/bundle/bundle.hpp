// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/expected.hpp"
#include "base/sha256.hpp"
#include "bundle/manifest.hpp"
#include "feature/encoder.hpp"

namespace weighbridge::lib {

// A bundle's directory, read once: every file was opened once, hashed and kept, so that nothing is read again later.
class Bundle {
  public:
    enum class Mode {
        full,   // every file that the manifest lists must be there with its digest, and no other
        draft,  // manifest.json and the vocabularies that it names; digests are not asked for
    };
    // WB_INVALID_BUNDLE and WB_IO_ERROR name the file, the path in the JSON ("features[2].range"), expected and found.
    static Expected<std::shared_ptr<const Bundle>> open(const std::string &path, Mode mode);

    const std::string &path() const { return path_; }
    const Manifest &manifest() const { return manifest_; }
    const std::shared_ptr<const Schema> &schema() const { return schema_; }
    const Encoder &encoder() const { return *encoder_; }
    const Digest &digest() const { return digest_; }  // of manifest.json's bytes
    const Output &primary() const { return manifest_.outputs[primary_]; }

    // A file's bytes, null where the bundle does not have it.
    const Bytes *file(const std::string &name) const;

    // What inspect prints.
    std::string describe_json() const;

  private:
    Bundle() = default;
    std::string path_;
    Manifest manifest_;
    std::shared_ptr<const Schema> schema_;
    std::unique_ptr<const Encoder> encoder_;
    Digest digest_{};
    size_t primary_ = 0;
    std::map<std::string, Bytes> files_;
};

}  // namespace weighbridge::lib
