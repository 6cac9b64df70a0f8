// SPDX-License-Identifier: Apache-2.0
#include "feature/vocabulary.hpp"

#include <bit>

#include "base/utf8.hpp"
#include "feature/hash.hpp"

namespace weighbridge::lib {
namespace {

constexpr uint64_t kSeed = 0;

}  // namespace

std::string_view Vocabulary::key(int64_t place) const {
    size_t i = static_cast<size_t>(place), begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(bytes_).substr(begin, ends_[i] - begin);
}

template <class Key>
Status Vocabulary::add_all(const std::vector<Key> &keys) {
    if (keys.empty()) return Status::failure(WB_INVALID_BUNDLE, "vocabulary: expected at least one key, got none");
    size_ = static_cast<int64_t>(keys.size());
    slots_.resize(std::bit_ceil(keys.size() * 2));
    mask_ = slots_.size() - 1;
    for (size_t i = 0; i < keys.size(); ++i) {
        uint64_t hash = hash_key(keys[i], kSeed);
        size_t at = probe(hash, [&](int64_t place) { return keys[static_cast<size_t>(place)] == keys[i]; });
        if (slots_[at].place >= 0)
            return Status::failure(WB_INVALID_BUNDLE, "vocabulary: expected distinct keys, got '{}' at {} and {}",
                                   keys[i], slots_[at].place, i);
        slots_[at] = {hash, static_cast<int64_t>(i)};
    }
    return Status();
}

Expected<std::shared_ptr<const Vocabulary>> Vocabulary::make(std::vector<std::string> keys) {
    auto made = std::make_shared<Vocabulary>();
    for (size_t i = 0; i < keys.size(); ++i) {
        size_t bad = utf8_error(keys[i]);
        if (bad != std::string::npos)
            return Status::failure(WB_INVALID_BUNDLE, "vocabulary: expected UTF-8, got a bad byte at {} of key {}", bad,
                                   i);
        made->bytes_ += keys[i];
        made->ends_.push_back(made->bytes_.size());
    }
    Status status = made->add_all(keys);
    if (!status.ok()) return status;
    return std::shared_ptr<const Vocabulary>(std::move(made));
}

Expected<std::shared_ptr<const Vocabulary>> Vocabulary::make(std::vector<int64_t> codes) {
    auto made = std::make_shared<Vocabulary>();
    Status status = made->add_all(codes);
    if (!status.ok()) return status;
    made->codes_ = std::move(codes);
    return std::shared_ptr<const Vocabulary>(std::move(made));
}

std::optional<int64_t> Vocabulary::find(std::string_view wanted) const {
    if (has_codes()) return std::nullopt;
    size_t at = probe(hash_key(wanted, kSeed), [&](int64_t place) { return key(place) == wanted; });
    return slots_[at].place >= 0 ? std::optional(slots_[at].place) : std::nullopt;
}

std::optional<int64_t> Vocabulary::find(int64_t code) const {
    if (!has_codes()) return std::nullopt;
    size_t at = probe(hash_key(code, kSeed), [&](int64_t place) { return codes_[static_cast<size_t>(place)] == code; });
    return slots_[at].place >= 0 ? std::optional(slots_[at].place) : std::nullopt;
}

}  // namespace weighbridge::lib
