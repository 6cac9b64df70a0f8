// SPDX-License-Identifier: Apache-2.0
#include "scan/signs.hpp"

#include <algorithm>

namespace weighbridge::lib {
namespace {

using Kind = CodeToken::Kind;

struct Sign {
    std::string_view sign, names;  // of aten, with blanks between them
};
constexpr Sign kSigns[] = {{"+", "add"},
                           {"-", "sub neg"},
                           {"*", "mul"},
                           {"/", "div"},
                           {"//", "floordiv floor_divide"},
                           {"%", "remainder percentFormat"},
                           {"**", "pow"},
                           {"@", "matmul"},
                           {"&", "__and__ __iand__ bitwise_and"},
                           {"|", "__or__ __ior__ bitwise_or"},
                           {"^", "__xor__ __ixor__ bitwise_xor"},
                           {"<<", "__lshift__ __ilshift__"},
                           {">>", "__rshift__ __irshift__"},
                           {"~", "bitwise_not"},
                           {"==", "eq"},
                           {"!=", "ne"},
                           {"<", "lt"},
                           {"<=", "le"},
                           {">", "gt"},
                           {">=", "ge"},
                           {"not", "__not__"},
                           {"is", "__is__ __isnot__"}};
constexpr Sign kFunctions[] = {{"int", "Int"},         {"float", "Float"}, {"bool", "Bool"},
                               {"complex", "Complex"}, {"str", "str"},     {"sorted", "sorted"}};
constexpr std::string_view kReadsAtPlace = "select slice index __getitem__ unsqueeze";
constexpr std::string_view kWritesAtPlace = "index_put copy _set_item fill";
constexpr Sign kAttributes[] = {{"T", "numpy_T"}, {"H", "matrix_H"}};

const Sign *find_sign(const CodeToken &token, const Sign *first, const Sign *last) {
    const Sign *found = std::find_if(first, last, [&](const Sign &one) { return token.is(one.sign); });
    return found == last ? nullptr : found;
}

class SignReader {
  public:
    SignReader(CodeTokens line, const CodeLocals &locals, const ModuleCode &code)
        : line_(line), locals_(locals), code_(code) {}

    std::vector<SignedOperator> read() {
        const size_t equals = outside(line_, "=");
        for (size_t at = 0; at < line_.size(); ++at) {
            const CodeToken &one = line_[at];
            if (one.kind == Kind::text) continue;
            if (const Sign *sign = find_sign(one, std::begin(kSigns), std::end(kSigns))) add(at, sign->names);
            if (one.is("[") && is_place(at)) {
                add(at, kReadsAtPlace);
                if (at < equals && equals < line_.size()) add(at, kWritesAtPlace);
            }
            const bool called = at + 1 < line_.size() && line_[at + 1].is("(");
            const bool attribute = at > 0 && line_[at - 1].is(".");
            const Sign *function =
                called && !attribute ? find_sign(one, std::begin(kFunctions), std::end(kFunctions)) : nullptr;
            if (function) add(at, function->names);
            if (attribute && !called && one.kind == Kind::name && !of_class_) add_attribute(at);
            follow_chain(at);
        }
        return std::move(found_);
    }

  private:
    void add(size_t at, std::string_view names) {
        while (!names.empty()) {
            const size_t end = std::min(names.find(' '), names.size());
            const std::string name = "aten::" + std::string(names.substr(0, end));
            found_.push_back({at, name});
            if (!name.ends_with('_')) found_.push_back({at, name + "_"});
            names.remove_prefix(std::min(end + 1, names.size()));
        }
    }

    void add_attribute(size_t at) {
        const Sign *other = find_sign(line_[at], std::begin(kAttributes), std::end(kAttributes));
        add(at, other ? other->names : line_[at].text);
        found_.push_back({at, "prim::" + std::string(line_[at].text)});
    }

    // Whether a bracket stands behind a value, and not at a list's begin or in a type.
    bool is_place(size_t at) const {
        if (at == 0) return false;
        const CodeToken &before = line_[at - 1];
        if (before.is(")") || before.is("]") || before.kind == Kind::text) return true;
        return before.kind == Kind::name && (locals_.has(before.text) || (at > 1 && line_[at - 2].is(".")));
    }

    // Takes the token into the "NAME.NAME..." that it goes on, or begins one with it: what stands behind a point next
    // is an attribute of a class of the archive, or a name's part, or neither.
    void follow_chain(size_t at) {
        const CodeToken &one = line_[at];
        if (one.is(".")) return;
        const bool begins = at == 0 || !line_[at - 1].is(".");
        const bool named = one.is("torch") || one.is("ops") || one.is("CONSTANTS") || one.is("__torch__");
        if (one.kind != Kind::name || begins) named_ = one.kind == Kind::name && named;
        if (one.kind != Kind::name)
            type_.clear();  // of a group or a call
        else
            type_ = begins ? locals_.type_of(line_.subspan(at, 1)) : locals_.attribute_type(type_, one.text);
        of_class_ = named_ || code_.find_class(type_) != nullptr;
    }

    const CodeTokens line_;
    const CodeLocals &locals_;
    const ModuleCode &code_;
    // Of the chain up to the token before.
    std::string type_;
    bool named_ = false;  // whether it is of what is imported with a module
    bool of_class_ = false;
    std::vector<SignedOperator> found_;
};

}  // namespace

std::vector<SignedOperator> operators_of_signs(CodeTokens line, const CodeLocals &locals, const ModuleCode &code) {
    return SignReader(line, locals, code).read();
}

}  // namespace weighbridge::lib
