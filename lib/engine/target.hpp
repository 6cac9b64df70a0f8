// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "base/ref.hpp"
#include "model/model.hpp"
#include "slot/slot.hpp"

namespace weighbridge::lib {

// What scores: a model, or a slot's present deployment of one.
struct Target {
    Ref<Model> model;
    Ref<Deployment> deployment;  // null for a model by itself

    // A schema and its map to the model's, empty for its own; they live as long as the target.
    struct Layout {
        const Schema *schema;
        std::span<const int32_t> positions;
    };
    // The schema that a row with this digest was made for; falls back to the model's own, against which the row's
    // header is then found wanting.
    Layout layout(uint64_t schema_digest) const {
        if (deployment)
            if (const auto *found = deployment->layout(schema_digest)) return {found->schema.get(), found->positions};
        return {model->bundle().schema().get(), {}};
    }
    // Where its calls are counted.
    Account &account(Runtime &runtime) const { return deployment ? *deployment->account() : runtime.account; }
};

}  // namespace weighbridge::lib
