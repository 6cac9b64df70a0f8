// SPDX-License-Identifier: Apache-2.0
#include "compile/import_request.hpp"

#include "graph/graph_file.hpp"

namespace weighbridge::lib {
namespace {

constexpr char kMagic[8] = {'W', 'B', 'I', 'M', 'P', 'R', 'T', '1'};

struct HeadRecord {
    char magic[8];
    uint32_t arguments, outputs;
    int64_t least_length, largest_length;
};
struct ArgumentRecord {
    int32_t dtype, content, rank, reserved;
};
struct OutputRecord {
    uint32_t name_bytes, key_bytes;
    int32_t rank, reserved;
    uint64_t index;
};
static_assert(sizeof(HeadRecord) == 32 && sizeof(ArgumentRecord) == 16 && sizeof(OutputRecord) == 24);

void put_sizes(Bytes &to, const std::vector<int64_t> &sizes) {
    for (const int64_t size : sizes) put(to, size);
}
void put_text(Bytes &to, const std::string &text) {
    const auto *bytes = reinterpret_cast<const std::byte *>(text.data());
    to.insert(to.end(), bytes, bytes + text.size());
}

Status cut_short(std::string_view what, size_t index) {
    return Status::failure(WB_INVALID_ARGUMENT, "import request: {} {}: expected more bytes, found the end", what,
                           index);
}

bool take_sizes(Cursor &from, int32_t rank, std::vector<int64_t> &sizes) {
    return rank >= 0 && rank <= kMaxRank && from.take_all(sizes, static_cast<uint64_t>(rank));
}

}  // namespace

Bytes write_request(const ImportRequest &request) {
    Bytes bytes;
    HeadRecord head{{},
                    static_cast<uint32_t>(request.arguments.size()),
                    static_cast<uint32_t>(request.outputs.size()),
                    request.least_length,
                    request.largest_length};
    std::memcpy(head.magic, kMagic, sizeof kMagic);
    put(bytes, head);
    for (const ImportArgument &argument : request.arguments) {
        put(bytes, ArgumentRecord{static_cast<int32_t>(argument.dtype), static_cast<int32_t>(argument.content),
                                  static_cast<int32_t>(argument.shape.size()), 0});
        put_sizes(bytes, argument.shape);
    }
    for (const ImportOutput &output : request.outputs) {
        put(bytes, OutputRecord{static_cast<uint32_t>(output.name.size()), static_cast<uint32_t>(output.key.size()),
                                static_cast<int32_t>(output.shape.size()), 0, output.index});
        put_sizes(bytes, output.shape);
        put_text(bytes, output.name);
        put_text(bytes, output.key);
    }
    return bytes;
}

Expected<ImportRequest> read_request(ByteView bytes) {
    Cursor from(bytes);
    HeadRecord head;
    if (!from.take(&head) || std::memcmp(head.magic, kMagic, sizeof kMagic) != 0)
        return Status::failure(WB_INVALID_ARGUMENT, "import request: expected one of version 1, found {} other bytes",
                               bytes.size());
    ImportRequest request;
    request.least_length = head.least_length;
    request.largest_length = head.largest_length;
    for (size_t i = 0; i < head.arguments; ++i) {
        ArgumentRecord record;
        ImportArgument argument;
        if (!from.take(&record) || !take_sizes(from, record.rank, argument.shape)) return cut_short("argument", i);
        if (record.content < 0 || record.content > static_cast<int32_t>(Content::lengths))
            return Status::failure(WB_INVALID_ARGUMENT,
                                   "import request: argument {}: expected content 0 to 2, found {}", i, record.content);
        argument.dtype = static_cast<DType>(record.dtype);
        argument.content = static_cast<Content>(record.content);
        request.arguments.push_back(std::move(argument));
    }
    for (size_t i = 0; i < head.outputs; ++i) {
        OutputRecord record;
        ImportOutput output;
        if (!from.take(&record) || !take_sizes(from, record.rank, output.shape) ||
            !from.take_all(output.name, record.name_bytes) || !from.take_all(output.key, record.key_bytes))
            return cut_short("output", i);
        output.index = record.index;
        request.outputs.push_back(std::move(output));
    }
    if (from.rest().empty()) return request;
    return Status::failure(WB_INVALID_ARGUMENT, "import request: expected its end, found {} bytes more",
                           from.rest().size());
}

}  // namespace weighbridge::lib
