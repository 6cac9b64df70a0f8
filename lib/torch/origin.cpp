// SPDX-License-Identifier: Apache-2.0
#include "origin.hpp"

#include <algorithm>
#include <vector>

namespace weighbridge::torch_plugin {
namespace {

using torch::jit::SourceRange;

// Whose code a line is, best first.
enum class Owner { model, package, tool };

Owner owner_of(const std::string &file) {
    auto has = [&](const char *part) { return file.find(part) != std::string::npos; };
    auto begins = [&](const char *part) { return file.rfind(part, 0) == 0; };
    for (const char *tool : {"torch/", "einops/"})
        if (begins(tool) || has((std::string("-packages/") + tool).c_str())) return Owner::tool;
    if (has("/torch/nn/") || has("/torch/jit/") || has("/torch/functional.py")) return Owner::tool;
    return has("-packages/") || has("/lib/python3") ? Owner::package : Owner::model;
}

std::string base_name(const std::string &path) { return path.substr(path.find_last_of('/') + 1); }

// The best line so far, of lines that come innermost first.
struct Best {
    Owner owner = Owner::tool;
    std::string line;
    void offer(const std::string &file, const std::string &number) {
        const Owner of = owner_of(file);
        if (of >= owner) return;
        owner = of;
        line = base_name(file) + ":" + number;
    }
};

// A traced node's range is a whole Python stack, innermost first: "/path/model.py(12): forward". What called
// torch.jit.trace is no part of the model. False where the range is no such stack.
bool offer_stack(const SourceRange &range, Best &best) {
    if (range.start() != 0 || range.end() != range.source()->size()) return false;
    const std::string text = range.source()->text_str().str();
    bool found = false;
    for (size_t at = 0; at < text.size();) {
        const size_t end = std::min(text.find('\n', at), text.size());
        const std::string line = text.substr(at, end - at);
        at = end + 1;
        const size_t close = line.find("): "), open = line.rfind('(', close);
        if (close == std::string::npos || open == std::string::npos || open == 0) continue;
        const std::string file = line.substr(0, open), number = line.substr(open + 1, close - open - 1);
        if (number.empty() || number.find_first_not_of("0123456789") != std::string::npos) continue;
        found = true;
        if (file.find("torch/jit/_trace.py") != std::string::npos) break;
        best.offer(file, number);
    }
    return found;
}

// The frames of inlined calls, outermost first.
std::vector<torch::jit::InlinedCallStackEntry> frames_of(const torch::jit::Node &node) {
    const auto stack = node.callstack();
    return stack ? (*stack)->vec() : std::vector<torch::jit::InlinedCallStackEntry>();
}

}  // namespace

void Layers::add(const torch::jit::Node &node) {
    if (node.kind() != c10::prim::CallMethod) return;
    std::string path, last;
    const torch::jit::Value *object = node.input(0);
    while (object->node()->kind() == c10::prim::GetAttr) {
        const std::string &name = object->node()->s(c10::attr::name);
        if (last.empty()) last = name;
        path = path.empty() ? name : name + "." + path;
        object = object->node()->input(0);
    }
    const SourceRange range = node.sourceRange();
    if (!last.empty()) layers_.emplace(Place{range.source(), range.start(), range.end(), last}, path);
}

std::string Layers::layer_of(const torch::jit::Node &node) const {
    std::string layer;
    for (const auto &frame : frames_of(node)) {
        const auto &instance = std::get<torch::jit::kModuleInstanceInfo>(frame);
        if (!instance) continue;
        const std::string name = instance->instance_name();
        const SourceRange &range = std::get<1>(frame);
        const auto found = layers_.find(Place{range.source(), range.start(), range.end(), name});
        if (found != layers_.end()) layer += (layer.empty() ? "" : ".") + found->second;
    }
    return layer;
}

std::string line_of(const torch::jit::Node &node) {
    std::vector<SourceRange> ranges{node.sourceRange()};
    const auto frames = frames_of(node);
    for (auto frame = frames.rbegin(); frame != frames.rend(); ++frame) ranges.push_back(std::get<1>(*frame));
    Best best;
    for (const SourceRange &range : ranges) {
        // The Python line, where the module has its debug files; else the line of the code in it.
        const SourceRange written = range.findSourceRangeThatGenerated().value_or(range);
        if (!written.source() || offer_stack(written, best)) continue;
        const auto place = written.file_line_col();
        if (place && !std::get<0>(*place).empty()) best.offer(std::get<0>(*place), std::to_string(std::get<1>(*place)));
    }
    return best.line;
}

}  // namespace weighbridge::torch_plugin
