// SPDX-License-Identifier: Apache-2.0
#include "base/json.hpp"

template class nlohmann::basic_json<nlohmann::ordered_map>;
template class nlohmann::detail::serializer<nlohmann::ordered_json>;

namespace weighbridge::lib {

void DeleteJson::operator()(Json *value) const { delete value; }

}  // namespace weighbridge::lib
