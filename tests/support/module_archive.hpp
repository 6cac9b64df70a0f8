// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "scan/archive.hpp"

namespace weighbridge::test {

using ModuleFiles = std::map<std::string, std::string>;  // by name, without the first folder

// What an archive holds of one module of the class __torch__.NAME without weights.
inline ModuleFiles module_files(std::string_view name = "Net", std::string_view members = "") {
    using namespace std::string_literals;
    ModuleFiles files;
    files["version"] = "3\n";
    files["byteorder"] = "little";
    files["constants.pkl"] = "\x80\x02)."s;
    files["data.pkl"] = "\x80\x02"s + "c__torch__\n" + std::string(name) + "\nq\0)\x81}(X\x08\0\0\0training\x89ub."s;
    files["code/__torch__.py"] = "class " + std::string(name) +
                                 "(Module):\n  __parameters__ = []\n  __buffers__ = []\n  training : bool\n" +
                                 std::string(members);
    return files;
}

// These files as a TorchScript file.
inline lib::Bytes module_archive(const ModuleFiles &files) {
    lib::ModuleArchive archive;
    for (const auto &[name, text] : files)
        archive.entries.push_back({name, lib::as_bytes(text), lib::crc32_of(lib::as_bytes(text))});
    return lib::write_archive(archive);
}

// A TorchScript file that the scan accepts.
inline lib::Bytes module_archive(std::string_view name = "Net") { return module_archive(module_files(name)); }

}  // namespace weighbridge::test
