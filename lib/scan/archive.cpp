// SPDX-License-Identifier: Apache-2.0
#include "scan/archive.hpp"

#include <algorithm>
#include <set>

#include "base/utf8.hpp"

namespace weighbridge::lib {
namespace {

constexpr uint32_t kLocal = 0x04034b50, kCentral = 0x02014b50, kEnd = 0x06054b50, kDescriptor = 0x08074b50;
constexpr uint32_t kEnd64 = 0x06064b50, kLocator64 = 0x07064b50;
constexpr size_t kLocalBytes = 30, kCentralBytes = 46, kEndBytes = 22, kDescriptorBytes = 16;
constexpr size_t kMostNameBytes = 1024;
constexpr size_t kEnd64Bytes = 56, kLocator64Bytes = 20;
constexpr uint16_t kHasDescriptor = 1 << 3, kUtf8Name = 1 << 11;
constexpr uint16_t kStored = 0, kDeflated = 8;
constexpr uint64_t kLargestRatio = 250, kRatioFrom = 1 << 20;  // debug files of long stacks reach 60

bool is_word(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char one) {
        return (one >= 'a' && one <= 'z') || (one >= 'A' && one <= 'Z') || (one >= '0' && one <= '9') || one == '_';
    });
}

bool is_number(std::string_view text) {
    return !text.empty() && text.size() <= 9 && (text.size() == 1 || text[0] != '0') &&
           std::all_of(text.begin(), text.end(), [](char one) { return one >= '0' && one <= '9'; });
}

// "a/b/c" of words.
bool is_word_path(std::string_view text) {
    for (size_t slash; (slash = text.find('/')) != text.npos; text.remove_prefix(slash + 1))
        if (!is_word(text.substr(0, slash))) return false;
    return is_word(text);
}

// "code/__torch__" and what lies below it: LibTorch takes other qualified names for its own globals.
bool is_code_file(std::string_view name, std::string_view ending) {
    constexpr std::string_view kRoot = "code/__torch__";
    if (!name.starts_with(kRoot) || !name.ends_with(ending) || name.size() < kRoot.size() + ending.size()) return false;
    const std::string_view below = name.substr(kRoot.size(), name.size() - kRoot.size() - ending.size());
    return below.empty() || (below[0] == '/' && is_word_path(below.substr(1)));
}

bool is_extra(std::string_view name) {
    return name.starts_with("extra/") && name.find("..") == name.npos && name.find("//") == name.npos &&
           std::all_of(name.begin(), name.end(), [](char one) { return one > ' ' && one < 0x7F && one != '\\'; });
}

bool is_known(std::string_view name) {
    static constexpr std::string_view kNames[] = {
        "version",  "byteorder",     ".data/version",   ".data/serialization_id",
        "data.pkl", "constants.pkl", ".format_version", ".storage_alignment"};
    return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames) || is_tensor_entry(name) ||
           is_code_entry(name) || is_debug_entry(name) || is_left_out(name);
}

std::string lower(std::string_view text) {
    std::string made(text);
    for (char &one : made)
        if (one >= 'A' && one <= 'Z') one = static_cast<char>(one - 'A' + 'a');
    return made;
}

uint16_t u16(ByteView bytes, size_t at) { return load_unaligned<uint16_t>(bytes.data() + at); }
uint32_t u32(ByteView bytes, size_t at) { return load_unaligned<uint32_t>(bytes.data() + at); }
uint64_t u64(ByteView bytes, size_t at) { return load_unaligned<uint64_t>(bytes.data() + at); }

// The fields that a local header and its entry in the directory share.
struct EntryHeader {
    uint16_t flags, method, time, date;
    uint32_t crc, packed, size;
    uint16_t name_bytes, extra_bytes;
};

EntryHeader header_at(ByteView bytes, size_t at) {
    return {u16(bytes, at),      u16(bytes, at + 2),  u16(bytes, at + 4),  u16(bytes, at + 6), u32(bytes, at + 8),
            u32(bytes, at + 12), u32(bytes, at + 16), u16(bytes, at + 20), u16(bytes, at + 22)};
}

// Reads one archive; each step leaves a finding where it fails.
class ArchiveReader {
  public:
    ArchiveReader(ByteView file, const ScanLimits &limits, ScanFindings &findings, const StopSource &stop)
        : file_(file), limits_(limits), findings_(findings), stop_(stop) {}

    bool read();
    const Status &ended() const { return ended_; }  // where it was no rule that ended the reading
    ModuleArchive archive;

  private:
    bool read_end();
    bool read_end64(size_t end);
    bool read_central();
    bool check_name(std::string_view name);
    bool check_local(const EntryHeader &central, std::string_view full, std::string_view name);
    bool check_descriptor(const EntryHeader &central, std::string_view name);
    bool take(const EntryHeader &central, std::string_view name, ByteView packed);
    bool check_whole();

    template <class... Values>
    bool refuse(std::string_view rule, std::string_view name, TextFormat<Values...> format, const Values &...values) {
        findings_.add(rule, name, 0, format, values...);
        return false;
    }

    const ByteView file_;
    const ScanLimits &limits_;
    ScanFindings &findings_;
    const StopSource &stop_;
    size_t count_ = 0, directory_ = 0, directory_end_ = 0;
    size_t central_ = 0;  // where the next entry of the directory is
    size_t local_ = 0;    // where the next local header is
    uint64_t inflated_ = 0;
    std::string_view root_;
    std::set<std::string> seen_;  // names in lower case
    Status ended_;
};

bool ArchiveReader::read() {
    if (file_.size() > limits_.archive_bytes)
        return refuse("archive-size", "", "expected at most {} bytes, found {}", limits_.archive_bytes, file_.size());
    if (file_.size() < kLocalBytes + kEndBytes || u32(file_, 0) != kLocal)
        return refuse("archive-start", "", "expected a TorchScript file, which begins with PK\\3\\4, found another");
    if (!read_end()) return false;
    central_ = directory_;
    archive.entries.reserve(count_);
    for (size_t i = 0; i < count_; ++i) {
        ended_ = stop_.check("scanning a module");
        if (!ended_.ok() || !read_central()) return false;
    }
    if (central_ != directory_end_)
        return refuse("archive-directory", "", "expected a directory of {} bytes, found {} in its {} entries",
                      directory_end_ - directory_, central_ - directory_, count_);
    if (local_ != directory_)
        return refuse("archive-gap", "", "expected the directory behind the last entry at byte {}, found it at {}",
                      local_, directory_);
    std::sort(archive.entries.begin(), archive.entries.end(),
              [](const ArchiveEntry &a, const ArchiveEntry &b) { return a.name < b.name; });
    return check_whole();
}

// The record that ends the file, without a comment.
bool ArchiveReader::read_end() {
    const size_t end = file_.size() - kEndBytes;
    if (u32(file_, end) != kEnd || u16(file_, end + 20) != 0)
        return refuse("archive-end", "", "expected the end record as the file's last {} bytes, found others",
                      kEndBytes);
    count_ = u16(file_, end + 10);
    directory_ = u32(file_, end + 16);
    if (u16(file_, end + 4) != 0 || u16(file_, end + 6) != 0 || u16(file_, end + 8) != count_)
        return refuse("archive-end", "", "expected one disk with all {} entries, found several disks", count_);
    if (count_ > limits_.entries || count_ == 0)
        return refuse("archive-entries", "", "expected 1 to {} entries, found {}", limits_.entries, count_);
    directory_end_ = end;
    if (end >= kEnd64Bytes + kLocator64Bytes && u32(file_, end - kLocator64Bytes) == kLocator64 && !read_end64(end))
        return false;
    const uint64_t bytes = u32(file_, end + 12);
    if (directory_ > directory_end_ || bytes != directory_end_ - directory_)
        return refuse("archive-directory", "",
                      "expected a directory of {} bytes at byte {} up to the end records, "
                      "which begin at {}",
                      bytes, directory_, directory_end_);
    return true;
}

// The 64-bit form of the end record, which repeats the other and lies between the directory and it.
bool ArchiveReader::read_end64(size_t end) {
    const size_t locator = end - kLocator64Bytes, record = locator - kEnd64Bytes;
    const bool located =
        u32(file_, locator + 4) == 0 && u64(file_, locator + 8) == record && u32(file_, locator + 16) == 1;
    const bool same = u32(file_, record) == kEnd64 && u64(file_, record + 4) == kEnd64Bytes - 12 &&
                      u32(file_, record + 16) == 0 && u32(file_, record + 20) == 0 &&
                      u64(file_, record + 24) == count_ && u64(file_, record + 32) == count_ &&
                      u64(file_, record + 40) == u32(file_, end + 12) && u64(file_, record + 48) == directory_;
    if (!located || !same)
        return refuse("archive-end", "", "expected 64-bit end records that repeat the end record, found others");
    directory_end_ = record;
    return true;
}

// One entry of the directory, and what it describes.
bool ArchiveReader::read_central() {
    const size_t at = central_;
    if (directory_end_ - at < kCentralBytes || u32(file_, at) != kCentral)
        return refuse("archive-directory", "", "expected an entry of the directory at byte {}, found none", at);
    const EntryHeader header = header_at(file_, at + 8);
    const size_t room = directory_end_ - at - kCentralBytes;
    if (header.name_bytes > room)
        return refuse("archive-directory", "", "expected a name of {} bytes at byte {}, found {} to the end",
                      header.name_bytes, at + kCentralBytes, room);
    const std::string_view full = as_text(file_.subspan(at + kCentralBytes, header.name_bytes));
    const size_t slash = full.find('/');
    if (slash == full.npos || slash == 0)
        return refuse("entry-name", full, "expected FOLDER/NAME, found a name without a folder");
    const std::string_view name = full.substr(slash + 1);
    if (root_.empty()) root_ = full.substr(0, slash);
    if (root_ != full.substr(0, slash))
        return refuse("entry-folder", name, "expected the folder '{}' as for the first entry, found '{}'", root_,
                      full.substr(0, slash));
    if (!check_name(name)) return false;
    if (header.extra_bytes != 0 || u16(file_, at + 32) != 0)
        return refuse("entry-header", name, "expected no extra field and no comment in the directory, found {} bytes",
                      header.extra_bytes + u16(file_, at + 32));
    if (u16(file_, at + 34) != 0 || u32(file_, at + 42) != local_)
        return refuse("archive-gap", name, "expected the entry at byte {}, behind the one before, found {}", local_,
                      u32(file_, at + 42));
    central_ += kCentralBytes + header.name_bytes;
    return check_local(header, full, name);
}

bool ArchiveReader::check_name(std::string_view name) {
    if (utf8_error(root_) != root_.npos || root_ == "." || root_ == ".." || root_.find('\\') != root_.npos ||
        root_.find('\0') != root_.npos)
        return refuse("entry-folder", "", "expected a folder's name in UTF-8, found '{}'", root_);
    if (name.size() > kMostNameBytes)
        return refuse("entry-name", name.substr(0, 64), "expected a name of at most {} bytes, found {}", kMostNameBytes,
                      name.size());
    if (!is_known(name))
        return refuse("entry-name", name, "no file of TorchScript has this name, found it in the archive");
    if (!seen_.insert(lower(name)).second)
        return refuse("entry-twice", name, "expected each name once whatever its case, found it again");
    return true;
}

// The local header says the same, or leaves the sizes to a descriptor behind the data.
bool ArchiveReader::check_local(const EntryHeader &central, std::string_view full, std::string_view name) {
    const size_t at = local_;
    if (at > directory_ || directory_ - at < kLocalBytes || u32(file_, at) != kLocal)
        return refuse("entry-header", name, "expected a local header at byte {}, found none", at);
    const EntryHeader local = header_at(file_, at + 6);
    const size_t rest = directory_ - at - kLocalBytes;
    const bool behind = (central.flags & kHasDescriptor) != 0;
    const bool sizes = local.crc == central.crc && local.packed == central.packed && local.size == central.size;
    const bool none = local.crc == 0 && local.packed == 0 && local.size == 0;
    if ((central.flags & ~(kHasDescriptor | kUtf8Name)) != 0 || local.flags != central.flags)
        return refuse("entry-header", name, "expected flags 0x808 or fewer in both headers, found {:#x} and {:#x}",
                      central.flags, local.flags);
    if (local.method != central.method || local.time != central.time || local.date != central.date ||
        !(sizes || (behind && none)))
        return refuse("entry-header", name, "expected the local header to say what the directory says, it differs");
    if (size_t{local.name_bytes} + local.extra_bytes + central.packed > rest || local.name_bytes != full.size() ||
        as_text(file_.subspan(at + kLocalBytes, local.name_bytes)) != full)
        return refuse("entry-header", name, "expected the directory's name and size in the local header, it differs");
    // PyTorch pads data to a multiple of 64 bytes by a field "FB".
    const size_t extra = at + kLocalBytes + local.name_bytes;
    if (local.extra_bytes != 0 && (local.extra_bytes < 4 || as_text(file_.subspan(extra, 2)) != "FB" ||
                                   u16(file_, extra + 2) + 4 != local.extra_bytes))
        return refuse("entry-header", name, "expected padding as the only extra field, found another");
    const size_t data = extra + local.extra_bytes;
    local_ = data + central.packed;
    if (behind && !check_descriptor(central, name)) return false;
    return take(central, name, file_.subspan(data, central.packed));
}

bool ArchiveReader::check_descriptor(const EntryHeader &central, std::string_view name) {
    const size_t at = local_;
    if (directory_ - at < kDescriptorBytes || u32(file_, at) != kDescriptor || u32(file_, at + 4) != central.crc ||
        u32(file_, at + 8) != central.packed || u32(file_, at + 12) != central.size)
        return refuse("entry-header", name, "expected the directory's sizes behind the data at byte {}, they differ",
                      at);
    local_ += kDescriptorBytes;
    return true;
}

// Inflates what is compressed, within the limits, and checks the CRC.
bool ArchiveReader::take(const EntryHeader &central, std::string_view name, ByteView packed) {
    if (central.method != kStored && central.method != kDeflated)
        return refuse("entry-method", name, "expected a stored or deflated entry, found method {}", central.method);
    ByteView content = packed;
    if (central.method == kStored) {
        if (central.packed != central.size)
            return refuse("entry-size", name, "expected a stored entry's sizes to be equal, found {} and {}",
                          central.packed, central.size);
    } else {
        if (is_tensor_entry(name))
            return refuse("entry-method", name, "expected a tensor to be stored, found it compressed");
        inflated_ += central.size;
        const bool wide = central.size > kRatioFrom && central.size / kLargestRatio > central.packed;
        if (inflated_ > limits_.inflated_bytes || wide)
            return refuse("entry-ratio", name,
                          "expected compressed entries of at most {} bytes in all, and {} to 1, "
                          "found {} bytes in {}",
                          limits_.inflated_bytes, kLargestRatio, central.size, central.packed);
        Bytes &out = archive.inflated.emplace_back(central.size);
        const Status status = inflate_exactly(packed, out);
        if (status.code == WB_OUT_OF_MEMORY) ended_ = status;
        if (!ended_.ok()) return false;
        if (!status.ok()) return refuse("entry-data", name, "{}", status.message);
        content = out;
    }
    if (const uint32_t crc = crc32_of(content); crc != central.crc)
        return refuse("entry-crc", name, "expected CRC {:#010x}, found {:#010x}: the file is damaged", central.crc,
                      crc);
    archive.entries.push_back({name, content, central.crc});
    return true;
}

// The files without which LibTorch would take another path.
bool ArchiveReader::check_whole() {
    for (const std::string_view name : {"data.pkl", "constants.pkl"})
        if (!archive.find(name)) return refuse("entry-missing", name, "expected it in the archive, found none");
    const ArchiveEntry *version = archive.find("version"), *inner = archive.find(".data/version");
    if (!version == !inner)
        return refuse("entry-missing", "version", "expected one file of this name, or one in .data, found {}",
                      version ? "both" : "none");
    std::string_view text = as_text((version ? version : inner)->content);
    if (text.ends_with('\n')) text.remove_suffix(1);
    if (text != "10" && (text.size() != 1 || text[0] < '3' || text[0] > '9'))
        return refuse("version", "version", "expected 3 to 10, found '{:.20}'", text);
    if (const ArchiveEntry *order = archive.find("byteorder"); order && as_text(order->content) != "little")
        return refuse("byteorder", "byteorder", "expected 'little', found '{:.20}'", as_text(order->content));
    return true;
}

}  // namespace

const ArchiveEntry *ModuleArchive::find(std::string_view name) const {
    const auto found = std::lower_bound(entries.begin(), entries.end(), name,
                                        [](const ArchiveEntry &entry, std::string_view of) { return entry.name < of; });
    return found != entries.end() && found->name == name ? &*found : nullptr;
}

bool is_code_entry(std::string_view name) { return is_code_file(name, ".py"); }
bool is_debug_entry(std::string_view name) { return is_code_file(name, ".py.debug_pkl"); }
bool is_tensor_entry(std::string_view name) {
    const size_t slash = name.find('/');
    return slash != name.npos && (name.substr(0, slash) == "data" || name.substr(0, slash) == "constants") &&
           is_number(name.substr(slash + 1));
}
bool is_left_out(std::string_view name) {
    return is_extra(name) || name == "traced_inputs.pkl" ||
           (name.starts_with("traced_inputs/") && is_number(name.substr(14)));
}

Expected<ModuleArchive> read_archive(ByteView file, const ScanLimits &limits, ScanFindings &findings,
                                     const StopSource &stop) {
    ArchiveReader reader(file, limits, findings, stop);
    if (reader.read()) return std::move(reader.archive);
    return reader.ended().ok() ? findings.status("archive") : reader.ended();
}

}  // namespace weighbridge::lib
