// SPDX-License-Identifier: Apache-2.0
#include "scan/module.hpp"

#include "base/json.hpp"
#include "scan/archive.hpp"
#include "scan/code.hpp"
#include "scan/pickle.hpp"

namespace weighbridge::lib {
namespace {

// The stop that findings ask, until the scan ends, however it does: `stop` is the caller's, the report outlives it.
class StopWhile {
  public:
    StopWhile(ScanFindings &findings, const StopSource &stop) : findings_(findings) { findings_.stop = &stop; }
    ~StopWhile() { findings_.stop = nullptr; }
    StopWhile(const StopWhile &) = delete;
    StopWhile &operator=(const StopWhile &) = delete;

  private:
    ScanFindings &findings_;
};

// Code is scanned first: pickles name its classes.
void scan_contents(const ModuleArchive &archive, const ScanLimits &limits, ModuleReport &report) {
    ModuleCode code;
    const bool known = scan_code(archive, limits, OperatorRules(limits), code, report.findings);
    report.classes = code.classes.size();
    report.functions = code.functions.size();
    report.operators.assign(code.operators.begin(), code.operators.end());
    if (!known) return;  // every object would be one of an unknown class
    scan_pickle({"data.pkl", PickleScan::Holds::module}, archive, limits, code, report.tensors, report.findings);
    scan_pickle({"constants.pkl", PickleScan::Holds::constants}, archive, limits, code, report.tensors,
                report.findings);
    for (const ArchiveEntry &entry : archive.entries)
        if (is_debug_entry(entry.name))
            scan_pickle({entry.name, PickleScan::Holds::debug}, archive, limits, code, report.tensors, report.findings);
}

}  // namespace

Expected<CheckedModule> scan_module(ByteView file, const ScanLimits &limits, ModuleReport &report,
                                    const StopSource &stop) {
    report.bytes = file.size();
    auto archive = read_archive(file, limits, report.findings, stop);
    if (!archive && report.findings.none()) return archive.status();
    if (archive) {
        const StopWhile asked(report.findings, stop);
        report.entries = archive->entries.size();
        for (const ArchiveEntry &entry : archive->entries)
            if (is_tensor_entry(entry.name)) report.tensor_bytes += entry.content.size();
        scan_contents(*archive, limits, report);
    }
    if (!report.findings.ending.ok()) return report.findings.ending;
    if (!report.findings.none()) return report.findings.status(report.label);
    return CheckedModule{std::make_shared<const Bytes>(write_archive(*archive))};
}

JsonValue ModuleReport::json() const {
    JsonValue made;
    made["accepted"] = findings.none();
    JsonValue list = JsonValue::array();
    for (const ScanFinding &one : findings.list) {
        JsonValue entry = {{"rule", one.rule}};
        if (!one.file.empty()) entry["file"] = one.file;
        if (one.line > 0) entry["line"] = one.line;
        entry["text"] = one.text;
        list.push_back(std::move(entry));
    }
    made["findings"] = std::move(list);
    made["further_findings"] = findings.more;
    made["bytes"] = bytes;
    made["entries"] = entries;
    made["classes"] = classes;
    made["functions"] = functions;
    made["tensors"] = tensors;
    made["tensor_bytes"] = tensor_bytes;
    JsonValue called = JsonValue::object();
    for (const auto &[name, count] : operators) called.add(name, count);
    made["operators"] = std::move(called);
    return made;
}

}  // namespace weighbridge::lib
