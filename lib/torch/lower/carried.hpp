// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "torch/lower/builder.hpp"

namespace weighbridge::torch_plugin {

// An unrolled loop whose count of rounds depends on the length.
struct Rounds {
    Extent count;
    int64_t least = 0;  // of every sequence
};

// One value that such a loop carries: `now` as the next round finds it.
class Carried {
  public:
    explicit Carried(Value start);

    const Value &now() const { return now_; }
    // What a round made of it; it counts for sequences that reach the round, all where there is no `reached`.
    void next(Builder &b, const Value &made, const Rounds &rounds, const std::optional<ValueId> &reached);
    Value behind(Builder &b, const Rounds &rounds) const;  // the loop; Undecided where that depends on the length

  private:
    Value now_;
    int64_t round_ = 0;
    List numbers_;                    // after each count of rounds, for as long as it is a Python number
    std::optional<Value> otherwise_;  // behind the loop: Undecided
};

// A list that a round may write into. One that grows by as many in each round becomes what the loop gives for each
// place (Tensor::each_place).
class CarriedList {
  public:
    // A list that is there after `rounds` of the loop.
    CarriedList(std::shared_ptr<List> list, size_t rounds) : list_(std::move(list)), before_(*list_) {
        sizes_.assign(rounds + 1, Extent::of(static_cast<int64_t>(before_.size())));
    }

    const List *list() const { return list_.get(); }
    void next(Builder &b, const std::optional<ValueId> &reached);
    void behind(Builder &b, const Rounds &rounds);

  private:
    std::shared_ptr<List> list_;
    List before_;
    Extents sizes_;  // after each count of rounds
};

}  // namespace weighbridge::torch_plugin
