// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/expected.hpp"

namespace weighbridge::lib {

// Category keys in order. Look-ups neither allocate nor lock.
class Vocabulary {
  public:
    // WB_INVALID_BUNDLE names a duplicate key and both its places.
    static Expected<std::shared_ptr<const Vocabulary>> make(std::vector<std::string> keys);
    static Expected<std::shared_ptr<const Vocabulary>> make(std::vector<int64_t> codes);

    std::optional<int64_t> find(std::string_view key) const;
    std::optional<int64_t> find(int64_t code) const;
    int64_t size() const { return size_; }

  private:
    std::vector<std::string> keys_;
    std::unordered_map<std::string_view, int64_t> by_key_;
    std::unordered_map<int64_t, int64_t> by_code_;
    int64_t size_ = 0;
};

}  // namespace weighbridge::lib
