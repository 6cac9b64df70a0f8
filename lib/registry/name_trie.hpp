// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ref.hpp"

namespace weighbridge::lib {

// Insert-only map from names to objects: a hash trie with four branches a node, whose nodes also form a list by age.
// Look-ups take no lock and compare about log4(n) names; one thread at a time may add. `Named` is RefCounted and has a
// name().
template <class Named>
class NameTrie {
  public:
    NameTrie() = default;
    ~NameTrie() { clear(); }
    NameTrie(const NameTrie &) = delete;
    NameTrie &operator=(const NameTrie &) = delete;

    // Not while another thread looks anything up.
    void clear() {
        for (Node *node = newest_.exchange(nullptr); node;) delete std::exchange(node, node->older);
        root_.store(nullptr);
    }
    // Null where there is none of that name.
    Ref<Named> find(std::string_view name) const {
        const Node *found = place(root_, name).load(std::memory_order_acquire);
        return found ? found->named : Ref<Named>();
    }
    // The name must be new.
    void add(Ref<Named> named) {
        auto &at = place(root_, named->name());
        Node *node = new Node{std::move(named), newest_.load(std::memory_order_relaxed), {}};
        at.store(node, std::memory_order_release);
        newest_.store(node, std::memory_order_release);
    }
    // In the order in which they were added.
    std::vector<Ref<Named>> list() const {
        std::vector<Ref<Named>> all;
        for_each([&](const Ref<Named> &one) { all.push_back(one); });
        return {all.rbegin(), all.rend()};
    }
    // The newest first.
    template <class Visit>
    void for_each(Visit &&visit) const {
        for (const Node *node = newest_.load(std::memory_order_acquire); node; node = node->older) visit(node->named);
    }

  private:
    struct Node {
        Ref<Named> named;
        Node *older;
        std::array<std::atomic<Node *>, 4> below;  // by the next two bits of the hash
    };

    // The link to the node of that name, or where to put one.
    template <class Place>
    static Place &place(Place &root, std::string_view name) {
        Place *at = &root;
        uint64_t hash = std::hash<std::string_view>()(name);
        for (Node *node; (node = at->load(std::memory_order_acquire)) && node->named->name() != name; hash <<= 2)
            at = &node->below[hash >> 62];
        return *at;
    }

    std::atomic<Node *> root_{nullptr};
    std::atomic<Node *> newest_{nullptr};
};

}  // namespace weighbridge::lib
