// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/bytes.hpp"
#include "graph/graph.hpp"

namespace weighbridge::lib {

// A cursor over untrusted bytes: each take() removes records from the front.
class Cursor {
  public:
    explicit Cursor(ByteView bytes) : bytes_(bytes) {}

    // False, and nothing taken, where fewer than `count` of T are left.
    template <class T>
    bool take(T *to, uint64_t count = 1) {
        if (count > bytes_.size() / sizeof(T)) return false;
        const size_t size = static_cast<size_t>(count) * sizeof(T);
        if (size > 0) std::memcpy(to, bytes_.data(), size);
        bytes_ = bytes_.subspan(size);
        return true;
    }
    template <class Vector>
    bool take_all(Vector &to, uint64_t count) {
        if (count > bytes_.size() / sizeof(to[0])) return false;
        to.resize(static_cast<size_t>(count));
        return take(to.data(), count);
    }
    ByteView rest() const { return bytes_; }

  private:
    ByteView bytes_;
};

template <class T>
void put(Bytes &to, const T &record) {
    const auto *bytes = reinterpret_cast<const std::byte *>(&record);
    to.insert(to.end(), bytes, bytes + sizeof record);
}

// Zeros up to a multiple of 64 bytes.
void pad_to_line(Bytes &to);

// A graph without its constants' elements: {uint32 constants, nodes, outputs, 0; int64 least and largest length}; for
// each constant {int32 dtype, int32 rank, int64 sizes}; for each node {uint32 operator, operands, ints, reals, extents,
// 0, then uint32 operands (padded to 8 bytes), int64 ints, double reals, extents {int64 batch, int64 terms[3]}};
// outputs, uint32; zeros to a multiple of 64. Types are not written: reading infers them again.
void put_graph(Bytes &to, const Graph &graph);
Expected<Graph> take_graph(Cursor &from);

// Sets a constant's elements, before the graph is shared. Row-major, as Constant::data.
void set_constant(Graph &graph, size_t index, std::shared_ptr<const std::byte> data);
// Bytes of a constant's elements.
size_t constant_bytes(const Constant &constant);

// A whole graph, as it crosses the plug-in's boundary: "WBGRAPH1" and 56 zeros, put_graph, then each constant's
// elements at 64 bytes. The same graph is the same bytes.
Bytes write_graph(const Graph &graph);
// WB_INVALID_BUNDLE with what was expected and found; never more than the caps of graph.hpp.
Expected<Graph> read_graph(ByteView bytes);

}  // namespace weighbridge::lib
