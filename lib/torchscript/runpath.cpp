// SPDX-License-Identifier: Apache-2.0
#include "torchscript/runpath.hpp"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/file.hpp"

namespace weighbridge::lib {
namespace {

constexpr uint64_t kMostBytes = uint64_t{1} << 30;
constexpr std::string_view kOrigins[] = {"$ORIGIN", "${ORIGIN}"};

// What of a file says where it is mapped and what it needs. Offsets outside the file give nothing.
class Elf {
  public:
    explicit Elf(ByteView bytes) : bytes_(bytes) {
        Elf64_Ehdr head{};
        if (!get(0, head) || std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_ident[EI_CLASS] != ELFCLASS64)
            return;
        for (uint64_t i = 0; i < head.e_phnum; ++i) {
            Elf64_Phdr part{};
            if (get(head.e_phoff + i * sizeof part, part)) parts_.push_back(part);
        }
    }

    std::string_view search_path() const {
        uint64_t texts = 0, runpath = 0, rpath = 0;
        for (const Elf64_Phdr &part : parts_) {
            if (part.p_type != PT_DYNAMIC) continue;
            Elf64_Dyn entry{};
            for (uint64_t at = part.p_offset; get(at, entry) && entry.d_tag != DT_NULL; at += sizeof entry) {
                if (entry.d_tag == DT_STRTAB) texts = offset_of(entry.d_un.d_ptr);
                if (entry.d_tag == DT_RUNPATH) runpath = entry.d_un.d_val;
                if (entry.d_tag == DT_RPATH) rpath = entry.d_un.d_val;
            }
        }
        const uint64_t chosen = runpath != 0 ? runpath : rpath;
        return texts == 0 || chosen == 0 ? std::string_view() : text(texts + chosen);
    }

  private:
    template <class T>
    bool get(uint64_t at, T &out) const {
        if (at > bytes_.size() || bytes_.size() - at < sizeof out) return false;
        std::memcpy(&out, bytes_.data() + at, sizeof out);
        return true;
    }
    // Where in the file a mapped address lies; 0 for nowhere.
    uint64_t offset_of(uint64_t address) const {
        for (const Elf64_Phdr &part : parts_)
            if (part.p_type == PT_LOAD && address >= part.p_vaddr && address - part.p_vaddr < part.p_filesz)
                return address - part.p_vaddr + part.p_offset;
        return 0;
    }
    std::string_view text(uint64_t at) const {
        if (at >= bytes_.size()) return {};
        const std::string_view rest = as_text(bytes_.subspan(at));
        return rest.substr(0, rest.find('\0'));
    }

    const ByteView bytes_;
    std::vector<Elf64_Phdr> parts_;
};

}  // namespace

std::vector<std::string> runpath_of(const std::string &path) {
    std::vector<std::string> directories;
    const auto bytes = read_file(path, kMostBytes);
    if (!bytes) return directories;
    std::string_view list = Elf(*bytes).search_path();
    while (!list.empty()) {
        std::string directory(list.substr(0, list.find(':')));
        list.remove_prefix(std::min(list.size(), directory.size() + 1));
        for (const std::string_view origin : kOrigins)
            if (const size_t at = directory.find(origin); at != directory.npos)
                directory.replace(at, origin.size(), path.substr(0, path.rfind('/')));
        if (!directory.empty()) directories.push_back(std::move(directory));
    }
    return directories;
}

}  // namespace weighbridge::lib
