// SPDX-License-Identifier: Apache-2.0
#include "scan/mentions.hpp"

#include <algorithm>
#include <unordered_set>

#include "scan/saturating.hpp"

namespace weighbridge::lib {
namespace {

constexpr uint64_t kMostDepth = 256;       // as of calls in each other
constexpr uint64_t kMostTupleDepth = 16;   // each with types of kScanDepth
constexpr uint64_t kMostTupleSize = 4096;  // NamedTuples

// A class with its methods, or a function.
struct Declaration {
    std::string_view name;
    const CodeClass *of = nullptr;  // null for a function
    std::vector<uint32_t> mentions;
    std::unordered_set<uint32_t> known;  // the same
    uint32_t order = 0, lowest = 0;      // of Tarjan's search; 0 where it did not come yet
    bool open = false;
    size_t next = 0;
    uint64_t depth = 0;
    uint64_t tuple_depth = 0, tuple_size = 0;  // of a NamedTuple
};

// The longest chain of mentions, by strongly connected components (Tarjan's), without recursion: what mentions itself
// in a circle counts as one chain of all that is in it.
class Mentions {
  public:
    Mentions(const ModuleCode &code, const std::vector<FunctionSource> &sources, ScanFindings &findings)
        : code_(code), findings_(findings) {
        for (const auto &[name, one] : code.classes) add(name, &one);
        for (const auto &[name, function] : code.names) add(name, nullptr);
        for (uint32_t i = 0; i < all_.size(); ++i)
            if (all_[i].of)
                for (const std::string &type : all_[i].of->fields) mention_in_type(all_[i], type);
        for (const FunctionSource &source : sources) {
            const CodeFunction &of = code.functions[source.function];
            Declaration &holder = all_[places_.find(of.owner.empty() ? of.name : of.owner)->second];
            for (const CodeTokens part : {source.parameters, source.result, source.body}) mention_in(holder, part);
        }
    }

    void check() {
        for (uint32_t i = 0; i < all_.size(); ++i)
            if (all_[i].order == 0) visit(i);
    }

  private:
    void add(std::string_view name, const CodeClass *of) {
        places_.emplace(name, static_cast<uint32_t>(all_.size()));
        Declaration made;
        made.name = name;
        made.of = of;
        all_.push_back(std::move(made));
    }

    // The declaration that a name is of, or a method of; all_.size() for none.
    uint32_t find(std::string_view name) const {
        for (int parts = 0; parts < 2; ++parts) {
            if (const auto found = places_.find(name); found != places_.end()) return found->second;
            name = name.substr(0, std::min(name.rfind('.'), name.size()));
        }
        return static_cast<uint32_t>(all_.size());
    }

    void mention(Declaration &by, std::string_view name) {
        const uint32_t place = find(name);
        if (place < all_.size() && by.known.insert(place).second) by.mentions.push_back(place);
    }

    void mention_in(Declaration &by, CodeTokens tokens) {
        for (size_t at = 0; at < tokens.size(); ++at)
            if (tokens[at].is("__torch__")) mention(by, joined(tokens.subspan(at, chain_size(tokens.subspan(at)))));
    }

    // Calls `visit` with each name of the archive in a type's text.
    template <class Visitor>
    static void for_each_name(std::string_view type, const Visitor &visit) {
        for (size_t at = type.find("__torch__."); at != type.npos; at = type.find("__torch__.", at)) {
            const size_t end = std::min(type.find_first_of("[],", at), type.size());
            visit(type.substr(at, end - at));
            at = end;
        }
    }
    void mention_in_type(Declaration &by, std::string_view type) {
        for_each_name(type, [&](std::string_view name) { mention(by, name); });
    }

    void visit(uint32_t first);
    void enter(uint32_t place);
    void leave(uint32_t place);
    void check_one(Declaration &one);
    void measure_tuple(Declaration &one);
    void tell(std::string_view name, std::string_view what, uint64_t most) {
        findings_.add("code-nesting", "", 0, "expected at most {} {}, found more by way of '{}'", most, what, name);
    }

    const ModuleCode &code_;
    ScanFindings &findings_;
    std::vector<Declaration> all_;
    std::map<std::string_view, uint32_t> places_;
    std::vector<uint32_t> path_, open_;
    uint32_t next_order_ = 0;
};

void Mentions::enter(uint32_t place) {
    Declaration &one = all_[place];
    one.order = one.lowest = ++next_order_;
    one.open = true;
    path_.push_back(place);
    open_.push_back(place);
}

void Mentions::visit(uint32_t first) {
    enter(first);
    while (!path_.empty()) {
        const uint32_t place = path_.back();
        Declaration &one = all_[place];
        if (one.next == one.mentions.size()) {
            path_.pop_back();
            if (!path_.empty()) all_[path_.back()].lowest = std::min(all_[path_.back()].lowest, one.lowest);
            if (one.lowest == one.order) leave(place);
            continue;
        }
        const Declaration &other = all_[one.mentions[one.next]];
        if (other.order == 0) {
            enter(one.mentions[one.next]);
            continue;
        }
        ++one.next;
        if (other.open) one.lowest = std::min(one.lowest, other.order);
    }
}

// A component is complete, and so is all that it mentions.
void Mentions::leave(uint32_t place) {
    auto first = open_.end() - 1;
    while (*first != place) --first;
    uint64_t depth = 0;
    for (auto at = first; at != open_.end(); ++at)
        for (const uint32_t other : all_[*at].mentions) depth = std::max(depth, all_[other].depth);
    depth += static_cast<uint64_t>(open_.end() - first);
    const bool fits = depth <= kMostDepth;
    if (!fits) tell(all_[place].name, "declarations that mention each other in turn", kMostDepth);
    for (auto at = first; at != open_.end(); ++at) {
        all_[*at].depth = fits ? depth : 1;  // who is beyond is told once
        all_[*at].open = false;
    }
    // In a circle some come before those that they hold: again, until what is too deep has grown to its bound.
    const uint64_t rounds = open_.end() - first > 1 ? kMostTupleDepth + 1 : 1;
    for (uint64_t round = 0; round < rounds && !findings_.ended(); ++round)
        for (auto at = first; at != open_.end(); ++at) measure_tuple(all_[*at]);
    open_.erase(first, open_.end());
}

void Mentions::measure_tuple(Declaration &one) {
    if (!one.of || one.of->kind != CodeClass::Kind::tuple) return;
    uint64_t depth = 0, size = 1;
    for (const std::string &type : one.of->fields)
        for_each_name(type, [&](std::string_view name) {
            const uint32_t place = find(name);
            if (place == all_.size()) return;
            depth = std::max(depth, all_[place].tuple_depth);
            size = saturating_sum(size, all_[place].tuple_size);
        });
    one.tuple_depth = depth + 1;
    one.tuple_size = size;
    if (one.tuple_depth > kMostTupleDepth) tell(one.name, "NamedTuples in each other", kMostTupleDepth);
    if (one.tuple_size > kMostTupleSize) tell(one.name, "NamedTuples in one", kMostTupleSize);
    if (one.tuple_depth > kMostTupleDepth || one.tuple_size > kMostTupleSize) one.tuple_depth = one.tuple_size = 1;
}

}  // namespace

void check_mentions(const ModuleCode &code, const std::vector<FunctionSource> &sources, ScanFindings &findings) {
    Mentions(code, sources, findings).check();
}

}  // namespace weighbridge::lib
