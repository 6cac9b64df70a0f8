// SPDX-License-Identifier: Apache-2.0
#include "isolation/import_cache.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <vector>

#include "base/file.hpp"
#include "base/partial_name.hpp"
#include "base/sha256.hpp"
#include "bundle/manifest.hpp"
#include "bundle/manifest_reader.hpp"
#include "graph/graph_file.hpp"

namespace weighbridge::lib {
namespace {

constexpr char kMagic[8] = {'W', 'B', 'C', 'A', 'C', 'H', 'E', '1'};
constexpr uint64_t kMostBytes = uint64_t{8} << 30;
constexpr size_t kMostEntries = 64;  // days of a model that is refreshed daily
constexpr std::string_view kEnding = ".graph";

// A file: this, 24 zeros, then the graph at a multiple of 64 bytes.
struct EntryRecord {
    char magic[8];
    Digest key, graph;  // of what was imported, and of the bytes behind the record
};
constexpr size_t kEntryHead = 128;
static_assert(sizeof(EntryRecord) == 72);

Expected<Digest> key_of(const Bytes &module, const ImportRequest &request, const std::string &identity,
                        const StopSource &stop) {
    const auto of_module = sha256(module, stop);
    const auto of_request = sha256(write_request(request));
    const auto of_importer = sha256(as_bytes(identity));
    Bytes all;
    for (const auto *part : {&of_module, &of_request, &of_importer}) {
        if (!*part) return part->status();
        put(all, **part);
    }
    return sha256(all);
}

// The graph of an entry. Any failure means that there is none.
Expected<Graph> read_entry(const Directory &directory, const std::string &name, const Digest &key,
                           const StopSource &stop) {
    const auto bytes = directory.read(name, kMostBytes);
    if (!bytes) return bytes.status();
    EntryRecord record;
    if (bytes->size() < kEntryHead) return Status::failure(WB_IO_ERROR, "{}: cut short", name);
    std::memcpy(&record, bytes->data(), sizeof record);
    const ByteView graph = ByteView(*bytes).subspan(kEntryHead);
    const auto digest = sha256(graph, stop);
    if (!digest) return digest.status();
    if (std::memcmp(record.magic, kMagic, sizeof kMagic) != 0 || record.key != key || record.graph != *digest)
        return Status::failure(WB_IO_ERROR, "{}: is not what it was", name);
    return read_graph(graph);
}

// An entry's name: the directory may be one where the user keeps other files.
bool is_entry(std::string_view name) {
    return name.ends_with(kEnding) && is_hex_digest(name.substr(0, name.size() - kEnding.size()));
}

// Makes room: removes what writers that were killed have left, and entries, the oldest first.
void tidy(const Directory &directory) {
    const auto names = directory.names();
    if (!names) return;
    std::vector<std::pair<int64_t, std::string>> entries;
    for (const std::string &name : *names) {
        if (is_entry(name)) entries.emplace_back(directory.entry(name).modified_ns, name);
        if (is_entry(partial_of(name)) && directory.is_abandoned(name)) directory.remove(name);
    }
    std::sort(entries.begin(), entries.end());
    for (size_t i = 0; i + kMostEntries <= entries.size(); ++i) directory.remove(entries[i].second);
}

void write_entry(const Directory &directory, const std::string &name, const Digest &key, const Graph &graph,
                 const StopSource &stop) {
    const Bytes content = write_graph(graph);
    const auto digest = sha256(content, stop);
    if (!digest) return;
    EntryRecord record{{}, key, *digest};
    std::memcpy(record.magic, kMagic, sizeof kMagic);
    Bytes file(kEntryHead);
    std::memcpy(file.data(), &record, sizeof record);
    file.insert(file.end(), content.begin(), content.end());
    tidy(directory);
    (void)directory.replace(name, file, stop);
}

}  // namespace

Expected<Graph> CachedImporter::import(std::shared_ptr<const Bytes> module, const ImportRequest &request,
                                       std::string &report, const StopSource &stop) {
    const std::string identity = directory_.empty() ? "" : importer_.identity();
    if (identity.empty()) return importer_.import(std::move(module), request, report, stop);
    ::mkdir(directory_.c_str(), 0700);  // the last folder of the path, where there is none
    const auto directory = Directory::open_private(directory_);
    if (!directory)
        return Status::failure(directory.status().code,
                               "import_cache: {}: make it a directory of this user alone (mode 700), or name another",
                               directory.status().message);
    const auto key = key_of(*module, request, identity, stop);
    if (!key) return key.status();
    const std::string name = hex(*key) + std::string(kEnding);
    if (auto kept = read_entry(*directory, name, *key, stop); kept || is_stop(kept.status().code)) return kept;
    auto graph = importer_.import(std::move(module), request, report, stop);
    if (graph && importer_.identity() == identity) write_entry(*directory, name, *key, *graph, stop);
    return graph;
}

}  // namespace weighbridge::lib
