// SPDX-License-Identifier: Apache-2.0
#include "bundle/bundle.hpp"

#include <time.h>

#include <algorithm>

#include "bundle/bundle_directory.hpp"
#include "bundle/json_cursor.hpp"
#include "bundle/manifest_reader.hpp"
#include "bundle/vocabulary_files.hpp"
#include "bundle/zone_tables.hpp"

namespace weighbridge::lib {
namespace {

constexpr size_t kShownDigest = 12;
constexpr std::string_view kCopyAgain = "copy the bundle again, or pack anew";

Status check_expiry(const Manifest &manifest, int64_t now_s) {
    const std::string &end = manifest.identity.not_after;
    if (end.empty() || now_s <= utc_seconds(end)) return {};
    return Status::failure(
        WB_INVALID_BUNDLE,
        "manifest.json: identity.not_after: expected a time from {} on, got {}: load a newer version", utc_text(now_s),
        end);
}

// Source and manifest must name the same files, but for signatures, which no manifest lists.
Status check_listing(const std::vector<std::string> &names, const Manifest &manifest) {
    for (const std::string &name : names)
        if (name != "manifest.json" && !is_signature_name(name) && !manifest.files.contains(name))
            return Status::failure(WB_INVALID_BUNDLE,
                                   "'{}': expected only files that manifest.json lists, got one that it does not: take "
                                   "it away, or pack again",
                                   shown_text(name, 100));
    for (const auto &[name, entry] : manifest.files)
        if (!std::binary_search(names.begin(), names.end(), name))
            return Status::failure(WB_INVALID_BUNDLE, "{}: expected a file of {} bytes, got none: {}", name,
                                   entry.bytes, kCopyAgain);
    return {};
}

Status wrong_size(const std::string &name, const FileEntry &entry, uint64_t bytes) {
    return Status::failure(WB_INVALID_BUNDLE, "{}: expected {} bytes, got {}: {}", name, entry.bytes, bytes,
                           kCopyAgain);
}

// A listed file must be a regular one of its size.
Expected<std::unique_ptr<Source::File>> open_listed(const Source &source, const std::string &name,
                                                    const FileEntry &entry) {
    auto file = source.open(name);
    if (file && (*file)->bytes() != entry.bytes) return wrong_size(name, entry, (*file)->bytes());
    return file;
}

Status check_content(const std::string &name, const FileEntry &entry, const Bytes &bytes, const StopSource &stop) {
    if (bytes.size() != entry.bytes) return wrong_size(name, entry, bytes.size());
    auto digest = sha256(bytes, stop);
    if (!digest) return Status::failure(digest.status().code, "{}: {}", name, digest.status().message);
    if (const std::string got = hex(*digest); got != entry.sha256)
        return Status::failure(WB_INVALID_BUNDLE, "{}: expected sha256 {}..., got {}...: {}", name,
                               entry.sha256.substr(0, kShownDigest), got.substr(0, kShownDigest), kCopyAgain);
    return {};
}

// Reads one listed file; size and digest must be as listed.
Expected<SharedBytes> read_listed(const Source &source, const std::string &name, const FileEntry &entry,
                                  const StopSource &stop) {
    auto file = open_listed(source, name, entry);
    if (!file) return file.status();
    auto bytes = (*file)->read(entry.bytes, stop);
    Status status = bytes ? check_content(name, entry, **bytes, stop) : bytes.status();
    if (status.ok()) return bytes;
    if (is_stop(status.code) || !(*file)->changed()) return status;
    return Status::failure(WB_INVALID_BUNDLE,
                           "{}: somebody wrote to it while it was read: put a new version into a directory of its own",
                           name);
}

// A file that no digest is asked for.
Expected<SharedBytes> read_unlisted(const Source &source, const std::string &name, uint64_t limit_bytes,
                                    const StopSource &stop) {
    auto file = source.open(name);
    return file ? (*file)->read(limit_bytes, stop) : file.status();
}

// The vocabularies that a draft names, its zones.json where there is one, and its module where asked for.
Status read_draft_files(const Source &source, const std::vector<std::string> &names, const ReadManifest &read,
                        bool module, const StopSource &stop, FilesByName &files) {
    std::vector<std::string> used;
    for (const auto &use : read.vocabularies) used.push_back(use.file);
    for (const auto &use : read.tokenisers) used.push_back(use.file);
    if (std::binary_search(names.begin(), names.end(), "zones.json")) used.push_back("zones.json");
    if (module) used.push_back(kModuleFile);
    for (const std::string &name : used) {
        if (files.contains(name)) continue;
        auto bytes = read_unlisted(source, name, file_limit_bytes(name), stop);
        if (!bytes) return bytes.status();
        files.emplace(name, *std::move(bytes));
    }
    return {};
}

Status bind_bundle_zones(const FilesByName &files, bool draft, std::vector<Feature> &features) {
    Expected<ZoneTables> tables = ZoneTables{};
    if (const auto file = files.find("zones.json"); file != files.end())
        tables = read_zone_tables(as_text(*file->second));
    else if (draft)
        tables = find_zone_tables(kHostZones, features);
    return tables ? bind_zones(*tables, features) : tables.status();
}

// A failure of a layer that does not know that it speaks of manifest.json.
Status in_manifest(const Status &status) { return Status::failure(status.code, "manifest.json: {}", status.message); }

}  // namespace

int64_t Bundle::wall_clock_s() {
    struct timespec now {};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec;
}

std::shared_ptr<const Bundle> Bundle::with_plan(Bytes plan) const {
    std::shared_ptr<Bundle> bundle(new Bundle(*this));
    bundle->files_.erase(kModuleFile);
    bundle->files_.insert_or_assign("model.plan", std::make_shared<const Bytes>(std::move(plan)));
    return bundle;
}

Expected<std::shared_ptr<const Bundle>> Bundle::open(const std::string &path, Mode mode, int64_t now_s) {
    auto source = DirectorySource::open_path(path);
    return source ? open(*source, mode, now_s) : source.status();
}

Expected<std::shared_ptr<const Bundle>> Bundle::open(const Source &source, Mode mode, int64_t now_s,
                                                     const StopSource &stop, const BundleGate *gate) {
    auto bundle = read(source, mode, now_s, stop, gate);
    if (bundle || !source.removed()) return bundle;
    return Status::failure(WB_IO_ERROR, "{}: the directory was removed while it was read: load it again",
                           shown_path(source.label()));
}

// Signatures are looked at first, so that nothing else of a bundle that they do not fit is parsed.
Status Bundle::read_signatures(const Source &source, const std::vector<std::string> &names, const StopSource &stop,
                               const BundleGate *gate) {
    for (const std::string &name : names) {
        if (!is_signature_name(name)) continue;
        if (signatures_.size() == kSignatureFiles)
            return Status::failure(WB_INVALID_BUNDLE, "{}: expected at most {} signatures, got more", name,
                                   kSignatureFiles);
        auto text = read_unlisted(source, name, kSignatureBytes, stop);
        if (!text) return text.status();
        auto signature = read_signature(name, as_text(**text));
        if (!signature)
            return Status::failure(signature.status().code, "{}: take the file away, or sign again",
                                   signature.status().message);
        if (Status status = check_signed_manifest(*signature, digest_); !status.ok()) return status;
        signatures_.push_back(*std::move(signature));
    }
    if (!gate) return {};
    auto signers = gate->signers(digest_, signatures_);
    if (!signers) return signers.status();
    signers_ = *std::move(signers);
    return {};
}

Status Bundle::read_listed_files(const Source &source, const std::vector<std::string> &names, Mode mode,
                                 const Manifest &manifest, const StopSource &stop) {
    if (Status status = check_listing(names, manifest); !status.ok()) return status;
    for (const SignatureFile &signature : signatures_)
        if (Status status = check_signed_files(signature, manifest.files); !status.ok()) return status;
    const bool planned = mode == Mode::serving && manifest.files.contains("model.plan");
    for (const auto &[name, entry] : manifest.files) {
        if (planned && name == kModuleFile) {
            if (auto file = open_listed(source, name, entry); !file) return file.status();
            continue;
        }
        auto bytes = read_listed(source, name, entry, stop);
        if (!bytes) return bytes.status();
        files_.emplace(name, *std::move(bytes));
    }
    return {};
}

Expected<std::shared_ptr<const Bundle>> Bundle::read(const Source &source, Mode mode, int64_t now_s,
                                                     const StopSource &stop, const BundleGate *gate) {
    auto names = source.names();
    if (!names) return names.status();
    auto text = read_unlisted(source, "manifest.json", kManifestBytes, stop);
    if (!text) return text.status();
    auto digest = sha256(**text);
    if (!digest) return digest.status();
    std::shared_ptr<Bundle> bundle(new Bundle());
    bundle->digest_ = *digest;
    const bool full = mode == Mode::full || mode == Mode::serving;
    if (full)
        if (Status status = bundle->read_signatures(source, *names, stop, gate); !status.ok()) return status;
    auto read = read_manifest("manifest.json", as_text(**text), full ? Completeness::complete : Completeness::draft);
    if (!read) return read.status();
    if (full)
        if (Status status = check_expiry(read->manifest, now_s); !status.ok()) return status;
    if (Status status = gate ? gate->admit(read->manifest) : Status(); !status.ok()) return status;
    if (full) {
        Status status = bundle->read_listed_files(source, *names, mode, read->manifest, stop);
        if (!status.ok()) return status;
    } else {
        const bool module = mode == Mode::unsealed;
        Status status = read_draft_files(source, *names, *read, module, stop, bundle->files_);
        if (!status.ok()) return status;
    }
    if (Status status = stop.check("reading vocabularies"); !status.ok()) return status;
    if (Status status = bind_vocabularies(bundle->files_, *read); !status.ok()) return status;
    if (Status status = bind_bundle_zones(bundle->files_, !full, read->manifest.features); !status.ok()) return status;

    auto schema = Schema::make(std::move(read->manifest.features));
    if (!schema) return in_manifest(schema.status());
    auto encoder = Encoder::make(*schema, read->manifest.tensors, read->manifest.limits);
    if (!encoder) return in_manifest(encoder.status());

    bundle->manifest_ = std::move(read->manifest);
    if (mode == Mode::scripted)
        for (Output &output : bundle->manifest_.outputs) output.activation_applied = true;
    bundle->manifest_.features = (*schema)->features();
    bundle->schema_ = *std::move(schema);
    bundle->encoder_ = *std::move(encoder);
    bundle->samples_ = std::move(read->samples);
    bundle->files_.insert_or_assign("manifest.json", *std::move(text));
    const auto &outputs = bundle->manifest_.outputs;
    bundle->primary_ = static_cast<size_t>(
        std::find_if(outputs.begin(), outputs.end(), [](const Output &output) { return output.primary; }) -
        outputs.begin());
    return std::shared_ptr<const Bundle>(std::move(bundle));
}

}  // namespace weighbridge::lib
