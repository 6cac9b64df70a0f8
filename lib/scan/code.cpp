// SPDX-License-Identifier: Apache-2.0
#include "scan/code.hpp"

#include <deque>

#include "scan/body.hpp"
#include "scan/mentions.hpp"
#include "scan/saturating.hpp"

namespace weighbridge::lib {
namespace {

// Each level is one of the compiler's recursion while it loads a module.
constexpr uint64_t kMostCallDepth = 256;

// What a function comes to when all that it calls is put in its place, as LibTorch does before it runs one: found
// depth first, without recursion.
class CallFanOut {
  public:
    CallFanOut(const ScanLimits &limits, const ModuleCode &code, ScanFindings &findings)
        : limits_(limits), code_(code), findings_(findings), costs_(code.functions.size()) {}

    void check() {
        for (uint32_t i = 0; i < code_.functions.size(); ++i)
            if (costs_[i].state == Cost::State::unknown) visit(i);
    }

  private:
    struct Cost {
        enum class State : uint8_t { unknown, open, known };
        State state = State::unknown;
        uint64_t inlined = 0, looped = 0;
        uint64_t depth = 1;  // of calls in each other
    };
    struct Step {
        uint32_t function;
        size_t next_call;
    };

    void visit(uint32_t first);
    void enter(uint32_t function);
    void leave(uint32_t function);
    void tell(const CodeFunction &function, std::string_view rule, std::string_view what, uint64_t most);

    const ScanLimits &limits_;
    const ModuleCode &code_;
    ScanFindings &findings_;
    std::vector<Cost> costs_;
    std::vector<Step> stack_;
};

void CallFanOut::enter(uint32_t function) {
    costs_[function] = {Cost::State::open, code_.functions[function].operators, code_.functions[function].looped};
    stack_.push_back({function, 0});
}

void CallFanOut::visit(uint32_t first) {
    enter(first);
    while (!stack_.empty()) {
        Step &step = stack_.back();
        const CodeFunction &function = code_.functions[step.function];
        if (step.next_call == function.calls.size()) {
            leave(step.function);
            continue;
        }
        const CodeFunction::CodeCall call = function.calls[step.next_call];
        Cost &callee = costs_[call.callee];
        if (callee.state == Cost::State::unknown) {
            enter(call.callee);
            continue;
        }
        ++step.next_call;
        if (callee.state == Cost::State::open) {
            findings_.add("code-recursion", function.file, function.line, "'{}' calls itself, by way of '{}'",
                          function.name, code_.functions[call.callee].name);
            continue;
        }
        Cost &cost = costs_[step.function];
        cost.depth = std::max(cost.depth, callee.depth + 1);
        cost.inlined = saturating_sum(cost.inlined, callee.inlined);
        cost.looped = saturating_sum(cost.looped, saturating_product(call.times, callee.looped));
    }
}

// Who is beyond a limit is told, and does not count for its callers.
void CallFanOut::leave(uint32_t function) {
    stack_.pop_back();
    Cost &cost = costs_[function];
    cost.state = Cost::State::known;
    const CodeFunction &of = code_.functions[function];
    if (cost.inlined > limits_.inlined_calls)
        tell(of, "code-fan-out", "calls with all that they call", limits_.inlined_calls);
    else if (cost.looped > limits_.looped_calls)
        tell(of, "code-loop", "calls in loops of a stated count", limits_.looped_calls);
    else if (cost.depth > kMostCallDepth)
        tell(of, "code-nesting", "calls in each other", kMostCallDepth);
    else
        return;
    cost.inlined = cost.looped = cost.depth = 1;
}

void CallFanOut::tell(const CodeFunction &function, std::string_view rule, std::string_view what, uint64_t most) {
    findings_.add(rule, function.file, function.line, "expected '{}' to come to at most {} {}, found more",
                  function.name, most, what);
}

}  // namespace

bool scan_code(const ModuleArchive &archive, const ScanLimits &limits, const OperatorRules &rules, ModuleCode &code,
               ScanFindings &findings) {
    std::deque<std::vector<CodeToken>> tokens;  // what the sources point into
    std::vector<FunctionSource> sources;
    uint64_t bytes = 0;
    for (const ArchiveEntry &entry : archive.entries) {
        if (!is_code_entry(entry.name)) continue;
        bytes += entry.content.size();
        if (bytes > limits.code_bytes) {
            findings.add("code-size", entry.name, 0, "expected at most {} bytes of code in all, found more",
                         limits.code_bytes);
            return false;
        }
        std::vector<CodeToken> &of = tokens.emplace_back();
        if (read_tokens(entry.name, as_text(entry.content), of, findings))
            read_declarations(entry.name, of, code, sources, findings);
    }
    if (findings.ended() || !findings.none()) return false;  // what is called cannot be known
    for (const FunctionSource &source : sources) scan_body(source, rules, code, findings);
    CallFanOut(limits, code, findings).check();
    check_mentions(code, sources, findings);
    return true;
}

}  // namespace weighbridge::lib
