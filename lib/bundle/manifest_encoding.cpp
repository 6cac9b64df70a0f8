// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "bundle/manifest_sections.hpp"
#include "feature/vocabulary.hpp"

namespace weighbridge::lib {
namespace {

constexpr size_t kMostSteps = 8;             // every op once
constexpr size_t kLongestKey = 65536;        // bytes of a category
constexpr int64_t kMostIndices = INT32_MAX;  // hash buckets and identity codes: an index fits int32 tensors

// What an op may stand on.
enum class Kind { number, category, timestamp, text, boolean };

Kind kind_of(StoredType type) {
    switch (type) {
        case StoredType::category:
        case StoredType::code:
            return Kind::category;
        case StoredType::timestamp:
            return Kind::timestamp;
        case StoredType::text:
            return Kind::text;
        case StoredType::boolean:
            return Kind::boolean;
        default:
            return Kind::number;
    }
}

// One step and where it stands.
struct Place {
    const JsonCursor &step;
    uint32_t feature, index;
    bool first, last;  // first after a sequence's truncate
    ReadManifest &read;

    Feature &owner() const { return read.manifest.features[feature]; }
    // Refuses the op where the feature is of none of these kinds.
    bool on(std::initializer_list<Kind> kinds, std::string_view what) const {
        if (std::find(kinds.begin(), kinds.end(), kind_of(owner().type)) != kinds.end()) return true;
        const JsonCursor op = step.field("op");
        op.expected(formatted("an op for this type ({} is for {})", op.word(), what));
        return false;
    }
    bool alone() const {
        if (first && last) return true;
        step.refuse("expected this op to be the only one");
        return false;
    }
    void add(Encoding encoding) const { owner().encoding.push_back(std::move(encoding)); }
};

void read_log1p(const Place &place) {
    if (place.on({Kind::number, Kind::timestamp}, "numbers") && place.step.object({"op"})) place.add(Log1p{});
}

void read_standardise(const Place &place) {
    if (!place.on({Kind::number, Kind::timestamp}, "numbers") || !place.step.object({"op", "mean", "std"})) return;
    const JsonCursor mean = place.step.field("mean"), deviation = place.step.field("std");
    const Standardise step{mean.number(), deviation.number()};
    if (!(step.standard_deviation > 0.0)) deviation.expected("a number above 0");
    place.add(step);
}

void read_clip(const Place &place) {
    if (!place.on({Kind::number, Kind::timestamp}, "numbers") || !place.step.object({"op", "min", "max"})) return;
    const JsonCursor least = place.step.field("min"), most = place.step.field("max");
    const Clip step{least.number(), most.number()};
    if (step.minimum > step.maximum) place.step.refuse("expected min <= max");
    place.add(step);
}

void read_bucketise(const Place &place) {
    if (!place.on({Kind::number, Kind::timestamp}, "numbers") || !place.step.object({"op", "edges"})) return;
    const JsonCursor edges = place.step.field("edges");
    Bucketise step;
    const size_t count = edges.array(1, 65536);
    for (size_t i = 0; i < count; ++i) {
        const JsonCursor edge = edges.element(i);
        step.edges.push_back(edge.number());
        if (i > 0 && step.edges[i] <= step.edges[i - 1]) return edge.expected("a number above the edge before it");
    }
    if (!place.last) return place.step.refuse("expected bucketise to be the last op");
    place.add(std::move(step));
}

// The keys of a vocabulary that stands in the manifest itself.
std::shared_ptr<const Vocabulary> read_values(const JsonCursor &values, const Place &place) {
    const size_t count = values.array(1, kManifestBytes);
    const bool codes = place.owner().type == StoredType::code;
    std::vector<std::string> keys;
    std::vector<int64_t> numbers;
    for (size_t i = 0; i < count && !values.report().failed(); ++i) {
        const JsonCursor key = values.element(i);
        if (codes)
            numbers.push_back(key.integer(INT64_MIN, INT64_MAX));
        else
            keys.push_back(key.text(1, kLongestKey));
    }
    if (values.report().failed()) return nullptr;
    if (codes)
        for (int64_t number : numbers) keys.push_back(std::to_string(number));
    place.read.samples[place.feature] = spread_samples(keys);
    auto made = codes ? Vocabulary::make(std::move(numbers)) : Vocabulary::make(std::move(keys));
    if (made) return *made;
    values.refuse(made.status().message);
    return nullptr;
}

void read_vocabulary(const Place &place) {
    if (!place.on({Kind::category}, "categories") || !place.alone() ||
        !place.step.object({"op", "values", "file", "unknown"}))
        return;
    const JsonCursor values = place.step.field("values"), file = place.step.field("file"),
                     unknown = place.step.field("unknown");
    Vocabularise step;
    if (unknown) step.unknown_is_error = unknown.choice({"error", "zero"}) == 0;
    if (values && file) return file.refuse("expected either values or file, got both");
    if (values)
        step.vocabulary = read_values(values, place);
    else
        place.read.vocabularies.push_back({place.feature, place.index,
                                           file.text(is_free_file_name, "values, or a file name of [A-Za-z0-9._-]"),
                                           place.owner().type == StoredType::code});
    place.add(std::move(step));
}

void read_hash(const Place &place) {
    if (!place.on({Kind::category}, "categories") || !place.alone() || !place.step.object({"op", "buckets", "seed"}))
        return;
    const JsonCursor buckets = place.step.field("buckets"), seed = place.step.field("seed");
    place.add(HashBuckets{buckets.integer(1, kMostIndices), seed.unsigned_integer()});
}

void read_code_identity(const Place &place) {
    if (!place.on({Kind::category}, "categories") || !place.alone() || !place.step.object({"op", "size"})) return;
    if (place.owner().type != StoredType::code) return place.step.refuse("expected keys of int64 for identity");
    const JsonCursor size = place.step.field("size");
    place.add(Identity{size.integer(1, kMostIndices)});
}

void read_cyclic(const Place &place) {
    if (!place.on({Kind::timestamp}, "timestamps") || !place.alone() || !place.step.object({"op", "period"})) return;
    const JsonCursor period = place.step.field("period");
    constexpr Cyclic::Period periods[] = {Cyclic::Period::hour, Cyclic::Period::day, Cyclic::Period::week,
                                          Cyclic::Period::year};
    place.add(Cyclic{periods[period.choice({"hour", "day", "week", "year"})], nullptr});
}

void read_wordpiece(const Place &place) {
    if (!place.on({Kind::text}, "text") || !place.alone() ||
        !place.step.object(
            {"op", "file", "max_tokens", "lowercase", "strip_accents", "split_cjk", "add_special", "keep"}))
        return;
    TokeniserUse use{place.feature, place.index, {}, {}};
    auto flag = [&](std::string_view name, bool &value) {
        if (const JsonCursor field = place.step.field(name); field) value = field.boolean();
    };
    flag("lowercase", use.options.lowercase);
    if (const JsonCursor strip = place.step.field("strip_accents"); strip) use.options.strip_accents = strip.boolean();
    flag("split_cjk", use.options.split_cjk);
    flag("add_special", use.options.add_special);
    if (const JsonCursor keep = place.step.field("keep"); keep)
        use.options.keep_tail = keep.choice({"head", "tail"}) == 1;
    const JsonCursor file = place.step.field("file"), tokens = place.step.field("max_tokens");
    use.file = file.text(is_free_file_name, "a file name of [A-Za-z0-9._-]");
    place.add(Tokenise{nullptr, tokens.integer(use.options.add_special ? 2 : 1, kMostTokens)});
    place.read.tokenisers.push_back(std::move(use));
}

void read_truncate(const Place &place) {
    if (!place.owner().sequence || place.index != 0)
        return place.step.refuse("expected truncate only as the first op of a sequence");
    if (!place.step.object({"op", "keep"})) return;
    const JsonCursor keep = place.step.field("keep");
    place.add(Truncate{keep.choice({"head", "tail"}) == 1});
}

}  // namespace

void read_encoding(const JsonCursor &steps, uint32_t index, ReadManifest &out) {
    using Reader = void (*)(const Place &);
    constexpr Reader readers[] = {read_log1p, read_standardise,   read_clip,   read_bucketise, read_vocabulary,
                                  read_hash,  read_code_identity, read_cyclic, read_wordpiece, read_truncate};
    const size_t count = steps.array(1, kMostSteps);
    size_t first = 0;
    for (size_t i = 0; i < count && !steps.report().failed(); ++i) {
        const JsonCursor step = steps.element(i);
        if (!step.object()) return;
        const JsonCursor op = step.field("op");
        const size_t chosen = op.choice({"log1p", "standardise", "clip", "bucketise", "vocabulary", "hash", "identity",
                                         "cyclic", "wordpiece", "truncate"});
        if (steps.report().failed()) return;
        if (i == 0 && readers[chosen] == &read_truncate) first = 1;
        readers[chosen](Place{step, index, static_cast<uint32_t>(i), i == first, i + 1 == count, out});
    }
}

}  // namespace weighbridge::lib
