// SPDX-License-Identifier: Apache-2.0
#include "isolation/wire.hpp"

#include <algorithm>

#include "graph/graph_file.hpp"
#include "torchscript/plugin_api.h"

namespace weighbridge::lib {
namespace {

constexpr char kMagic[4] = {'W', 'B', 'I', 'W'};
constexpr int kForm = 1;  // of the frames and of what is in them

constexpr uint32_t kMostText = 4096;  // of a path or a name
constexpr size_t kMostReport = 1 << 20;

struct StartRecord {
    uint32_t strict, plugin_bytes, libtorch_bytes, directory_bytes;
    uint64_t memory_bytes, cpu_s;
};
struct TensorRecord {
    int32_t dtype, rank;
    uint64_t bytes;
};
struct OutputRecord {
    uint32_t name_bytes, key_bytes;
    int32_t rank, reserved;
    int64_t index;
};
static_assert(sizeof(StartRecord) == 32 && sizeof(TensorRecord) == 16 && sizeof(OutputRecord) == 24);

void put_text(Bytes &to, std::string_view text) {
    const ByteView bytes = as_bytes(text);
    to.insert(to.end(), bytes.begin(), bytes.end());
}

bool take_text(Cursor &from, uint32_t bytes, std::string &text) {
    return bytes <= kMostText && from.take_all(text, bytes);
}

bool take_shape(Cursor &from, int32_t rank, std::vector<int64_t> &shape) {
    return rank >= 0 && rank <= WB_PLUGIN_MAX_RANK && from.take_all(shape, static_cast<uint64_t>(rank));
}

Status malformed(std::string_view what) {
    return Status::failure(WB_INVALID_ARGUMENT, "importer: expected {}, found other bytes", what);
}

}  // namespace

std::string importer_version() {
    return formatted("{}, plug-in ABI {}, wire {}", WB_VERSION_STRING, WB_PLUGIN_ABI, kForm);
}

std::string wire_text(ByteView body) {
    std::string text(as_text(body).substr(0, kMostReport));
    for (char &c : text)
        if ((c < 0x20 || c >= 0x7f) && c != '\n') c = '?';
    return text;
}

std::string wire_line(ByteView body) {
    const std::string text = wire_text(body);
    return text.substr(0, text.find('\n'));
}

WireHead wire_head(WireKind kind, int32_t code, uint64_t bytes) {
    WireHead head{{}, static_cast<uint32_t>(kind), code, 0, bytes};
    std::memcpy(head.magic, kMagic, sizeof kMagic);
    return head;
}

Status WireReader::check_head() const {
    if (std::memcmp(head_.magic, kMagic, sizeof kMagic) != 0 || head_.reserved != 0 || head_.kind < 1 ||
        head_.kind > static_cast<uint32_t>(WireKind::reply))
        return Status::failure(WB_BACKEND_FAILED, "importer: expected the head of a frame, found other bytes");
    if (head_.bytes > limit_bytes_)
        return Status::failure(WB_BACKEND_FAILED, "importer: expected at most {} bytes, found {}", limit_bytes_,
                               head_.bytes);
    return {};
}

Status WireReader::take(ByteView bytes) {
    if (head_bytes_ < sizeof head_) {
        const size_t part = std::min(bytes.size(), sizeof head_ - head_bytes_);
        std::memcpy(reinterpret_cast<std::byte *>(&head_) + head_bytes_, bytes.data(), part);
        head_bytes_ += part;
        bytes = bytes.subspan(part);
        if (head_bytes_ < sizeof head_) return {};
        if (Status status = check_head(); !status.ok()) return status;
    }
    const auto missing = static_cast<size_t>(head_.bytes) - body_.size();
    const ByteView part = bytes.first(std::min(bytes.size(), missing));
    body_.insert(body_.end(), part.begin(), part.end());
    bytes = bytes.subspan(part.size());
    if (body_.size() < head_.bytes) return {};

    const size_t end = std::min(bytes.size(), sizeof trailer_ - trailer_bytes_);
    if (end > 0) std::memcpy(trailer_ + trailer_bytes_, bytes.data(), end);
    trailer_bytes_ += end;
    if (bytes.size() > end)
        return Status::failure(WB_BACKEND_FAILED, "importer: expected the end of a frame, found {} bytes more",
                               bytes.size() - end);
    if (trailer_bytes_ < sizeof trailer_) return {};
    if (std::memcmp(trailer_, kWireTrailer, sizeof trailer_) != 0)
        return Status::failure(WB_BACKEND_FAILED, "importer: expected the trailer of a frame, found other bytes");
    done_ = true;
    return {};
}

Bytes write_start(const ImporterStart &start) {
    Bytes bytes;
    const std::string version = importer_version();
    put(bytes, static_cast<uint32_t>(version.size()));
    put_text(bytes, version);
    put(bytes, StartRecord{start.strict, static_cast<uint32_t>(start.plugin.size()),
                           static_cast<uint32_t>(start.libtorch.size()),
                           static_cast<uint32_t>(start.plugin_directory.size()), start.memory_bytes, start.cpu_s});
    for (const std::string *text : {&start.plugin, &start.libtorch, &start.plugin_directory}) put_text(bytes, *text);
    return bytes;
}

Expected<ImporterStart> read_start(ByteView bytes) {
    Cursor from(bytes);
    uint32_t version_bytes = 0;
    std::string version;
    // The version comes first, in a form that stays, so that another version can be told by name.
    if (!from.take(&version_bytes) || !take_text(from, version_bytes, version)) return malformed("an order to start");
    if (version != importer_version())
        return Status::failure(WB_BACKEND_UNAVAILABLE,
                               "made for library {}, but the library is {}: install the importer of that version",
                               importer_version(), version);
    StartRecord record;
    ImporterStart start;
    if (!from.take(&record) || !take_text(from, record.plugin_bytes, start.plugin) ||
        !take_text(from, record.libtorch_bytes, start.libtorch) ||
        !take_text(from, record.directory_bytes, start.plugin_directory) || !from.rest().empty())
        return malformed("an order to start");
    start.strict = record.strict != 0;
    start.memory_bytes = record.memory_bytes;
    start.cpu_s = record.cpu_s;
    return start;
}

Bytes write_run(const WireRun &run) {
    Bytes bytes;
    put(bytes, static_cast<uint32_t>(run.inputs.size()));
    put(bytes, static_cast<uint32_t>(run.outputs.size()));
    for (const WireTensor &input : run.inputs) {
        put(bytes, TensorRecord{input.dtype, static_cast<int32_t>(input.shape.size()), input.data.size()});
        for (const int64_t size : input.shape) put(bytes, size);
    }
    for (const WireOutput &output : run.outputs) {
        put(bytes, OutputRecord{static_cast<uint32_t>(output.name.size()), static_cast<uint32_t>(output.key.size()),
                                static_cast<int32_t>(output.shape.size()), 0, output.index});
        for (const int64_t size : output.shape) put(bytes, size);
        put_text(bytes, output.name);
        put_text(bytes, output.key);
    }
    for (const WireTensor &input : run.inputs) {
        pad_to_line(bytes);
        bytes.insert(bytes.end(), input.data.begin(), input.data.end());
    }
    return bytes;
}

Expected<WireRun> read_run(ByteView bytes) {
    Cursor from(bytes);
    WireRun run;
    uint32_t inputs = 0, outputs = 0;
    std::vector<uint64_t> data;
    if (!from.take(&inputs) || !from.take(&outputs)) return malformed("an order to run");
    for (uint32_t i = 0; i < inputs; ++i) {
        TensorRecord record;
        WireTensor input;
        if (!from.take(&record) || !take_shape(from, record.rank, input.shape)) return malformed("an order to run");
        input.dtype = record.dtype;
        data.push_back(record.bytes);
        run.inputs.push_back(std::move(input));
    }
    for (uint32_t i = 0; i < outputs; ++i) {
        OutputRecord record;
        WireOutput output;
        if (!from.take(&record) || !take_shape(from, record.rank, output.shape) ||
            !take_text(from, record.name_bytes, output.name) || !take_text(from, record.key_bytes, output.key))
            return malformed("an order to run");
        output.index = record.index;
        run.outputs.push_back(std::move(output));
    }
    size_t at = bytes.size() - from.rest().size();
    for (size_t i = 0; i < run.inputs.size(); ++i) {
        at = (at + 63) / 64 * 64;
        if (at > bytes.size() || data[i] > bytes.size() - at) return malformed("an order to run");
        run.inputs[i].data = bytes.subspan(at, static_cast<size_t>(data[i]));
        at += run.inputs[i].data.size();
    }
    return at == bytes.size() ? Expected<WireRun>(std::move(run)) : malformed("an order to run");
}

}  // namespace weighbridge::lib
