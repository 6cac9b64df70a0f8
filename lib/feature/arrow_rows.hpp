// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "feature/arrow.hpp"

namespace weighbridge::lib {

// The children of an Arrow struct array, such as a record batch, by the features that they are named after. Structs and
// buffers are the caller's and must stay.
struct ArrowRows {
    std::vector<std::shared_ptr<const ArrowColumn>> columns;  // by feature; null where there is none
    const uint8_t *validity = nullptr;                        // of the struct; null where no row of it is
    int64_t offset = 0;                                       // of row 0 in it, in bits

    // WB_INVALID_ARGUMENT names columns that are missing (of features without a default) and unknown together, else
    // the first one of another type.
    static Expected<ArrowRows> make(const Schema &schema, const ArrowSchema &type, const ArrowArray &array,
                                    int64_t rows);
};

}  // namespace weighbridge::lib
