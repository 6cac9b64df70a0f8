// SPDX-License-Identifier: Apache-2.0
// TorchScript files of strangers: whole ones, and the code and the pickle of one.
#include "fuzz/data_inputs.hpp"
#include "fuzz/promise.hpp"
#include "scan/module.hpp"
#include "support/module_archive.hpp"

namespace weighbridge::test {
namespace {

// Classes that a pickle may name, with attributes of every type.
constexpr const char *kMembers =
    "  weight : Tensor\n  names : List[str]\n  table : Dict[str, int]\n  pair : Tuple[int, float]\n"
    "  maybe : Optional[Tensor]\n  inner : Optional[__torch__.Net]\n  any : Any\n";

// A refusal says which rule; what is accepted has a canonical form, which is its own.
bool try_module(lib::ByteView file) {
    lib::ModuleReport report;
    const auto checked = lib::scan_module(file, {}, report);
    promise(checked.ok() == report.findings.none(), "a refusal has a finding");
    for (const lib::ScanFinding &one : report.findings.list) {
        promise(!one.rule.empty() && !one.text.empty(), "a finding with rule and text");
        promise(
            lib::utf8_error(one.text) == std::string_view::npos && lib::utf8_error(one.file) == std::string_view::npos,
            "a finding in UTF-8");
    }
    if (!checked) {
        promise_message(checked.status());
        return false;
    }
    lib::ModuleReport again;
    const auto second = lib::scan_module(*checked->archive, {}, again);
    promise(second.ok() && *second->archive == *checked->archive, "a canonical form that stays");
    return true;
}

}  // namespace

bool try_archive(lib::ByteView bytes) { return try_module(bytes); }

bool try_code(lib::ByteView bytes) {
    ModuleFiles files = module_files();
    files["code/__torch__/more.py"] = std::string(lib::as_text(bytes));
    const lib::Bytes file = module_archive(files);
    const bool taken = try_module(file);
    // A host that allows less takes nothing more.
    lib::ModuleReport report;
    lib::ScanLimits narrow;
    narrow.not_allowed = {"aten::matmul", "prim::data"};
    promise(!lib::scan_module(file, narrow, report) || taken, "a narrower list that refuses");
    return taken;
}

bool try_pickle(lib::ByteView bytes) {
    ModuleFiles files = module_files("Net", kMembers);
    files["data.pkl"] = std::string(lib::as_text(bytes));
    files["data/0"] = std::string(24, '\1');
    return try_module(module_archive(files));
}

}  // namespace weighbridge::test
