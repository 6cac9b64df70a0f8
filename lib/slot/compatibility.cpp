// SPDX-License-Identifier: Apache-2.0
#include "slot/compatibility.hpp"

#include <algorithm>
#include <cmath>

#include "feature/type_name.hpp"
#include "feature/vocabulary.hpp"

namespace weighbridge::lib {
namespace {

using Gained = std::vector<std::string>;

// "<subject>: expected <was> as in the serving model, found <now>"
Status changed(const std::string &subject, const std::string &was, const std::string &now) {
    return Status::failure(WB_SCHEMA_CHANGED, "{}: expected {} as in the serving model, found {}", subject, was, now);
}

std::string subject_of(const Feature &feature) { return formatted("feature '{}'", feature.name); }

std::string money_of(const Feature &feature) {
    if (feature.money_exponent < 0) return "no money";
    return formatted("money in {} with exponent {}", feature.currency, feature.money_exponent);
}

std::string privacy_of(const Feature &feature) {
    return feature.privacy.empty() ? "no privacy class" : formatted("the privacy class {}", feature.privacy);
}

double least_of(const Feature &feature) { return feature.minimum.value_or(-HUGE_VAL); }
double most_of(const Feature &feature) { return feature.maximum.value_or(HUGE_VAL); }

std::string range_of(const Feature &feature) {
    if (!feature.minimum && !feature.maximum) return "no range";
    return formatted("the range [{}, {}]", least_of(feature), most_of(feature));
}

// The keys that a category takes: those of a vocabulary, the codes [0, below), or, where there is neither, all.
struct Keys {
    const Vocabulary *listed = nullptr;
    int64_t below = 0;

    bool all() const { return listed == nullptr && below == 0; }
    int64_t count() const { return listed ? listed->size() : below; }
    bool has(int64_t code) const { return listed ? listed->find(code).has_value() : code >= 0 && code < below; }
};

Keys keys_of(const Feature &feature) {
    Keys keys;
    for (const Encoding &step : feature.encoding) {
        if (const auto *vocabulary = std::get_if<Vocabularise>(&step); vocabulary && vocabulary->unknown_is_error)
            keys.listed = vocabulary->vocabulary.get();
        if (const auto *identity = std::get_if<Identity>(&step)) keys.below = identity->size;
    }
    return keys;
}

// How many keys both take; neither takes all.
int64_t common_keys(const Keys &a, const Keys &b) {
    if (!a.listed && !b.listed) return std::min(a.below, b.below);
    const Keys &listed = a.listed ? a : b, &other = a.listed ? b : a;
    int64_t common = 0;
    for (int64_t place = 0; place < listed.listed->size(); ++place) {
        if (listed.listed->has_codes())
            common += other.has(listed.listed->code(place)) ? 1 : 0;
        else
            common += other.listed && other.listed->find(listed.listed->key(place)) ? 1 : 0;
    }
    return common;
}

Status compare_keys(const Feature &was, const Feature &now, Gained &gained) {
    const Keys before = keys_of(was), after = keys_of(now);
    if (before.all() && after.all()) return {};
    if (before.all())
        return changed(subject_of(was), "unknown keys to be taken", formatted("{} known keys only", after.count()));
    if (after.all()) {
        gained.push_back(formatted("unknown keys of '{}'", was.name));
        return {};
    }
    const int64_t kept = common_keys(before, after);
    if (kept < before.count())
        return changed(subject_of(was), formatted("the {} keys", before.count()), formatted("{} of them", kept));
    if (after.count() > kept) gained.push_back(formatted("{} more keys of '{}'", after.count() - kept, was.name));
    return {};
}

// What a caller may hand in for a feature, and what becomes of it.
Status compare_feature(const Feature &was, const Feature &now, Gained &gained) {
    const std::string subject = subject_of(was);
    if (std::string before = describe_type(was), after = describe_type(now); before != after)
        return changed(subject, before, after);
    if (std::string before = money_of(was), after = money_of(now); before != after)
        return changed(subject, before, after);
    if (was.missing && !now.missing) return changed(subject, "a default for a missing value", "none");
    if (!was.missing && now.missing) gained.push_back(formatted("a default of '{}'", was.name));
    const bool nan_was_taken = was.missing && was.nan_is_missing, nan_is_taken = now.missing && now.nan_is_missing;
    if (nan_was_taken && !nan_is_taken) return changed(subject, "NaN to be taken as missing", "it refused");
    if (!nan_was_taken && nan_is_taken) gained.push_back(formatted("NaN for '{}'", was.name));
    if (Status status = compare_keys(was, now, gained); !status.ok()) return status;
    if (least_of(now) > least_of(was) || most_of(now) < most_of(was))
        return changed(subject, range_of(was) + " or a wider one", range_of(now));
    if (least_of(now) < least_of(was) || most_of(now) > most_of(was))
        gained.push_back(formatted("{} of '{}'", range_of(now), was.name));
    if (!was.privacy.empty() && now.privacy != was.privacy) return changed(subject, privacy_of(was), privacy_of(now));
    if (was.privacy != now.privacy) gained.push_back(formatted("{} of '{}'", privacy_of(now), was.name));
    return {};
}

std::string shape_of(const Shape &shape) {
    std::string text = "batch";
    for (int32_t i = 1; i < shape.rank; ++i) text += formatted(", {}", shape.size[static_cast<size_t>(i)]);
    return "the shape [" + text + "]";
}

std::string names_of(const std::vector<std::string> &bands) {
    std::string text = bands.empty() ? "no bands" : "the bands ";
    for (size_t i = 0; i < bands.size(); ++i) text += (i > 0 ? ", " : "") + bands[i];
    return text;
}

std::string score_of(bool primary, int64_t class_index) {
    return primary ? formatted("it to be the score, its value {}", class_index) : std::string("it not to be the score");
}

std::string length_of(int64_t longest) {
    return longest == INT64_MAX ? std::string("any length") : formatted("at least {} elements", longest);
}

const char *word_of(Shorter shorter) { return shorter == Shorter::error ? "'error'" : "'fallback'"; }

}  // namespace

Promise::Promise(const Manifest &manifest)
    : text_bytes_(manifest.limits.text_bytes),
      least_(manifest.limits.least_length),
      longest_(manifest.limits.length),
      shorter_(manifest.limits.shorter) {
    for (const Feature &feature : manifest.features) {
        features_.push_back({feature});
        texts_ |= feature.type == StoredType::text || feature.type == StoredType::category;
        if (!feature.sequence) continue;
        sequences_ = true;
        for (const Encoding &step : feature.encoding)
            if (std::holds_alternative<Truncate>(step)) longest_ = INT64_MAX;
    }
    for (const Output &output : manifest.outputs) {
        outputs_.push_back({output.name, output.shape, output.primary, output.class_index});
        for (const Band &band : output.bands) bands_.push_back(band.name);
    }
}

void Promise::remember(const Promise &before) {
    for (const Input &input : before.features_)
        if (!find(input.feature.name)) features_.push_back({input.feature, true});
    for (size_t i = outputs_.size(); i < before.outputs_.size(); ++i) {
        outputs_.push_back(before.outputs_[i]);
        outputs_.back().withdrawn = true;
    }
    if (bands_.empty()) {
        bands_ = before.bands_;
        bands_withdrawn_ = true;
    }
}

const Promise::Input *Promise::find(std::string_view feature) const {
    const auto found = std::find_if(features_.begin(), features_.end(),
                                    [&](const Input &input) { return input.feature.name == feature; });
    return found == features_.end() ? nullptr : &*found;
}

Expected<std::vector<std::string>> Promise::compare(const Promise &next) const {
    Gained gained;
    for (auto part : {&Promise::compare_features, &Promise::compare_outputs, &Promise::compare_bands,
                      &Promise::compare_lengths, &Promise::compare_texts, &Promise::compare_shorter})
        if (Status status = (this->*part)(next, gained); !status.ok()) return status;
    return gained;
}

Status Promise::compare_fallback(const Promise &other) const {
    Gained gained;
    for (auto part : {&Promise::compare_features, &Promise::compare_bands, &Promise::compare_lengths})
        if (Status status = (this->*part)(other, gained); !status.ok()) return status;
    return {};
}

Status Promise::compare_features(const Promise &next, Gained &gained) const {
    for (const Input &was : features_) {
        const Input *now = next.find(was.feature.name);
        if (!now && !was.withdrawn) return changed(subject_of(was.feature), "it", "none");
        if (!now) continue;
        Status status = compare_feature(was.feature, now->feature, gained);
        if (!status.ok()) return status.with_feature(static_cast<int32_t>(now - next.features_.data()));
    }
    for (const Input &now : next.features_) {
        const Input *was = find(now.feature.name);
        if (was && !was->withdrawn) continue;
        Status status;
        if (!now.feature.missing)
            status = Status::failure(WB_SCHEMA_CHANGED, "{}: expected a default, for it is new; found none",
                                     subject_of(now.feature));
        else if (now.feature.sequence && sequences_)
            status = Status::failure(WB_SCHEMA_CHANGED,
                                     "{}: expected no new sequence, for it is empty in rows of the serving model and "
                                     "their others are not; found one",
                                     subject_of(now.feature));
        if (!status.ok()) return status.with_feature(static_cast<int32_t>(&now - next.features_.data()));
        gained.push_back(subject_of(now.feature));
    }
    return {};
}

Status Promise::compare_outputs(const Promise &next, Gained &gained) const {
    for (size_t i = 0; i < outputs_.size(); ++i) {
        const Result &was = outputs_[i];
        const std::string subject = formatted("outputs[{}]", i), named = formatted("output '{}'", was.name);
        if (i >= next.outputs_.size()) {
            if (was.withdrawn) continue;
            return changed(subject, named, "none");
        }
        const Result &now = next.outputs_[i];
        if (now.name != was.name) return changed(subject, named, formatted("output '{}'", now.name));
        if (now.shape != was.shape) return changed(named, shape_of(was.shape), shape_of(now.shape));
        if (now.primary != was.primary || now.class_index != was.class_index)
            return changed(named, score_of(was.primary, was.class_index), score_of(now.primary, now.class_index));
    }
    for (size_t i = 0; i < next.outputs_.size(); ++i)
        if (i >= outputs_.size() || outputs_[i].withdrawn)
            gained.push_back(formatted("output '{}'", next.outputs_[i].name));
    return {};
}

// A band's index is a number in callers' code: another band, behind them too, is one that they do not know.
Status Promise::compare_bands(const Promise &next, Gained &gained) const {
    if (bands_ != next.bands_ && !bands_.empty() && !(bands_withdrawn_ && next.bands_.empty()))
        return changed("bands", names_of(bands_), names_of(next.bands_));
    if ((bands_.empty() || bands_withdrawn_) && !next.bands_.empty()) gained.push_back(names_of(next.bands_));
    return {};
}

// Rows of a model without sequences have empty ones in the next: its least is 0.
Status Promise::compare_lengths(const Promise &next, Gained &gained) const {
    if (!next.sequences_) return {};
    if (next.least_ > least_)
        return changed("limits.least_length", formatted("at most {}", least_), formatted("{}", next.least_));
    if (!sequences_) return {};
    if (next.least_ < least_) gained.push_back(formatted("a least length of {}", next.least_));
    if (next.longest_ < longest_) return changed("limits.length", length_of(longest_), length_of(next.longest_));
    if (next.longest_ > longest_) gained.push_back("sequences of " + length_of(next.longest_));
    return {};
}

Status Promise::compare_texts(const Promise &next, Gained &gained) const {
    if (!texts_ || next.text_bytes_ == text_bytes_) return {};
    if (next.text_bytes_ < text_bytes_)
        return changed("limits.text_bytes", formatted("at least {}", text_bytes_), formatted("{}", next.text_bytes_));
    gained.push_back(formatted("texts of {} bytes", next.text_bytes_));
    return {};
}

// A row that is too short for both gets from the next what it got before. No row is too short for a least length of 0.
Status Promise::compare_shorter(const Promise &next, Gained &) const {
    if (least_ == 0 || next.least_ == 0 || next.shorter_ == shorter_) return {};
    return changed("limits.shorter", word_of(shorter_), word_of(next.shorter_));
}

}  // namespace weighbridge::lib
