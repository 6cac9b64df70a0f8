// SPDX-License-Identifier: Apache-2.0
// The name of a JSON value, for headers: the type itself, in json.hpp, takes a second in every file that includes it.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>

namespace weighbridge::lib {

// Keeps fields in the order of the text.
using Json = nlohmann::ordered_json;

struct DeleteJson {
    void operator()(Json *value) const;
};
using JsonDocument = std::unique_ptr<Json, DeleteJson>;

}  // namespace weighbridge::lib
