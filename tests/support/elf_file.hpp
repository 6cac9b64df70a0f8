// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <elf.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

namespace weighbridge::test {

// A shared library that has one text in its dynamic section, of that tag, and nothing to run.
inline std::string elf_file(int64_t tag, std::string_view text) {
    struct File {
        Elf64_Ehdr head;
        Elf64_Phdr parts[2];
        Elf64_Dyn dynamic[3];
    } file{};
    constexpr uint64_t kMapped = 0x10000;  // where the file's first byte lies in memory
    std::memcpy(file.head.e_ident, ELFMAG, SELFMAG);
    file.head.e_ident[EI_CLASS] = ELFCLASS64;
    file.head.e_phoff = offsetof(File, parts);
    file.head.e_phnum = 2;
    file.parts[0].p_type = PT_LOAD;
    file.parts[0].p_vaddr = kMapped;
    file.parts[0].p_filesz = sizeof file + text.size() + 2;
    file.parts[1].p_type = PT_DYNAMIC;
    file.parts[1].p_offset = offsetof(File, dynamic);
    file.dynamic[0].d_tag = tag;
    file.dynamic[0].d_un.d_val = 1;  // behind the empty text that every table begins with
    file.dynamic[1].d_tag = DT_STRTAB;
    file.dynamic[1].d_un.d_ptr = kMapped + sizeof file;
    file.dynamic[2].d_tag = DT_NULL;
    std::string bytes(sizeof file, '\0');
    std::memcpy(bytes.data(), &file, sizeof file);
    return bytes + '\0' + std::string(text) + '\0';
}

}  // namespace weighbridge::test
