// SPDX-License-Identifier: Apache-2.0
#include "scan/archive.hpp"

#include <zlib.h>

#include <functional>

#include "unit/scan/scan_support.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::test;

namespace {

// A zip file part by part, each field as a test wants it.
struct ZipPart {
    std::string name, data;
    uint16_t method = 0, flags = 0x808;
    uint32_t size = 0, crc = 0;   // of the content
    std::string local_name = {};  // where it differs
    std::string local_extra = {}, central_extra = {}, behind = {};
    uint32_t moved = 0;  // of the place in the directory
};

ZipPart stored(std::string name, std::string data) {
    ZipPart part{std::move(name), std::move(data)};
    part.size = static_cast<uint32_t>(part.data.size());
    part.crc = crc32_of(as_bytes(part.data));
    return part;
}

std::string deflated_bytes(const std::string &text) {
    std::string packed(text.size() + 100, '\0');
    z_stream stream{};
    REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef *>(packed.data());
    stream.avail_out = static_cast<uInt>(packed.size());
    REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    packed.resize(stream.total_out);
    deflateEnd(&stream);
    return packed;
}

ZipPart deflated(std::string name, const std::string &text) {
    ZipPart part = stored(std::move(name), text);
    part.method = 8;
    part.data = deflated_bytes(text);
    return part;
}

template <class T>
void put(std::string &out, T value) {
    out.append(reinterpret_cast<const char *>(&value), sizeof value);
}

// As PyTorch writes it: sizes behind the data, 64-bit end records too.
std::string zip(const std::vector<ZipPart> &parts, const std::string &comment = "", bool wide = true) {
    std::string out, directory;
    for (const ZipPart &part : parts) {
        const std::string &local = part.local_name.empty() ? part.name : part.local_name;
        const auto place = static_cast<uint32_t>(out.size());
        put(out, uint32_t{0x04034b50});
        for (const uint16_t field : {uint16_t{0}, part.flags, part.method, uint16_t{0}, uint16_t{0}}) put(out, field);
        const bool behind = (part.flags & 8) != 0;
        for (const uint32_t field :
             {behind ? 0 : part.crc, behind ? 0 : static_cast<uint32_t>(part.data.size()), behind ? 0 : part.size})
            put(out, field);
        put(out, static_cast<uint16_t>(local.size()));
        put(out, static_cast<uint16_t>(part.local_extra.size()));
        out += local + part.local_extra + part.data;
        if (behind) {
            put(out, uint32_t{0x08074b50});
            for (const uint32_t field : {part.crc, static_cast<uint32_t>(part.data.size()), part.size}) put(out, field);
        }
        out += part.behind;
        put(directory, uint32_t{0x02014b50});
        for (const uint16_t field : {uint16_t{0}, uint16_t{0}, part.flags, part.method, uint16_t{0}, uint16_t{0}})
            put(directory, field);
        for (const uint32_t field : {part.crc, static_cast<uint32_t>(part.data.size()), part.size})
            put(directory, field);
        put(directory, static_cast<uint16_t>(part.name.size()));
        put(directory, static_cast<uint16_t>(part.central_extra.size()));
        for (const uint16_t field : {uint16_t{0}, uint16_t{0}, uint16_t{0}}) put(directory, field);
        put(directory, uint32_t{0});
        put(directory, place + part.moved);
        directory += part.name + part.central_extra;
    }
    const auto first = static_cast<uint32_t>(out.size()), bytes = static_cast<uint32_t>(directory.size());
    const auto count = static_cast<uint16_t>(parts.size());
    out += directory;
    if (wide) {
        const uint64_t record = out.size();
        put(out, uint32_t{0x06064b50});
        put(out, uint64_t{44});
        put(out, uint16_t{798});
        put(out, uint16_t{45});
        put(out, uint64_t{0});  // disks
        for (const uint64_t field : {uint64_t{count}, uint64_t{count}, uint64_t{bytes}, uint64_t{first}})
            put(out, field);
        put(out, uint32_t{0x07064b50});
        put(out, uint32_t{0});
        put(out, record);
        put(out, uint32_t{1});
    }
    put(out, uint32_t{0x06054b50});
    for (const uint16_t field : {uint16_t{0}, uint16_t{0}, count, count}) put(out, field);
    put(out, bytes);
    put(out, first);
    put(out, static_cast<uint16_t>(comment.size()));
    return out + comment;
}

std::vector<ZipPart> good_parts() {
    std::vector<ZipPart> parts;
    for (const auto &[name, text] : module_files())
        parts.push_back(name.starts_with("code/") ? deflated("net/" + name, text) : stored("net/" + name, text));
    return parts;
}

std::string rule_of(const std::string &file) { return broken_rule(as_bytes(file)); }

// The rule that a file breaks which has one more part.
std::string rule_with(ZipPart part) {
    auto parts = good_parts();
    parts.push_back(std::move(part));
    return rule_of(zip(parts));
}

std::string rule_changed(const std::function<void(ZipPart &)> &change) {
    auto parts = good_parts();
    change(parts[1]);
    return rule_of(zip(parts));
}

}  // namespace

TEST_CASE("what torch.jit.save writes is an archive, and its canonical form is one", "[scan]") {
    for (const bool wide : {true, false}) {
        ModuleReport report;
        const std::string file = zip(good_parts(), "", wide);
        const auto first = scan_module(as_bytes(file), {}, report);
        INFO(first.status().message);
        REQUIRE(first);
        ModuleReport again;
        const auto second = scan_module(*first->archive, {}, again);
        REQUIRE(second);
        CHECK(*first->archive == *second->archive);
        ScanFindings findings;
        const auto archive = read_archive(*first->archive, {}, findings);
        REQUIRE(archive);
        for (const auto &[name, text] : module_files()) {
            const ArchiveEntry *entry = archive->find(name);
            REQUIRE(entry);
            CHECK(as_text(entry->content) == text);
            CHECK((entry->content.data() - first->archive->data()) % 64 == 0);
        }
    }
}

TEST_CASE("what a module does not need is left out of the canonical form", "[scan]") {
    auto parts = good_parts();
    parts.push_back(stored("net/extra/notes.txt", "text"));
    parts.push_back(stored("net/traced_inputs.pkl", "text"));
    ModuleReport report;
    const auto checked = scan_module(as_bytes(zip(parts)), {}, report);
    REQUIRE(checked);
    CHECK(as_text(*checked->archive).find("notes") == std::string::npos);
    CHECK(as_text(*checked->archive).find("traced") == std::string::npos);
}

TEST_CASE("an archive has one reading", "[scan]") {
    const std::string good = zip(good_parts());
    CHECK(rule_of("") == "archive-start");
    CHECK(rule_of("PK\5\6") == "archive-start");
    CHECK(rule_of("MZ" + good) == "archive-start");
    CHECK(rule_of(good + "x") == "archive-end");
    CHECK(rule_of(good.substr(0, good.size() - 1)) == "archive-end");
    CHECK(rule_of(zip(good_parts(), "comment")) == "archive-end");
    CHECK(rule_of(zip({})) == "archive-start");
    CHECK(rule_of(good.substr(0, 64) + zip(good_parts())) != "");

    CHECK(rule_with(stored("net/data.pkl", "other")) == "entry-twice");
    CHECK(rule_with(stored("net/DATA.pkl", "other")) == "entry-name");
    CHECK(rule_with(stored("net/CODE/__torch__.py", "")) == "entry-name");
    CHECK(rule_with(stored("net/code/__TORCH__.py", "")) == "entry-name");
    auto cases = good_parts();
    cases.push_back(stored("net/code/__torch__/more.py", ""));
    CHECK(rule_of(zip(cases)) == "");
    cases.push_back(stored("net/code/__torch__/More.py", ""));
    CHECK(rule_of(zip(cases)) == "entry-twice");
    CHECK(rule_with(stored("other/data/0", "")) == "entry-folder");
    for (const char *name : {"net/../data/0", "net/data/00", "net/data/x", "net//data/0", "net/code/a b.py",
                             "net/model.json", "net/bytecode.pkl", "net/code/../x.py", "net/code/__torch__.PY",
                             "net/tensors/0", "net/", "/data/0", "data", "net/extra/../../x", "net/code/\xC3\xA4.py"})
        CHECK(rule_with(stored(name, "")) == "entry-name");
    CHECK(rule_with(stored(std::string("net/data/0\0", 11), "")) == "entry-name");

    CHECK(rule_changed([](ZipPart &part) { part.local_name = "net/other"; }) == "entry-header");
    CHECK(rule_changed([](ZipPart &part) { part.local_extra = "XX\1"; }) == "entry-header");
    CHECK(rule_changed([](ZipPart &part) { part.local_extra = std::string("UX\0\0", 4); }) == "entry-header");
    CHECK(rule_changed([](ZipPart &part) { part.local_extra = std::string("FB\2\0ZZ", 6); }) == "");
    CHECK(rule_changed([](ZipPart &part) { part.central_extra = "XX"; }) == "entry-header");
    CHECK(rule_changed([](ZipPart &part) { part.flags |= 1; }) == "entry-header");
    CHECK(rule_changed([](ZipPart &part) { part.flags = 0; }) == "");
    CHECK(rule_changed([](ZipPart &part) { part.behind = "gap"; }) == "archive-gap");
    CHECK(rule_changed([](ZipPart &part) { part.moved = 1; }) == "archive-gap");
    CHECK(rule_changed([](ZipPart &part) { part.crc ^= 1; }) == "entry-crc");
    CHECK(rule_changed([](ZipPart &part) { part.data += '\0'; }) == "entry-data");
    CHECK(rule_changed([](ZipPart &part) { part.size += 1; }) == "entry-data");
    CHECK(rule_changed([](ZipPart &part) { part.size -= 1; }) == "entry-data");
    CHECK(rule_changed([](ZipPart &part) { part.method = 12; }) == "entry-method");
    CHECK(rule_changed([](ZipPart &part) { part.method = 0; }) == "entry-size");
}

TEST_CASE("every cut of an archive, and every flipped bit of its directory, is refused", "[scan]") {
    const std::string good = zip(good_parts());
    for (size_t size = 0; size < good.size(); ++size) {
        ModuleReport report;
        REQUIRE_FALSE(scan_module(as_bytes(good).first(size), {}, report));
    }
    // What LibTorch does not read: times, who made the file, attributes.
    size_t taken = 0, flipped = 0;
    for (size_t at = 0; at < good.size(); ++at) {
        for (int bit = 0; bit < 8; ++bit, ++flipped) {
            std::string other = good;
            other[at] = static_cast<char>(other[at] ^ (1 << bit));
            ModuleReport report;
            const auto checked = scan_module(as_bytes(other), {}, report);
            if (!checked) continue;
            ++taken;
            ModuleReport first;
            CHECK(*checked->archive == *scan_module(as_bytes(good), {}, first)->archive);
        }
    }
    CHECK(taken * 8 < flipped);
}

TEST_CASE("what inflates too far is refused before it is inflated", "[scan]") {
    ScanLimits limits;
    limits.inflated_bytes = 4096;
    const std::string long_code(5000, '\n');
    auto parts = good_parts();
    parts.push_back(deflated("net/code/__torch__/more.py", long_code));
    CHECK(broken_rule(as_bytes(zip(parts)), limits) == "entry-ratio");
    ZipPart bomb = deflated("net/code/__torch__/more.py", std::string(3 << 20, '\n'));
    bomb.size = 3u << 30;
    CHECK(rule_with(std::move(bomb)) == "entry-ratio");
    CHECK(rule_with(deflated("net/data/0", "weights")) == "entry-method");
    limits = {};
    limits.entries = 3;
    CHECK(broken_rule(as_bytes(zip(good_parts())), limits) == "archive-entries");
    limits = {};
    limits.archive_bytes = 100;
    CHECK(broken_rule(as_bytes(zip(good_parts())), limits) == "archive-size");
}

TEST_CASE("files of other versions, byte orders or parts are refused by name", "[scan]") {
    for (const char *version : {"", "2", "0", "11", "3 ", "03", "a", "10\n\n"}) {
        auto files = module_files();
        files["version"] = version;
        CHECK(broken_rule(module_archive(files)) == "version");
    }
    auto files = module_files();
    files["byteorder"] = "big";
    CHECK(broken_rule(module_archive(files)) == "byteorder");
    files = module_files();
    files[".data/version"] = "3\n";
    CHECK(broken_rule(module_archive(files)) == "entry-missing");
    for (const char *name : {"version", "data.pkl", "constants.pkl"}) {
        files = module_files();
        files.erase(name);
        CHECK(broken_rule(module_archive(files)) == "entry-missing");
    }
}

TEST_CASE("a scan ends as its caller says", "[scan]") {
    CancelToken token;
    token.set(true);
    ModuleReport report;
    const auto checked = scan_module(module_archive(), {}, report, {.cancel = &token});
    CHECK(checked.status().code == WB_CANCELLED);
    CHECK(report.findings.none());
}
