// SPDX-License-Identifier: Apache-2.0
#include "bundle/add_file.hpp"

#include "base/sha256.hpp"
#include "bundle/json_cursor.hpp"
#include "bundle/manifest_reader.hpp"

namespace weighbridge::lib {

Status add_file(const Directory &directory, const std::string &name, ByteView content, const StopSource &stop) {
    auto text = directory.read("manifest.json", kManifestBytes);
    if (!text) return text.status();
    auto manifest = parse_json("manifest.json", as_text(*text), kManifestBytes);
    if (!manifest) return manifest.status();
    auto digest = sha256(content, stop);
    if (!digest) return digest.status();
    (*manifest)["files"][name] = {{"sha256", hex(*digest)}, {"bytes", content.size()}};
    if (Status status = directory.replace(name, content, stop); !status.ok()) return status;
    return directory.replace("manifest.json", as_bytes(manifest->lines() + "\n"));
}

}  // namespace weighbridge::lib
