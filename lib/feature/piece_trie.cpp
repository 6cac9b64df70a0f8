// SPDX-License-Identifier: Apache-2.0
#include "feature/piece_trie.hpp"

#include <algorithm>

namespace weighbridge::lib {

PieceTrie::PieceTrie(const std::vector<Piece> &pieces) : PieceTrie() {
    // Of each node: the pieces below it, which share their first `depth` bytes.
    struct Span {
        uint32_t begin, end, depth;
    };
    std::vector<Span> spans{{0, static_cast<uint32_t>(pieces.size()), 0}};
    labels_.push_back(0);
    for (size_t node = 0; node < spans.size(); ++node) {
        auto [at, end, depth] = spans[node];
        first_child_.push_back(static_cast<uint32_t>(spans.size()));
        const bool ends_here = at < end && pieces[at].text.size() == depth;
        ids_.push_back(ends_here ? pieces[at++].id : -1);
        while (at < end) {
            const char label = pieces[at].text[depth];
            uint32_t next = at + 1;
            while (next < end && pieces[next].text[depth] == label) ++next;
            spans.push_back({at, next, depth + 1});
            labels_.push_back(static_cast<uint8_t>(label));
            at = next;
        }
    }
    first_child_.push_back(static_cast<uint32_t>(spans.size()));
    for (uint32_t node = first_child_[0]; node < first_child_[1]; ++node) root_children_[labels_[node]] = node;
}

uint32_t PieceTrie::child(uint32_t node, uint8_t label) const {
    const auto begin = labels_.begin() + first_child_[node], end = labels_.begin() + first_child_[node + 1];
    const auto found = std::lower_bound(begin, end, label);
    return found != end && *found == label ? static_cast<uint32_t>(found - labels_.begin()) : kNone;
}

PieceTrie::Match PieceTrie::longest(std::string_view text) const {
    Match best;
    uint32_t node = kRoot;
    for (size_t i = 0; i < text.size(); ++i) {
        const auto label = static_cast<uint8_t>(text[i]);
        node = node == kRoot ? root_children_[label] : child(node, label);
        if (node == kNone) break;
        if (ids_[node] >= 0) best = {i + 1, ids_[node]};
    }
    return best;
}

}  // namespace weighbridge::lib
