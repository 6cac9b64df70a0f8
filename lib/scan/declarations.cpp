// SPDX-License-Identifier: Apache-2.0
#include "scan/declarations.hpp"

#include <algorithm>

namespace weighbridge::lib {
namespace {

using Kind = CodeToken::Kind;

constexpr std::string_view kTypeNames[] = {
    "Tensor", "int", "float", "bool",     "str",      "complex", "number", "None",   "List",       "Dict",
    "Tuple",  "Any", "Union", "NoneType", "Optional", "Final",   "Device", "Layout", "ScalarType", "MemoryFormat"};

// Methods with a meaning of their own. All others of this form would run where no call stands.
constexpr std::string_view kSpecialMethods[] = {"__init__", "__len__", "__contains__"};

bool is_special(std::string_view name) { return name.starts_with("__") && name.ends_with("__"); }

// Reads one file's declarations.
class DeclarationReader {
  public:
    DeclarationReader(std::string_view file, CodeTokens tokens, ModuleCode &code, std::vector<FunctionSource> &sources,
                      ScanFindings &findings)
        : file_(file),
          qualifier_(qualifier_of(file)),
          cursor_(tokens),
          code_(code),
          sources_(sources),
          findings_(findings) {}

    bool read() {
        while (cursor_.peek().kind != Kind::end)
            if (findings_.ended() || !(cursor_.peek().is("class") ? read_class() : read_function(nullptr, "")))
                return false;
        return true;
    }

  private:
    bool read_class();
    bool check_class(const std::string &full);
    bool read_base(CodeClass &made);
    bool read_member(CodeClass &made, const std::string &name);
    bool read_attribute(CodeClass &made, const CodeToken &name);
    bool read_assignment(CodeClass &made, const CodeToken &name);
    bool read_keyed_attribute(CodeClass &made);
    bool add_attribute(CodeClass &made, std::string name, CodeTokens type);
    bool read_function(CodeClass *owner, const std::string &owner_name);
    bool check_method(const CodeToken &name);
    bool check_parameters(CodeTokens parameters);
    bool take_body(CodeTokens &body);
    bool end_line() { return cursor_.take(Kind::newline) || refuse("code-form", "expected the line to end"); }

    template <class... Values>
    bool refuse(std::string_view rule, TextFormat<Values...> format, const Values &...values) {
        findings_.add(rule, file_, cursor_.peek().line, format, values...);
        return false;
    }

    const std::string_view file_;
    const std::string qualifier_;
    TokenCursor cursor_;
    ModuleCode &code_;
    std::vector<FunctionSource> &sources_;
    ScanFindings &findings_;
};

// class NAME[(BASE)]: and its members.
bool DeclarationReader::read_class() {
    cursor_.next();
    const CodeToken name = cursor_.next();
    CodeClass made;
    if (name.kind != Kind::name || is_keyword(name.text)) return refuse("code-form", "expected a class's name");
    if (cursor_.take("(") && !read_base(made)) return false;
    if (!cursor_.take(":") || !cursor_.take(Kind::newline) || !cursor_.take(Kind::indent))
        return refuse("code-form", "expected a class with members");
    const std::string full = qualifier_ + "." + std::string(name.text);
    if (!check_class(full)) return false;
    if (code_.classes.count(full) > 0 || code_.names.count(full) > 0)
        return refuse("code-twice", "expected one '{}', found another", full);
    while (!cursor_.take(Kind::dedent))
        if (!read_member(made, full)) return false;
    code_.classes.emplace(full, std::move(made));
    return true;
}

// Names that LibTorch knows itself: it would take its own class, or give an attribute a type that unpacks bytes.
bool DeclarationReader::check_class(const std::string &full) {
    constexpr std::string_view kMangle = ".___torch_mangle_";
    if (full.starts_with("__torch__.torch.classes"))
        return refuse("torch-classes", "class {} would be one of LibTorch's own objects, which are made from bytes",
                      full);
    if (full.find(".quantized.") != full.npos)
        return refuse(
            "code-class",
            "class {} would be one of LibTorch's quantized modules: export in float32, and compile with precision int8",
            full);
    for (size_t at = full.find(kMangle); at != full.npos; at = full.find(kMangle, at + 1)) {
        const size_t end = full.find_first_not_of("0123456789", at + kMangle.size());
        if (end == at + kMangle.size() || (end != full.npos && full[end] != '.'))
            return refuse("code-class", "expected a number alone behind {} in {}: LibTorch reads names without it",
                          kMangle.substr(1), full);
    }
    return true;
}

bool DeclarationReader::read_base(CodeClass &made) {
    const CodeToken base = cursor_.next();
    if (base.is("Module"))
        made.kind = CodeClass::Kind::module;
    else if (base.is("NamedTuple"))
        made.kind = CodeClass::Kind::tuple;
    else if (base.is("Enum"))
        made.kind = CodeClass::Kind::enumeration;
    else
        return refuse("code-class",
                      "expected a Module, a NamedTuple, an Enum or no base, found '{}', whose calls cannot "
                      "be followed",
                      base.text);
    return cursor_.take(")") || refuse("code-form", "expected one base of a class");
}

bool DeclarationReader::read_member(CodeClass &made, const std::string &name) {
    if (cursor_.peek().is("def")) return read_function(&made, name);
    if (cursor_.take("pass")) return end_line();
    if (cursor_.peek().is("__annotations__") && cursor_.peek(1).is("[")) return read_keyed_attribute(made);
    const CodeToken first = cursor_.next();
    if (first.kind != Kind::name || is_keyword(first.text))
        return refuse("code-form", "expected an attribute or a method of class {}", name);
    if (cursor_.take(":")) return read_attribute(made, first);
    if (cursor_.take("=")) return read_assignment(made, first);
    return refuse("code-form", "expected an attribute or a method of class {}", name);
}

// NAME : TYPE, or NAME : Final[TYPE] = LITERAL.
bool DeclarationReader::read_attribute(CodeClass &made, const CodeToken &name) {
    const CodeTokens type = cursor_.until({"="});
    if (cursor_.take("=")) {
        const CodeTokens value = cursor_.until({});
        if (!is_type(type) || !is_literal(value))
            return refuse("code-literal",
                          "expected a literal for the constant '{}', found an expression, which runs "
                          "while the module is loaded",
                          name.text);
        return end_line();
    }
    return add_attribute(made, std::string(name.text), type) && end_line();
}

bool DeclarationReader::add_attribute(CodeClass &made, std::string name, CodeTokens type) {
    if (!is_type(type))
        return refuse("code-type", "expected a type of TorchScript or of this archive for '{}', found '{}'", name,
                      joined(type));
    if (!made.attributes.emplace(name, joined(type)).second)
        return refuse("code-twice", "expected one attribute '{}', found another", name);
    made.fields.push_back(joined(type));
    return true;
}

// __parameters__ = ["...", ] and its like; a constant of an Enum.
bool DeclarationReader::read_assignment(CodeClass &made, const CodeToken &name) {
    const CodeTokens value = cursor_.until({});
    if (!is_literal(value))
        return refuse("code-literal",
                      "expected a literal for '{}', found an expression, which runs while the module is "
                      "loaded",
                      name.text);
    if (name.is("__forward_hooks__") || name.is("__forward_pre_hooks__"))
        return refuse("code-hook", "a module's hooks run where no call stands: export it without them");
    const bool known = name.is("__parameters__") || name.is("__buffers__") || name.is("__annotations__");
    if (!known && made.kind != CodeClass::Kind::enumeration)
        return refuse("code-form", "expected attributes with types, found '{} ='", name.text);
    if (!known) made.values.insert(joined(value));
    return end_line();
}

// __annotations__["NAME"] = TYPE, for names that are no identifiers.
bool DeclarationReader::read_keyed_attribute(CodeClass &made) {
    cursor_.next();
    cursor_.next();
    const CodeToken key = cursor_.next();
    if (key.kind != Kind::text || !cursor_.take("]") || !cursor_.take("="))
        return refuse("code-form", "expected __annotations__[\"NAME\"] = TYPE");
    const std::string_view name = key.text.substr(1, key.text.size() - 2);
    if (name.find('\\') != name.npos) return refuse("code-text", "expected an attribute's name without escapes");
    return add_attribute(made, std::string(name), cursor_.until({})) && end_line();
}

// def NAME(PARAMETERS) -> TYPE: and its body.
bool DeclarationReader::read_function(CodeClass *owner, const std::string &owner_name) {
    if (!cursor_.take("def"))
        return refuse("code-form", "expected a class or a function, found '{}', which runs while the module is loaded",
                      cursor_.peek().text);
    const CodeToken name = cursor_.next();
    if (name.kind != Kind::name || is_keyword(name.text) || !cursor_.take("("))
        return refuse("code-form", "expected a function's name");
    if (owner && !check_method(name)) return false;
    FunctionSource source;
    source.parameters = cursor_.until({")"});
    if (!cursor_.take(")")) return refuse("code-form", "expected the parameters of '{}' in brackets", name.text);
    if (!check_parameters(source.parameters)) return false;
    if (cursor_.take("->") && !is_type(source.result = cursor_.until({":"})))
        return refuse("code-type", "expected a type of a result");
    if (!cursor_.take(":") || !cursor_.take(Kind::newline) || !take_body(source.body))
        return refuse("code-form", "expected the body of a function in lines of its own");
    source.function = static_cast<uint32_t>(code_.functions.size());
    const std::string full = (owner ? owner_name : qualifier_) + "." + std::string(name.text);
    if (owner) code_.method_names.insert(std::string(name.text));
    const bool fresh = owner ? owner->methods.emplace(name.text, source.function).second
                             : code_.names.emplace(full, source.function).second && code_.classes.count(full) == 0;
    if (!fresh) return refuse("code-twice", "expected one '{}', found another", full);
    CodeFunction made;
    made.name = full;
    made.file = file_;
    made.line = name.line;
    made.owner = owner_name;
    code_.functions.push_back(std::move(made));
    sources_.push_back(source);
    return true;
}

bool DeclarationReader::check_method(const CodeToken &name) {
    if (name.is("__setstate__") || name.is("__getstate__"))
        return refuse("code-setstate", "{} runs while the module is loaded", name.text);
    if (is_special(name.text) &&
        std::find(std::begin(kSpecialMethods), std::end(kSpecialMethods), name.text) == std::end(kSpecialMethods))
        return refuse("code-method", "the method '{}' runs where no call stands", name.text);
    return true;
}

// NAME[: TYPE][ = LITERAL], with commas between them.
bool DeclarationReader::check_parameters(CodeTokens parameters) {
    for (TokenCursor at(parameters); at.peek().kind != Kind::end;) {
        const CodeToken name = at.next();
        if (name.kind != Kind::name || is_keyword(name.text))
            return refuse("code-form", "expected a parameter's name, found '{}'", name.text);
        if (at.take(":"))
            if (const CodeTokens type = at.until({"=", ","}); !is_type(type))
                return refuse("code-type", "expected a type of TorchScript or of this archive for '{}', found '{}'",
                              name.text, joined(type));
        if (at.take("=") && !is_literal(at.until({","})))
            return refuse("code-literal",
                          "expected a literal as the default of '{}', found an expression, which runs "
                          "while the module is loaded",
                          name.text);
        if (!at.take(",") && at.peek().kind != Kind::end)
            return refuse("code-form", "expected a comma behind the parameter '{}'", name.text);
    }
    return true;
}

// The lines of a block, up to the dedent that ends it.
bool DeclarationReader::take_body(CodeTokens &body) {
    if (!cursor_.take(Kind::indent)) return false;
    body = cursor_.block();
    return cursor_.take(Kind::dedent);
}

}  // namespace

bool is_literal(CodeTokens expression) {
    bool any = false;
    for (TokenCursor at(expression); at.peek().kind != Kind::end;) {
        const CodeToken one = at.next();
        const bool word = one.is("None") || one.is("True") || one.is("False") || one.is("inf") || one.is("nan");
        const bool mark = one.is("[") || one.is("]") || one.is("(") || one.is(")") || one.is("{") || one.is("}") ||
                          one.is(",") || one.is("-") || one.is(":");
        if (one.is("annotate") && at.take("(")) {
            if (!is_type(at.until({","}))) return false;
        } else if (one.is("CONSTANTS") && at.take(".")) {
            at.next();
        } else if (one.kind != Kind::number && one.kind != Kind::text && !word && !mark) {
            return false;
        }
        // A bracket behind a value would be a call or an index.
        const bool value = !mark || one.is(")") || one.is("]") || one.is("}");
        if (value && (at.peek().is("(") || at.peek().is("["))) return false;
        any = true;
    }
    return any;
}

bool is_type(CodeTokens type) {
    constexpr size_t kMostLetters = 4096;
    size_t letters = 0;
    for (const CodeToken &one : type) letters += one.text.size();
    if (letters > kMostLetters) return false;
    bool any = false;
    for (TokenCursor at(type); at.peek().kind != Kind::end; any = true) {
        const CodeToken one = at.next();
        if (one.is("__torch__")) {
            std::string name(one.text);
            while (at.peek().is(".") && at.peek(1).kind == Kind::name) {
                at.next();
                name += "." + std::string(at.next().text);
            }
            if (name.starts_with("__torch__.torch.classes")) return false;
        } else if (one.kind == Kind::name) {
            if (std::find(std::begin(kTypeNames), std::end(kTypeNames), one.text) == std::end(kTypeNames)) return false;
        } else if (one.is("(")) {
            if (!at.take(")")) return false;  // Tuple[()]
        } else if (!one.is("[") && !one.is("]") && !one.is(",")) {
            return false;
        }
    }
    return any;
}

std::string qualifier_of(std::string_view file) {
    std::string name(file.substr(5, file.size() - 5 - 3));  // "code/" and ".py"
    std::replace(name.begin(), name.end(), '/', '.');
    return name;
}

bool read_declarations(std::string_view file, CodeTokens tokens, ModuleCode &code, std::vector<FunctionSource> &sources,
                       ScanFindings &findings) {
    return DeclarationReader(file, tokens, code, sources, findings).read();
}

}  // namespace weighbridge::lib
