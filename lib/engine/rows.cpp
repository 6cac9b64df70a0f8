// SPDX-License-Identifier: Apache-2.0
#include "engine/rows.hpp"

#include <cstddef>
#include <numeric>

#include "base/bytes.hpp"

namespace weighbridge::lib {

uint64_t SingleRow::schema_digest() const {
    return load_unaligned<uint64_t>(static_cast<const std::byte *>(row_) + offsetof(wb_row_header, schema_digest));
}

Status SingleRow::lock(const Schema &schema) {
    Status status = lock_.take(schema, row_);
    if (status.ok()) source_.emplace(schema, row_, 0);
    return status;
}

Status BatchRows::lock(const Schema &schema) {
    if (schema.digest() != schema_digest())
        return Status::failure(WB_SCHEMA_MISMATCH, "batch: expected one made for schema {:016x}, got {:016x}",
                               schema.digest(), schema_digest());
    return batch_.begin(lock_);
}

std::span<int64_t> BatchRows::order() {
    batch_.order.resize(static_cast<size_t>(batch_.window().rows));
    std::iota(batch_.order.begin(), batch_.order.end(), batch_.window().first);
    return batch_.order;
}

}  // namespace weighbridge::lib
