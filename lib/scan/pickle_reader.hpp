// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>

#include "scan/pickle.hpp"
#include "scan/pickle_types.hpp"

namespace weighbridge::lib {

// The stack machine that a pickle is a program of: values and marks on a stack, and a memo of values.
class PickleReader {
  public:
    PickleReader(const PickleScan &scan, ByteView bytes, const ModuleArchive &archive, const ModuleCode &code,
                 ScanFindings &findings)
        : scan_(scan),
          bytes_(bytes),
          archive_(archive),
          code_(code),
          findings_(findings),
          types_(made_, code, findings) {}

    bool read();
    uint64_t tensors = 0;

  private:
    bool step(uint8_t opcode);
    bool push_number(uint8_t opcode);
    bool push_container(uint8_t opcode);
    bool read_text();
    bool read_global();
    bool memorise(size_t place);
    bool recall(size_t place);
    bool close_mark(size_t &first);
    bool make_tuple(size_t first);
    bool fill(size_t first, PickleValue::Kind kind);
    bool reduce();
    bool reduce_tensor(const PickleValue &arguments);
    bool reduce_list(const PickleValue &arguments, std::string_view type);
    bool reduce_tagged(const PickleValue &arguments);
    bool check_extent(const PickleValue &storage, const PickleValue &arguments);
    bool make_object();
    bool build();
    bool persistent();
    bool finish();

    bool push(PickleValue value);
    bool set_children(PickleValue &value, size_t first);
    PickleValue &top(size_t below = 0) { return made_.values[stack_[stack_.size() - 1 - below]]; }
    bool has(size_t count) {
        const size_t base = marks_.empty() ? 0 : marks_.back();
        return stack_.size() - base >= count ||
               refuse("pickle-form", "expected {} values for an opcode, found {}", count, stack_.size() - base);
    }
    const PickleValue &child(const PickleValue &of, size_t index) const { return made_.child(of, index); }

    // The next bytes as a number; false where the file ends before.
    template <class T>
    bool take(T &out) {
        if (bytes_.size() - at_ < sizeof(T))
            return refuse("pickle-length", "expected {} bytes more, found the end", sizeof(T));
        out = load_unaligned<T>(bytes_.data() + at_);
        at_ += sizeof(T);
        return true;
    }
    bool take_line(std::string_view &out);

    template <class... Values>
    bool refuse(std::string_view rule, TextFormat<Values...> format, const Values &...values) {
        findings_.add(rule, scan_.file, static_cast<int64_t>(opcode_at_), format, values...);
        return false;
    }

    const PickleScan &scan_;
    const ByteView bytes_;
    const ModuleArchive &archive_;
    const ModuleCode &code_;
    ScanFindings &findings_;
    PickleValues made_;
    PickleTypes types_;
    std::vector<uint32_t> stack_;
    std::vector<size_t> marks_;
    std::vector<uint32_t> memo_;
    std::set<const ArchiveEntry *> bools_;      // storages whose bytes were looked at
    std::set<std::string, std::less<>> names_;  // of globals, which values borrow
    size_t at_ = 0, opcode_at_ = 0;
};

// Whether a .py.debug_pkl's tuple has the form that LibTorch reads, with every place within what it counts in.
bool is_debug_form(const PickleValues &values, const PickleValue &root);
// Whether a global that is no class of the archive may stand.
bool is_known_global(std::string_view name);

}  // namespace weighbridge::lib
