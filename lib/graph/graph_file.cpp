// SPDX-License-Identifier: Apache-2.0
#include "graph/graph_file.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "graph/trees.hpp"

namespace weighbridge::lib {

// Fills a graph's constants, which only a reader does before there are nodes.
class GraphReader {
  public:
    static std::vector<Constant> &constants(Graph &graph) { return graph.constants_; }
};

namespace {

static_assert(std::endian::native == std::endian::little, "the file is little-endian and is read as it lies");

constexpr char kMagic[8] = {'W', 'B', 'G', 'R', 'A', 'P', 'H', '1'};
constexpr size_t kLine = 64;

struct CountsRecord {
    uint32_t constants, nodes, outputs, reserved;
    int64_t least_length, largest_length;
};
struct ConstantRecord {
    int32_t dtype, rank;
};
struct NodeRecord {
    uint32_t op, operands, ints, reals, extents, reserved;
};
struct ExtentRecord {
    int64_t batch;
    int64_t terms[3];
};
static_assert(sizeof(CountsRecord) == 32 && sizeof(NodeRecord) == 24 && sizeof(ExtentRecord) == 32);

Status cut_short(std::string_view what) {
    return Status::failure(WB_INVALID_BUNDLE, "graph: expected {}, found the end of the section", what);
}

Status take_constant(Cursor &from, size_t index, std::vector<Constant> &constants) {
    ConstantRecord record;
    if (!from.take(&record)) return cut_short("constants");
    Constant constant;
    constant.dtype = static_cast<DType>(record.dtype);
    if (!holds(dtypes::kComputed, constant.dtype) || record.rank < 0 || record.rank > kMaxRank)
        return Status::failure(WB_INVALID_BUNDLE,
                               "graph: constant {}: expected float32, float64, int64 or bool of rank {} at most, found "
                               "dtype {} of rank {}",
                               index, kMaxRank, record.dtype, record.rank);
    if (!from.take_all(constant.shape, static_cast<uint64_t>(record.rank))) return cut_short("a constant's sizes");
    int64_t elements = 1;
    for (int64_t size : constant.shape)
        if (size < 0 || __builtin_mul_overflow(elements, size, &elements) || elements > kMaxElements)
            return Status::failure(WB_INVALID_BUNDLE, "graph: constant {}: expected at most {} elements, found more",
                                   index, kMaxElements);
    constants.push_back(std::move(constant));
    return {};
}

Status take_node(Cursor &from, Graph &graph) {
    NodeRecord record;
    if (!from.take(&record)) return cut_short("operators");
    std::vector<ValueId> operands;
    AttributeLists lists;
    std::vector<ExtentRecord> extents;
    uint32_t padding = 0;
    if (record.reserved != 0)
        return Status::failure(WB_INVALID_BUNDLE, "graph: reserved: expected 0, found {}", record.reserved);
    if (!from.take_all(operands, record.operands) || (record.operands % 2 == 1 && !from.take(&padding)) ||
        !from.take_all(lists.ints, record.ints) || !from.take_all(lists.reals, record.reals) ||
        !from.take_all(extents, record.extents))
        return cut_short("an operator's operands and attributes");
    if (padding != 0) return Status::failure(WB_INVALID_BUNDLE, "graph: padding: expected 0, found {}", padding);
    for (const ExtentRecord &extent : extents) {
        if (extent.batch != 0 && extent.batch != 1)
            return Status::failure(WB_INVALID_BUNDLE, "graph: extent: expected 0 or 1, found {}", extent.batch);
        lists.extents.push_back({extent.batch == 1, {extent.terms[0], extent.terms[1], extent.terms[2]}});
    }
    const auto op = static_cast<Op>(record.op);
    auto attributes = attributes_of(op, lists);
    auto added = attributes ? graph.add(op, std::move(operands), *std::move(attributes)) : attributes.status();
    if (!added)
        return Status::failure(WB_INVALID_BUNDLE, "operator {}: {}", graph.nodes().size(), added.status().message);
    return {};
}

}  // namespace

void pad_to_line(Bytes &to) { to.resize((to.size() + kLine - 1) / kLine * kLine); }

size_t constant_bytes(const Constant &constant) {
    return static_cast<size_t>(constant.elements()) * size_of(constant.dtype);
}

void set_constant(Graph &graph, size_t index, std::shared_ptr<const std::byte> data) {
    GraphReader::constants(graph)[index].data = std::move(data);
}

void put_graph(Bytes &to, const Graph &graph) {
    put(to, CountsRecord{static_cast<uint32_t>(graph.constants().size()), static_cast<uint32_t>(graph.nodes().size()),
                         static_cast<uint32_t>(graph.outputs().size()), 0, graph.least_length, graph.largest_length});
    for (const Constant &constant : graph.constants()) {
        put(to, ConstantRecord{static_cast<int32_t>(constant.dtype), static_cast<int32_t>(constant.shape.size())});
        for (int64_t size : constant.shape) put(to, size);
    }
    for (const Node &node : graph.nodes()) {
        const AttributeLists lists = lists_of(node.op, node.attributes);
        put(to, NodeRecord{static_cast<uint32_t>(node.op), static_cast<uint32_t>(node.operands.size()),
                           static_cast<uint32_t>(lists.ints.size()), static_cast<uint32_t>(lists.reals.size()),
                           static_cast<uint32_t>(lists.extents.size()), 0});
        for (ValueId id : node.operands) put(to, id);
        if (node.operands.size() % 2 == 1) put(to, uint32_t{0});
        for (int64_t number : lists.ints) put(to, number);
        for (double number : lists.reals) put(to, number);
        for (const Extent &extent : lists.extents)
            put(to, ExtentRecord{extent.batch, {extent.terms[0], extent.terms[1], extent.terms[2]}});
    }
    for (ValueId id : graph.outputs()) put(to, id);
    pad_to_line(to);
}

Expected<Graph> take_graph(Cursor &from) {
    const size_t whole = from.rest().size();
    CountsRecord counts;
    if (!from.take(&counts)) return cut_short("counts");
    if (counts.constants > kMaxNodes || counts.nodes > kMaxNodes || counts.outputs > kMaxArguments ||
        counts.reserved != 0)
        return Status::failure(WB_INVALID_BUNDLE,
                               "graph: expected at most {} constants and operators and {} outputs, found {}, {} and {}",
                               kMaxNodes, kMaxArguments, counts.constants, counts.nodes, counts.outputs);
    Graph graph;
    graph.least_length = counts.least_length;
    graph.largest_length = counts.largest_length;
    if (graph.least_length < 0 || graph.least_length > graph.largest_length || graph.largest_length > kMaxLength)
        return Status::failure(WB_INVALID_BUNDLE, "graph: expected lengths in [0, {}], found {} to {}", kMaxLength,
                               graph.least_length, graph.largest_length);
    for (uint32_t i = 0; i < counts.constants; ++i)
        if (Status status = take_constant(from, i, GraphReader::constants(graph)); !status.ok()) return status;
    for (uint32_t i = 0; i < counts.nodes; ++i)
        if (Status status = take_node(from, graph); !status.ok()) return status;
    for (uint32_t i = 0; i < counts.outputs; ++i) {
        ValueId id = 0;
        if (!from.take(&id)) return cut_short("outputs");
        graph.add_output(id);
    }
    const size_t taken = whole - from.rest().size();
    Bytes padding;
    if (!from.take_all(padding, (kLine - taken % kLine) % kLine)) return cut_short("padding");
    for (std::byte byte : padding)
        if (byte != std::byte{0}) return Status::failure(WB_INVALID_BUNDLE, "graph: padding: expected zeros");
    if (Status status = validate(graph); !status.ok()) return status;
    return graph;
}

Bytes write_graph(const Graph &graph) {
    Bytes file(kLine);
    std::memcpy(file.data(), kMagic, sizeof kMagic);
    put_graph(file, graph);
    for (const Constant &constant : graph.constants()) {
        file.insert(file.end(), constant.data.get(), constant.data.get() + constant_bytes(constant));
        pad_to_line(file);
    }
    return file;
}

Expected<Graph> read_graph(ByteView bytes) {
    Cursor from(bytes);
    std::byte head[kLine];
    if (!from.take(head, kLine) || std::memcmp(head, kMagic, sizeof kMagic) != 0)
        return Status::failure(WB_INVALID_BUNDLE, "graph: expected the magic bytes of a graph, found others");
    auto graph = take_graph(from);
    if (!graph) return graph;
    for (size_t i = 0; i < graph->constants().size(); ++i) {
        const size_t size = constant_bytes(graph->constants()[i]);
        const size_t room = (size + kLine - 1) / kLine * kLine;
        if (room > from.rest().size()) return cut_short("a constant's elements");
        AlignedBuffer data(std::max(room, kLine));
        from.take(data.data(), room);
        if (graph->constants()[i].dtype == DType::boolean &&
            std::any_of(data.data(), data.data() + size, [](std::byte value) { return value > std::byte{1}; }))
            return Status::failure(WB_INVALID_BUNDLE, "graph: constant {}: expected bools, found other bytes", i);
        set_constant(*graph, i, share(std::move(data)));
    }
    if (!from.rest().empty())
        return Status::failure(WB_INVALID_BUNDLE, "graph: expected its end, found {} bytes more", from.rest().size());
    if (Status status = check_tables(*graph); !status.ok()) return status;
    return graph;
}

}  // namespace weighbridge::lib
