// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace weighbridge::lib {

inline constexpr int64_t kMostTokens = 65536;  // of a text, as limits.length

class WordPiece;
class Vocabulary;
class Zone;

// The steps of an encoding, as the manifest lists them. lib/feature/README.md has the formula of each.
struct Log1p {};
struct Standardise {
    double mean, standard_deviation;
};
struct Clip {
    double minimum, maximum;
};
struct Bucketise {
    std::vector<double> edges;  // strictly ascending; the index is the number of edges <= x
};
struct Vocabularise {                              // category -> index
    std::shared_ptr<const Vocabulary> vocabulary;  // keys in order, from the manifest or a file of the bundle
    bool unknown_is_error = true;                  // else unknown keys have index 0 and known keys start at 1
};
struct HashBuckets {
    int64_t buckets;
    uint64_t seed;
};
struct Identity {  // a code is its index, in [0, size)
    int64_t size;
};
struct Cyclic {  // timestamp -> sine and cosine of its place in the period, in the feature's zone
    enum class Period { hour, day, week, year } period;
    std::shared_ptr<const Zone> zone;
};
struct Tokenise {
    std::shared_ptr<const WordPiece> tokeniser;
    int64_t max_tokens;
};
struct Truncate {  // a sequence, to the schema's limit of length
    bool keep_tail;
};

using Encoding =
    std::variant<Log1p, Standardise, Clip, Bucketise, Vocabularise, HashBuckets, Identity, Cyclic, Tokenise, Truncate>;

}  // namespace weighbridge::lib
