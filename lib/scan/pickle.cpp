// SPDX-License-Identifier: Apache-2.0
#include "scan/pickle_reader.hpp"

#include <algorithm>

namespace weighbridge::lib {
namespace {

using Kind = PickleValue::Kind;

constexpr size_t kMostValues = 2'000'000;
constexpr size_t kMostMarks = 2 * kScanDepth;
constexpr size_t kLongestName = 1024;

}  // namespace

bool PickleReader::read() {
    uint16_t head = 0;
    if (!take(head)) return false;
    if (head != 0x0280) return refuse("pickle-form", "expected a pickle of protocol 2, found bytes {:#06x}", head);
    for (size_t steps = 0;;) {
        opcode_at_ = at_;
        uint8_t opcode = 0;
        if (!take(opcode)) return false;
        if (++steps % 256 == 0 && findings_.ended()) return false;
        if (opcode == '.') return finish();
        if (!step(opcode)) return false;
    }
}

bool PickleReader::step(uint8_t opcode) {
    uint8_t small = 0;
    uint32_t large = 0;
    size_t first = 0;
    switch (opcode) {
        case 'q':
            return take(small) && memorise(small);
        case 'r':
            return take(large) && memorise(large);
        case 'h':
            return take(small) && recall(small);
        case 'j':
            return take(large) && recall(large);
        case 'X':
            return read_text();
        case 'c':
            return read_global();
        case '(':
            if (marks_.size() == kMostMarks)
                return refuse("pickle-depth", "expected at most {} open marks", kMostMarks);
            marks_.push_back(stack_.size());
            return true;
        case 't':
            return close_mark(first) && make_tuple(first);
        case 0x85:
        case 0x86:
        case 0x87:
            return has(opcode - 0x84u) && make_tuple(stack_.size() - (opcode - 0x84u));
        case 'e':
            return close_mark(first) && fill(first, Kind::list);
        case 'u':
            return close_mark(first) && fill(first, Kind::dict);
        case 'R':
            return reduce();
        case 0x81:
            return make_object();
        case 'b':
            return build();
        case 'Q':
            return persistent();
        default:
            return push_number(opcode);
    }
}

// Numbers and constants.
bool PickleReader::push_number(uint8_t opcode) {
    PickleValue value;
    value.kind = Kind::integer;
    uint8_t byte = 0;
    uint16_t word = 0;
    int32_t number = 0;
    switch (opcode) {
        case 'N':
            value.kind = Kind::none;
            return push(value);
        case 0x88:
        case 0x89:
            value.kind = Kind::boolean;
            return push(value);
        case 'K':
            if (!take(byte)) return false;
            value.integer = byte;
            return push(value);
        case 'M':
            if (!take(word)) return false;
            value.integer = word;
            return push(value);
        case 'J':
            if (!take(number)) return false;
            value.integer = number;
            return push(value);
        case 0x8A:
            if (!take(byte)) return false;
            if (byte != 8) return refuse("pickle-form", "expected a long number of 8 bytes, found {}", byte);
            return take(value.integer) && push(value);
        case 'G':
            value.kind = Kind::real;
            return take(value.integer) && push(value);
        default:
            return push_container(opcode);
    }
}

bool PickleReader::push_container(uint8_t opcode) {
    PickleValue value;
    value.open = opcode != ')';
    value.kind = opcode == ')' ? Kind::tuple : opcode == ']' ? Kind::list : Kind::dict;
    if (opcode == ')' || opcode == ']' || opcode == '}') return push(value);
    return refuse("pickle-opcode", "expected an opcode that torch.jit.save writes, found {:#04x}", opcode);
}

bool PickleReader::push(PickleValue value) {
    if (made_.values.size() == kMostValues)
        return refuse("pickle-size", "expected at most {} values, found more", kMostValues);
    stack_.push_back(static_cast<uint32_t>(made_.values.size()));
    made_.values.push_back(value);
    return true;
}

bool PickleReader::read_text() {
    uint32_t size = 0;
    if (!take(size)) return false;
    if (size > bytes_.size() - at_)
        return refuse("pickle-length", "expected a text within the file, found {} bytes with {} left", size,
                      bytes_.size() - at_);
    PickleValue value;
    value.kind = Kind::text;
    value.text = as_text(bytes_.subspan(at_, size));
    at_ += size;
    return push(value);
}

bool PickleReader::take_line(std::string_view &out) {
    const std::string_view rest = as_text(bytes_.subspan(at_));
    const size_t end = rest.substr(0, kLongestName).find('\n');
    if (end == rest.npos)
        return refuse("pickle-length", "expected a name of at most {} bytes and its end", kLongestName);
    out = rest.substr(0, end);
    at_ += end + 1;
    return true;
}

bool PickleReader::read_global() {
    std::string_view module, name;
    if (!take_line(module) || !take_line(name)) return false;
    PickleValue value;
    value.kind = Kind::global;
    value.text = *names_.insert(std::string(module) + "." + std::string(name)).first;
    const bool known = code_.find_class(value.text) || is_known_global(value.text);
    if (!known || name.find('.') != name.npos)  // LibTorch takes module and name apart where we do
        return refuse("pickle-global", "expected a class of the archive or what torch.jit.save writes, found '{}'",
                      value.text);
    return push(value);
}

bool PickleReader::memorise(size_t place) {
    if (!has(1)) return false;
    // LibTorch has a number in an object's place until it has its state.
    if (top().kind == Kind::object && top().open)
        return refuse("pickle-form", "expected an object with its state in the memo, found it without");
    if (place > memo_.size())
        return refuse("pickle-form", "expected memo place {} at most, found {}", memo_.size(), place);
    if (place == memo_.size())
        memo_.push_back(stack_.back());
    else
        memo_[place] = stack_.back();
    return true;
}

// What is not filled yet would hold itself.
bool PickleReader::recall(size_t place) {
    if (place >= memo_.size() || made_.values[memo_[place]].open)
        return refuse("pickle-form", "expected a finished value in memo place {}, found none", place);
    stack_.push_back(memo_[place]);
    return stack_.size() <= kMostValues || refuse("pickle-size", "expected at most {} values, found more", kMostValues);
}

bool PickleReader::close_mark(size_t &first) {
    if (marks_.empty()) return refuse("pickle-form", "expected a mark before {} values, found none", stack_.size());
    first = marks_.back();
    marks_.pop_back();
    return true;
}

// Moves the stack from `first` on into the value's children.
bool PickleReader::set_children(PickleValue &value, size_t first) {
    value.first = made_.children.size();
    value.count = static_cast<uint32_t>(stack_.size() - first);
    for (size_t i = first; i < stack_.size(); ++i) {
        PickleValue &one = made_.values[stack_[i]];
        if (one.open && one.kind == Kind::object)
            return refuse("pickle-form", "expected an object with its state, found it without");
        one.open = false;
        value.depth = std::max<uint8_t>(value.depth, static_cast<uint8_t>(one.depth + 1));
        made_.children.push_back(stack_[i]);
    }
    stack_.resize(first);
    if (made_.children.size() > 2 * kMostValues)
        return refuse("pickle-size", "expected at most {} values, found more", kMostValues);
    return value.depth <= kScanDepth ||
           refuse("pickle-depth", "expected values at most {} deep in each other, found more", kScanDepth);
}

bool PickleReader::make_tuple(size_t first) {
    PickleValue value;
    value.kind = Kind::tuple;
    return set_children(value, first) && push(value);
}

// What stands from `first` on goes into the container below it, once.
bool PickleReader::fill(size_t first, Kind kind) {
    const size_t base = marks_.empty() ? 0 : marks_.back();
    if (first <= base || made_.values[stack_[first - 1]].kind != kind || !made_.values[stack_[first - 1]].open)
        return refuse("pickle-form", "expected a new list or dict below what goes into it, found another value");
    if (kind == Kind::dict && (stack_.size() - first) % 2 != 0)
        return refuse("pickle-form", "expected keys with values, found a key without one");
    PickleValue filled = made_.values[stack_[first - 1]];
    if (!set_children(filled, first)) return false;
    filled.open = false;
    top() = filled;
    if (kind != Kind::dict) return true;
    for (size_t i = 0; i < filled.count; i += 2)
        if (const Kind key = child(filled, i).kind; key != Kind::text && key != Kind::integer && key != Kind::real &&
                                                    key != Kind::boolean && key != Kind::tensor)
            return refuse("pickle-form", "expected a text or a number as a key, found {}", described(child(filled, i)));
    return true;
}

bool PickleReader::finish() {
    if (at_ != bytes_.size())
        return refuse("pickle-form", "expected the file's end behind the value, found {} bytes", bytes_.size() - at_);
    if (stack_.size() != 1 || !marks_.empty())
        return refuse("pickle-form", "expected one value at the end, found {}", stack_.size());
    const PickleValue &value = top();
    const CodeClass *of = value.kind == Kind::object && !value.open ? code_.find_class(value.text) : nullptr;
    if (scan_.holds == PickleScan::Holds::module)
        return (of && of->kind == CodeClass::Kind::module) ||
               refuse("pickle-form", "expected a module, found {}", described(value));
    if (value.kind != Kind::tuple) return refuse("pickle-form", "expected a tuple, found {}", described(value));
    return scan_.holds == PickleScan::Holds::constants || is_debug_form(made_, value) ||
           refuse("debug-form", "expected source lines of the code, found others");
}

std::string described(const PickleValue &value) {
    switch (value.kind) {
        case Kind::none:
            return "None";
        case Kind::boolean:
            return "a bool";
        case Kind::integer:
            return "an int";
        case Kind::real:
            return "a float";
        case Kind::complex:
            return "a complex number";
        case Kind::text:
            return formatted("the text '{:.64}'", value.text);
        case Kind::tuple:
            return formatted("a tuple of {}", value.count);
        case Kind::list:
            return formatted("a list of {}", value.count);
        case Kind::dict:
            return formatted("a dict of {}", value.count / 2);
        case Kind::global:
            return formatted("the global {}", value.text);
        case Kind::object:
            return formatted("an object of {}", value.text);
        case Kind::storage:
            return "a storage";
        case Kind::tensor:
            return "a tensor";
        case Kind::device:
            return "a device";
        default:
            return formatted("a value of {}", value.text);
    }
}

bool scan_pickle(const PickleScan &scan, const ModuleArchive &archive, const ScanLimits &limits, const ModuleCode &code,
                 uint64_t &tensors, ScanFindings &findings) {
    const ArchiveEntry &entry = *archive.find(scan.file);
    if (entry.content.size() > limits.pickle_bytes) {
        findings.add("pickle-size", scan.file, 0, "expected at most {} bytes, found {}", limits.pickle_bytes,
                     entry.content.size());
        return false;
    }
    PickleReader reader(scan, entry.content, archive, code, findings);
    const bool accepted = reader.read();
    tensors += reader.tensors;
    return accepted;
}

}  // namespace weighbridge::lib
