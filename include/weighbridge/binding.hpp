// SPDX-License-Identifier: Apache-2.0
/// @file
/// Bindings: a program's own struct as a payment, checked against the schema once.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "weighbridge/batch.hpp"
#include "weighbridge/row.hpp"

namespace weighbridge {
inline namespace v0 {

/// A feature's name with the member of T that holds it. Members are numbers, bool, time points of system_clock,
/// std::string or std::string_view (texts and categories), std::vector, std::span or std::array of those (sequences),
/// and std::optional of any, empty for missing.
template <class T>
class Field {
  public:
    template <class M, class U>
    requires std::is_base_of_v<U, T> Field(std::string_view name, M U::*member)
        : name_(name),
          binds_(&detail::binds<M>),
          fill_(&fill<M>),
          column_(&column<M>),
          found_(&detail::cpp_type_name<M>) {
        M T::*own = member;
        static_assert(sizeof own <= sizeof member_);
        std::memcpy(member_.data(), &own, sizeof own);
    }

  private:
    template <class>
    friend class Binding;

    template <class M>
    M T::*as_member() const noexcept {
        M T::*own;
        std::memcpy(&own, member_.data(), sizeof own);
        return own;
    }
    template <class M>
    static Expected<void> fill(const Field &field, Row &row, const T &payment) {
        return row.set(field.index_, payment.*field.template as_member<M>());
    }
    template <class M>
    static Expected<void> column(const Field &field, Batch &batch, std::span<const T> payments) {
        return batch.column(field.index_, payments, field.template as_member<M>());
    }

    std::string name_;
    std::array<std::byte, 2 * sizeof(void *)> member_ = {};
    uint32_t index_ = 0;
    bool (*binds_)(const wb_feature_info &) noexcept;
    Expected<void> (*fill_)(const Field &, Row &, const T &);
    Expected<void> (*column_)(const Field &, Batch &, std::span<const T>);
    std::string (*found_)();
};

/// T's members bound to a schema. Filling is const and thread-safe for distinct rows; Model::score and Slot::score use
/// the binding's own row, so give each thread a copy for those.
template <class T>
class Binding {
  public:
    /// Checks every field against the schema:
    /// @return WB_NOT_FOUND for an unknown feature; WB_INVALID_ARGUMENT for one that is bound twice, a required one
    /// that
    ///         is not bound, or a member of another type than the feature's (names feature, expected and found)
    static Expected<Binding> bind(Schema schema, std::initializer_list<Field<T>> fields) {
        Binding binding(std::move(schema));
        std::vector<bool> bound(binding.schema().features().size());
        for (Field<T> field : fields) {
            auto index = binding.schema().find(field.name_);
            if (!index) return std::move(index).error();
            const wb_feature_info &feature = binding.schema().features()[*index];
            if (bound[*index]) return refuse(*index, feature, "one member", "two");
            if (!field.binds_(feature))
                return refuse(*index, feature, type_name(feature), "a member of " + field.found_());
            bound[*index] = true;
            field.index_ = *index;
            binding.fields_.push_back(std::move(field));
        }
        for (uint32_t i = 0; i < bound.size(); ++i) {
            const wb_feature_info &feature = binding.schema().features()[i];
            if (!bound[i] && feature.required)
                return refuse(i, feature, type_name(feature) + " (it is required)", "no member");
        }
        return binding;
    }

    Binding(Binding &&) noexcept = default;
    Binding &operator=(Binding &&) noexcept = default;
    Binding(const Binding &other) : fields_(other.fields_), row_(other.schema()) {}
    Binding &operator=(const Binding &other) { return *this = Binding(other); }

    /// Empties the row and sets it from the payment. The row is of the binding's schema.
    Expected<void> fill(Row &row, const T &payment) const {
        row.clear();
        for (const Field<T> &field : fields_)
            if (auto set = field.fill_(field, row, payment); !set) return set;
        return {};
    }

    /// Fills the binding's own row; it stays as it is until the next call.
    Expected<Row *> fill(const T &payment) {
        if (auto filled = fill(row_, payment); !filled) return std::move(filled).error();
        return &row_;
    }

    /// Resets the batch to these payments. They must stay until the batch is reset or ends: columns point at them.
    Expected<void> fill(Batch &batch, std::span<const T> payments) const {
        if (auto reset = batch.reset(payments.size()); !reset) return reset;
        for (const Field<T> &field : fields_)
            if (auto set = field.column_(field, batch, payments); !set) return set;
        return {};
    }

    const Schema &schema() const noexcept { return row_.schema(); }

  private:
    explicit Binding(Schema schema) : row_(std::move(schema)) {}

    static Error refuse(uint32_t index, const wb_feature_info &feature, const std::string &expected,
                        const std::string &found) {
        return {WB_INVALID_ARGUMENT,
                "feature '" + std::string(feature.name) + "': expected " + expected + ", got " + found,
                static_cast<int32_t>(index), -1};
    }

    std::vector<Field<T>> fields_;
    Row row_;
};

}  // namespace v0
}  // namespace weighbridge
