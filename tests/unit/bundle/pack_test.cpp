// SPDX-License-Identifier: Apache-2.0
#include "bundle/pack.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/child.hpp"
#include "bundle/golden.hpp"
#include "bundle/zone_tables.hpp"
#include "unit/bundle/bundle_support.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::lib::test;
namespace fs = std::filesystem;

namespace {

// A version 2 TZif file (RFC 8536): one type an hour east of UTC, no transitions, an empty footer.
std::string fixed_tzif() {
    auto block = [](int zeros) {
        std::string text = "TZif2" + std::string(15, '\0');
        const unsigned char counts[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 4};
        text.append(reinterpret_cast<const char *>(counts), sizeof counts);
        text += std::string("\0\0\x0e\x10\0\0", 6) + std::string("CET\0", 4);
        return text + std::string(static_cast<size_t>(zeros), '\0');
    };
    return block(0) + block(0) + "\nCET-1\n";
}

// What a user has before packing, and where the bundle goes.
struct Workshop {
    Scratch in, out;
    PackRequest request;

    Workshop() {
        fs::create_directories(in / "zoneinfo/Europe");
        in.write("zoneinfo/Europe/Paris", fixed_tzif());
        Json manifest = example();
        manifest.erase("files");
        manifest["weighbridge"].erase("requires");
        manifest["annotations"] = {{"z", 1}, {"a", {{"note", "ä"}}}};
        in.write("manifest.json", manifest.dump());
        in.write("module.ts", "not a module");
        in.write("vocab.txt", kVocabulary);
        in.write("golden.jsonl", kGoldenLine);
        request = {in / "module.ts", in / "manifest.json", in / "golden.jsonl", out / "bundle", in / "zoneinfo"};
    }

    // Whatever went wrong, nothing of it stays.
    std::string problem(int32_t code = WB_INVALID_BUNDLE, const ComputeGolden &compute = nullptr) {
        Status status = pack_bundle(request, compute);
        CHECK(status.code == code);
        CHECK_FALSE(fs::exists(out / "bundle/manifest.json"));
        auto names = list_directory(out.path);
        for (const std::string &name : *names) CHECK(name.find("partial") == std::string::npos);
        return status.message;
    }
};

ComputeGolden fake_golden() {
    return [](const std::shared_ptr<const Bundle> &bundle) -> Expected<std::string> {
        REQUIRE(bundle->file("model.ts"));
        std::string lines;
        for (const std::string &row : generate_golden_rows(*bundle, 8))
            lines += golden_line(row, bundle->manifest(), {{{0.5F}, std::vector<float>(32, 1.0F)}, 0.5, 2}) + "\n";
        return lines;
    };
}

}  // namespace

TEST_CASE("pack makes a bundle that opens") {
    Workshop shop;
    Status status = pack_bundle(shop.request, nullptr);
    INFO(status.message);
    REQUIRE(status.ok());
    auto bundle = open_full(shop.request.out_dir);
    INFO(bundle.status().message);
    REQUIRE(bundle);
    CHECK(*list_directory(shop.request.out_dir) ==
          std::vector<std::string>{"golden.jsonl", "manifest.json", "model.ts", "vocab.txt", "zones.json"});
    CHECK(*list_directory(shop.out.path) == std::vector<std::string>{"bundle"});
    const auto &cyclic = std::get<Cyclic>((*bundle)->manifest().features[4].encoding[0]);
    CHECK(cyclic.zone->offset_at(1780000000) == 3600);
}

TEST_CASE("pack keeps the manifest's content and order") {
    Workshop shop;
    REQUIRE(pack_bundle(shop.request, nullptr).ok());
    const std::string text = shop.out.read("bundle/manifest.json");
    CHECK(text.substr(0, 67) == "{\n  \"weighbridge\": {\n    \"format\": 1,\n    \"requires\": \"0.2.0\"\n  },\n");
    Json before = Json::parse(shop.in.read("manifest.json")), after = Json::parse(text);
    after.erase("files");
    after["weighbridge"].erase("requires");
    CHECK(after.dump() == before.dump());
    CHECK(text.back() == '\n');
}

TEST_CASE("a required version that the user gives stays") {
    Workshop shop;
    Json manifest = Json::parse(shop.in.read("manifest.json"));
    manifest["weighbridge"]["requires"] = "0.0.5";
    shop.in.write("manifest.json", manifest.dump());
    REQUIRE(pack_bundle(shop.request, nullptr).ok());
    CHECK(Json::parse(shop.out.read("bundle/manifest.json"))["weighbridge"]["requires"] == "0.0.5");
}

TEST_CASE("the same inputs give the same bytes") {
    Workshop shop;
    shop.request.golden.clear();
    REQUIRE(pack_bundle(shop.request, fake_golden()).ok());
    const std::string first = shop.request.out_dir;
    shop.request.out_dir = shop.out / "again/";
    Status status = pack_bundle(shop.request, fake_golden());
    INFO(status.message);
    REQUIRE(status.ok());
    auto names = list_directory(first);
    REQUIRE(names->size() == 5);
    for (const std::string &name : *names) CHECK(shop.out.read("bundle/" + name) == shop.out.read("again/" + name));
}

TEST_CASE("pack finds the shortest sequence that a module takes by trying, and writes it") {
    const int64_t longest = 128;  // the example's limits.length
    for (int64_t takes : {0, 1, 2, 5, 64, 127, 128}) {
        CAPTURE(takes);
        Workshop shop;
        shop.request.golden.clear();
        std::vector<int64_t> tried;
        Status status = pack_bundle(shop.request, fake_golden(), [&](const std::shared_ptr<const Bundle> &bundle) {
            REQUIRE(bundle->file("model.ts"));
            tried.push_back(bundle->manifest().limits.least_length);
            if (tried.back() >= takes) return Status();
            return Status::failure(WB_BACKEND_FAILED, "too short");
        });
        INFO(status.message);
        REQUIRE(status.ok());
        CHECK(tried.size() <= 3 + 7);
        CHECK(std::all_of(tried.begin(), tried.end(), [&](int64_t one) { return one >= 0 && one <= longest; }));
        const Json limits = Json::parse(shop.out.read("bundle/manifest.json"))["limits"];
        CHECK(limits.contains("least_length") == (takes > 0));
        if (takes > 0) CHECK(limits["least_length"] == takes);
        auto golden = read_golden(**open_full(shop.request.out_dir));
        REQUIRE(golden);
        auto report = Json::parse((*open_full(shop.request.out_dir))->describe().text());
        CHECK(report["limits"]["least_length"] == takes);
        CHECK(report["limits"]["shorter"] == "fallback");
    }
}

TEST_CASE("pack tries no length where the manifest states it, golden vectors are given, or there are no sequences") {
    auto never = [](const std::shared_ptr<const Bundle> &) -> Status {
        FAIL("tried");
        return {};
    };
    Workshop given;
    REQUIRE(pack_bundle(given.request, nullptr, never).ok());
    Workshop stated;
    stated.request.golden.clear();
    Json manifest = Json::parse(stated.in.read("manifest.json"));
    manifest["limits"]["least_length"] = 3;
    manifest["limits"]["shorter"] = "error";
    stated.in.write("manifest.json", manifest.dump());
    Status status = pack_bundle(stated.request, fake_golden(), never);
    INFO(status.message);
    REQUIRE(status.ok());
    CHECK(Json::parse(stated.out.read("bundle/manifest.json"))["limits"]["least_length"] == 3);
}

TEST_CASE("a module that takes no length fails the packing with what it said, and other failures end it at once") {
    Workshop shop;
    shop.request.golden.clear();
    int tried = 0;
    Status status = pack_bundle(shop.request, fake_golden(), [&](const std::shared_ptr<const Bundle> &) {
        return Status::failure(WB_BACKEND_FAILED, "attempt {}", ++tried);
    });
    CHECK(status.code == WB_BACKEND_FAILED);
    CHECK(std::string(status.message) ==
          "model.ts: failed on a generated row of every length tried (0, 1 and 128): attempt 3");
    status = pack_bundle(shop.request, fake_golden(), [&](const std::shared_ptr<const Bundle> &) {
        return Status::failure(WB_BACKEND_UNAVAILABLE, "no plug-in");
    });
    CHECK(status.code == WB_BACKEND_UNAVAILABLE);
    CHECK(std::string(status.message) == "no plug-in");
    CHECK_FALSE(fs::exists(shop.out / "bundle/manifest.json"));
}

TEST_CASE("a module that hangs ends the packing at the first length that it hangs on, with its child") {
    Workshop shop;
    shop.request.golden.clear();
    for (int64_t hangs_on : {0, 1, 64}) {
        CAPTURE(hangs_on);
        std::vector<int64_t> tried;
        const Status status =
            pack_bundle(shop.request, fake_golden(), [&](const std::shared_ptr<const Bundle> &bundle) {
                const int64_t length = bundle->manifest().limits.least_length;
                tried.push_back(length);
                return in_child(
                    [&] {
                        while (length == hangs_on) ::pause();
                        return length > 64 ? Status() : Status::failure(WB_BACKEND_FAILED, "too short");
                    },
                    length == hangs_on ? 100'000'000 : int64_t{60'000'000'000});
            });
        CHECK(status.code == WB_DEADLINE_EXCEEDED);
        CHECK(std::string(status.message) ==
              "model.ts: a generated row of " + std::to_string(hangs_on) +
                  " elements: not done after 0.1 s; limits.least_length in the manifest keeps pack from trying");
        CHECK(tried.back() == hangs_on);
        CHECK(list_directory(shop.out.path)->empty());
        CHECK((::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD));
    }
}

TEST_CASE("packing a packed bundle's manifest replaces its digests") {
    Workshop shop;
    REQUIRE(pack_bundle(shop.request, nullptr).ok());
    shop.in.write("manifest.json", shop.out.read("bundle/manifest.json"));
    shop.in.write("module.ts", "another module");
    shop.request.out_dir = shop.out / "second";
    REQUIRE(pack_bundle(shop.request, nullptr).ok());
    CHECK(open_full(shop.out / "second"));
}

TEST_CASE("companions beside the manifest go along") {
    Workshop shop;
    for (const char *name : {"model.plan", "baseline.json", "CARD.md", "notes.txt"}) shop.in.write(name, name);
    REQUIRE(pack_bundle(shop.request, nullptr).ok());
    auto bundle = open_full(shop.request.out_dir);
    REQUIRE(bundle);
    CHECK(as_text(*(*bundle)->file("model.plan")) == "model.plan");
    CHECK((*bundle)->file("baseline.json"));
    CHECK((*bundle)->file("CARD.md"));
    CHECK_FALSE((*bundle)->file("notes.txt"));
}

TEST_CASE("an empty directory is a place for a bundle, others are not") {
    Workshop shop;
    fs::create_directory(shop.request.out_dir);
    SECTION("empty") { CHECK(pack_bundle(shop.request, nullptr).ok()); }
    SECTION("not empty") {
        shop.out.write("bundle/old", "x");
        CHECK(cut(shop.problem(WB_IO_ERROR), "expected an empty directory, got one of 1 entries") ==
              "expected an empty directory, got one of 1 entries");
        CHECK(shop.out.read("bundle/old") == "x");
    }
    SECTION("a file") {
        fs::remove(shop.request.out_dir);
        shop.out.write("bundle", "x");
        CHECK(cut(shop.problem(WB_IO_ERROR), "expected no file or an empty directory") ==
              "expected no file or an empty directory");
    }
    SECTION("below nothing") {
        shop.request.out_dir = shop.out / "none/bundle";
        CHECK(cut(shop.problem(WB_IO_ERROR), "cannot create: No such file") == "cannot create: No such file");
    }
    SECTION("no path") {
        shop.request.out_dir.clear();
        CHECK(shop.problem(WB_INVALID_ARGUMENT) == "out_dir: expected a path, got an empty one");
    }
}

TEST_CASE("inputs that are missing or wrong are named, and nothing stays") {
    Workshop shop;
    SECTION("module") {
        fs::remove(shop.in / "module.ts");
        CHECK(cut(shop.problem(WB_IO_ERROR), "/module.ts: cannot open") == "/module.ts: cannot open");
    }
    SECTION("manifest") {
        fs::remove(shop.in / "manifest.json");
        CHECK(cut(shop.problem(WB_IO_ERROR), "/manifest.json: cannot open") == "/manifest.json: cannot open");
    }
    SECTION("a manifest of another name with an unknown field") {
        shop.in.write("draft.json", replaced(shop.in.read("manifest.json"), "\"tensors\"", "\"tensor\""));
        shop.request.manifest = shop.in / "draft.json";
        CHECK(shop.problem() == "draft.json: tensor: expected no such field; 'tensors' is near");
    }
    SECTION("vocabulary") {
        fs::remove(shop.in / "vocab.txt");
        CHECK(cut(shop.problem(WB_IO_ERROR), "/vocab.txt: cannot open") == "/vocab.txt: cannot open");
    }
    SECTION("time zone") {
        fs::remove(shop.in / "zoneinfo/Europe/Paris");
        CHECK(cut(shop.problem(), "feature 'paid_at': time zone 'Europe/Paris' in ") ==
              "feature 'paid_at': time zone 'Europe/Paris' in ");
    }
    SECTION("a time zone file that is none") {
        shop.in.write("zoneinfo/Europe/Paris", "TZif");
        CHECK(cut(shop.problem(), "feature 'paid_at': time zone 'Europe/Paris' in ") ==
              "feature 'paid_at': time zone 'Europe/Paris' in ");
    }
    SECTION("golden") {
        shop.in.write("golden.jsonl", std::string(kGoldenLine) + "{}\n");
        CHECK(cut(shop.problem(), "golden.jsonl: line 2: row") == "golden.jsonl: line 2: row");
    }
    SECTION("a link in the module's place") {
        fs::rename(shop.in / "module.ts", shop.in / "real.ts");
        fs::create_symlink(shop.in / "real.ts", shop.in / "module.ts");
        CHECK(cut(shop.problem(WB_IO_ERROR), "got a symbolic link") == "got a symbolic link");
    }
    SECTION("no way to golden vectors") {
        shop.request.golden.clear();
        CHECK(cut(shop.problem(WB_INVALID_ARGUMENT), "golden: ") == "golden: ");
    }
    SECTION("golden vectors that cannot be computed") {
        shop.request.golden.clear();
        CHECK(shop.problem(WB_BACKEND_FAILED, [](const auto &) -> Expected<std::string> {
            return Status::failure(WB_BACKEND_FAILED, "no");
        }) == "no");
    }
    SECTION("computed golden vectors that are wrong") {
        shop.request.golden.clear();
        CHECK(
            cut(shop.problem(WB_INVALID_BUNDLE, [](const auto &) -> Expected<std::string> { return std::string("x"); }),
                "golden.jsonl: line 1: ") == "golden.jsonl: line 1: ");
    }
}

TEST_CASE("zone tables go to text and back") {
    ZoneTables tables;
    tables["Europe/Paris"] = *Zone::table(561, {{-1855958961, 3600}, {1774746000, 7200}});
    tables["Asia/Tokyo"] = *Zone::table(32400, {});
    const std::string text = write_zone_tables(tables);
    CHECK(text ==
          "{\n  \"Asia/Tokyo\": {\"initial\": 32400, \"transitions\": []},\n  \"Europe/Paris\": {\"initial\": 561, "
          "\"transitions\": [[-1855958961,3600],[1774746000,7200]]}\n}\n");
    auto back = read_zone_tables(text);
    REQUIRE(back);
    CHECK(write_zone_tables(*back) == text);
    CHECK(write_zone_tables({}) == "{\n}\n");
}

TEST_CASE("links between time zones are followed") {
    Workshop shop;
    fs::rename(shop.in / "zoneinfo/Europe/Paris", shop.in / "zoneinfo/Europe/Monaco");
    fs::create_symlink("Monaco", shop.in / "zoneinfo/Europe/Paris");
    CHECK(pack_bundle(shop.request, nullptr).ok());
}
