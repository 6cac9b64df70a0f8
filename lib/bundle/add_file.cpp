// SPDX-License-Identifier: Apache-2.0
#include "bundle/add_file.hpp"

#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "base/file.hpp"
#include "base/sha256.hpp"
#include "bundle/json_cursor.hpp"
#include "bundle/manifest_reader.hpp"

namespace weighbridge::lib {
namespace {

namespace fs = std::filesystem;

Status replace(const std::string &path, ByteView content) {
    const std::string partial = formatted("{}.partial-{}", path, ::getpid());
    Status status = write_file(partial, content);
    std::error_code error;
    if (status.ok()) {
        fs::rename(partial, path, error);
        if (!error) return {};
        status = Status::failure(WB_IO_ERROR, "{}: cannot replace: {}", shown_path(path), error.message());
    }
    fs::remove(partial, error);
    return status;
}

}  // namespace

Status add_file(const std::string &directory, const std::string &name, ByteView content) {
    const std::string path = directory + "/manifest.json";
    auto text = read_file(path, kManifestBytes);
    if (!text) return text.status();
    auto manifest = parse_json("manifest.json", as_text(*text), kManifestBytes);
    if (!manifest) return manifest.status();
    auto digest = sha256(content);
    if (!digest) return digest.status();
    (*manifest)["files"][name] = {{"sha256", hex(*digest)}, {"bytes", content.size()}};
    if (Status status = replace(directory + "/" + name, content); !status.ok()) return status;
    return replace(path, as_bytes(manifest->dump(2) + "\n"));
}

}  // namespace weighbridge::lib
