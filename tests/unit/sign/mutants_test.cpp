// SPDX-License-Identifier: Apache-2.0
// Random changes of a signed bundle: what is accepted has the signed bytes.
#include <random>

#include "bundle/memory_source.hpp"
#include "fuzz/mutation.hpp"
#include "unit/sign/sign_support.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::lib::test;

namespace {

FilesByName files_of(const Scratch &directory) {
    FilesByName files;
    const auto names = list_directory(directory.path);
    REQUIRE(names);
    for (const std::string &name : *names) {
        const std::string text = directory.read(name);
        const ByteView view = as_bytes(text);
        files[name] = std::make_shared<const Bytes>(view.begin(), view.end());
    }
    return files;
}

// Changes one file: places in it, a block of zeros, its end, its name, or that it is there.
FilesByName changed(FilesByName files, std::mt19937 &random) {
    auto at = files.begin();
    std::advance(at, random() % files.size());
    const ByteView view = *at->second;
    const auto *text = reinterpret_cast<const char *>(view.data());
    std::vector<char> bytes(text, text + view.size());
    switch (random() % 8) {
        case 0:
            bytes.resize(random() % (bytes.size() + 1));
            break;
        case 1: {
            const size_t from = random() % bytes.size();
            std::fill_n(bytes.begin() + static_cast<ptrdiff_t>(from), std::min<size_t>(64, bytes.size() - from), '\0');
            break;
        }
        case 2: {
            auto other = files.begin();
            std::advance(other, random() % files.size());
            std::swap(at->second, other->second);
            return files;
        }
        case 3:
            files["other-" + at->first] = at->second;
            if (random() % 2) files.erase(at);
            return files;
        default:
            weighbridge::test::mutate(bytes, random);
    }
    const ByteView now = as_bytes({bytes.data(), bytes.size()});
    at->second = std::make_shared<const Bytes>(now.begin(), now.end());
    return files;
}

// Whether both have the same bytes in every file but signatures.
bool same_content(const FilesByName &a, const FilesByName &b) {
    const auto content = [](const FilesByName &files) {
        std::map<std::string, std::string> texts;
        for (const auto &[name, bytes] : files)
            if (!is_signature_name(name)) texts.emplace(name, as_text(*bytes));
        return texts;
    };
    return content(a) == content(b);
}

}  // namespace

TEST_CASE("of random changes of a signed bundle none is accepted that changes what was signed", "[sign][mutants]") {
    const Keys keys({"owner", "risk"});
    Scratch dir;
    make_bundle(dir);
    sign(dir, keys, "owner", "owner");
    sign(dir, keys, "risk", "risk");
    const FilesByName original = files_of(dir);
    REQUIRE(original.size() == 7);
    const auto policy = TrustPolicy::read(
        {.trusted_keys = "owner=" + keys.shared("owner") + ",risk=" + keys.shared("risk")}, WB_TEST_VERIFY);
    const auto nothing_asked = TrustPolicy::read({}, WB_TEST_VERIFY);
    REQUIRE(policy);
    REQUIRE(nothing_asked);
    const auto opens = [](const FilesByName &files, const TrustPolicy &by) {
        const auto bundle = Bundle::open(MemorySource(files), Bundle::Mode::full, Bundle::kAnyTime, {}, &by);
        if (!bundle) CHECK(std::strlen(bundle.status().message) > 0);
        return bundle.ok();
    };
    REQUIRE(opens(original, *policy));
    std::mt19937 random(1);
    const int count = std::getenv("WB_FULL") ? 20000 : 1500;
    int refused = 0;
    for (int i = 0; i < count; ++i) {
        const FilesByName files = changed(original, random);
        const bool same = same_content(files, original);
        const bool accepted = opens(files, *policy);
        refused += !accepted;
        INFO("mutant " << i);
        // A change of what no signature covers, such as the blanks of its own file, may stand.
        CHECK((!accepted || same));
        // Where no keys are named, the manifest's digests and the signatures' still hold each other.
        const bool has_signature = files.contains("model.owner.sig") || files.contains("model.risk.sig");
        if (has_signature) CHECK((!opens(files, *nothing_asked) || same));
    }
    CHECK(refused > count * 9 / 10);
}
