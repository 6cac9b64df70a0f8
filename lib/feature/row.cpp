// SPDX-License-Identifier: Apache-2.0
#include "feature/row.hpp"

#include <atomic>
#include <cstring>
#include <limits>

#include "base/bytes.hpp"
#include "base/fork.hpp"

namespace weighbridge::lib {

namespace {

// The busy mark is the one field that is accessed atomically, so it has to be aligned.
constexpr uintptr_t kRowAlignment = std::atomic_ref<uint32_t>::required_alignment;
static_assert(offsetof(wb_row_header, busy) % kRowAlignment == 0);

Status check_memory(const void *row) {
    if (!row) return Status::failure(WB_INVALID_ARGUMENT, "row: expected memory, got NULL");
    auto beyond = reinterpret_cast<uintptr_t>(row) % kRowAlignment;
    if (beyond)
        return Status::failure(WB_INVALID_ARGUMENT, "row: expected memory aligned to {} bytes, got an address {} above",
                               kRowAlignment, beyond);
    return {};
}

std::atomic_ref<uint32_t> busy_mark(void *row) {
    auto *at = static_cast<std::byte *>(row) + offsetof(wb_row_header, busy);
    return std::atomic_ref<uint32_t>(*reinterpret_cast<uint32_t *>(at));
}

// The mark of this process: its fork epoch in 32 bits, never 0, different from that of every ancestor.
uint32_t mark_of_this_process() {
    constexpr uint64_t kMarks = std::numeric_limits<uint32_t>::max();
    return static_cast<uint32_t>((fork_epoch() - 1) % kMarks) + 1;
}

// Whether the row was free; then it is this thread's.
bool take_mark(void *row) {
    const uint32_t ours = mark_of_this_process();
    std::atomic_ref<uint32_t> mark = busy_mark(row);
    uint32_t found = mark.load(std::memory_order_relaxed);
    return found != ours && mark.compare_exchange_strong(found, ours, std::memory_order_acquire);
}

}  // namespace

Status init_row(const Schema &schema, void *row, size_t capacity) {
    if (Status memory = check_memory(row); !memory.ok()) return memory;
    if (capacity < schema.fixed_bytes() || capacity > std::numeric_limits<uint32_t>::max())
        return Status::failure(WB_INVALID_ARGUMENT, "row: expected a capacity in [{}, {}], got {}",
                               schema.fixed_bytes(), std::numeric_limits<uint32_t>::max(), capacity);
    std::memset(row, 0, schema.fixed_bytes());
    wb_row_header header{};
    header.capacity = static_cast<uint32_t>(capacity);
    header.used = schema.fixed_bytes();
    header.schema_digest = schema.digest();
    std::memcpy(row, &header, sizeof header);
    size_t features = schema.features().size();
    auto *missing = static_cast<unsigned char *>(row) + schema.missing_offset();
    std::memset(missing, 0xFF, features / 8);
    if (features % 8) missing[features / 8] = static_cast<unsigned char>((1u << (features % 8)) - 1u);
    return {};
}

namespace {

Status take_row(const Schema &schema, void *row) {
    if (Status memory = check_memory(row); !memory.ok()) return memory;
    // Before the mark, so that memory that was never a row is called that and not busy.
    auto digest = load_unaligned<uint64_t>(static_cast<std::byte *>(row) + offsetof(wb_row_header, schema_digest));
    if (digest == 0) return Status::failure(WB_INVALID_ARGUMENT, "row: expected one that wb_row_init made, got zeros");
    if (digest != schema.digest())
        return Status::failure(WB_SCHEMA_MISMATCH, "row: expected schema digest {:016x}, got {:016x}", schema.digest(),
                               digest);
    if (!take_mark(row)) return Status::failure(WB_BUSY, "row: in use by another call");
    auto header = load_unaligned<wb_row_header>(row);
    Status status;
    if (header.capacity < schema.fixed_bytes())
        status = Status::failure(WB_INVALID_ARGUMENT, "row: expected a capacity of at least {}, got {}",
                                 schema.fixed_bytes(), header.capacity);
    else if (header.used < schema.fixed_bytes() || header.used > header.capacity)
        status = Status::failure(WB_INVALID_ARGUMENT, "row: expected used bytes in [{}, {}], got {}",
                                 schema.fixed_bytes(), header.capacity, header.used);
    if (!status.ok()) busy_mark(row).store(0, std::memory_order_release);
    return status;
}

}  // namespace

Status RowLock::take(const Schema &schema, void *row) {
    Status status = take_row(schema, row);
    if (!status.ok()) return status;
    rows_ = static_cast<std::byte *>(row);
    held_ = 1;
    return status;
}

Status RowLock::take(const Schema &schema, void *rows, int64_t stride, int64_t count) {
    rows_ = static_cast<std::byte *>(rows);
    stride_ = stride;
    for (; held_ < count; ++held_) {
        Status status = take_row(schema, rows_ + held_ * stride_);
        if (status.ok()) continue;
        const int64_t row = held_;
        give_back();
        return status.at_row(row);
    }
    return Status();
}

void RowLock::give_back() {
    for (; held_ > 0; --held_) busy_mark(rows_ + (held_ - 1) * stride_).store(0, std::memory_order_release);
}

Status StridedRows::cell(uint32_t feature, int64_t row, Cell &out) const {
    if (feature >= schema_.fields().size()) [[unlikely]]
        return Status::failure(WB_INVALID_ARGUMENT, "feature index: expected below {}, got {}", schema_.fields().size(),
                               feature);
    const Field &wanted = schema_.fields()[feature];
    const std::byte *at = rows_ + row * stride_;
    auto missing = static_cast<unsigned char>(at[schema_.missing_offset() + feature / 8]);
    out.missing = (missing >> (feature % 8)) & 1;
    if (out.missing) return {};
    out.type = cell_type_of(wanted.type);
    out.data = at + wanted.offset;
    out.count = 1;
    if (!wanted.sequence && out.type != CellType::bytes) return {};

    auto span = load_unaligned<wb_span>(at + wanted.offset);
    int64_t used = load_unaligned<uint32_t>(at + offsetof(wb_row_header, used));
    if (wanted.sequence && out.type == CellType::bytes) out.type = CellType::spans;
    int64_t begin = span.offset;
    int64_t bytes = int64_t{span.size} * size_of(out.type);  // at most 2^32 * 16
    if (begin > used || bytes > used - begin || (bytes && begin < schema_.fixed_bytes())) [[unlikely]]
        return Status::failure(WB_INVALID_INPUT,
                               "feature '{}': expected a span inside bytes [{}, {}) of the row, got {} bytes at {}",
                               schema_.features()[feature].name, schema_.fixed_bytes(), used, bytes, begin)
            .with_feature(static_cast<int32_t>(feature));
    out.data = at + begin;
    out.count = span.size;
    out.base = at;
    out.base_bytes = used;
    return {};
}

// A schema lays fields of one size that follow one another side by side.
uint64_t StridedRows::copy(CellType type, uint32_t first, uint32_t count, int64_t row, std::byte *out) const {
    const std::byte *at = rows_ + row * stride_;
    std::memcpy(out, at + schema_.fields()[first].offset, static_cast<size_t>(count * size_of(type)));
    // Eight bytes from any byte of the bitmap on lie in the row: a header of 24, at least one bit, and for each eight
    // bits eight bytes of fields or, with fewer, the rounding of the whole to a multiple of eight.
    const std::byte *bits = at + schema_.missing_offset() + first / 8;
    const uint32_t shift = first % 8;
    uint64_t missing = load_unaligned<uint64_t>(bits) >> shift;
    if (shift + count > 64) missing |= static_cast<uint64_t>(bits[8]) << (64 - shift);
    return count == 64 ? missing : missing & ((uint64_t{1} << count) - 1);
}

}  // namespace weighbridge::lib
