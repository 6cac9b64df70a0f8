// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/expected.hpp"
#include "sign/verify_api.h"

namespace weighbridge::lib {

enum class Curve : int32_t { p256 = WB_CURVE_P256, p384 = WB_CURVE_P384, p521 = WB_CURVE_P521 };

std::string_view name_of(Curve curve);  // "P-256"
// WB_INVALID_ARGUMENT lists the names.
Expected<Curve> curve_of(std::string_view name);
size_t field_bytes(Curve curve);  // of a coordinate: 32, 48, 66

// A public key of ECDSA.
struct PublicKey {
    Curve curve = Curve::p256;
    std::string point;        // uncompressed: 4, x, y
    std::string fingerprint;  // sha256 of its PEM as public_pem() writes it, 64 hex digits: how signatures name it
};

// WB_INVALID_ARGUMENT where the point has not the curve's size.
Expected<PublicKey> make_public_key(Curve curve, std::string point);

// SubjectPublicKeyInfo as PEM, in lines of 64, as OpenSSL writes it.
std::string public_pem(const PublicKey &key);

// Every public key of a PEM text. Only the spelling that OpenSSL writes by default is taken: a named curve, an
// uncompressed point. WB_INVALID_ARGUMENT says what stands there instead; `label` is what messages call it.
Expected<std::vector<PublicKey>> read_public_keys(std::string_view label, std::string_view pem);

}  // namespace weighbridge::lib
