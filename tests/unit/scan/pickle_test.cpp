// SPDX-License-Identifier: Apache-2.0
#include "scan/pickle.hpp"

#include <sys/resource.h>

#include <fstream>
#include <new>

#include "scan/types.hpp"
#include "support/child.hpp"
#include "support/sanitized.hpp"
#include "unit/scan/scan_support.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;
using namespace std::string_literals;

namespace {

std::string text(const std::string &value) {
    std::string made = "X";
    const auto size = static_cast<uint32_t>(value.size());
    made.append(reinterpret_cast<const char *>(&size), 4);
    return made + value;
}
std::string number(int value) { return "K" + std::string(1, static_cast<char>(value)); }
std::string number64(int64_t value) { return "\x8A\x08"s + std::string(reinterpret_cast<const char *>(&value), 8); }
std::string tuple(const std::string &values) { return "(" + values + "t"; }
std::string storage(const std::string &type, const std::string &key, int64_t elements) {
    return tuple(text("storage") + "ctorch\n" + type + "\n" + text(key) + text("cpu") + number64(elements)) + "Q";
}
// Storage, offset, sizes and strides.
std::string tensor(const std::string &stored, int64_t offset, const std::string &sizes, const std::string &strides) {
    return "ctorch._utils\n_rebuild_tensor_v2\n" +
           tuple(stored + number64(offset) + tuple(sizes) + tuple(strides) + "\x89" + "ccollections\nOrderedDict\n)R") +
           "R";
}
const std::string kTensor = tensor(storage("FloatStorage", "0", 6), 0, number(2) + number(3), number(3) + number(1));

// A module with one attribute of the type, and its pickle with this value there.
ModuleFiles with_attribute(const std::string &type, const std::string &value) {
    ModuleFiles files = module_files("Net", "  held : " + type + "\n");
    files["data.pkl"] =
        "\x80\x02"s + "c__torch__\nNet\n)\x81}(" + text("training") + "\x89" + text("held") + value + "ub.";
    files["data/0"] = std::string(24, '\1');
    files["code/__torch__/more.py"] =
        "class Inner(Module):\n  n : int\nclass Other(Module):\n  n : int\n"
        "class Pair(NamedTuple):\n  a : Tensor\n  b : int\n"
        "class Colour(Enum):\n  red = 1\n";
    return files;
}
std::string rule_of(const std::string &type, const std::string &value) {
    return broken_rule(module_archive(with_attribute(type, value)));
}
std::string rule_of_pickle(const std::string &pickle) {
    ModuleFiles files = module_files();
    files["data.pkl"] = pickle;
    return broken_rule(module_archive(files));
}
std::string rule_of_constants(const std::string &pickle, const std::string &stored = std::string(24, '\1')) {
    ModuleFiles files = module_files();
    files["constants.pkl"] = "\x80\x02" + pickle + ".";
    if (!stored.empty()) files["constants/0"] = stored;
    return broken_rule(module_archive(files));
}
std::string rule_of_debug(const std::string &records) {
    ModuleFiles files = module_files();
    files["code/__torch__.py.debug_pkl"] = "\x80\x02" + tuple(records) + ".";
    return broken_rule(module_archive(files));
}

}  // namespace

TEST_CASE("values of each type that a module may hold are accepted", "[scan]") {
    CHECK(rule_of("Tensor", kTensor) == "");
    CHECK(rule_of("Optional[Tensor]", "N") == "");
    CHECK(rule_of("int", number64(-5)) == "");
    CHECK(rule_of("float", "G\0\0\0\0\0\0\0\0"s) == "");
    CHECK(rule_of("str", text("a")) == "");
    CHECK(rule_of("bool", "\x88") == "");
    CHECK(rule_of("Device", "ctorch\ndevice\n" + text("cpu") + "\x85R") == "");
    CHECK(rule_of("complex", "cbuiltins\ncomplex\nG\0\0\0\0\0\0\0\0G\0\0\0\0\0\0\0\0\x86R"s) == "");
    CHECK(rule_of("List[int]", "ctorch.jit._pickle\nbuild_intlist\n(](" + number(1) + number(2) + "etR") == "");
    CHECK(rule_of("List[Tensor]", "ctorch.jit._pickle\nbuild_tensorlist\n(](" + kTensor + "etR") == "");
    const std::string dict = "}(" + text("a") + number(1) + "u";
    CHECK(rule_of("Dict[str, int]", "ctorch.jit._pickle\nrestore_type_tag\n(" + dict + text("Dict[str, int]") + "tR") ==
          "");
    CHECK(rule_of("Tuple[int, Tensor]", number(1) + kTensor + "\x86") == "");
    CHECK(rule_of("__torch__.more.Inner", "c__torch__.more\nInner\n)\x81}(" + text("n") + number(1) + "ub") == "");
    CHECK(rule_of("__torch__.more.Colour", "c__torch__.more\nColour\n" + number(1) + "R") == "");
    CHECK(rule_of("__torch__.more.Pair", kTensor + number(1) + "\x86") == "");
    CHECK(rule_of_constants(tuple(kTensor + text("b"))) == "");
}

TEST_CASE("an Enum has its values alone, a NamedTuple its fields' types", "[scan]") {
    const std::string colour = "c__torch__.more\nColour\n";
    CHECK(rule_of("__torch__.more.Colour", colour + number(1) + "\x85R") != "");  // its value, in no tuple
    CHECK(rule_of("__torch__.more.Colour", colour + number(1) + "R") == "");
    CHECK(rule_of("__torch__.more.Colour", colour + number(2) + "R") == "pickle-form");
    CHECK(rule_of("__torch__.more.Colour", colour + text("1") + "R") == "pickle-form");
    CHECK(rule_of("__torch__.more.Pair", kTensor + number(1) + "\x86") == "");
    CHECK(rule_of("__torch__.more.Pair", number(1) + kTensor + "\x86") == "pickle-type");
    CHECK(rule_of("__torch__.more.Pair", kTensor + text("b") + "\x86") == "pickle-type");
}

TEST_CASE("lengths within the file, protocol 2, known opcodes", "[scan]") {
    CHECK(rule_of_pickle("") == "pickle-length");
    CHECK(rule_of_pickle("\x80\x03.") == "pickle-form");
    CHECK(rule_of_pickle("\x80\x02") == "pickle-length");
    CHECK(rule_of("str", "X\xFF\xFF\xFF\xBF"s) == "pickle-length");
    CHECK(rule_of("str", "X\x05\0\0"s) != "");
    CHECK(rule_of("int", "\x8A\x07"s + std::string(7, '\0')) == "pickle-form");
    CHECK(rule_of("int", "\x8B\x08\0\0\0"s) == "pickle-opcode");
    for (const char *opcode :
         {"i", "o", "P", "0", "2", "S", "V", "L", "I", "F", "U", "d", "l", "a", "s", "\x82", "\x8C", "\x95", "\x92"})
        CHECK(rule_of("int", number(1) + opcode) == "pickle-opcode");
    CHECK(rule_of("int", number(1) + number(2)) != "");
    CHECK(rule_of_pickle("\x80\x02)." + std::string("more")) == "pickle-form");
    CHECK(rule_of_pickle("\x80\x02)()." + std::string()) != "");
    CHECK(rule_of_pickle("\x80\x02t.") == "pickle-form");
    CHECK(rule_of_pickle("\x80\x02\x85.") == "pickle-form");
    CHECK(rule_of_pickle("\x80\x02).") == "pickle-form");  // no module
    CHECK(rule_of_constants("K\1") == "pickle-form");      // no tuple
    CHECK(rule_of("int", "h\x10") == "pickle-form");
    CHECK(rule_of("int", number(1) + "r\xFF\xFF\xFF\x7F") == "pickle-form");
    CHECK(rule_of("int", "c" + std::string(5000, 'a')) == "pickle-length");
}

TEST_CASE("globals are classes of the archive, or what torch.jit.save calls", "[scan]") {
    for (const char *global :
         {"cos\nsystem\n", "cbuiltins\neval\n", "c__torch__\nOther\n", "ctorch\nload\n",
          "ctorch._utils\n_rebuild_qtensor\n", "ctorch._utils\n_rebuild_sparse_tensor\n", "c__main__\nTensorID\n",
          "ctorch._tensor\n_rebuild_from_type_v2\n", "ctorch.distributed.rpc\nrref\n", "ctorch\nQInt8Storage\n",
          "c__torch__.torch.classes.quantized\nLinearPackedParamsBase\n"})
        CHECK(rule_of("int", std::string(global) + ")R") == "pickle-global");
    CHECK(rule_of("int", number(3) + ")R") == "pickle-form");  // a call by a number, which LibTorch would make
    CHECK(rule_of("int", "c__torch__.more\nInner\n)R") == "pickle-form");
    CHECK(rule_of("int", "c__torch__.more\nPair\n)\x81") == "pickle-form");
}

TEST_CASE("containers nest 64 deep at most and never hold themselves", "[scan]") {
    std::string deep = "N";
    for (int i = 0; i < 65; ++i) deep += "\x85";
    CHECK(rule_of("Any", deep) == "pickle-depth");
    std::string bomb = "N";
    for (int i = 0; i < 300'000; ++i) bomb += "\x85";
    CHECK(rule_of("Any", bomb) == "pickle-depth");
    CHECK(rule_of("Any", std::string(200, '(')) == "pickle-depth");
    CHECK(rule_of("Any", "]q\0(h\0e"s) == "pickle-form");
    CHECK(rule_of("Any", "]q\0\x85h\0(K\1e"s) == "pickle-form");
    CHECK(rule_of("Any", "](K\1e(K\2e") == "pickle-form");  // filled twice
    CHECK(rule_of("Any", "}(K\1u") == "pickle-form");
    CHECK(rule_of("Any", "}()K\1u") == "pickle-form");
}

TEST_CASE("tensors lie within their storage, and that within the archive", "[scan]") {
    const auto of = [](int64_t elements, int64_t offset, const std::string &sizes, const std::string &strides) {
        return rule_of("Tensor", tensor(storage("FloatStorage", "0", elements), offset, sizes, strides));
    };
    CHECK(of(6, 0, number(6), number(1)) == "");
    CHECK(of(6, 5, number(1), number(1)) == "");
    CHECK(of(6, 0, "", "") == "");
    CHECK(of(6, 0, number(0), number(1)) == "");
    CHECK(of(6, 6, number(1), number(1)) == "tensor-extent");
    CHECK(of(6, 0, number(7), number(1)) == "tensor-extent");
    CHECK(of(6, 0, number(2), number(6)) == "tensor-extent");
    CHECK(of(6, -1, number(1), number(1)) == "tensor-extent");
    CHECK(of(6, 0, number64(-1), number(1)) == "tensor-extent");
    CHECK(of(6, 0, number(2), number64(-1)) == "tensor-extent");
    CHECK(of(6, 0, number64(INT64_MAX) + number(4), number(0) + number(0)) == "tensor-extent");
    CHECK(of(6, 0, number(3), number64(INT64_MAX)) == "tensor-extent");
    CHECK(of(6, 0, number(3), number(1) + number(1)) == "tensor-extent");
    CHECK(of(7, 0, number(6), number(1)) == "tensor-storage");
    CHECK(of(5, 0, number(5), number(1)) == "tensor-storage");
    CHECK(of(int64_t{1} << 62, 0, number(5), number(1)) == "tensor-storage");
    CHECK(rule_of("Tensor", tensor(storage("DoubleStorage", "0", 6), 0, number(1), number(1))) == "tensor-storage");
    CHECK(rule_of("Tensor", tensor(storage("FloatStorage", "1", 6), 0, number(1), number(1))) == "tensor-storage");
    CHECK(rule_of("Tensor", tensor(storage("FloatStorage", "../x", 6), 0, number(1), number(1))) == "tensor-storage");
    CHECK(rule_of("Tensor", tensor(number(1), 0, number(1), number(1))) == "pickle-form");
    ModuleFiles bools = with_attribute("Tensor", tensor(storage("BoolStorage", "0", 24), 0, number(24), number(1)));
    CHECK(broken_rule(module_archive(bools)) == "");
    bools["data/0"][23] = '\2';
    CHECK(broken_rule(module_archive(bools)) == "tensor-storage");
}

TEST_CASE("an object has its class's attributes, each of its type", "[scan]") {
    const std::string inner = "c__torch__.more\nInner\n)\x81}(" + text("n") + number(1) + "ub";
    CHECK(rule_of("int", kTensor) == "pickle-type");
    CHECK(rule_of("Tensor", number(1)) == "pickle-type");
    CHECK(rule_of("__torch__.more.Other", inner) == "pickle-type");
    CHECK(rule_of("__torch__.more.Unknown", inner) == "pickle-type");
    CHECK(rule_of("List[int]", "](" + text("a") + "e") == "pickle-type");
    CHECK(rule_of("Tuple[int, int]", number(1) + "\x85") == "pickle-type");
    CHECK(rule_of("List[int]", "ctorch.jit._pickle\nbuild_intlist\n(](" + text("a") + "etR") == "pickle-type");
    CHECK(rule_of("List[int]", "ctorch.jit._pickle\nrestore_type_tag\n(](" + number(1) + "e" + text("List[Tensor]") +
                                   "tR") == "pickle-type");
    std::string nested;
    for (int i = 0; i < 5000; ++i) nested += "List[";
    CHECK(rule_of("Any", "ctorch.jit._pickle\nrestore_type_tag\n(]" + text(nested) + "tR") == "pickle-type");
    CHECK(rule_of("int", number(1) + text("more") + number(1)) == "pickle-attribute");
    CHECK(rule_of("int", number(1) + text("held") + number(1)) == "pickle-attribute");
    CHECK(rule_of_pickle("\x80\x02"s + "c__torch__\nNet\n)\x81}b.") == "pickle-attribute");
    CHECK(rule_of_pickle("\x80\x02"s + "c__torch__\nNet\n)\x81.") == "pickle-form");
    CHECK(rule_of_pickle("\x80\x02"s + "c__torch__\nNet\n)\x81)b.") == "pickle-form");
    CHECK(rule_of("Any", "c__torch__.more\nInner\n)\x81") == "pickle-form");  // without its state
}

TEST_CASE("a list or a dict has one type for all that hold it", "[scan]") {
    // Two attributes of these types, the second of what stands in memo place 9.
    const auto twice = [](const std::string &first, const std::string &second, const std::string &value) {
        ModuleFiles files = module_files("Net", "  a : " + first + "\n  b : " + second + "\n");
        std::string memo;  // places come in order
        for (int i = 0; i < 9; ++i) memo += "q" + std::string(1, static_cast<char>(i));
        files["data.pkl"] = "\x80\x02"s + "c__torch__\nNet\n" + memo + ")\x81}(" + text("training") + "\x89" +
                            text("a") + value + "q\x09" + text("b") + "h\x09ub.";
        return broken_rule(module_archive(files));
    };
    const auto tagged = [](const std::string &value, const std::string &type) {
        return "ctorch.jit._pickle\nrestore_type_tag\n(" + value + text(type) + "tR";
    };
    CHECK(twice("List[int]", "List[int]", "](e") == "");
    CHECK(twice("List[int]", "Optional[List[int]]", "](e") == "");
    CHECK(twice("List[int]", "List[str]", "](e") == "pickle-type");
    CHECK(twice("List[int]", "List[Tensor]", "](K\1e") == "pickle-type");
    CHECK(twice("List[number]", "List[int]", "](K\1e") == "pickle-type");
    CHECK(twice("List[Optional[Tensor]]", "List[Optional[int]]", "](Ne") == "pickle-type");
    CHECK(twice("Dict[str, int]", "Dict[str, Tensor]", "}(u") == "pickle-type");
    CHECK(twice("Dict[str, int]", "Dict[str, int]", "}(u") == "");
    CHECK(twice("Tuple[List[int], int]", "Tuple[List[str], int]", "]K\1\x86t") != "");
    CHECK(twice("Tuple[List[int], int]", "Tuple[List[str], int]", "]K\1\x86") == "pickle-type");
    CHECK(twice("List[List[int]]", "List[List[str]]", "](e") == "pickle-type");
    CHECK(twice("List[List[int]]", "Any", "](]e") == "pickle-type");
    CHECK(twice("Any", "List[int]", "](e") == "pickle-type");
    CHECK(twice("Any", "Any", "](]}e") == "");
    CHECK(twice("Any", "Tuple[List[int], int]", "]K\1\x86") == "pickle-type");
    CHECK(twice("Any", "List[int]", tagged("]", "List[int]")) == "");
    CHECK(twice("Any", "List[str]", tagged("]", "List[int]")) == "pickle-type");
    CHECK(twice("List[str]", "List[str]", tagged("]", "List[int]")) == "pickle-type");
    CHECK(twice("List[int]", "List[int]", tagged(tagged("]", "List[int]"), "List[str]")) == "pickle-type");
    CHECK(twice("Union[List[int], List[str]]", "List[str]", tagged("]", "List[str]")) == "");
    CHECK(twice("Union[Tuple[List[int], str], Tuple[List[str], int]]", "Tuple[List[str], int]", "]K\1\x86") == "");
    CHECK(rule_of("Union[int, str]", "N") == "pickle-type");
    CHECK(rule_of("Any", "ctorch\nFloatStorage\n\x85") == "pickle-type");  // a number to LibTorch
}

TEST_CASE("what LibTorch reads otherwise is refused", "[scan]") {
    // It has a class's number in an object's memo place until the object has its state.
    CHECK(rule_of("__torch__.more.Inner", "c__torch__.more\nInner\n)\x81q\0}("s + text("n") + number(1) + "ub") ==
          "pickle-form");
    // It takes module and name apart.
    CHECK(rule_of("List[int]", "ctorch\njit._pickle.build_intlist\n(](" + number(1) + "etR") == "pickle-global");
    CHECK(rule_of("__torch__.more.Inner", "c__torch__\nmore.Inner\n)\x81}(" + text("n") + number(1) + "ub") ==
          "pickle-global");
    // An Enum's values have escapes in code, and lie side by side.
    ModuleFiles files = with_attribute("__torch__.more.Colour", "c__torch__.more\nColour\n" + text("\\x41") + "R");
    files["code/__torch__/more.py"] = "class Colour(Enum):\n  red = \"\\x41\"\n";
    CHECK(broken_rule(module_archive(files)) == "pickle-form");
    files = with_attribute("__torch__.more.Colour", "c__torch__.more\nColour\n" + text("a\"\"b") + "R");
    files["code/__torch__/more.py"] = "class Colour(Enum):\n  red = \"a\" \"b\"\n";
    CHECK(broken_rule(module_archive(files)) == "pickle-form");
    files = with_attribute("__torch__.more.Colour", "c__torch__.more\nColour\n" + text("a b") + "R");
    files["code/__torch__/more.py"] = "class Colour(Enum):\n  red = \"a b\"\n";
    CHECK(broken_rule(module_archive(files)) == "");
    // Code below another root would be a class to the scan, and a global of its own to LibTorch.
    files = module_files();
    files["code/torch/_utils.py"] = "class _rebuild_tensor_v2(Enum):\n  a = 1\n";
    CHECK(broken_rule(module_archive(files)) == "entry-name");
    files = module_files();
    files["code/__torch__x.py"] = "def f(x: int) -> int:\n  return x\n";
    CHECK(broken_rule(module_archive(files)) == "entry-name");
}

TEST_CASE("types of many letters are not taken apart for ever", "[scan]") {
    std::string type = "List[Optional[Tuple[";
    for (int i = 0; i < 600; ++i) type += "int, ";
    type += "int]]]";
    std::string list = "](";
    for (int i = 0; i < 300'000; ++i) list += "N";
    CHECK(rule_of("Any", list + "e") == "");
    CHECK(rule_of(type, list + "e") == "pickle-type");
}

TEST_CASE("many small lists take no more memory than their places do", "[scan]") {
    if (kSanitized) {
        WARN("not run under sanitizers, which map memory of their own");
        return;
    }
    std::string type = "Tuple[";
    for (int i = 0; i < 700; ++i) type += "int, ";
    std::string lists = "](";
    for (int i = 0; i < 150'000; ++i) lists += "]";
    const Bytes file = module_archive(with_attribute("List[List[" + type + "int]]]", lists + "e"));
    CHECK(file.size() < 300'000);
    // 0: accepted within 32 MB more than what is mapped; 400 MB were 2,800 letters for each list.
    CHECK(in_child([&] {
              uint64_t pages = 0;
              std::ifstream("/proc/self/statm") >> pages;
              const rlim_t most = pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE)) + (32 << 20);
              const rlimit limit{most, most};
              setrlimit(RLIMIT_AS, &limit);
              try {
                  ModuleReport report;
                  return scan_module(file, {}, report).ok() ? 0 : 1;
              } catch (const std::bad_alloc &) {
                  return 2;
              }
          }) == 0);
}

TEST_CASE("source lines point into their texts", "[scan]") {
    const auto range = [](const std::string &source, int start, int end) {
        return tuple(number(0) + tuple(source + number(start) + number(end)) + number(1));
    };
    const auto tabled = [&](int place, int start, int end) {
        const std::string texts = "ctorch.jit._pickle\nbuild_intlist\n(](" + number(place) + "etR";
        return text("FORMAT_WITH_STRING_TABLE") + tuple(text("line") + text("model.py")) +
               tuple(range(tuple(texts + number(1) + number(0)), start, end));
    };
    CHECK(rule_of_debug(tabled(0, 0, 4)) == "");
    CHECK(rule_of_debug(tabled(2, 0, 4)) == "debug-form");
    CHECK(rule_of_debug(tabled(0, 5, 5)) == "debug-form");
    CHECK(rule_of_debug(tabled(0, 0, 5)) == "debug-form");
    const std::string alone = tuple(text("line") + "N" + number(0));
    CHECK(rule_of_debug(range(alone, 0, 4)) == "");
    CHECK(rule_of_debug(range(alone, 0, 5)) == "debug-form");
    CHECK(rule_of_debug(number(1)) == "debug-form");
    CHECK(rule_of_debug(kTensor) == "pickle-form");
    // A source of many texts, and another of the same: what LibTorch would join is bounded.
    const auto sources = [&](int count) {
        std::string shared = "](";
        for (int i = 0; i < 300'000; ++i) shared += number(0);
        std::string records = range(tuple(shared + "eq\0"s + number(0) + number(0)), 0, 1);
        for (int i = 1; i < count; ++i) records += range(tuple("h\0"s + number(0) + number(0)), 0, 1);
        return rule_of_debug(text("FORMAT_WITH_STRING_TABLE") + tuple(text("")) + tuple(records));
    };
    CHECK(sources(3) == "");
    CHECK(sources(4) == "debug-form");
}

TEST_CASE("types are taken apart by one level", "[scan]") {
    CHECK(split_type("int").head == "int");
    const TypeText dict = split_type("Dict[str,List[Tuple[int,int]]]");
    CHECK(dict.head == "Dict");
    REQUIRE(dict.parts.size() == 2);
    CHECK(dict.parts[1] == "List[Tuple[int,int]]");
    for (const char *broken : {"List[int", "List]int[", "List[int]]", "int]", "a,b"})
        CHECK(split_type(broken).head.empty());
    CHECK(is_type_text("Dict[str, __torch__.Net]"));
    for (const char *broken : {"", "List[", "List[int]]", "[int]", "a b\n", "f()", "__torch__.torch.classes.A"})
        CHECK_FALSE(is_type_text(broken));
}
