// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "scan/declarations.hpp"

namespace weighbridge::lib {

// The local names of a function and what is known of their types: from parameters, and from the values that they are
// set to, where all agree.
class CodeLocals {
  public:
    CodeLocals(const FunctionSource &source, const ModuleCode &code);

    bool has(std::string_view name) const { return locals_.find(name) != locals_.end(); }
    const std::vector<CodeToken> &names() const { return names_; }
    // The type of an expression where it is certain, as "__torch__.models.Net"; "" where it is not.
    std::string type_of(CodeTokens expression, int depth = 0) const;
    // The type of a class's attribute; "" where the type is no class of the archive, or has no such attribute.
    std::string attribute_type(std::string_view of, std::string_view name) const;
    // Whether an expression is certainly a list or None, and no number.
    bool is_list_or_none(CodeTokens expression, int depth = 0) const;
    // What a name stands for that is set once, and never in a loop's head; nothing for others.
    CodeTokens value_of(std::string_view name) const;

    struct Setting {
        CodeTokens value;   // of the name alone; nothing where it is one of several, or not known
        std::string type;   // as stated
        CodeTokens of;      // what it is computed of, with others perhaps
        bool data = false;  // a parameter's, a loop's
    };
    // All that a name is set to; null where there is no such name.
    const std::vector<Setting> *settings_of(std::string_view name) const {
        const auto found = locals_.find(name);
        return found == locals_.end() ? nullptr : &found->second.settings;
    }

  private:
    struct Local {
        std::vector<Setting> settings;
        mutable std::optional<std::string> found;  // its type, once it was asked for
        mutable std::optional<bool> list;          // whether it is a list or None, likewise
    };

    void add_parameters(CodeTokens parameters, const std::string &owner);
    void add_line(CodeTokens line);
    void add(const CodeToken &name, Setting setting);
    void add_several(CodeTokens target, CodeTokens value);
    std::string type_of_local(const Local &local, int depth) const;
    std::string type_of_head(CodeTokens expression, size_t &behind, int depth) const;

    const ModuleCode &code_;
    std::map<std::string, Local, std::less<>> locals_;
    std::vector<CodeToken> names_;  // each time that one is set
};

// Calls `visit` with each line of a block, and with indents and dedents as lines of one token.
template <class Visitor>
void for_each_line(CodeTokens block, const Visitor &visit) {
    for (size_t at = 0; at < block.size();) {
        size_t end = at;
        const auto structure = [&](const CodeToken &one) {
            return one.kind == CodeToken::Kind::indent || one.kind == CodeToken::Kind::dedent;
        };
        if (structure(block[at]))
            end = at + 1;
        else
            while (end < block.size() && block[end].kind != CodeToken::Kind::newline && !structure(block[end])) ++end;
        visit(block.subspan(at, end - at));
        at = end < block.size() && block[end].kind == CodeToken::Kind::newline ? end + 1 : end;
    }
}

// The place of the first such mark outside brackets; expression.size() where there is none.
size_t outside(CodeTokens expression, std::string_view mark);
// The parts between commas outside brackets; behind a last comma stands an empty one.
std::vector<CodeTokens> split_by_commas(CodeTokens expression);

}  // namespace weighbridge::lib
