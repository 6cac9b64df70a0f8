// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace weighbridge::lib {

// Word pieces by their bytes. Finding the longest one reads each byte of the text at most once, whatever text and
// pieces are. Immutable; look-ups do not allocate.
class PieceTrie {
  public:
    struct Piece {
        std::string_view text;  // not empty, needed during construction only
        int32_t id;             // from 0
    };
    struct Match {
        size_t length = 0;  // in bytes, 0 for no match
        int32_t id = -1;
    };

    PieceTrie() { root_children_.fill(kNone); }
    // Pieces in ascending order of their bytes, each once; less than 4 GiB together.
    explicit PieceTrie(const std::vector<Piece> &pieces);

    // The longest piece that `text` starts with.
    Match longest(std::string_view text) const;

  private:
    static constexpr uint32_t kRoot = 0, kNone = UINT32_MAX;
    uint32_t child(uint32_t node, uint8_t label) const;

    // Breadth first: the children of node n are first_child_[n] to first_child_[n + 1] - 1, in order of their labels.
    std::vector<uint32_t> first_child_;
    std::vector<uint8_t> labels_;              // the byte that leads to a node
    std::vector<int32_t> ids_;                 // the piece that ends at a node, -1 for none
    std::array<uint32_t, 256> root_children_;  // by label, kNone for none: each look-up begins here
};

}  // namespace weighbridge::lib
