// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include "bundle/manifest_reader.hpp"
#include "feature/vocabulary.hpp"
#include "feature/zone.hpp"
#include "unit/bundle/bundle_support.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::lib::test;
namespace fs = std::filesystem;

namespace {

// The message of a bundle that must not open.
std::string problem(const std::string &path, Bundle::Mode mode = Bundle::Mode::full, int32_t code = WB_INVALID_BUNDLE) {
    auto bundle = Bundle::open(path, mode, Bundle::kAnyTime);
    if (bundle) return "opened";
    CHECK(bundle.status().code == code);
    return bundle.status().message;
}

}  // namespace

TEST_CASE("the README's example is a bundle") {
    Scratch dir;
    make_bundle(dir);
    auto opened = open_full(dir.path);
    INFO(opened.status().message);
    REQUIRE(opened);
    const Bundle &bundle = **opened;
    const Manifest &manifest = bundle.manifest();
    CHECK(manifest.identity.name == "card-mlp");
    CHECK(manifest.requires_version == "0.1.0");
    REQUIRE(manifest.features.size() == 7);
    CHECK(manifest.features[0].money_exponent == 2);
    CHECK(manifest.features[0].privacy == "payment");
    CHECK(manifest.features[0].maximum == 10000000.0);
    CHECK(manifest.features[1].nan_is_missing);
    CHECK(manifest.features[1].missing->number == 0.0);
    CHECK(manifest.features[3].type == StoredType::code);
    CHECK(manifest.features[4].ticks_per_second == 1000);
    CHECK(manifest.features[6].sequence);
    CHECK(manifest.features[0].offset > 0);
    CHECK(bundle.schema()->features().size() == 7);
    CHECK(bundle.encoder().tensors().size() == 6);
    CHECK(manifest.limits.length == 128);
    CHECK(bundle.primary().name == "fraud");
    CHECK_FALSE(bundle.primary().activation_applied);
    CHECK(bundle.primary().width == 1);
    CHECK(std::isinf(bundle.primary().bands.back().below));
    CHECK(manifest.outputs[1].width == 32);
    CHECK(manifest.outputs[1].activation_applied);
    CHECK(manifest.tolerances.at("fp32").absolute == 1e-5);
    CHECK(manifest.fallback.slot == "previous");
    CHECK(manifest.annotations == "{}");
    REQUIRE(bundle.file("model.ts"));
    CHECK(as_text(*bundle.file("model.ts")) == "not a module");
    CHECK(bundle.file("manifest.json"));
    CHECK_FALSE(bundle.file("baseline.json"));
    CHECK(bundle.digest() == *sha256(as_bytes(dir.read("manifest.json"))));
    CHECK(bundle.samples(2) == std::vector<std::string>{"FR", "DE"});
    CHECK(bundle.samples(5) == std::vector<std::string>{"shop", "book", "paris"});
}

TEST_CASE("a named zone comes from the bundle's table") {
    Scratch dir;
    make_bundle(dir);
    auto bundle = open_full(dir.path);
    REQUIRE(bundle);
    const auto &cyclic = std::get<Cyclic>((*bundle)->manifest().features[4].encoding[0]);
    REQUIRE(cyclic.zone);
    CHECK(cyclic.zone->offset_at(0) == 3600);
    CHECK(cyclic.zone->offset_at(1774746000) == 7200);
}

TEST_CASE("features that name one file share what is made of it") {
    Scratch dir;
    Json manifest = example();
    manifest["features"][2]["encoding"][0] = {{"op", "vocabulary"}, {"file", "keys.txt"}};
    manifest["features"].push_back(manifest["features"][2]);
    manifest["features"][7]["name"] = "home_country";
    manifest["tensors"][1]["features"].push_back("home_country");
    manifest["tensors"][1]["shape"] = {"batch", 3};
    dir.write("keys.txt", "FR\nDE\n");
    make_bundle(dir, manifest);
    auto bundle = open_full(dir.path);
    INFO(bundle.status().message);
    REQUIRE(bundle);
    const auto &features = (*bundle)->manifest().features;
    const auto &one = std::get<Vocabularise>(features[2].encoding[0]);
    const auto &other = std::get<Vocabularise>(features[7].encoding[0]);
    CHECK(one.vocabulary == other.vocabulary);
    CHECK(one.vocabulary->find("DE") == 1);
    CHECK((*bundle)->samples(7) == std::vector<std::string>{"FR", "DE"});
}

TEST_CASE("a vocabulary has no empty key, and letters such as U+0000 in a file alone") {
    const std::string nul(1, '\0');
    const auto opened = [](const Json &encoding, const std::string &file) {
        Scratch dir;
        Json manifest = example();
        manifest["features"][2]["encoding"][0] = encoding;
        if (!file.empty()) dir.write("keys.txt", file);
        make_bundle(dir, manifest);
        return open_full(dir.path);
    };
    const auto listed = [&](const std::string &key) {
        Json values = Json::array();
        values.push_back("FR");
        values.push_back(key);
        return opened({{"op", "vocabulary"}, {"values", values}}, "");
    };
    const auto in_file = [&](const std::string &key) {
        return opened({{"op", "vocabulary"}, {"file", "keys.txt"}}, "FR\n" + key + "\nDE\n");
    };
    const auto bundle = in_file(nul);
    INFO(bundle.status().message);
    REQUIRE(bundle);
    const auto &step = std::get<Vocabularise>((*bundle)->manifest().features[2].encoding[0]);
    CHECK(step.vocabulary->find(nul) == 1);
    CHECK_FALSE(step.vocabulary->find(""));
    const std::string expected =
        "manifest.json: features[2].encoding[0].values[1]: expected a string of 1 to 65536 bytes without control "
        "characters, got ";
    CHECK(std::string(listed("").status().message) == expected + "\"\"");
    CHECK(std::string(listed(nul).status().message) == expected + "\"?\"");
    CHECK(std::string(in_file("").status().message) ==
          "keys.txt: line 2: expected a key of 1 to 65536 bytes without carriage return, got \"\"");
}

TEST_CASE("files that are not as listed") {
    Scratch dir;
    make_bundle(dir);
    SECTION("bit-flipped") {
        dir.write("model.ts", "not a modulE");
        CHECK(cut(problem(dir.path), "model.ts: expected sha256 ") == "model.ts: expected sha256 ");
    }
    SECTION("truncated") {
        dir.write("model.ts", "not a modul");
        CHECK(problem(dir.path) == "model.ts: expected 12 bytes, got 11: copy the bundle again, or pack anew");
    }
    SECTION("longer") {
        dir.write("model.ts", "not a module!");
        CHECK(problem(dir.path) == "model.ts: expected 12 bytes, got 13: copy the bundle again, or pack anew");
    }
    SECTION("empty") {
        dir.write("golden.jsonl", "");
        CHECK(cut(problem(dir.path), "bytes, got 0") == "bytes, got 0");
    }
    SECTION("missing") {
        fs::remove(dir / "vocab.txt");
        CHECK(problem(dir.path) ==
              "vocab.txt: expected a file of 44 bytes, got none: copy the bundle again, or pack anew");
    }
    SECTION("a directory") {
        fs::remove(dir / "model.ts");
        fs::create_directory(dir / "model.ts");
        CHECK(problem(dir.path) == "model.ts: expected a regular file, got a directory");
    }
    SECTION("a symbolic link") {
        fs::rename(dir / "model.ts", dir.path + "-elsewhere");
        fs::create_symlink(dir.path + "-elsewhere", dir / "model.ts");
        CHECK(problem(dir.path) ==
              "model.ts: expected a regular file, got a symbolic link: copy the file here; only the directory as a "
              "whole may be reached through links");
        fs::remove(dir.path + "-elsewhere");
    }
    SECTION("a FIFO") {
        fs::remove(dir / "model.ts");
        REQUIRE(::mkfifo((dir / "model.ts").c_str(), 0600) == 0);
        CHECK(problem(dir.path) == "model.ts: expected a regular file, got a special file");
    }
    SECTION("a sparse file far above the limit") {
        fs::resize_file(dir / "model.ts", uint64_t{3} << 30);
        CHECK(problem(dir.path) == "model.ts: expected 12 bytes, got 3221225472: copy the bundle again, or pack anew");
    }
    SECTION("unlisted") {
        dir.write("notes.txt", "x");
        CHECK(problem(dir.path) ==
              "'notes.txt': expected only files that manifest.json lists, got one that it does not: take it away, or "
              "pack again");
    }
    SECTION("an unlisted directory") {
        fs::create_directory(dir / "sub");
        CHECK(cut(problem(dir.path), "'sub': expected only files") == "'sub': expected only files");
    }
}

TEST_CASE("manifest.json that cannot be read") {
    Scratch dir;
    make_bundle(dir);
    const std::string text = dir.read("manifest.json");
    SECTION("missing") {
        fs::remove(dir / "manifest.json");
        CHECK(cut(problem(dir.path, Bundle::Mode::full, WB_IO_ERROR), "/manifest.json: cannot open") ==
              "/manifest.json: cannot open");
    }
    SECTION("a directory") {
        fs::remove(dir / "manifest.json");
        fs::create_directory(dir / "manifest.json");
        CHECK(cut(problem(dir.path), "got a directory") == "got a directory");
    }
    SECTION("empty") {
        dir.write("manifest.json", "");
        CHECK(problem(dir.path) == "manifest.json: line 1, column 1: expected JSON, got the end");
    }
    SECTION("truncated anywhere") {
        for (size_t size = 0; size + 1 < text.size(); size += 97) {
            dir.write("manifest.json", text.substr(0, size));
            CHECK(cut(problem(dir.path), "expected JSON") == "expected JSON");
        }
    }
    SECTION("oversized") {
        dir.write("manifest.json", text + std::string(kManifestBytes, ' '));
        CHECK(cut(problem(dir.path, Bundle::Mode::full, WB_IO_ERROR), "expected at most 4194304 bytes") ==
              "expected at most 4194304 bytes");
    }
    SECTION("a key twice") {
        dir.write("manifest.json", replaced(text, "\"fallback\": {", "\"fallback\": {}, \"fallback\": {"));
        CHECK(problem(dir.path) == "manifest.json: fallback: expected each key once, got it twice");
    }
}

TEST_CASE("a path that is no directory") {
    Scratch dir;
    CHECK(cut(problem(dir / "none", Bundle::Mode::full, WB_IO_ERROR), "No such file") == "No such file");
    dir.write("file", "x");
    CHECK(cut(problem(dir / "file", Bundle::Mode::full, WB_IO_ERROR), "Not a directory") == "Not a directory");
    CHECK(cut(problem(dir / "file", Bundle::Mode::draft, WB_IO_ERROR), "Not a directory") == "Not a directory");
}

TEST_CASE("vocabularies are named with file and line") {
    Scratch dir;
    Json manifest = example();
    manifest["features"][2]["encoding"][0] = {{"op", "vocabulary"}, {"file", "keys.txt"}};
    auto with = [&](std::string_view keys) {
        dir.write("keys.txt", keys);
        make_bundle(dir, manifest);
        return problem(dir.path);
    };
    CHECK(with("FR\nDE") == "opened");
    CHECK(with("") == "keys.txt: expected a key a line, got an empty file");
    CHECK(cut(with("FR\n\nDE\n"), "keys.txt: line 2: expected a key of 1 to") ==
          "keys.txt: line 2: expected a key of 1 to");
    CHECK(cut(with("FR\r\nDE\r\n"), "keys.txt: line 1: expected a key of 1 to") ==
          "keys.txt: line 1: expected a key of 1 to");
    CHECK(with("FR\nD\xFF\n") == "keys.txt: line 2: expected UTF-8, got \"D\"");
    CHECK(cut(with("FR\nDE\nFR\n"), "keys.txt: ") == "keys.txt: ");
    manifest["features"][2]["keys"] = "int64";
    CHECK(with("1\n-5\n") == "opened");
    CHECK(with("1\n2x\n") == "keys.txt: line 2: expected a 64-bit integer, got \"2x\"");
    CHECK(with("99999999999999999999\n") ==
          "keys.txt: line 1: expected a 64-bit integer, got \"99999999999999999999\"");
}

TEST_CASE("a tokeniser's file is named") {
    Scratch dir;
    make_bundle(dir);
    dir.write("vocab.txt", "shop\nbook\n");
    seal(dir, example());
    CHECK(cut(problem(dir.path), "vocab.txt: ") == "vocab.txt: ");
}

TEST_CASE("a default must be a key that the encoding knows") {
    Scratch dir;
    Json manifest = example();
    manifest["features"][2]["encoding"][0]["unknown"] = "error";
    manifest["features"][2]["missing"] = {{"default", "XX"}};
    make_bundle(dir, manifest);
    CHECK(cut(problem(dir.path), "manifest.json: feature 'country': missing.default") ==
          "manifest.json: feature 'country': missing.default");
    manifest["features"][2]["missing"] = {{"default", "FR"}};
    make_bundle(dir, manifest);
    CHECK(problem(dir.path) == "opened");
}

TEST_CASE("zones.json is read strictly") {
    Scratch dir;
    auto with = [&](std::string_view zones) {
        make_bundle(dir);
        dir.write("zones.json", zones);
        seal(dir, example());
        return problem(dir.path);
    };
    CHECK(with("{}") == "zones.json: expected a table for 'Europe/Paris' (feature 'paid_at'), got none");
    CHECK(with("[]") == "zones.json: expected an object, got an empty array");
    CHECK(with("{\"Europe/Paris\": {\"initial\": 0}}") ==
          "zones.json: Europe/Paris.transitions: expected an array of 0 to 65536, got nothing");
    CHECK(with("{\"Europe/Paris\": {\"initial\": 0, \"transitions\": [[1]]}}") ==
          "zones.json: Europe/Paris.transitions[0]: expected an array of 2, got an array of 1");
    CHECK(with("{\"Europe/Paris\": {\"initial\": 99999, \"transitions\": []}}") ==
          "zones.json: Europe/Paris.initial: expected an integer in [-93600, 93600], got 99999");
    CHECK(cut(with("{\"Europe/Paris\": {\"initial\": 0, \"transitions\": [[5, 0], [5, 1]]}}"),
              "zones.json: Europe/Paris: ") == "zones.json: Europe/Paris: ");
}

TEST_CASE("what the encoder refuses is blamed on manifest.json") {
    Scratch dir;
    Json manifest = example();
    manifest["tensors"][0]["shape"] = {"batch", 9};
    make_bundle(dir, manifest);
    CHECK(cut(problem(dir.path), "manifest.json: ") == "manifest.json: ");
}

TEST_CASE("after not_after a bundle does not open, but can be looked at") {
    Scratch dir;
    make_bundle(dir);
    const int64_t end = utc_seconds("2027-11-01T00:00:00Z");
    CHECK(Bundle::open(dir.path, Bundle::Mode::full, end));
    auto late = Bundle::open(dir.path, Bundle::Mode::full, end + 1);
    REQUIRE_FALSE(late);
    CHECK(late.status().code == WB_INVALID_BUNDLE);
    CHECK(std::string(late.status().message) ==
          "manifest.json: identity.not_after: expected a time from 2027-11-01T00:00:01Z on, got 2027-11-01T00:00:00Z: "
          "load a newer version");
    CHECK(Bundle::open(dir.path, Bundle::Mode::draft, end + 1));
    CHECK(Bundle::open(dir.path, Bundle::Mode::full, Bundle::kAnyTime));
    CHECK(Bundle::wall_clock_s() > utc_seconds("2025-01-01T00:00:00Z"));
}

TEST_CASE("times go to text and back") {
    for (const char *text : {"0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z",
                             "2000-02-29T12:00:00Z", "2026-03-01T00:00:00Z", "9999-12-31T23:59:59Z"}) {
        CHECK(is_utc_time(text));
        CHECK(utc_text(utc_seconds(text)) == text);
    }
    CHECK(utc_text(INT64_MIN) == "0001-01-01T00:00:00Z");
    CHECK(utc_text(INT64_MAX) == "9999-12-31T23:59:59Z");
}

TEST_CASE("a draft needs only manifest.json and its vocabularies") {
    Scratch dir;
    Json manifest = example();
    manifest.erase("files");
    manifest["weighbridge"].erase("requires");
    manifest["features"][4]["zone"] = "+01:00";
    dir.write("manifest.json", manifest.dump());
    CHECK(cut(problem(dir.path, Bundle::Mode::draft, WB_IO_ERROR), "/vocab.txt: cannot open") ==
          "/vocab.txt: cannot open");
    dir.write("vocab.txt", kVocabulary);
    dir.write("training.ipynb", "whatever else lies there");
    auto draft = Bundle::open(dir.path, Bundle::Mode::draft);
    INFO(draft.status().message);
    REQUIRE(draft);
    CHECK((*draft)->manifest().requires_version == WB_VERSION_STRING);
    CHECK((*draft)->file("vocab.txt"));
    CHECK_FALSE((*draft)->file("model.ts"));
    CHECK(cut(problem(dir.path), "manifest.json: weighbridge.requires") == "manifest.json: weighbridge.requires");

    CHECK(cut(problem(dir.path, Bundle::Mode::unsealed, WB_IO_ERROR), "/model.ts: cannot open") ==
          "/model.ts: cannot open");
    dir.write("model.ts", "m");
    auto unsealed = Bundle::open(dir.path, Bundle::Mode::unsealed);
    REQUIRE(unsealed);
    CHECK((*unsealed)->file("model.ts"));
}

TEST_CASE("a draft's zones.json is used where it is there") {
    Scratch dir;
    dir.write("manifest.json", example().dump());
    dir.write("vocab.txt", kVocabulary);
    dir.write("zones.json", "{}");
    CHECK(cut(problem(dir.path, Bundle::Mode::draft), "zones.json: expected a table") ==
          "zones.json: expected a table");
    dir.write("zones.json", kZones);
    CHECK(problem(dir.path, Bundle::Mode::draft) == "opened");
}

TEST_CASE("inspect tells what is in a bundle") {
    Scratch dir;
    make_bundle(dir);
    auto bundle = open_full(dir.path);
    REQUIRE(bundle);
    const Json about = Json::parse((*bundle)->describe().text());
    CHECK(about["identity"]["name"] == "card-mlp");
    CHECK(about["digest"] == hex((*bundle)->digest()));
    CHECK(about["schema"]["digest"] == formatted("{:016x}", (*bundle)->schema()->digest()));
    CHECK(about["schema"]["fixed_bytes"] == (*bundle)->schema()->fixed_bytes());
    REQUIRE(about["features"].size() == 7);
    CHECK(about["features"][0]["offset"] == (*bundle)->schema()->features()[0].offset);
    CHECK(about["features"][0]["encoding"].dump() == R"([{"op":"log1p"},{"op":"standardise","mean":3.2,"std":1.1}])");
    CHECK(about["features"][2]["encoding"].dump() == R"([{"op":"vocabulary","size":2,"unknown":"zero"}])");
    for (size_t i = 0; i < about["features"].size(); ++i)
        CHECK(about["features"][i].contains("default") == (*bundle)->schema()->features()[i].missing.has_value());
    CHECK(about["features"][1]["default"] == 0.0);
    CHECK(about["features"][3]["keys"] == "int64");
    CHECK(about["features"][4]["zone"] == "Europe/Paris");
    CHECK(about["features"][4]["unit"] == "ms");
    CHECK(about["features"][6]["type"] == "sequence");
    CHECK(about["features"][6]["of"] == "int64");
    CHECK(about["tensors"][2]["shape"].dump() == R"(["batch","length",1])");
    CHECK(about["tensors"][5]["features"].dump() == R"(["descriptor"])");
    CHECK(about["outputs"][0]["calibration"].dump() == R"({"kind":"platt","a":1.0,"b":0.0})");
    CHECK(about["outputs"][0]["bands"].size() == 3);
    CHECK(about["limits"]["rows"] == 4096);
    CHECK(about["fallback"]["slot"] == "previous");
    CHECK(about["files"]["model.ts"]["bytes"] == 12);
}

TEST_CASE("random changes of manifest.json never do harm", "[one-thread]") {
    const std::string text = example_text();
    uint64_t state = 42;
    auto random = [&state](size_t below) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        return static_cast<size_t>(state >> 33) % below;
    };
    const std::string_view snippets[] = {"{",
                                         "}",
                                         "[",
                                         "]",
                                         "null",
                                         "-1",
                                         "1e308",
                                         "\"\"",
                                         ",",
                                         ":",
                                         "true",
                                         "\\u0000",
                                         "9223372036854775808",
                                         "\xC3",
                                         "[[[[[[[[[[[[[[[[[[["};
    size_t accepted = 0;
    for (int round = 0; round < 3000; ++round) {
        std::string mutated = text;
        for (size_t edits = 1 + random(3); edits > 0; --edits) {
            const size_t at = random(mutated.size());
            switch (random(4)) {
                case 0:
                    mutated[at] = static_cast<char>(random(256));
                    break;
                case 1:
                    mutated.erase(at, 1 + random(20));
                    break;
                case 2:
                    mutated.insert(at, snippets[random(std::size(snippets))]);
                    break;
                default:
                    mutated.replace(at, 1, mutated.substr(random(mutated.size()), 1 + random(30)));
            }
        }
        auto read = read_manifest("manifest.json", mutated, Completeness::complete);
        accepted += read ? 1 : 0;
        if (!read) {
            CHECK(read.status().code == WB_INVALID_BUNDLE);
            CHECK(std::string_view(read.status().message).starts_with("manifest.json: "));
        }
    }
    CHECK(accepted < 1500);
}
