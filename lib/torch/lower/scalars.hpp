// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "torch/lower/call.hpp"

namespace weighbridge::torch_plugin {

// Operators on numbers, bools, lists and dicts that are not concrete: sizes in rows and length among them. nullopt for
// an operator that is none of these; Undecided where the answer depends on data or sizes.
std::optional<Value> scalar_operator(Builder &b, const std::string &name, const std::vector<Value> &arguments);

// Operators on lists and dicts as objects, concrete or not (append, __getitem__, len, ...). nullopt for another.
std::optional<Value> container_operator(const std::string &name, const std::vector<Value> &arguments);

const List *list_of_value(const Value &value);  // of a list or a tuple; null for another
bool same_key(const Value &a, const Value &b);  // as a dict compares keys: strings, ints, bools, floats

// What is asked of a tensor without its elements (size, dim, dtype, ...), and elements that are known though they are
// tensors (bool, int, item). nullopt for another operator.
std::optional<Value> tensor_property(Builder &b, const std::string &name, const std::vector<Value> &arguments);

// any and all of bools, the least and the largest of numbers, over the rows too: undecided, but for a guard.
Value about_rows(Builder &b, AboutRows::What what, ValueId x);
// An operator with an undecided operand: another condition about rows where it makes one, else what is undecided.
// nullopt where every operand is decided.
std::optional<Value> condition_operator(Builder &b, const std::string &name, const std::vector<Value> &arguments);
// Two such conditions of one kind joined: one of them, or both of them. nullopt where rows would have to know of each
// other.
std::optional<Value> both(Builder &b, const Value &first, const Value &second, bool either);

// The truth of a condition. Throws Unsupported where it depends on data or sizes.
bool decided(Builder &b, const Value &condition);

}  // namespace weighbridge::torch_plugin
