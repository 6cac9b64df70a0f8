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

Status BatchRows::check(const Schema &schema) const {
    if (schema.digest() != schema_digest())
        return Status::failure(WB_SCHEMA_MISMATCH, "batch: expected one made for schema {:016x}, got {:016x}",
                               schema.digest(), schema_digest());
    return {};
}

Status BatchRows::lock(const Schema &schema) {
    if (Status status = check(schema); !status.ok()) return status;
    return batch_.begin(lock_);
}

std::span<int64_t> BatchRows::order(const Window &part) {
    batch_.order.resize(static_cast<size_t>(part.rows));
    std::iota(batch_.order.begin(), batch_.order.end(), part.first);
    return batch_.order;
}

}  // namespace weighbridge::lib
