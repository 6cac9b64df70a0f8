// SPDX-License-Identifier: Apache-2.0
/// @file
/// The schema of a payment: its features, and the tensors and outputs of the model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weighbridge/c/row.h"
#include "weighbridge/c/schema.h"
#include "weighbridge/error.hpp"
#include "weighbridge/source.hpp"

namespace weighbridge {
inline namespace v0 {

/// The ordered, typed list of a payment's features. A shared, immutable value: copying it copies a pointer.
/// Thread-safe. A moved-from schema may only be assigned to or destroyed.
class Schema {
  public:
    /// Reads a bundle directory's schema without its model: enough to fill rows and to encode.
    static Expected<Schema> load(const std::string &path) {
        auto handle = detail::made<wb_schema, wb_schema_free>(
            [&](wb_schema **out, wb_error *err) { return wb_schema_load(out, path.c_str(), err); });
        if (!handle) return std::move(handle).error();
        return adopt(handle->release());
    }
    static Expected<Schema> load(const Source &source) {
        auto handle = detail::made<wb_schema, wb_schema_free>(
            [&](wb_schema **out, wb_error *err) { return wb_schema_load_source(out, source.get(), err); });
        if (!handle) return std::move(handle).error();
        return adopt(handle->release());
    }

    /// Takes a schema of the C API over, also where this fails.
    static Expected<Schema> adopt(wb_schema *schema) {
        auto shared = std::make_shared<Shared>();
        shared->handle.reset(schema);
        shared->info.struct_size = sizeof(wb_schema_info);
        auto read = detail::done([&](wb_error *err) {
            int32_t status = wb_schema_describe(&shared->info, schema, err);
            for (uint32_t i = 0; status >= 0 && i < shared->info.feature_count; ++i) {
                wb_feature_info feature = {};
                feature.struct_size = sizeof feature;
                status = wb_schema_feature(&feature, schema, i, err);
                shared->index.emplace(feature.name, i);
                shared->features.push_back(feature);
            }
            if (status < 0) return status;
            shared->empty.resize(shared->info.fixed_bytes);
            return wb_row_init(schema, shared->empty.data(), shared->empty.size(), err);
        });
        if (!read) return std::move(read).error();
        return Schema(std::move(shared));
    }

    const wb_schema_info &info() const noexcept { return shared_->info; }
    uint64_t digest() const noexcept { return shared_->info.digest; }
    std::span<const wb_feature_info> features() const noexcept { return shared_->features; }

    /// The index of a feature. WB_NOT_FOUND where there is none: the message lists near names.
    Expected<uint32_t> find(std::string_view name) const {
        auto found = shared_->index.find(name);
        if (found != shared_->index.end()) return found->second;
        uint32_t index = 0;
        std::string text(name);
        auto searched = detail::done([&](wb_error *err) { return wb_schema_find(&index, get(), text.c_str(), err); });
        if (!searched) return std::move(searched).error();
        return index;
    }

    /// Tensor `index` in [0, info().tensor_count), with symbolic sizes.
    Expected<wb_tensor_info> tensor(uint32_t index) const { return describe<wb_tensor_info>(wb_schema_tensor, index); }

    /// Output `index` in [0, info().output_count).
    Expected<wb_tensor_info> output(uint32_t index) const { return describe<wb_tensor_info>(wb_schema_output, index); }

    /// The index of an output. WB_NOT_FOUND where there is none: the message lists near names.
    Expected<uint32_t> find_output(std::string_view name) const {
        uint32_t index = 0;
        std::string text(name);
        auto found =
            detail::done([&](wb_error *err) { return wb_schema_find_output(&index, get(), text.c_str(), err); });
        if (!found) return std::move(found).error();
        return index;
    }

    /// Decision band `index` in [0, info().band_count); Result::band is this index.
    Expected<wb_band_info> band(uint32_t index) const { return describe<wb_band_info>(wb_schema_band, index); }

    /// What a missing text or category becomes; WB_NOT_FOUND where the feature has no such default.
    Expected<std::string> default_text(uint32_t feature) const {
        return detail::text_of(
            [&](wb_text **out, wb_error *err) { return wb_schema_default_text(out, get(), feature, err); });
    }

    /// The bytes of an empty row's fixed part; what rows are made from.
    std::span<const std::byte> empty_row() const noexcept { return shared_->empty; }

    wb_schema *get() const noexcept { return shared_->handle.get(); }

  private:
    struct Shared {
        detail::Handle<wb_schema, wb_schema_free> handle;
        wb_schema_info info = {};
        std::vector<wb_feature_info> features;
        std::map<std::string, uint32_t, std::less<>> index;
        std::vector<std::byte> empty;
    };
    explicit Schema(std::shared_ptr<const Shared> shared) : shared_(std::move(shared)) {}

    template <class Info, class Call>
    Expected<Info> describe(Call call, uint32_t index) const {
        Info info = {};
        info.struct_size = sizeof info;
        auto read = detail::done([&](wb_error *err) { return call(&info, get(), index, err); });
        if (!read) return std::move(read).error();
        return info;
    }

    std::shared_ptr<const Shared> shared_;
};

/// The name of a WB_TYPE_*, as messages have it.
inline const char *type_name(int32_t type) noexcept {
    return type == WB_TYPE_CODE ? "category of int64 keys" : wb_type_name(type);
}

/// "int64", "sequence of int64".
inline std::string type_name(const wb_feature_info &feature) {
    return (feature.is_sequence ? "sequence of " : "") + std::string(type_name(feature.type));
}

}  // namespace v0
}  // namespace weighbridge
