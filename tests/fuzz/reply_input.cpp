// SPDX-License-Identifier: Apache-2.0
#include "fuzz/data_inputs.hpp"
#include "fuzz/promise.hpp"
#include "graph/graph_file.hpp"
#include "isolation/wire.hpp"

namespace weighbridge::test {
namespace {

using namespace lib;

constexpr uint64_t kMostBytes = 1 << 20;

// Whether it is a frame, read in pieces of so many bytes.
bool read_in_pieces(ByteView bytes, size_t piece, WireReader &reader) {
    Status status;
    while (!bytes.empty() && status.ok()) {
        const ByteView part = bytes.first(std::min(piece, bytes.size()));
        status = reader.take(part);
        bytes = bytes.subspan(part.size());
    }
    if (!status.ok()) promise_message(status);
    return status.ok() && reader.done();
}

}  // namespace

bool try_reply(ByteView bytes) {
    WireReader whole(kMostBytes), pieces(kMostBytes);
    const bool taken = read_in_pieces(bytes, bytes.size(), whole);
    promise(read_in_pieces(bytes, 5, pieces) == taken, "a frame is one whatever its pieces");
    if (!taken || whole.kind() != WireKind::reply) return false;
    const Bytes body = whole.take_body();
    for (const char letter : wire_text(body))
        promise(letter == '\n' || (letter >= 0x20 && letter < 0x7f), "printable lines");
    const auto graph = read_graph(body);
    if (!graph) return promise_message(graph.status()), false;
    const Bytes written = write_graph(*graph);
    const auto again = read_graph(written);
    promise(again && write_graph(*again) == written, "a graph that was read is written as one");
    return true;
}

}  // namespace weighbridge::test
