// SPDX-License-Identifier: Apache-2.0
#include "bundle/pack.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>

#include "base/file.hpp"
#include "base/partial_name.hpp"
#include "bundle/golden.hpp"
#include "bundle/json_cursor.hpp"
#include "bundle/manifest_reader.hpp"
#include "bundle/zone_tables.hpp"

namespace weighbridge::lib {
namespace {

namespace fs = std::filesystem;

// Files that go along where they lie beside the manifest.
constexpr const char *kCompanions[] = {"model.plan", "baseline.json", "CARD.md"};

// A directory under construction: removed with everything in it unless it was moved to its place.
class PartialDirectory {
  public:
    PartialDirectory() = default;
    ~PartialDirectory() {
        std::error_code ignored;
        if (!path_.empty()) fs::remove_all(path_, ignored);
    }
    PartialDirectory(const PartialDirectory &) = delete;
    PartialDirectory &operator=(const PartialDirectory &) = delete;

    const std::string &path() const { return path_; }

    Status create(const std::string &path) {
        if (::mkdir(path.c_str(), 0755) != 0) return io_error(path, "cannot create", errno);
        path_ = path;
        return {};
    }
    // Makes names durable, then renames: rename replaces an empty directory and no other.
    Status move_to(const std::string &target) {
        if (Status status = sync(path_); !status.ok()) return status;
        if (::rename(path_.c_str(), target.c_str()) != 0) return io_error(target, "cannot put the bundle there", errno);
        path_.clear();
        const fs::path parent = fs::path(target).parent_path();
        return sync(parent.empty() ? "." : parent.string());
    }

  private:
    static Status sync(const std::string &path) {
        const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0) return io_error(path, "cannot open", errno);
        const int failed = ::fsync(fd) == 0 ? 0 : errno;
        ::close(fd);
        return failed ? io_error(path, "cannot sync", failed) : Status{};
    }

    std::string path_;
};

// Without trailing slashes; one at least stays.
std::string trimmed(std::string path) {
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    return path;
}

Status check_target(const std::string &out_dir) {
    if (out_dir.empty()) return Status::failure(WB_INVALID_ARGUMENT, "out_dir: expected a path, got an empty one");
    struct stat about;
    if (::lstat(out_dir.c_str(), &about) != 0) {
        if (errno == ENOENT) return {};
        return io_error(out_dir, "cannot stat", errno);
    }
    if (!S_ISDIR(about.st_mode))
        return Status::failure(WB_IO_ERROR, "{}: expected no file or an empty directory, got something else",
                               shown_path(out_dir));
    auto names = list_directory(out_dir);
    if (!names) return names.status();
    if (!names->empty())
        return Status::failure(WB_IO_ERROR, "{}: expected an empty directory, got one of {} entries",
                               shown_path(out_dir), names->size());
    return {};
}

class Packer {
  public:
    Packer(const PackRequest &request, const ComputeGolden &compute, const TryShortest &try_shortest)
        : request_(request), compute_(compute), try_shortest_(try_shortest) {}

    Status pack() {
        const std::string out_dir = trimmed(request_.out_dir);
        if (Status status = check_target(out_dir); !status.ok()) return status;
        if (request_.golden.empty() && !compute_)
            return Status::failure(WB_INVALID_ARGUMENT, "golden: expected a file or a way to compute it, got neither");
        if (Status status = read_draft(); !status.ok()) return status;
        if (Status status = partial_.create(partial_name(out_dir)); !status.ok()) return status;
        for (auto step : {&Packer::add_given_files, &Packer::add_zones, &Packer::add_golden, &Packer::seal})
            if (Status status = (this->*step)(); !status.ok()) return status;
        return partial_.move_to(out_dir);
    }

  private:
    Status read_draft() {
        // Messages call the file as the caller does.
        const std::string label = fs::path(request_.manifest).filename().string();
        auto text = read_file(request_.manifest, kManifestBytes);
        if (!text) return text.status();
        auto read = read_manifest(label, as_text(*text), Completeness::draft);
        if (!read) return read.status();
        read_ = *std::move(read);
        auto document = parse_json(label, as_text(*text), kManifestBytes);
        if (!document) return document.status();
        manifest_ = *std::move(document);
        JsonValue &header = manifest_["weighbridge"];
        if (!header.find("requires")) header["requires"] = WB_VERSION_STRING;
        return {};
    }

    Status add(const std::string &name, ByteView content) {
        auto digest = sha256(content);
        if (!digest) return digest.status();
        if (Status status = write_file(partial_.path() + "/" + name, content); !status.ok()) return status;
        files_[name] = {hex(*digest), content.size()};
        return {};
    }

    Status copy(const std::string &from, const std::string &name) {
        auto content = read_file(from, file_limit_bytes(name));
        if (!content) return content.status();
        return add(name, *content);
    }

    Status add_given_files() {
        auto module = read_file(request_.module, file_limit_bytes(kModuleFile));
        if (!module) return module.status();
        if (request_.check_module)
            if (Status status = request_.check_module(*module); !status.ok()) return status;
        if (Status status = add(kModuleFile, *module); !status.ok()) return status;
        const fs::path beside = fs::path(request_.manifest).parent_path();
        std::set<std::string> names;
        for (const auto &use : read_.vocabularies) names.insert(use.file);
        for (const auto &use : read_.tokenisers) names.insert(use.file);
        for (const char *name : kCompanions) {
            struct stat about;
            if (::lstat((beside / name).c_str(), &about) == 0) names.insert(name);
        }
        for (const std::string &name : names)
            if (Status status = copy((beside / name).string(), name); !status.ok()) return status;
        return {};
    }

    Status add_zones() {
        auto tables = find_zone_tables(request_.zoneinfo, read_.manifest.features);
        if (!tables) return tables.status();
        if (tables->empty()) return {};
        return add("zones.json", as_bytes(write_zone_tables(*tables)));
    }

    Status add_golden() {
        if (!request_.golden.empty()) return copy(request_.golden, "golden.jsonl");
        if (Status status = find_least_length(); !status.ok()) return status;
        auto bundle = open_unsealed();
        if (!bundle) return bundle.status();
        auto lines = compute_(*bundle);
        if (!lines) return lines.status();
        return add("golden.jsonl", as_bytes(*lines));
    }

    // The bundle as it is so far. Its manifest is gone from the directory afterwards.
    Expected<std::shared_ptr<const Bundle>> open_unsealed() {
        const std::string manifest = partial_.path() + "/manifest.json";
        if (Status status = write_file(manifest, as_bytes(manifest_.lines() + "\n")); !status.ok()) return status;
        auto bundle = Bundle::open(partial_.path(), Bundle::Mode::unsealed);
        std::error_code error;
        fs::remove(manifest, error);
        if (error) return io_error(manifest, "cannot remove", error.value());
        return bundle;
    }

    Status try_length(int64_t length) {
        manifest_["limits"]["least_length"] = length;
        auto bundle = open_unsealed();
        if (!bundle) return bundle.status();
        Status status = try_shortest_(*bundle);
        if (status.code != WB_DEADLINE_EXCEEDED) return status;
        return Status::failure(status.code,
                               "model.ts: a generated row of {} elements: {}; limits.least_length in the manifest "
                               "keeps pack from trying",
                               length, status.message);
    }

    // Tries 0 and 1, which nearly all models take one of, and the longest; between these by halves, as a model that
    // takes some length takes the longer ones.
    Status find_least_length() {
        const auto &features = read_.manifest.features;
        const bool sequences = std::any_of(features.begin(), features.end(), [](auto &one) { return one.sequence; });
        if (!try_shortest_ || !sequences || manifest_["limits"].find("least_length")) return {};
        const int64_t longest = read_.manifest.limits.length;
        int64_t found = 0, fails = -1;
        for (int64_t length : {int64_t{0}, std::min<int64_t>(1, longest), longest}) {
            Status status = try_length(found = length);
            if (status.ok()) break;
            if (status.code != WB_BACKEND_FAILED) return status;
            if (length == longest)
                return Status::failure(status.code,
                                       "model.ts: failed on a generated row of every length tried ({}): {}",
                                       longest == 0   ? std::string("0")
                                       : longest == 1 ? std::string("0 and 1")
                                                      : formatted("0, 1 and {}", longest),
                                       status.message);
            fails = length;
        }
        while (found - fails > 1) {
            const int64_t middle = fails + (found - fails) / 2;
            Status status = try_length(middle);
            if (!status.ok() && status.code != WB_BACKEND_FAILED) return status;
            (status.ok() ? found : fails) = middle;
        }
        manifest_["limits"].erase("least_length");
        if (found > 0) manifest_["limits"]["least_length"] = found;
        return {};
    }

    // Writes the manifest with every digest, and reads the result back as a load would.
    Status seal() {
        JsonValue files = JsonValue::object();
        for (const auto &[name, entry] : files_) files[name] = {{"sha256", entry.sha256}, {"bytes", entry.bytes}};
        manifest_["files"] = std::move(files);
        const std::string path = partial_.path() + "/manifest.json";
        if (Status status = write_file(path, as_bytes(manifest_.lines() + "\n")); !status.ok()) return status;
        auto bundle = Bundle::open(partial_.path(), Bundle::Mode::full, Bundle::kAnyTime);
        if (!bundle) return bundle.status();
        return read_golden(**bundle).status();
    }

    const PackRequest &request_;
    const ComputeGolden &compute_;
    const TryShortest &try_shortest_;
    ReadManifest read_;
    JsonValue manifest_;
    std::map<std::string, FileEntry> files_;
    PartialDirectory partial_;
};

}  // namespace

Status pack_bundle(const PackRequest &request, const ComputeGolden &compute, const TryShortest &try_shortest) {
    return Packer(request, compute, try_shortest).pack();
}

}  // namespace weighbridge::lib
