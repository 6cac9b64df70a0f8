// SPDX-License-Identifier: Apache-2.0
#include "torch/lower/carried.hpp"

#include <algorithm>
#include <utility>

#include "torch/lower/scalars.hpp"

namespace weighbridge::torch_plugin {
namespace {

const Value kOther = Undecided{"a value that a loop over places changes in another way than by tensors of one shape"};

bool same(const Value &a, const Value &b) {
    if (a.none() && b.none()) return true;
    if (same_key(a, b)) return true;
    const auto *x = a.as<TensorPtr>(), *y = b.as<TensorPtr>();
    if (x && y) return *x == *y;
    const auto *p = a.as<std::shared_ptr<List>>(), *q = b.as<std::shared_ptr<List>>();
    if (p && q) return *p == *q;
    const auto *s = a.as<Opaque>(), *t = b.as<Opaque>();
    return s && t && s->value == t->value;
}

Value chosen(Builder &b, ValueId reached, const Value &made, const Value &old);

Value chosen_tensor(Builder &b, ValueId reached, const Tensor &made, const Tensor &old) {
    if (foreign_of(made) || foreign_of(old)) throw Unsupported{"a loop over places that carries another dtype"};
    const ValueId x = apart(b, made), y = apart(b, old);
    if (b.type(x) != b.type(y) || made.merged != old.merged)
        return Undecided{"a loop over places whose state of " + to_string(b.type(y)) + " becomes " +
                         to_string(b.type(x)) + " in a later round"};
    const TensorPtr kept = tensor_of(b.where(reached, x, y), made.merged);
    kept->number = made.number && old.number;
    kept->storage = made.storage;  // a write into one makes the other stale
    kept->version = made.version;
    return kept;
}

std::optional<List> chosen_list(Builder &b, ValueId reached, const List *made, const List *old) {
    if (!made || !old || made->size() != old->size()) return std::nullopt;
    List kept;
    for (size_t i = 0; i < made->size(); ++i) kept.push_back(chosen(b, reached, (*made)[i], (*old)[i]));
    return kept;
}

// `made` where a run reaches the round, else `old`; Undecided where no operator chooses.
Value chosen(Builder &b, ValueId reached, const Value &made, const Value &old) {
    if (same(made, old)) return made;
    if (made.is<Undecided>()) return made;
    const auto *x = made.as<TensorPtr>(), *y = old.as<TensorPtr>();
    if (x && y) return chosen_tensor(b, reached, **x, **y);
    auto elements = chosen_list(b, reached, list_of_value(made), list_of_value(old));
    if (!elements) return kOther;
    return made.is<Tuple>() ? tuple_of(*std::move(elements)) : list_of(*std::move(elements));
}

// Though the sequence is not empty.
bool may_be_negative(Builder &b, const Extent &count) {
    const auto negative = [&] { return bounds_of(count, b.least_length(), b.largest_length()).least.value_or(-1) < 0; };
    if (negative()) b.require_a_place();
    return negative();
}

bool is_number(const Value &value) { return value.is<Extent>() || value.is<double>(); }

// Of ints after each count of rounds: that after the loop's, where each round that a run may have adds the same.
std::optional<Extent> line_of(Builder &b, const Extents &after, const Rounds &rounds) {
    const auto least = static_cast<size_t>(rounds.least);
    if (std::all_of(after.begin() + rounds.least, after.end(), [&](const Extent &one) { return one == after.back(); }))
        return after.back();
    const auto step = after[least + 1] - after[least];
    for (size_t i = least; i + 1 < after.size(); ++i)
        if (after[i + 1] - after[i] != step) return std::nullopt;
    const auto more = rounds.count - Extent::of(rounds.least);
    const auto added = step && more && !may_be_negative(b, rounds.count) ? *step * *more : std::nullopt;
    return added ? after[least] + *added : std::nullopt;
}

// Of floats likewise, by a table.
std::optional<Value> float_of(Builder &b, const List &after, const Rounds &rounds) {
    std::vector<double> table;
    for (const Value &one : after) {
        const auto *number = one.as<double>();
        if (!number) return std::nullopt;
        table.push_back(*number);
    }
    if (std::all_of(table.begin() + rounds.least, table.end(), [&](double one) { return one == table.back(); }))
        return after.back();
    if (may_be_negative(b, rounds.count)) return std::nullopt;
    const TensorPtr found = tensor_of(b.squeeze(b.slice(b.floats(table), 0, rounds.count, Extent::of(1)), 0));
    found->number = true;
    return found;
}

// Tensors of one type, one for each place, stacked in front of their axes.
ValueId stacked(Builder &b, const List &list) {
    std::vector<ValueId> parts;
    for (const Value &one : list) {
        const auto *tensor = one.as<TensorPtr>();
        if (!tensor) throw Unsupported{"a loop over places that fills a list with other than tensors"};
        parts.push_back(b.unsqueeze(plain(b, **tensor), 0));
        if (b.type(parts.back()) != b.type(parts.front()))
            throw Unsupported{"a loop over places that fills a list with " + to_string(b.type(parts.front())) +
                              " and " + to_string(b.type(parts.back()))};
    }
    return b.concat(parts, 0);
}

}  // namespace

Carried::Carried(Value start) : now_(std::move(start)) {
    if (is_number(now_)) numbers_ = {now_};
}

void Carried::next(Builder &b, const Value &made, const Rounds &rounds, const std::optional<ValueId> &reached) {
    const bool number = is_number(made) && !numbers_.empty();
    if (!number) numbers_.clear();
    if (number) numbers_.push_back(made);
    const Value before = std::exchange(now_, made);
    const int64_t round = round_++;
    if (!reached || number || otherwise_) return;
    Value kept = chosen(b, *reached, made, before);
    if (!kept.is<Undecided>()) {
        now_ = std::move(kept);
        return;
    }
    // Of what none can be chosen: the next round knows which it is.
    const auto known = std::exchange(b.round, std::nullopt);
    b.require_a_place();
    const bool always = bounds_of(rounds.count, b.least_length(), b.largest_length()).least.value_or(0) > round;
    b.round = known;
    if (!always) otherwise_ = kept;
}

Value Carried::behind(Builder &b, const Rounds &rounds) const {
    if (otherwise_) return *otherwise_;
    if (numbers_.empty()) return now_;
    Extents ints;
    for (const Value &one : numbers_)
        if (const auto *extent = one.as<Extent>()) ints.push_back(*extent);
    if (ints.size() != numbers_.size()) return float_of(b, numbers_, rounds).value_or(kOther);
    const auto line = line_of(b, ints, rounds);
    return line ? Value(*line) : kOther;
}

void CarriedList::next(Builder &b, const std::optional<ValueId> &reached) {
    List &now = *list_;
    const bool shorter = now.size() < before_.size();
    if (reached && shorter) throw Unsupported{"a loop over places that takes elements from a list"};
    if (reached && !shorter)
        for (size_t i = 0; i < before_.size(); ++i) now[i] = chosen(b, *reached, now[i], before_[i]);
    before_ = now;
    sizes_.push_back(Extent::of(static_cast<int64_t>(now.size())));
}

void CarriedList::behind(Builder &b, const Rounds &rounds) {
    const auto size = line_of(b, sizes_, rounds);
    if (!size) throw Unsupported{"a loop over places that fills a list by another number in each round"};
    if (size->known()) return;
    const ValueId all = b.slice(stacked(b, *list_), 0, Extent::of(0), *size);
    const TensorPtr each = tensor_of(all, b.rank(all) > 1 ? std::optional<size_t>(0) : std::nullopt);
    each->each_place = true;
    *list_ = {Value(each)};
}

}  // namespace weighbridge::torch_plugin
