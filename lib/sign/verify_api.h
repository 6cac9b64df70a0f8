/* SPDX-License-Identifier: Apache-2.0 */
/* What libweighbridge_verify.so gives the library: ECDSA by an OpenSSL of its own. Plain C: no C++ type, exception or
 * object of OpenSSL crosses. */
#ifndef WEIGHBRIDGE_VERIFY_API_H
#define WEIGHBRIDGE_VERIFY_API_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WB_VERIFY_ABI 1u
#define WB_VERIFY_GET "wb_verify_get"
#define WB_VERIFY_LIBRARY "libweighbridge_verify.so"

/* Curves: NIST's, each with its own hash. */
#define WB_CURVE_P256 0 /* SHA-256 */
#define WB_CURVE_P384 1 /* SHA-384 */
#define WB_CURVE_P521 2 /* SHA-512 */

#define WB_POINT_BYTES 133     /* most of a public key's point, uncompressed: 4, x, y */
#define WB_SIGNATURE_BYTES 139 /* most of a signature, as DER */
#define WB_KEY_BYTES 4096      /* most of a private key's PEM */

/* How a call ended. */
#define WB_CRYPTO_YES 1         /* done; or the signature holds */
#define WB_CRYPTO_NO 0          /* the signature does not hold */
#define WB_CRYPTO_FAILED -1     /* OpenSSL failed: no memory, no random numbers */
#define WB_CRYPTO_BAD_POINT -2  /* no point of the curve */
#define WB_CRYPTO_BAD_KEY -3    /* no private key in PEM */
#define WB_CRYPTO_BAD_CURVE -4  /* a private key of another kind */
#define WB_CRYPTO_PASSPHRASE -5 /* the key has a passphrase, and this is not it */

typedef struct wb_bytes {
    const uint8_t *data;
    size_t size;
} wb_bytes;

/* A private key: PKCS#8 or SEC 1, as PEM, with the passphrase that it is encrypted with (empty for none). */
typedef struct wb_private_key {
    wb_bytes pem;
    wb_bytes passphrase;
} wb_private_key;

/* Every function is thread-safe and keeps nothing. A buffer's size is set to what was written. */
typedef struct wb_verify_v1 {
    uint32_t abi;         /* WB_VERIFY_ABI */
    uint32_t struct_size; /* sizeof(wb_verify_v1) */
    const char *crypto;   /* "OpenSSL 3.0.19 ...", for messages */
    /* Whether a DER signature over the message's hash is of this key. */
    int32_t (*verify)(int32_t curve, wb_bytes point, wb_bytes message, wb_bytes signature);
    /* Signs; `signature` has WB_SIGNATURE_BYTES. */
    int32_t (*sign)(wb_private_key key, wb_bytes message, uint8_t *signature, size_t *size);
    /* The public key of a private one; `point` has WB_POINT_BYTES. */
    int32_t (*public_point)(wb_private_key key, int32_t *curve, uint8_t *point, size_t *size);
    /* Makes a key: PKCS#8 in PEM, encrypted (AES-256-CBC, PBKDF2) where there is a passphrase; `pem` has WB_KEY_BYTES.
     */
    int32_t (*generate)(int32_t curve, wb_bytes passphrase, uint8_t *pem, size_t *size);
} wb_verify_v1;

/* The library's only symbol. NULL for an ABI that it does not have, and where OpenSSL cannot be set up. */
typedef const wb_verify_v1 *(*wb_verify_get_fn)(uint32_t abi);

#ifdef __cplusplus
}
#endif
#endif
