// SPDX-License-Identifier: Apache-2.0
#include "sign/public_key.hpp"

#include <algorithm>

#include "base/base64.hpp"
#include "base/sha256.hpp"

namespace weighbridge::lib {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kBegin = "-----BEGIN ";
constexpr std::string_view kBeginPublic = "-----BEGIN PUBLIC KEY-----";
constexpr std::string_view kEndPublic = "-----END PUBLIC KEY-----";
constexpr size_t kLine = 64;

// A curve, and what DER writes of a SubjectPublicKeyInfo (RFC 5480) before the point's 4, x, y.
struct CurveForm {
    Curve curve;
    std::string_view name;
    size_t field_bytes;
    std::string_view prefix;
};
constexpr CurveForm kCurves[] = {
    {Curve::p256, "P-256", 32,
     "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"
     "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00"sv},
    {Curve::p384, "P-384", 48,
     "\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"
     "\x06\x05\x2b\x81\x04\x00\x22\x03\x62\x00"sv},
    {Curve::p521, "P-521", 66,
     "\x30\x81\x9b\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"
     "\x06\x05\x2b\x81\x04\x00\x23\x03\x81\x86\x00"sv},
};

const CurveForm &form_of(Curve curve) { return kCurves[static_cast<size_t>(curve)]; }

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

template <class... Values>
Status refused(TextFormat<Values...> format, const Values &...values) {
    return Status::failure(WB_INVALID_ARGUMENT, format, values...);
}

// The key that a PEM block's base64 holds, with its line breaks.
Expected<PublicKey> key_of_block(std::string_view label, std::string_view block) {
    std::string text;
    std::copy_if(block.begin(), block.end(), std::back_inserter(text), [](char c) { return !is_blank(c); });
    const auto der = base64_bytes(text);
    if (!der) return refused("{}: expected a public key in PEM, got one whose base64 is damaged", label);
    for (const CurveForm &form : kCurves)
        if (der->starts_with(form.prefix) && der->size() == form.prefix.size() + 1 + 2 * form.field_bytes &&
            (*der)[form.prefix.size()] == 4)
            return make_public_key(form.curve, der->substr(form.prefix.size()));
    return refused(
        "{}: expected a public key of ECDSA on P-256, P-384 or P-521, of a named curve, with its point uncompressed: "
        "write it with openssl pkey -pubout",
        label);
}

}  // namespace

std::string_view name_of(Curve curve) { return form_of(curve).name; }

size_t field_bytes(Curve curve) { return form_of(curve).field_bytes; }

Expected<Curve> curve_of(std::string_view name) {
    for (const CurveForm &form : kCurves)
        if (form.name == name) return form.curve;
    return refused("curve: expected P-256, P-384 or P-521, got \"{:.32}\"", name);
}

Expected<PublicKey> make_public_key(Curve curve, std::string point) {
    if (point.size() != 1 + 2 * field_bytes(curve))
        return refused("public key: expected a point of {} bytes, got {}", 1 + 2 * field_bytes(curve), point.size());
    PublicKey key{curve, std::move(point), {}};
    const auto digest = sha256(as_bytes(public_pem(key)));
    if (!digest) return digest.status();
    key.fingerprint = hex(*digest);
    return key;
}

std::string public_pem(const PublicKey &key) {
    const std::string text = base64(std::string(form_of(key.curve).prefix) + key.point);
    std::string pem(kBeginPublic);
    for (size_t at = 0; at < text.size(); at += kLine) pem.append("\n").append(text, at, kLine);
    return pem.append("\n").append(kEndPublic).append("\n");
}

Expected<std::vector<PublicKey>> read_public_keys(std::string_view label, std::string_view pem) {
    std::vector<PublicKey> keys;
    for (;;) {
        while (!pem.empty() && is_blank(pem.front())) pem.remove_prefix(1);
        if (pem.empty()) break;
        if (!pem.starts_with(kBeginPublic)) {
            const std::string_view kind = pem.substr(0, pem.find('\n'));
            if (kind.starts_with(kBegin) && kind.find("PRIVATE KEY") != kind.npos)
                return refused(
                    "{}: expected a public key, got a private one: name the public one, and keep this away "
                    "from the service",
                    label);
            return refused("{}: expected {} and a public key in PEM, got other text", label, kBeginPublic);
        }
        const size_t end = pem.find(kEndPublic);
        if (end == pem.npos) return refused("{}: expected {} behind a public key, got none", label, kEndPublic);
        auto key = key_of_block(label, pem.substr(kBeginPublic.size(), end - kBeginPublic.size()));
        if (!key) return key.status();
        keys.push_back(*std::move(key));
        pem.remove_prefix(end + kEndPublic.size());
    }
    if (keys.empty()) return refused("{}: expected a public key in PEM, got nothing", label);
    return keys;
}

}  // namespace weighbridge::lib
