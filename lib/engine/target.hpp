// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "base/ref.hpp"
#include "model/model.hpp"
#include "slot/slot.hpp"

namespace weighbridge::lib {

// What a call scores with: a model by itself, or the deployment that a slot has now.
struct Target {
    Ref<Model> model;
    Ref<Deployment> deployment;  // null for a model by itself

    // A schema and its map to the model's, empty for its own; they live as long as the target.
    struct Layout {
        const Schema *schema;
        std::span<const int32_t> positions;
    };
    // The schema that a row with this digest was made for. An unknown digest gets the model's own schema, against which
    // the check of the row's header then fails.
    Layout layout(uint64_t schema_digest) const {
        if (deployment)
            if (const auto *found = deployment->layout(schema_digest)) return {found->schema.get(), found->positions};
        return {model->bundle().schema().get(), {}};
    }
    // The account that counts its calls.
    Account &account(Runtime &runtime) const { return deployment ? *deployment->account() : runtime.account; }
};

}  // namespace weighbridge::lib
