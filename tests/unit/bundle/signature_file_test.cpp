// SPDX-License-Identifier: Apache-2.0
#include "bundle/signature_file.hpp"

#include "base/base64.hpp"
#include "unit/bundle/bundle_support.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::lib::test;
namespace fs = std::filesystem;

namespace {

// Written by model-signing 1.1.1 over the files manifest.json ("hi\n") and model.ts ("x\n").
std::string sample() { return source_file("tests/fuzz/corpus/signature/model-signing.sig"); }

Json statement_of_sample() {
    return Json::parse(*base64_bytes(Json::parse(sample())["dsseEnvelope"]["payload"].get<std::string>()));
}

std::string with_statement(const std::string &statement) {
    Json file = Json::parse(sample());
    file["dsseEnvelope"]["payload"] = base64(statement);
    return file.dump();
}

std::string problem(const std::string &text) {
    const auto read = read_signature("model.sig", text);
    if (read) return "read";
    CHECK(read.status().code == WB_INVALID_BUNDLE);
    return read.status().message;
}

// A statement over a bundle's files as they are listed, in a file whose signature nobody has made.
std::string signature_over(const Scratch &directory) {
    const Json manifest = Json::parse(directory.read("manifest.json"));
    std::map<std::string, std::string> digests = {
        {"manifest.json", hex(*sha256(as_bytes(directory.read("manifest.json"))))}};
    for (const auto &[name, entry] : manifest["files"].items()) digests[name] = entry["sha256"].get<std::string>();
    Json statement = statement_of_sample();
    statement["predicate"]["resources"] = Json::array();
    RootDigest root;
    for (const auto &[name, digest] : digests) {
        statement["predicate"]["resources"].push_back({{"name", name}, {"algorithm", "sha256"}, {"digest", digest}});
        root.add(digest);
    }
    statement["subject"][0]["digest"]["sha256"] = hex(*root.digest());
    return with_statement(statement.dump());
}

std::string refusal(const std::string &path) {
    const auto bundle = open_full(path);
    if (bundle) return "opened";
    CHECK(bundle.status().code == WB_INVALID_BUNDLE);
    CHECK(std::strlen(bundle.status().message) < 255);
    return bundle.status().message;
}

}  // namespace

TEST_CASE("names of signatures are model.sig and model.ROLE.sig, byte for byte", "[signature]") {
    for (const char *name : {"model.sig", "model.owner.sig", "model.risk-2_b.sig"}) CHECK(is_signature_name(name));
    for (const char *name : {"Model.sig", "model.SIG", "model.Owner.sig", "model..sig", "model.sig.sig.", ".sig",
                             "model.a.b.sig", "model.sig ", "model.1.sig", "models.sig", "model.owner.sig.json"})
        CHECK_FALSE(is_signature_name(name));
    CHECK_FALSE(is_signature_name("model." + std::string(32, 'a') + ".sig"));
    CHECK(signature_name("") == "model.sig");
    CHECK(signature_name("risk") == "model.risk.sig");
}

TEST_CASE("what model-signing writes is read", "[signature]") {
    const auto read = read_signature("model.sig", sample());
    INFO(read.status().message);
    REQUIRE(read);
    CHECK(read->key == "18cd702e0bc2989ddd56d5a1f27cabbcbeb958253dbc5b8312411f8d7c9064d6");
    CHECK(read->signature.size() == 70);
    CHECK(read->digests == std::map<std::string, std::string>{
                               {"manifest.json", "98ea6e4f216f2fb4b69fff9b3a44842c38686ca685f3f55dc48c5d3fb1107be4"},
                               {"model.ts", "73cb3858a687a8494ca3323053016282f3dad39d42cf62ca4e79dda2aac7d9ac"}});
    CHECK(signed_bytes(read->statement).starts_with("DSSEv1 28 application/vnd.in-toto+json 892 {\n"));
}

TEST_CASE("a signature's file is read strictly, and what is wrong is named with its place", "[signature]") {
    CHECK(problem("").starts_with("model.sig: "));
    CHECK(problem("[]") == "model.sig: expected an object, got an empty array");
    CHECK(problem(std::string(kSignatureBytes + 1, ' ')).starts_with("model.sig: expected at most 1048576 bytes"));
    CHECK(problem(std::string(100000, '[')).find("expected at most 16 levels") != std::string::npos);
    const auto changed = [](auto change) {
        Json file = Json::parse(sample());
        change(file);
        return problem(file.dump());
    };
    CHECK(changed([](Json &file) {
              file["mediaType"] = "application/json";
          }).starts_with("model.sig: mediaType: expected one of application/vnd.dev.sigstore.bundle.v0.3+json"));
    CHECK(changed([](Json &file) { file["more"] = 1; }) == "model.sig: more: expected no such field");
    CHECK(changed([](Json &file) {
              file["verificationMaterial"] = {{"certificate", "x"}};
          }).starts_with("model.sig: verificationMaterial.certificate: expected no such field"));
    CHECK(changed([](Json &file) {
              file["verificationMaterial"].erase("publicKey");
          }).starts_with("model.sig: verificationMaterial.publicKey: expected a signature by a key"));
    CHECK(changed([](Json &file) {
              file["verificationMaterial"]["publicKey"]["hint"] = "ab";
          }).ends_with("expected the sha256 of a public key, 64 hex digits, got \"ab\""));
    CHECK(changed([](Json &file) {
              file["dsseEnvelope"]["payloadType"] = "text/plain";
          }).starts_with("model.sig: dsseEnvelope.payloadType: expected one of application/vnd.in-toto+json"));
    CHECK(changed([](Json &file) {
              file["dsseEnvelope"]["payload"] = "e30";
          }).starts_with("model.sig: dsseEnvelope.payload: expected base64 of 2 to 1048576 bytes"));
    CHECK(changed([](Json &file) {
              file["dsseEnvelope"]["signatures"].push_back({{"sig", ""}, {"keyid", ""}});
          }).starts_with("model.sig: dsseEnvelope.signatures: expected an array of 1"));
    CHECK(changed([](Json &file) {
              file["dsseEnvelope"]["signatures"][0]["sig"] = base64(std::string(300, 'x'));
          }).starts_with("model.sig: dsseEnvelope.signatures[0].sig: expected base64 of 8 to 256 bytes"));
    CHECK(problem(replaced(sample(), "\"keyid\":\"\"", "\"keyid\":\"\",\"keyid\":\"\""))
              .find("expected each key once, got it twice") != std::string::npos);
}

TEST_CASE("a statement is read strictly, and what is wrong is named with its place", "[signature]") {
    CHECK(problem(with_statement("{ ")).starts_with("model.sig: statement: "));
    const auto changed = [](auto change) {
        Json statement = statement_of_sample();
        change(statement);
        return problem(with_statement(statement.dump()));
    };
    CHECK(changed([](Json &) {}) == "read");
    CHECK(changed([](Json &statement) { statement["predicate"]["later"] = {1, 2}; }) == "read");
    CHECK(changed([](Json &statement) {
              statement["predicateType"] = "https://model_signing/Digests/v0.1";
          }).starts_with("model.sig: statement: predicateType: expected one of"));
    CHECK(changed([](Json &statement) { statement["_type"] = "x"; }).starts_with("model.sig: statement: _type: "));
    CHECK(changed([](Json &statement) {
              statement["predicate"]["serialization"]["method"] = "shards";
          }).starts_with("model.sig: statement: predicate.serialization.method: expected one of files"));
    CHECK(changed([](Json &statement) {
              statement["predicate"]["serialization"]["hash_type"] = "blake2b";
          }).starts_with("model.sig: statement: predicate.serialization.hash_type: expected one of sha256"));
    CHECK(changed([](Json &statement) { statement["predicate"]["serialization"]["allow_symlinks"] = true; }) ==
          "model.sig: statement: predicate.serialization.allow_symlinks: expected false, got true");
    const auto resource = [&](const char *field, Json value) {
        return changed([&](Json &statement) { statement["predicate"]["resources"][1][field] = value; });
    };
    const std::string at = "model.sig: statement: predicate.resources[1].";
    CHECK(resource("name", "../model.ts") == at + "name: expected a file of the bundle, got \"../model.ts\"");
    CHECK(resource("name", "a/model.ts").starts_with(at + "name: "));
    CHECK(resource("name", "manifest.json") == at + "name: expected each file once, got \"manifest.json\"");
    CHECK(resource("algorithm", "md5").starts_with(at + "algorithm: expected one of sha256"));
    CHECK(resource("digest", std::string(64, 'A')).starts_with(at + "digest: expected 64 hex digits"));
    CHECK(resource("digest", std::string(64, 'a')) ==
          "model.sig: statement: subject[0].digest.sha256: expected the digest of the digests in predicate.resources, "
          "got \"c411a4924ea846393ef2ee46d132d47e2e035...\"");
}

TEST_CASE("a signature of this bundle is no stranger in it, and what differs from it is named", "[signature]") {
    Scratch dir;
    make_bundle(dir);
    dir.write("model.sig", signature_over(dir));
    dir.write("model.risk.sig", signature_over(dir));
    auto opened = open_full(dir.path);
    INFO(opened.status().message);
    REQUIRE(opened);
    REQUIRE((*opened)->signatures().size() == 2);
    CHECK((*opened)->signatures()[0].name == "model.risk.sig");
    CHECK((*opened)->signers().empty());
    CHECK_FALSE((*opened)->file("model.sig"));

    const std::string good = dir.read("model.sig");
    dir.write("model.sig", sample());
    CHECK(refusal(dir.path).starts_with("model.sig: manifest.json: signed with sha256 98ea6e4f216f..., got "));
    CHECK(
        refusal(dir.path).ends_with("the bundle was changed after it was signed, or the signature is another "
                                    "bundle's: take it away and sign again"));
    dir.write("model.sig", "no signature");
    CHECK(refusal(dir.path).starts_with("model.sig: "));
    dir.write("model.sig", good);
    REQUIRE(open_full(dir.path));

    for (const char *name : {"Model.sig", "model.Risk.sig", "model.sig.bak"}) {  // no signature's name: unlisted
        dir.write(name, good);
        CHECK(
            refusal(dir.path).starts_with(std::string("'") + name + "': expected only files that manifest.json lists"));
        fs::remove(dir / name);
    }
    fs::remove(dir / "model.sig");
    fs::create_symlink("model.risk.sig", dir / "model.sig");
    CHECK(refusal(dir.path).starts_with("model.sig: expected a regular file, got a symbolic link"));
    fs::remove(dir / "model.sig");
    for (int i = 0; i < 16; ++i) dir.write("model.r" + std::to_string(i) + ".sig", good);
    CHECK(refusal(dir.path).find("expected at most 16 signatures, got more") != std::string::npos);
}

TEST_CASE("files that are added, removed, renamed, swapped or changed after signing are refused", "[signature]") {
    Scratch dir;
    make_bundle(dir);
    dir.write("model.sig", signature_over(dir));
    const std::string vocabulary = dir.read("vocab.txt"), zones = dir.read("zones.json");
    dir.write("added.txt", "x");
    CHECK(refusal(dir.path).starts_with("'added.txt': expected only files that manifest.json lists"));
    fs::remove(dir / "added.txt");
    fs::rename(dir / "vocab.txt", dir / "VOCAB.txt");
    CHECK(refusal(dir.path).starts_with("'VOCAB.txt': "));
    fs::remove(dir / "VOCAB.txt");
    CHECK(refusal(dir.path).starts_with("vocab.txt: expected a file of "));
    dir.write("vocab.txt", zones);
    dir.write("zones.json", vocabulary);
    CHECK(refusal(dir.path).starts_with("vocab.txt: expected "));
    dir.write("vocab.txt", vocabulary);
    dir.write("zones.json", zones);
    REQUIRE(open_full(dir.path));
    const std::string signature = dir.read("model.sig");
    fs::remove(dir / "model.sig");
    Json other = example();
    other["identity"]["version"] = "2027.1";
    seal(dir, other);
    dir.write("model.sig", signature);
    CHECK(refusal(dir.path).starts_with("model.sig: manifest.json: signed with sha256 "));
}

TEST_CASE("a manifest lists no signature, and names none as a vocabulary", "[signature]") {
    Scratch dir;
    make_bundle(dir);
    dir.write("model.sig", "x");
    seal(dir, example());
    fs::remove(dir / "model.sig");
    CHECK(refusal(dir.path) ==
          "manifest.json: files.model.sig: expected no signature, which lies beside what it signs");
}

TEST_CASE("a statement that signs other files than the bundle's is refused", "[signature]") {
    const SignatureFile signature{"model.sig", "", "", "", {{"manifest.json", std::string(64, '0')}, {"a", "x"}}};
    const std::map<std::string, FileEntry> none, same = {{"a", {"x", 1}}}, more = {{"a", {"x", 1}}, {"b", {"y", 1}}};
    CHECK(check_signed_files(signature, same).ok());
    CHECK(std::string(check_signed_files(signature, none).message).find("one of 'a' too") != std::string::npos);
    CHECK(std::string(check_signed_files(signature, more).message) ==
          "model.sig: expected a signature of all files, got one without 'b': sign again");
    CHECK(check_signed_manifest({"model.sig", "", "", "", {}}, {}).code == WB_INVALID_BUNDLE);
    CHECK(check_signed_manifest(signature, {}).ok());
}
