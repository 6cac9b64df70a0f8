// SPDX-License-Identifier: Apache-2.0
#include "plan/plan_file.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/sha256.hpp"

namespace weighbridge::lib {
namespace {

static_assert(std::endian::native == std::endian::little, "the file is little-endian and is read as it lies");

constexpr char kMagic[8] = {'W', 'B', 'P', 'L', 'A', 'N', '\r', '\n'};
constexpr size_t kTrailerBytes = sizeof(Digest);
constexpr size_t kWeightsAlignment = 64;

struct Header {
    char magic[8];
    uint32_t version;
    uint32_t numerics;
    uint64_t total_bytes;
    int32_t precision;
    uint32_t inputs;
    uint32_t constants;
    uint32_t ops;
    uint32_t outputs;
    uint32_t reserved;
    uint64_t code_bytes;  // of everything between header and weights
    uint64_t weight_bytes;
};
static_assert(sizeof(Header) == 64);

struct InputRecord {
    int32_t dtype;
    int32_t rank;
    int64_t width;
};
static_assert(sizeof(InputRecord) == 16);

struct ConstantRecord {
    int64_t rows;
    int64_t columns;
};
static_assert(sizeof(ConstantRecord) == 16);

// Followed by the operands and the constants, uint32_t each.
struct OpRecord {
    uint32_t kind;
    uint32_t operands;
    uint32_t constants;
    float epsilon;
    int64_t begin;
    int64_t width;
};
static_assert(sizeof(OpRecord) == 32);

template <class T>
void put(Bytes &to, const T &record) {
    auto *bytes = reinterpret_cast<const std::byte *>(&record);
    to.insert(to.end(), bytes, bytes + sizeof record);
}

void put_all(Bytes &to, const std::vector<uint32_t> &numbers) {
    for (uint32_t number : numbers) put(to, number);
}

// Takes records off the front of the code section.
class Cursor {
  public:
    explicit Cursor(ByteView bytes) : bytes_(bytes) {}

    // False, and nothing taken, where fewer than `count` records are left.
    template <class T>
    bool take(T *to, uint64_t count = 1) {
        if (count > bytes_.size() / sizeof(T)) return false;
        if (count > 0) std::memcpy(to, bytes_.data(), static_cast<size_t>(count) * sizeof(T));
        bytes_ = bytes_.subspan(static_cast<size_t>(count) * sizeof(T));
        return true;
    }
    bool take_all(std::vector<uint32_t> &to, uint32_t count) {
        if (count > bytes_.size() / sizeof(uint32_t)) return false;
        to.resize(count);
        return take(to.data(), count);
    }
    ByteView rest() const { return bytes_; }

  private:
    ByteView bytes_;
};

bool all_zero(ByteView bytes) {
    return std::all_of(bytes.begin(), bytes.end(), [](std::byte byte) { return byte == std::byte{0}; });
}

Status check_frame(ByteView bytes, const Header &header) {
    if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0)
        return Status::failure(WB_INVALID_BUNDLE, "model.plan: expected the magic bytes of a plan, found others");
    if (header.version != kPlanVersion)
        return Status::failure(WB_INVALID_BUNDLE, "model.plan: expected plan version {}, found {}", kPlanVersion,
                               header.version);
    if (header.total_bytes != bytes.size())
        return Status::failure(WB_INVALID_BUNDLE, "model.plan: expected {} bytes as its header says, found {}",
                               header.total_bytes, bytes.size());
    auto digest = sha256(bytes.first(bytes.size() - kTrailerBytes));
    if (!digest) return digest.status();
    Digest trailer;
    std::memcpy(trailer.data(), bytes.last(kTrailerBytes).data(), kTrailerBytes);
    if (*digest != trailer)
        return Status::failure(WB_INVALID_BUNDLE, "model.plan: sha256: expected {}, found {}", hex(trailer),
                               hex(*digest));
    if (header.reserved != 0)
        return Status::failure(WB_INVALID_BUNDLE, "model.plan: reserved: expected 0, found {}", header.reserved);
    uint64_t body = bytes.size() - sizeof(Header) - kTrailerBytes;
    if (header.code_bytes > body || header.weight_bytes != body - header.code_bytes)
        return Status::failure(WB_INVALID_BUNDLE,
                               "model.plan: expected sections of {} bytes together, found code of {} and weights of {}",
                               body, header.code_bytes, header.weight_bytes);
    if ((sizeof(Header) + header.code_bytes) % kWeightsAlignment != 0)
        return Status::failure(WB_INVALID_BUNDLE,
                               "model.plan: weights: expected at a multiple of {} bytes, found at {}",
                               kWeightsAlignment, sizeof(Header) + header.code_bytes);
    return Status();
}

Status cut_short(std::string_view section, uint32_t expected, size_t found) {
    return Status::failure(WB_INVALID_BUNDLE, "model.plan: {}: expected {}, found the end of the section after {}",
                           section, expected, found);
}

Status read_code(Cursor &code, const Header &header, PlanData &data) {
    for (uint32_t i = 0; i < header.inputs; ++i) {
        InputRecord record;
        if (!code.take(&record)) return cut_short("inputs", header.inputs, i);
        data.inputs.push_back({static_cast<DType>(record.dtype), record.rank, record.width});
    }
    int64_t offset = 0;
    for (uint32_t i = 0; i < header.constants; ++i) {
        ConstantRecord record;
        if (!code.take(&record)) return cut_short("constants", header.constants, i);
        PlanConstant constant{record.rows, record.columns, offset};
        if (Status status = check_size(i, constant); !status.ok()) return status;
        offset += constant_stride(constant);  // at most kMaxConstants * kMaxElements = 2^48
        data.constants.push_back(constant);
    }
    for (uint32_t i = 0; i < header.ops; ++i) {
        OpRecord record;
        PlanOp op;
        if (!code.take(&record) || !code.take_all(op.operands, record.operands) ||
            !code.take_all(op.constants, record.constants))
            return cut_short("operations", header.ops, i);
        op.kind = static_cast<OpKind>(record.kind);
        op.width = record.width;
        op.begin = record.begin;
        op.epsilon = record.epsilon;
        data.ops.push_back(std::move(op));
    }
    if (!code.take_all(data.outputs, header.outputs)) return cut_short("outputs", header.outputs, 0);
    if (code.rest().size() >= kWeightsAlignment || !all_zero(code.rest()))
        return Status::failure(WB_INVALID_BUNDLE, "model.plan: expected zeros up to the weights, found {} bytes more",
                               code.rest().size());
    return Status();
}

Status check_counts(const Header &header) {
    struct {
        std::string_view name;
        uint32_t found, most;
    } counts[] = {{"inputs", header.inputs, kMaxInputs},
                  {"constants", header.constants, kMaxConstants},
                  {"operations", header.ops, kMaxOperations},
                  {"outputs", header.outputs, kMaxOutputs}};
    for (const auto &count : counts)
        if (count.found > count.most)
            return Status::failure(WB_INVALID_BUNDLE, "model.plan: {}: expected at most {}, found {}", count.name,
                                   count.most, count.found);
    return Status();
}

// `weights` as large as the constants need: one after another, zeros between them.
Status read_weights(ByteView weights, PlanData &data) {
    uint64_t floats = 0;
    for (const PlanConstant &constant : data.constants) floats += static_cast<uint64_t>(constant_stride(constant));
    if (weights.size() != floats * sizeof(float))
        return Status::failure(WB_INVALID_BUNDLE, "model.plan: weights: expected {} bytes, found {}",
                               floats * sizeof(float), weights.size());
    for (size_t i = 0; i < data.constants.size(); ++i) {
        const PlanConstant &constant = data.constants[i];
        auto first = static_cast<size_t>(constant.offset) * sizeof(float);
        auto used = static_cast<size_t>(constant.rows * constant.columns) * sizeof(float);
        auto stride = static_cast<size_t>(constant_stride(constant)) * sizeof(float);
        if (!all_zero(weights.subspan(first + used, stride - used)))
            return Status::failure(WB_INVALID_BUNDLE, "model.plan: constant {}: expected zeros behind it, found others",
                                   i);
    }
    if (weights.empty()) return Status();
    data.weights = AlignedBuffer(weights.size());
    std::memcpy(data.weights.data(), weights.data(), weights.size());
    return Status();
}

}  // namespace

Expected<Bytes> write_plan(const Plan &plan) {
    const PlanData &data = plan.data();
    Bytes code;
    for (const PlanInput &input : data.inputs)
        put(code, InputRecord{static_cast<int32_t>(input.dtype), input.rank, input.width});
    for (const PlanConstant &constant : data.constants) put(code, ConstantRecord{constant.rows, constant.columns});
    for (const PlanOp &op : data.ops) {
        put(code, OpRecord{static_cast<uint32_t>(op.kind), static_cast<uint32_t>(op.operands.size()),
                           static_cast<uint32_t>(op.constants.size()), op.epsilon, op.begin, op.width});
        put_all(code, op.operands);
        put_all(code, op.constants);
    }
    put_all(code, data.outputs);
    while (code.size() % kWeightsAlignment != 0) code.push_back(std::byte{0});  // the header is one line long

    Header header{};
    std::memcpy(header.magic, kMagic, sizeof kMagic);
    header.version = kPlanVersion;
    header.numerics = data.numerics;
    header.total_bytes = sizeof header + code.size() + data.weights.size() + kTrailerBytes;
    header.precision = data.precision;
    header.inputs = static_cast<uint32_t>(data.inputs.size());
    header.constants = static_cast<uint32_t>(data.constants.size());
    header.ops = static_cast<uint32_t>(data.ops.size());
    header.outputs = static_cast<uint32_t>(data.outputs.size());
    header.code_bytes = code.size();
    header.weight_bytes = data.weights.size();

    Bytes file;
    file.reserve(header.total_bytes);
    put(file, header);
    file.insert(file.end(), code.begin(), code.end());
    file.insert(file.end(), data.weights.data(), data.weights.data() + data.weights.size());
    auto digest = sha256(file);
    if (!digest) return digest.status();
    put(file, *digest);
    return file;
}

Expected<std::shared_ptr<const Plan>> read_plan(ByteView bytes) {
    if (bytes.size() < sizeof(Header) + kTrailerBytes)
        return Status::failure(WB_INVALID_BUNDLE, "model.plan: expected at least {} bytes, found {}",
                               sizeof(Header) + kTrailerBytes, bytes.size());
    auto header = load_unaligned<Header>(bytes.data());
    if (Status status = check_frame(bytes, header); !status.ok()) return status;
    if (Status status = check_counts(header); !status.ok()) return status;

    PlanData data;
    data.numerics = header.numerics;
    data.precision = header.precision;
    Cursor code(bytes.subspan(sizeof(Header), static_cast<size_t>(header.code_bytes)));
    if (Status status = read_code(code, header, data); !status.ok()) return status;
    ByteView weights = bytes.subspan(sizeof(Header) + static_cast<size_t>(header.code_bytes),
                                     static_cast<size_t>(header.weight_bytes));
    if (Status status = read_weights(weights, data); !status.ok()) return status;
    return Plan::make(std::move(data));
}

}  // namespace weighbridge::lib
