// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "base/cancel.hpp"
#include "graph/graph.hpp"

namespace weighbridge::lib {

// A comparison that decides where a tree goes: x[place] <= threshold, of -x where `negated`. `place` counts the
// elements of a row of x.
struct Split {
    ValueId x = 0;
    int64_t place = 0;
    float threshold = 0;
    bool negated = false;
    bool operator==(const Split &) const = default;
};

// What an element of a row is known to be.
struct RowElement {
    enum class Kind : uint8_t {
        unknown,  // it depends on data by more than comparisons
        integer,  // this number, of an int64 or bool value
        real,     // this number, of a float32 value
        place,    // element `place` of a row of `x`, as it is
        open,     // decided by the answer to `split`
    };
    Kind kind = Kind::unknown;
    int64_t integer = 0;
    float real = 0;
    Split split = {};  // of a place: x and place

    bool is_number() const { return kind == Kind::integer || kind == Kind::real; }
};

// Partial evaluation of one row: integers and bools are computed as far as constants and the answers given so far
// decide them, and floats are looked through layouts and look-ups. Values count whose rows are the outermost axis and
// whose sizes are numbers. Answers are taken back in reverse, as a walk over a tree gives them.
class PartialRow {
  public:
    // `stop` is asked from step to step; both outlive it.
    PartialRow(const Graph &graph, const StopSource &stop);

    RowElement element(ValueId id, int64_t place);
    int64_t elements(ValueId id) const { return shapes_[id].elements; }  // of a row; -1 for a value that does not count
    bool has_rows(ValueId id) const { return shapes_[id].rows; }

    void answer(const Split &split, bool holds);
    struct Mark {
        size_t answers, known;
    };
    Mark mark() const { return {answers_.size(), trail_.size()}; }
    void take_back(const Mark &mark);

    const std::vector<ValueId> &seen() const { return seen_; }  // values that element() looked at since forget()
    void forget();
    // By its own limits, or by `stop`: everything is unknown from then on.
    bool exhausted() const { return steps_ > kMostSteps; }
    int32_t ended() const { return ended_; }  // what `stop` said

  private:
    static constexpr int64_t kMostSteps = int64_t{1} << 26;  // some seconds
    static constexpr size_t kMostKept = size_t{1} << 22;     // some hundred megabytes
    static constexpr int64_t kStepsBetweenPolls = 4096;      // a millisecond, with 256 answers to look through
    static constexpr int kMostDepth = 1000;                  // of the recursion: half a megabyte of stack
    struct Shape {
        int64_t elements = -1;
        bool rows = false;
        std::vector<int64_t> sizes;
    };
    struct Memo {
        RowElement element;
        int64_t epoch = -1;  // until which answers an open one holds
    };

    const Node &node(ValueId id) const { return graph_.node(id); }
    bool is_float(ValueId id) const { return graph_.type(id).dtype == DType::float32; }
    RowElement compute(ValueId id, int64_t place);
    RowElement opaque(ValueId id, int64_t place) const;
    RowElement constant(ValueId id, int64_t place) const;
    RowElement full(const Node &node) const;
    RowElement moved(ValueId id, int64_t place);
    RowElement joined(ValueId id, int64_t place);
    RowElement looked_up(ValueId id, int64_t place);
    RowElement chosen(ValueId id, int64_t place);
    RowElement compared(ValueId id, int64_t place);
    RowElement calculated(ValueId id, int64_t place);
    RowElement asked(const Split &split) const;
    RowElement operand(ValueId id, size_t index, int64_t place) {
        const ValueId from = node(id).operands[index];
        return element(from, broadcast(shapes_[id], place, shapes_[from]));
    }
    static int64_t broadcast(const Shape &shape, int64_t place, const Shape &operand);

    const Graph &graph_;
    const StopSource &stop_;
    int32_t ended_ = WB_OK;
    std::vector<Shape> shapes_;
    std::vector<bool> is_seen_;
    std::vector<ValueId> seen_;
    std::vector<std::pair<Split, bool>> answers_;
    std::unordered_map<uint64_t, Memo> memo_;
    std::vector<uint64_t> trail_;  // keys of what became known, in order
    int64_t epoch_ = 0;
    int64_t steps_ = 0;
    int depth_ = 0;
};

}  // namespace weighbridge::lib
