// SPDX-License-Identifier: Apache-2.0
#include "plan/plan_file.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "graph/graph_file.hpp"
#include "graph/trees.hpp"
#include "plan/panels.hpp"

namespace weighbridge::lib {
namespace {

static_assert(std::endian::native == std::endian::little, "the file is little-endian and is read as it lies");

constexpr char kMagic[8] = {'W', 'B', 'P', 'L', 'A', 'N', '\r', '\n'};
constexpr size_t kTrailerBytes = sizeof(Digest);
constexpr size_t kLine = 64;
constexpr size_t kMaxPrecisions = 4;

struct Header {
    char magic[8];
    uint32_t version;
    uint32_t numerics;
    uint64_t total_bytes;
    uint64_t graph_bytes;
    uint64_t weight_bytes;
    int32_t precisions[kMaxPrecisions];  // 0 behind the last
    uint8_t reserved[8];
    uint8_t module[32];
    uint8_t more_reserved[32];
};
static_assert(sizeof(Header) == 128 && sizeof(Header) % kLine == 0);

size_t in_lines(size_t bytes) { return (bytes + kLine - 1) / kLine * kLine; }

// The sections of the weights that constant `index` has, in the file's order. `visit(bytes, pointer)` gets each
// section's size and the place of the pointer to it: one walk for writing, sizing and reading.
template <class Visit>
void walk_constant(const Constant &constant, const ConstantUse &use, const Precisions &precisions,
                   PackedWeights &weights, const std::byte *&raw, Visit &&visit) {
    auto has = [&](auto test) { return std::any_of(precisions.begin(), precisions.end(), test); };
    auto section = [&](size_t bytes, auto *&pointer) {
        auto *place = reinterpret_cast<const std::byte *>(pointer);
        visit(bytes, place);
        pointer = reinterpret_cast<std::remove_reference_t<decltype(pointer)>>(place);
    };
    if (use.raw || !use.weights) section(constant_bytes(constant), raw);
    if (!use.weights) return;
    const int64_t n = constant.shape[0], k = constant.shape[1];
    const bool stays = stays_float(n, k);
    if (stays || has([](int32_t p) { return p == WB_PRECISION_FP32; }))
        section(static_cast<size_t>(panel_elements_f32(n, k)) * sizeof(float), weights.f32);
    if (stays) return;
    if (has([](int32_t p) { return p == WB_PRECISION_BF16; }))
        section(static_cast<size_t>(panel_elements_bf16(n, k)) * sizeof(uint16_t), weights.bf16);
    if (has(uses_int8_weights)) {
        section(static_cast<size_t>(panel_columns(n)) * sizeof(float), weights.i8_scale);
        section(static_cast<size_t>(panel_elements_i8(n, k)), weights.i8);
    }
}

Status check_checksum(ByteView bytes, const StopSource &stop) {
    auto digest = sha256(bytes.first(bytes.size() - kTrailerBytes), stop);
    if (!digest) return digest.status();
    Digest trailer;
    std::memcpy(trailer.data(), bytes.last(kTrailerBytes).data(), kTrailerBytes);
    if (*digest == trailer) return {};
    return Status::failure(WB_INVALID_BUNDLE, "sha256: expected {}, found {}", hex(trailer), hex(*digest));
}

Status check_frame(ByteView bytes, const Header &header, Checksum checksum, const StopSource &stop) {
    if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0)
        return Status::failure(WB_INVALID_BUNDLE, "expected the magic bytes of a plan, found others");
    if (header.version != kPlanVersion)
        return Status::failure(WB_INVALID_BUNDLE,
                               "expected plan version {}, found {}: compile the bundle again, or use the library that "
                               "it was compiled for",
                               kPlanVersion, header.version);
    if (header.numerics != kNumericsV1)
        return Status::failure(WB_INVALID_BUNDLE, "expected numerics id {}, found {}", kNumericsV1, header.numerics);
    if (header.total_bytes != bytes.size())
        return Status::failure(WB_INVALID_BUNDLE, "expected {} bytes as its header says, found {}", header.total_bytes,
                               bytes.size());
    if (checksum == Checksum::compare)
        if (Status status = check_checksum(bytes, stop); !status.ok()) return status;
    auto zero = [](const auto &field) {
        return std::all_of(std::begin(field), std::end(field), [](auto b) { return b == 0; });
    };
    if (!zero(header.reserved) || !zero(header.more_reserved))
        return Status::failure(WB_INVALID_BUNDLE, "reserved: expected zeros, found others");
    const uint64_t body = bytes.size() - sizeof(Header) - kTrailerBytes;
    if (header.graph_bytes > body || header.weight_bytes != body - header.graph_bytes ||
        header.graph_bytes % kLine != 0)
        return Status::failure(WB_INVALID_BUNDLE,
                               "expected sections of {} bytes together, found a graph of {} and weights of {}", body,
                               header.graph_bytes, header.weight_bytes);
    return {};
}

Expected<Precisions> read_precisions(const Header &header) {
    Precisions precisions;
    for (size_t i = 0; i < kMaxPrecisions; ++i) {
        if (header.precisions[i] == 0) continue;
        if (precisions.size() != i)
            return Status::failure(WB_INVALID_BUNDLE, "precisions: expected none behind the last, found {} at place {}",
                                   header.precisions[i], i);
        precisions.push_back(header.precisions[i]);
    }
    return precisions;
}

bool finite(const float *numbers, int64_t count) {
    return std::all_of(numbers, numbers + count, [](float number) { return std::isfinite(number); });
}

}  // namespace

// Reads and writes a plan's parts.
class PlanFile {
  public:
    static Expected<Bytes> write(const Plan &plan, const StopSource &stop) {
        Header header{};
        std::memcpy(header.magic, kMagic, sizeof kMagic);
        header.version = kPlanVersion;
        header.numerics = kNumericsV1;
        std::copy(plan.precisions_.begin(), plan.precisions_.end(), header.precisions);
        std::memcpy(header.module, plan.module_.data(), sizeof header.module);
        Bytes file(sizeof header);
        put_graph(file, plan.graph_);
        header.graph_bytes = file.size() - sizeof header;
        const auto uses = constant_uses(plan.graph_);
        for (size_t i = 0; i < uses.size(); ++i) {
            if (Status status = stop.check("writing constant {} of {}", i + 1, uses.size()); !status.ok())
                return status;
            const Constant &constant = plan.graph_.constants()[i];
            PackedWeights weights = plan.weights_[i];
            const std::byte *raw = constant.data.get();
            walk_constant(constant, uses[i], plan.precisions_, weights, raw, [&](size_t bytes, const std::byte *from) {
                file.insert(file.end(), from, from + bytes);
                pad_to_line(file);
            });
        }
        header.weight_bytes = file.size() - sizeof header - header.graph_bytes;
        header.total_bytes = file.size() + kTrailerBytes;
        std::memcpy(file.data(), &header, sizeof header);
        auto digest = sha256(file, stop);
        if (!digest) return digest.status();
        put(file, *digest);
        return file;
    }

    static Expected<std::shared_ptr<const Plan>> read(ByteView bytes, std::shared_ptr<const void> owner,
                                                      Checksum checksum, const StopSource &stop) {
        Header header;
        if (bytes.size() < sizeof header + kTrailerBytes)
            return Status::failure(WB_INVALID_BUNDLE, "expected at least {} bytes, found {}",
                                   sizeof header + kTrailerBytes, bytes.size());
        std::memcpy(&header, bytes.data(), sizeof header);
        if (Status status = check_frame(bytes, header, checksum, stop); !status.ok()) return status;
        auto precisions = read_precisions(header);
        if (!precisions) return precisions.status();
        Cursor code(bytes.subspan(sizeof header, static_cast<size_t>(header.graph_bytes)));
        auto graph = take_graph(code);
        if (!graph) return graph.status();
        if (!code.rest().empty())
            return Status::failure(WB_INVALID_BUNDLE, "graph: expected its end, found {} bytes more",
                                   code.rest().size());
        if (Status status = check_precisions(*graph, *precisions); !status.ok()) return status;
        std::shared_ptr<Plan> plan(new Plan);
        plan->graph_ = *std::move(graph);
        plan->precisions_ = *std::move(precisions);
        std::memcpy(plan->module_.data(), header.module, sizeof header.module);
        plan->owned_.emplace_back(owner, bytes.data());
        ByteView weights = bytes.subspan(sizeof header + static_cast<size_t>(header.graph_bytes),
                                         static_cast<size_t>(header.weight_bytes));
        if (Status status = place_weights(*plan, weights, owner, stop); !status.ok()) return status;
        if (Status status = check_tables(plan->graph_); !status.ok()) return status;
        return std::shared_ptr<const Plan>(std::move(plan));
    }

    static Expected<std::shared_ptr<const Plan>> reduced(const std::shared_ptr<const Plan> &from,
                                                         Precisions precisions) {
        if (Status status = check_precisions(from->graph_, precisions); !status.ok()) return status;
        for (int32_t precision : precisions)
            if (!from->has(precision))
                return Status::failure(WB_INVALID_ARGUMENT, "precisions: expected some of the plan's, found {}",
                                       precision_name(precision));
        std::shared_ptr<Plan> plan(new Plan(*from));
        plan->precisions_ = std::move(precisions);
        return std::shared_ptr<const Plan>(std::move(plan));
    }

  private:
    static Status place_weights(Plan &plan, ByteView bytes, const std::shared_ptr<const void> &owner,
                                const StopSource &stop) {
        const auto uses = constant_uses(plan.graph_);
        plan.weights_.resize(uses.size());
        for (size_t i = 0; i < uses.size(); ++i) {
            if (Status status = stop.check("preparing constant {} of {}", i + 1, uses.size()); !status.ok())
                return status;
            const Constant &constant = plan.graph_.constants()[i];
            const std::byte *raw = nullptr;
            bool cut = false;
            walk_constant(constant, uses[i], plan.precisions_, plan.weights_[i], raw,
                          [&](size_t size, const std::byte *&place) {
                              const size_t room = in_lines(size);
                              if (cut || room > bytes.size()) {
                                  cut = true;
                                  return;
                              }
                              place = bytes.data();
                              bytes = bytes.subspan(room);
                          });
            if (cut)
                return Status::failure(WB_INVALID_BUNDLE,
                                       "weights: expected the elements of constant {}, found the end of the file", i);
            if (raw) set_constant(plan.graph_, i, std::shared_ptr<const std::byte>(owner, raw));
            if (Status status = check_numbers(constant, plan.weights_[i], i); !status.ok()) return status;
        }
        if (!bytes.empty())
            return Status::failure(WB_INVALID_BUNDLE, "weights: expected their end, found {} bytes more", bytes.size());
        return {};
    }

    // Quantised layers must not hide an infinite scale; bools are 0 or 1; what pads a panel adds nothing.
    static Status check_numbers(const Constant &constant, const PackedWeights &weights, size_t index) {
        if (constant.data && constant.dtype == DType::boolean) {
            const auto *from = constant.as<uint8_t>();
            if (std::any_of(from, from + constant.elements(), [](uint8_t value) { return value > 1; }))
                return Status::failure(WB_INVALID_BUNDLE, "weights: constant {}: expected bools, found other bytes",
                                       index);
        }
        if (weights.i8_scale && !finite(weights.i8_scale, panel_columns(constant.shape[0])))
            return Status::failure(WB_INVALID_BUNDLE, "weights: constant {}: expected finite scales, found others",
                                   index);
        if (!padded(constant, weights))
            return Status::failure(WB_INVALID_BUNDLE,
                                   "weights: constant {}: expected zeros behind the weights, found others", index);
        return {};
    }
    static bool padded(const Constant &constant, const PackedWeights &weights) {
        auto sound = [&](const auto *panels) {
            return !panels || ends_in_zeros(panels, constant.shape[0], constant.shape[1]);
        };
        return sound(weights.f32) && sound(weights.bf16) && sound(weights.i8);
    }
};

Expected<Bytes> write_plan(const Plan &plan, const StopSource &stop) { return PlanFile::write(plan, stop); }

Expected<std::shared_ptr<const Plan>> read_plan(ByteView bytes, std::shared_ptr<const void> owner, Checksum checksum,
                                                const StopSource &stop) {
    auto plan = PlanFile::read(bytes, std::move(owner), checksum, stop);
    if (!plan) return Status::failure(plan.status().code, "model.plan: {}", plan.status().message);
    return plan;
}

Expected<std::shared_ptr<const Plan>> with_precisions(const std::shared_ptr<const Plan> &plan, Precisions precisions) {
    return PlanFile::reduced(plan, std::move(precisions));
}

}  // namespace weighbridge::lib
