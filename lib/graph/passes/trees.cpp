// SPDX-License-Identifier: Apache-2.0
// Tree recognition: a look-up whose places depend on comparisons of x with constants alone, however it is written
// (indices stepped level by level, as exporters of gradient-boosted trees do), is an ensemble of decision trees.
// Partial evaluation of the integers under every sequence of answers finds the trees, and they become one operator.
// Each row gets the very values that the look-up gave it, a NaN's and an infinity's too.
#include <algorithm>
#include <cstring>
#include <deque>
#include <map>

#include "graph/passes/partial_row.hpp"
#include "graph/passes/rewrite.hpp"
#include "graph/trees.hpp"

namespace weighbridge::lib {
namespace {

constexpr int kDeepest = 256;        // levels; deeper look-ups stay as they are
constexpr int64_t kFewestForks = 8;  // fewer gain nothing, and look-ups run on devices too

// What all ensembles of a graph may take while they grow.
struct Room {
    size_t forks = size_t{1} << 22;
    size_t values = size_t{1} << 26;  // of leaves
};

// A fork of a tree while it grows, or a leaf: the table's row that the look-up takes.
struct Fork {
    Split split = {};
    int64_t yes = -1, no = -1;  // places of forks; -1: a leaf
    int64_t row = 0;
};

// The trees of one look-up, in the order of its places.
struct Ensemble {
    std::vector<Fork> forks;
    std::vector<int64_t> roots;
    ValueId x = 0;
    bool negated = false;
    int64_t inner = 0;  // forks that are no leaves, at the end
};

class Growth {
  public:
    Growth(PartialRow &row, const Constant &table, ValueId places, const Room &room)
        : row_(row),
          table_(table),
          places_(places),
          width_(static_cast<size_t>(table.shape[1])),
          most_forks_(std::min(room.forks, room.values / std::max<size_t>(width_, 1))) {}

    std::optional<Ensemble> grown() {
        for (int64_t tree = 0, trees = row_.elements(places_); tree < trees; ++tree) {
            const auto root = grow(tree, 0);
            if (!root) return std::nullopt;
            ensemble_.roots.push_back(*root);
        }
        for (const int64_t root : ensemble_.roots) ensemble_.inner += inner_of(root);
        if (ensemble_.inner < kFewestForks) return std::nullopt;
        return std::move(ensemble_);
    }

  private:
    // The subtree of what is undecided yet of a place, or none where more than comparisons of one x decide it.
    std::optional<int64_t> grow(int64_t tree, int depth) {
        const RowElement place = row_.element(places_, tree);
        if (place.kind == RowElement::Kind::integer) {
            if (place.integer < 0 || place.integer >= table_.shape[0]) return std::nullopt;
            return add({.row = place.integer});
        }
        if (place.kind != RowElement::Kind::open || depth == kDeepest || !fits(place.split)) return std::nullopt;
        int64_t sides[2];
        for (const bool holds : {true, false}) {
            const PartialRow::Mark mark = row_.mark();
            row_.answer(place.split, holds);
            const auto side = grow(tree, depth + 1);
            row_.take_back(mark);
            if (!side) return std::nullopt;
            sides[holds ? 0 : 1] = *side;
        }
        if (alike(sides[0], sides[1])) {  // as in trees that are filled up to one height
            ensemble_.forks.pop_back();
            return sides[0];
        }
        return add({place.split, sides[0], sides[1], 0});
    }
    std::optional<int64_t> add(const Fork &fork) {
        if (ensemble_.forks.size() >= most_forks_) return std::nullopt;
        ensemble_.forks.push_back(fork);
        return static_cast<int64_t>(ensemble_.forks.size()) - 1;
    }
    bool fits(const Split &split) {
        if (!asked_) {
            ensemble_.x = split.x;
            ensemble_.negated = split.negated;
            asked_ = true;
        }
        return split.x == ensemble_.x && split.negated == ensemble_.negated;
    }
    const Fork &fork(int64_t place) const { return ensemble_.forks[static_cast<size_t>(place)]; }
    // Two leaves of the same values, bit for bit; `b` is the last fork that was added.
    bool alike(int64_t a, int64_t b) const {
        if (fork(a).yes >= 0 || fork(b).yes >= 0) return false;
        if (b + 1 != static_cast<int64_t>(ensemble_.forks.size()) || a == b) return false;
        const auto *values = table_.as<float>();
        return std::memcmp(values + static_cast<size_t>(fork(a).row) * width_,
                           values + static_cast<size_t>(fork(b).row) * width_, width_ * sizeof(float)) == 0;
    }
    int64_t inner_of(int64_t root) const {
        int64_t count = 0;
        std::vector<int64_t> left{root};
        while (!left.empty()) {
            const Fork &next = fork(left.back());
            left.pop_back();
            if (next.yes < 0) continue;
            ++count;
            left.push_back(next.yes);
            left.push_back(next.no);
        }
        return count;
    }

    PartialRow &row_;
    const Constant &table_;
    const ValueId places_;
    const size_t width_, most_forks_;
    Ensemble ensemble_;
    bool asked_ = false;
};

// The operator's tables: each tree level by level, both ends of a fork side by side.
struct Tables {
    std::vector<float> thresholds, values;
    std::vector<int64_t> nodes, roots;

    Tables(const Ensemble &ensemble, const Constant &table) {
        const int64_t width = table.shape[1];
        for (const int64_t root : ensemble.roots) {
            roots.push_back(static_cast<int64_t>(thresholds.size()));
            std::deque<int64_t> waiting{root};
            int64_t end = roots.back() + 1;  // where the next pair goes
            for (; !waiting.empty(); waiting.pop_front()) {
                const Fork &fork = ensemble.forks[static_cast<size_t>(waiting.front())];
                const auto node = static_cast<int64_t>(thresholds.size());
                const bool leaf = fork.yes < 0;
                thresholds.push_back(leaf ? 0.0f : fork.split.threshold);
                nodes.insert(nodes.end(), {leaf ? 0 : fork.split.place, leaf ? node : end});
                if (leaf) {
                    const float *row = table.as<float>() + fork.row * width;
                    values.insert(values.end(), row, row + width);
                    continue;
                }
                values.resize(values.size() + static_cast<size_t>(width), 0.0f);
                waiting.push_back(fork.yes);
                waiting.push_back(fork.no);
                end += 2;
            }
        }
    }
};

class TreeEmitter {
  public:
    TreeEmitter(Rewrite &rewrite, const PartialRow &row) : rewrite_(rewrite), row_(row) {}

    std::optional<ValueId> emit(const Node &look, const Ensemble &ensemble) {
        const Constant &table = rewrite_.from().constant_of(look.operands[0]);
        const int64_t features = row_.elements(ensemble.x);
        const Tables tables(ensemble, table);
        const auto nodes = static_cast<int64_t>(tables.thresholds.size());
        const auto trees = static_cast<int64_t>(tables.roots.size());
        if (nodes > kMaxTreeNodes || features > kMaxTreeFeatures) return std::nullopt;
        ValueId x = rewrite_[ensemble.x];
        const Extents flat{Extent::rows(), Extent::of(features)};
        if (rewrite_.type(x).shape != flat) x = rewrite_.add(Op::reshape, {x}, {.shape = flat}, look.origin);
        if (ensemble.negated) x = rewrite_.add(Op::neg, {x}, {}, look.origin);
        const std::vector<ValueId> operands{x, rewrite_.floats({nodes}, tables.thresholds, look.origin),
                                            rewrite_.floats({nodes, table.shape[1]}, tables.values, look.origin),
                                            integers({nodes, 2}, tables.nodes, look.origin),
                                            integers({trees}, tables.roots, look.origin)};
        const ValueId found = rewrite_.add(Op::trees, operands, {}, look.origin);
        return rewrite_.add(Op::reshape, {found}, {.shape = look.type.shape}, look.origin);
    }

  private:
    ValueId integers(std::vector<int64_t> shape, const std::vector<int64_t> &numbers, const std::string &origin) {
        return rewrite_.constant(Constant::copy(DType::int64, std::move(shape), numbers.data()), origin);
    }

    Rewrite &rewrite_;
    const PartialRow &row_;
};

// A look-up in a table of floats, at places that rows have of their own. Its result has rows as the outermost axis.
bool may_be_trees(const Graph &graph, const PartialRow &row, const Node &node) {
    if (node.op != Op::embedding || node.type.dtype != DType::float32 ||
        graph.node(node.operands[0]).op != Op::constant)
        return false;
    const ValueId places = node.operands[1];
    return graph.constant_of(node.operands[0]).data && row.elements(places) > 0 && row.has_rows(places) &&
           node.type.shape[0].batch;
}

}  // namespace

Expected<Graph> recognise_trees(const Graph &graph, const StopSource &stop) {
    PartialRow row(graph, stop);
    Room room;
    std::map<ValueId, Ensemble> found;
    std::vector<bool> inside(graph.nodes().size(), false);  // of an ensemble: its last look-up takes all
    for (size_t i = graph.nodes().size(); i-- > 0;) {
        const Node &node = graph.nodes()[i];
        if (inside[i] || !may_be_trees(graph, row, node) || row.exhausted()) continue;
        if (const int32_t code = stop.poll(); code != WB_OK) return ended_while(code, "recognising trees");
        row.forget();
        auto ensemble = Growth(row, graph.constant_of(node.operands[0]), node.operands[1], room).grown();
        if (row.ended() != WB_OK) return ended_while(row.ended(), "recognising trees");
        if (!ensemble) continue;
        room.forks -= ensemble->forks.size();
        room.values -= ensemble->forks.size() * static_cast<size_t>(graph.constant_of(node.operands[0]).shape[1]);
        for (ValueId id : row.seen()) inside[id] = true;
        found.emplace(static_cast<ValueId>(i), *std::move(ensemble));
    }
    if (found.empty()) return graph;
    Rewrite rewrite(graph);
    TreeEmitter emitter(rewrite, row);
    return rewrite.each([&](ValueId id, const Node &node) -> std::optional<ValueId> {
        const auto ensemble = found.find(id);
        return ensemble == found.end() ? std::nullopt : emitter.emit(node, ensemble->second);
    });
}

}  // namespace weighbridge::lib
