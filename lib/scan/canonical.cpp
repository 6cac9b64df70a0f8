// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "scan/archive.hpp"

namespace weighbridge::lib {
namespace {

constexpr std::string_view kRoot = "archive/";  // LibTorch takes the folder's name from the first entry
constexpr size_t kAlignment = 64;

// Appends little-endian fields to bytes whose room was reserved.
class ZipWriter {
  public:
    explicit ZipWriter(Bytes &out) : out_(out) {}
    template <class T>
    ZipWriter &put(T value) {
        return put(ByteView(reinterpret_cast<const std::byte *>(&value), sizeof value));
    }
    ZipWriter &put(ByteView bytes) {
        out_.insert(out_.end(), bytes.begin(), bytes.end());
        return *this;
    }
    ZipWriter &put(std::string_view text) { return put(as_bytes(text)); }

  private:
    Bytes &out_;
};

// The fields that both headers have, from the version on.
void put_fields(ZipWriter &out, const ArchiveEntry &entry, size_t extra) {
    const auto size = static_cast<uint32_t>(entry.content.size());
    out.put<uint16_t>(20).put<uint16_t>(1 << 11).put<uint16_t>(0).put<uint16_t>(0).put<uint16_t>(0x21);
    out.put(entry.crc).put(size).put(size);
    out.put(static_cast<uint16_t>(kRoot.size() + entry.name.size())).put(static_cast<uint16_t>(extra));
}

// Bytes of an extra field, at least its head of 4, that bring what follows to the alignment.
size_t padding_at(size_t at) { return 4 + (kAlignment - (at + 4) % kAlignment) % kAlignment; }

}  // namespace

Bytes write_archive(const ModuleArchive &archive) {
    size_t bytes = 22;
    for (const ArchiveEntry &entry : archive.entries)
        bytes += 30 + 46 + 2 * (kRoot.size() + entry.name.size()) + kAlignment + 4 + entry.content.size();
    Bytes made;
    made.reserve(bytes);
    ZipWriter out(made);
    std::vector<uint32_t> places;
    for (const ArchiveEntry &entry : archive.entries) {
        if (is_left_out(entry.name)) continue;
        places.push_back(static_cast<uint32_t>(made.size()));
        const size_t extra = padding_at(made.size() + 30 + kRoot.size() + entry.name.size());
        out.put<uint32_t>(0x04034b50);
        put_fields(out, entry, extra);
        out.put(kRoot).put(entry.name);
        out.put(std::string_view("FB")).put(static_cast<uint16_t>(extra - 4));
        made.resize(made.size() + extra - 4);
        out.put(entry.content);
    }
    const auto directory = static_cast<uint32_t>(made.size());
    size_t next = 0;
    for (const ArchiveEntry &entry : archive.entries) {
        if (is_left_out(entry.name)) continue;
        out.put<uint32_t>(0x02014b50).put<uint16_t>(20);
        put_fields(out, entry, 0);
        out.put<uint16_t>(0).put<uint16_t>(0).put<uint16_t>(0).put<uint32_t>(0).put(places[next++]);
        out.put(kRoot).put(entry.name);
    }
    const auto count = static_cast<uint16_t>(places.size());
    const auto size = static_cast<uint32_t>(made.size()) - directory;
    out.put<uint32_t>(0x06054b50).put<uint16_t>(0).put<uint16_t>(0).put(count).put(count);
    out.put(size).put(directory).put<uint16_t>(0);
    return made;
}

}  // namespace weighbridge::lib
