// SPDX-License-Identifier: Apache-2.0
#include "scan/body.hpp"

#include <algorithm>
#include <utility>

#include "scan/divisions.hpp"
#include "scan/locals.hpp"
#include "scan/loops.hpp"
#include "scan/saturating.hpp"
#include "scan/signs.hpp"

namespace weighbridge::lib {
namespace {

using Kind = CodeToken::Kind;

// Names that the printer calls bare; each becomes an instruction of the interpreter without effect outside it.
constexpr std::string_view kBuiltIns[] = {"int",     "float",      "bool",           "str",
                                          "complex", "annotate",   "unchecked_cast", "uninitialized",
                                          "range",   "isinstance", "getattr",        "sorted"};
// Those of them that name a type.
constexpr std::string_view kTyped[] = {"annotate", "unchecked_cast", "uninitialized", "isinstance"};
// Names that stand for what is imported with a module, which no local may take.
constexpr std::string_view kRoots[] = {"torch", "ops", "CONSTANTS", "__torch__"};

// Operators that compute places from factors: from lists with the sizes that go with them, from numbers as they are.
constexpr std::string_view kResampling[] = {"aten::upsample_nearest", "aten::_upsample_"};

bool ends_value(const CodeToken &token) {
    if (token.kind == CodeToken::Kind::name) return !is_keyword(token.text);
    return token.kind != CodeToken::Kind::mark || token.is(")") || token.is("]") || token.is("}");
}

bool is_one_of(std::string_view name, std::span<const std::string_view> list) {
    return std::find(list.begin(), list.end(), name) != list.end();
}

bool is_plain_name(const CodeToken &token) { return token.kind == Kind::name && !is_keyword(token.text); }

class BodyScanner {
  public:
    BodyScanner(const FunctionSource &source, const OperatorRules &rules, ModuleCode &code, ScanFindings &findings)
        : source_(source), rules_(rules), code_(code), findings_(findings), locals_(source, code) {}

    void scan() {
        check_names();
        for_each_line(source_.body, [&](CodeTokens line) { scan_line(line); });
    }

  private:
    CodeFunction &function() { return code_.functions[source_.function]; }
    void count_one() {
        function().operators += 1;
        function().looped = saturating_sum(function().looped, loops_.back());
    }
    void check_names();
    void scan_line(CodeTokens line);
    void check_words(CodeTokens line);
    void check_assignment(CodeTokens line);
    void check_signs(CodeTokens line);
    void check_divisions(CodeTokens line);
    void check_type(CodeTokens line, size_t open);
    void check_cast(CodeTokens line, size_t open);
    void check_reference(CodeTokens line, size_t at);
    void check_call(CodeTokens line, size_t open);
    void call_by_chain(CodeTokens line, size_t first, size_t open);
    void call_bare(const CodeToken &name);
    void call_operator(const CodeToken &at, const std::string &name, CodeTokens arguments = {});
    void check_factors(const CodeToken &at, const std::string &name, CodeTokens arguments);
    void call_archive(const CodeToken &at, std::string name);
    void call_method(CodeTokens receiver, const CodeToken &name);
    void call_function(uint32_t callee);

    template <class... Values>
    void refuse(const CodeToken &at, std::string_view rule, TextFormat<Values...> format, const Values &...values) {
        findings_.add(rule, function().file, at.line, format, values...);
    }

    const FunctionSource &source_;
    const OperatorRules &rules_;
    ModuleCode &code_;
    ScanFindings &findings_;
    const CodeLocals locals_;
    NameRanges ranges_;
    DivisionFinder divisions_{locals_, code_, source_.body.size()};
    std::vector<uint64_t> loops_{1};  // how often each open block runs
    uint64_t next_block_ = 1;
};

void BodyScanner::check_names() {
    for (const CodeToken &name : locals_.names())
        if (is_one_of(name.text, kRoots))
            refuse(name, "code-shadow", "expected another name for a local than '{}', which stands for LibTorch's",
                   name.text);
}

void BodyScanner::scan_line(CodeTokens line) {
    if (line.empty() || findings_.ended()) return;
    if (line[0].kind == Kind::indent)
        return loops_.push_back(saturating_product(loops_.back(), std::exchange(next_block_, 1)));
    if (line[0].kind == Kind::dedent) return loops_.size() > 1 ? loops_.pop_back() : void();
    count_one();
    if (line[0].is("for")) next_block_ = loop_count(line, locals_, ranges_);
    check_words(line);
    check_assignment(line);
    if (rules_.narrowed()) check_signs(line);
    check_divisions(line);
    for (size_t at = 0; at < line.size(); ++at) {
        if (line[at].is("(") && findings_.ended()) return;
        if (line[at].is("(")) check_call(line, at);
        if (line[at].kind == Kind::name && (at == 0 || !line[at - 1].is("."))) check_reference(line, at);
        if ((line[at].is("*") || line[at].is("**")) && (at == 0 || !ends_value(line[at - 1])))
            refuse(line[at], "code-form", "expected a value, found one with a star, which stands for several");
        if (line[at].is(".") && (at + 1 == line.size() || line[at + 1].kind != Kind::name))
            refuse(line[at], "code-form", "expected a name behind a point");
    }
}

// Words of statements stand at a line's begin only.
void BodyScanner::check_words(CodeTokens line) {
    const size_t in_of_loop = line[0].is("for") ? outside(line, "in") : line.size();
    for (size_t at = 0; at < line.size(); ++at) {
        const CodeToken &one = line[at];
        if (one.kind != Kind::name || !is_keyword(one.text)) continue;
        const bool begins = one.is("if") || one.is("else") || one.is("for") || one.is("return") || one.is("pass");
        const bool inside = one.is("if") || one.is("else") || one.is("and") || one.is("or") || one.is("not") ||
                            one.is("is") || one.is("in") || one.is("None") || one.is("True") || one.is("False");
        // `in` a class calls its __contains__, where no call stands.
        const bool calls = one.is("in") && at != in_of_loop;
        if (!calls && (at == 0 ? begins || inside : inside)) continue;
        if (one.is("def") || one.is("class"))
            refuse(one, "code-word", "a function in a function is how torch.jit.save writes what a thread would run");
        else
            refuse(one, "code-word", "expected a line that torch.jit.save writes, found the word '{}'", one.text);
    }
}

void BodyScanner::check_assignment(CodeTokens line) {
    const size_t equals = outside(line, "=");
    if (line.size() == 1 && line[0].kind == Kind::mark)
        return refuse(line[0], "code-form", "expected a statement, found '{}'", line[0].text);
    if (equals < line.size() && (equals == 0 || (equals == 1 && line[0].kind == Kind::mark)))
        refuse(line[equals], "code-form", "expected what is assigned to before '='");
    if (equals < line.size() && outside(line.subspan(equals + 1), "=") < line.size() - equals - 1)
        refuse(line[equals], "code-form", "expected one assignment in a line, found two");
}

// What the host refuses is refused in each of its forms.
void BodyScanner::check_signs(CodeTokens line) {
    for (const SignedOperator &one : operators_of_signs(line, locals_, code_))
        if (rules_.refused(one.name))
            refuse(line[one.at], "operator", "'{}' may be {}, which this host does not allow", line[one.at].text,
                   one.name);
}

void BodyScanner::check_divisions(CodeTokens line) {
    if (findings_.full()) return;  // finding takes a while
    for (const size_t at : divisions_.find(line))
        refuse(
            line[at], "code-division",
            "divides constants by what may be 0 or -1, which LibTorch computes while it loads the module: a processor "
            "that has no quotient ends the process");
}

// What is annotated, cast, or asked for has a type, or several in brackets.
void BodyScanner::check_type(CodeTokens line, size_t open) {
    const bool asked = line[open - 1].is("isinstance");
    CodeTokens type = line.subspan(open + 1, std::min(closing_of(line, open), line.size()) - open - 1);
    const size_t comma = outside(type, ",");
    type = asked ? type.subspan(std::min(comma + 1, type.size())) : type.first(comma);
    if (asked && type.size() > 2 && (type[0].is("(") || type[0].is("["))) type = type.subspan(1, type.size() - 2);
    const std::string text = joined(type);
    if (!is_type(type) && text.find("__torch__.torch.classes") == text.npos)  // which check_reference tells
        refuse(line[open], "code-type", "expected a type of TorchScript or of this archive, found '{}'", text);
}

// LibTorch believes an unchecked cast: an object of another class would be read beyond its end, a tuple of another
// length would leave the interpreter's stack with more or less than it counts on.
void BodyScanner::check_cast(CodeTokens line, size_t open) {
    const CodeTokens inside = line.subspan(open + 1, std::min(closing_of(line, open), line.size()) - open - 1);
    const size_t comma = outside(inside, ",");
    const std::string to = joined(inside.first(comma));
    const bool believed = to.find("__torch__") != to.npos || to.find("Tuple[") != to.npos;
    if (!believed || comma == inside.size()) return;
    const std::string from = locals_.type_of(inside.subspan(comma + 1));
    if (from != to && from != "Optional[" + to + "]")
        refuse(line[open], "code-cast", "expected a cast to {} of what is certain to be one, or None", to);
}

// A name that no point precedes: what is imported with a module may be called, and not be given away.
void BodyScanner::check_reference(CodeTokens line, size_t at) {
    if (!line[at].is("torch") && !line[at].is("ops")) {
        if (line[at].is("__torch__") &&
            joined(line.subspan(at, std::min<size_t>(5, line.size() - at))) == "__torch__.torch.classes")
            refuse(line[at], "torch-classes", "torch.classes are LibTorch's own objects, which are made from bytes");
        return;
    }
    size_t end = at + 1;
    while (end + 1 < line.size() && line[end].is(".") && line[end + 1].kind == Kind::name) end += 2;
    if (end == line.size() || !line[end].is("("))
        refuse(line[at], "code-call", "expected a call of '{}', found the operator given away",
               joined(line.subspan(at, end - at)));
}

// What stands before an opening bracket decides what is called.
void BodyScanner::check_call(CodeTokens line, size_t open) {
    if (open == 0) return;
    const CodeToken &before = line[open - 1];
    if (before.is(")") || before.is("]") || before.is("}") || before.kind == Kind::text || before.kind == Kind::number)
        return refuse(before, "code-call", "expected the call of a name, found the call of an expression's value");
    if (!is_plain_name(before)) return;  // a group
    size_t first = open - 1;
    while (first >= 2 && line[first - 1].is(".") && line[first - 2].kind == Kind::name) first -= 2;
    if (first == 0 || !line[first - 1].is(".")) return call_by_chain(line, first, open);
    // (RECEIVER).NAME...(: back to the bracket that opens the receiver.
    size_t begin = first - 1;
    int depth = 0;
    while (begin-- > 0) {
        depth += line[begin].is(")") || line[begin].is("]") ? 1 : line[begin].is("(") || line[begin].is("[") ? -1 : 0;
        if (depth == 0) break;
    }
    const bool bracket = begin < line.size() && line[begin].is("(");
    const bool group = bracket && (begin == 0 || !is_plain_name(line[begin - 1]));
    // A call's value as the receiver begins with the call's name.
    while (bracket && !group && begin > 0 && (line[begin - 1].is(".") || is_plain_name(line[begin - 1]))) --begin;
    call_method(bracket ? line.subspan(begin, open - 2 - begin) : CodeTokens(), before);
}

// NAME.NAME...(
void BodyScanner::call_by_chain(CodeTokens line, size_t first, size_t open) {
    const CodeTokens chain = line.subspan(first, open - first);
    const CodeToken &root = chain.front();
    if (root.is("unchecked_cast")) check_cast(line, open);
    if (is_one_of(root.text, kTyped)) check_type(line, open);
    if (chain.size() == 1) return call_bare(root);
    const CodeTokens inside = line.subspan(open + 1, std::min(closing_of(line, open), line.size()) - open - 1);
    if (root.is("torch") && chain.size() == 3)
        return call_operator(root, "aten::" + std::string(chain[2].text), inside);
    if (root.is("ops") && chain.size() == 5)
        return call_operator(root, std::string(chain[2].text) + "::" + std::string(chain[4].text), inside);
    if (root.is("torch") || root.is("ops") || root.is("CONSTANTS"))
        return call_operator(root, joined(chain));  // torch.autograd.grad and its like, in no list
    if (root.is("__torch__")) return call_archive(root, joined(chain));
    call_method(chain.first(chain.size() - 2), chain.back());
}

void BodyScanner::call_bare(const CodeToken &name) {
    if (is_one_of(name.text, kBuiltIns)) {
        if (locals_.has(name.text))
            refuse(name, "code-shadow", "expected the built-in '{}', found a local of this name", name.text);
        return;
    }
    // A long name of a function is printed once, as a local.
    const CodeTokens value = locals_.value_of(name.text);
    if (!value.empty() && value.front().is("__torch__")) return call_archive(name, joined(value));
    if (findings_.full()) return refuse(name, "code-call", "calls {}", name.text);
    if (const std::string_view harm = harm_of("aten::" + std::string(name.text)); !harm.empty())
        return refuse(name, "operator", "calls {}, which {}", name.text, harm);
    refuse(name, "code-call", "expected a call of an operator or of the archive's functions, found '{}'", name.text);
}

void BodyScanner::call_operator(const CodeToken &at, const std::string &name, CodeTokens arguments) {
    count_one();
    ++code_.operators[name];
    if (rules_.allowed(name)) return check_factors(at, name, arguments);
    if (findings_.full()) return refuse(at, "operator", "calls {}", name);  // explaining takes a while
    const std::string_view harm = harm_of(name);
    if (!harm.empty()) return refuse(at, "operator", "calls {}, which {}", name, harm);
    if (!reason_of(name).empty()) return refuse(at, "operator", "calls {}, which this host does not allow", name);
    refuse(at, "operator", "calls {}, which is not on the list of operators that a scored model may use", name);
}

// All that follows the tensor and its sizes is a list, None, or whether corners are aligned.
void BodyScanner::check_factors(const CodeToken &at, const std::string &name, CodeTokens arguments) {
    const auto begins = [&](std::string_view one) { return name.starts_with(one); };
    if (std::none_of(std::begin(kResampling), std::end(kResampling), begins)) return;
    const std::vector<CodeTokens> parts = split_by_commas(arguments);
    const size_t first = name.ends_with("_aa") ? 3 : 2;
    bool lists = parts.size() > first;
    for (size_t i = first; i < parts.size(); ++i) lists = lists && locals_.is_list_or_none(parts[i]);
    for (const CodeTokens part : parts) lists = lists && outside(part, "=") == part.size();  // by name, in any place
    if (!lists)
        refuse(at, "operator", "calls {} by a factor that may be a number, which it believes: expected a list or None",
               name);
}

void BodyScanner::call_archive(const CodeToken &at, std::string name) {
    if (name.starts_with("__torch__.torch.classes"))
        return refuse(at, "torch-classes", "torch.classes are LibTorch's own objects, which are made from bytes");
    if (const auto found = code_.names.find(name); found != code_.names.end()) return call_function(found->second);
    const CodeClass *made = code_.find_class(name);
    if (made && made->kind == CodeClass::Kind::tuple) return;
    if (name.ends_with(".__new__")) {
        name.resize(name.size() - 8);
        made = code_.find_class(name);
        if (made && made->kind == CodeClass::Kind::plain) return;
    }
    refuse(at, "code-call", "expected a function, a NamedTuple or a class that the archive declares, found {}", name);
}

// A method of a class of the archive, or one of a tensor, a list, a dict, a text, which are operators.
void BodyScanner::call_method(CodeTokens receiver, const CodeToken &name) {
    const std::string type = locals_.type_of(receiver);
    if (const CodeClass *of = code_.find_class(type)) {
        const auto found = of->methods.find(name.text);
        if (found != of->methods.end()) return call_function(found->second);
        return refuse(name, "code-call", "expected a method of {}, found '{}'", type, name.text);
    }
    if (code_.method_names.contains(name.text) || name.is("forward"))
        return refuse(name, "code-receiver", "expected '{}' of a module whose class is certain, found of '{}'",
                      name.text, joined(receiver));
    call_operator(name, "aten::" + std::string(name.text));
}

void BodyScanner::call_function(uint32_t callee) { function().calls.push_back({callee, loops_.back()}); }

}  // namespace

void scan_body(const FunctionSource &source, const OperatorRules &rules, ModuleCode &code, ScanFindings &findings) {
    BodyScanner(source, rules, code, findings).scan();
}

}  // namespace weighbridge::lib
