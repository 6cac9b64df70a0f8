/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  Signatures over bundles: making keys and signing. Loads check them by the options trusted_keys, signatures_required,
 *  unsigned, revoked, minimum_version and expected_name (wb_load_options_set).
 *
 *  A signature is a file of the bundle, model.sig, or model.ROLE.sig where several have to sign: a Sigstore bundle of
 *  OpenSSF Model Signing v1.0 by a key of ECDSA on P-256, P-384 or P-521, over manifest.json and every file that it
 *  lists. A signed bundle is not changed: pack, compile, then sign. All functions need libweighbridge_verify.so in the
 *  folder weighbridge beside the library, but for wb_bundle_signed_bytes. */
#ifndef WEIGHBRIDGE_C_SIGNING_H
#define WEIGHBRIDGE_C_SIGNING_H

#include "bundle.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Makes a key pair, in PEM.
 *  @param private_path  receives the private key (PKCS#8, mode 0600); must not exist
 *  @param public_path   receives the public key, which is what loads trust; must not exist
 *  @param curve         "P-256", "P-384" or "P-521"; NULL for P-256
 *  @param passphrase    what encrypts the private key; NULL or "" for nothing
 *  @return WB_OK; WB_INVALID_ARGUMENT; WB_IO_ERROR; WB_BACKEND_UNAVAILABLE (libweighbridge_verify.so); WB_OUT_OF_MEMORY
 *  Thread-safe. @since 0.2, stable */
WB_API int32_t wb_key_generate(const char *private_path, const char *public_path, const char *curve,
                               const char *passphrase, wb_error *err);

/** Signs a bundle: checks all its files against the manifest, and writes the signature into its directory, in the place
 *  of one that is there. Other signatures stay.
 *  @param path        the bundle's directory
 *  @param roles       as whom, a role of 1 to 31 of [a-z0-9_-], a letter first; behind it, with commas, the roles of
 *                     who else signs ("owner" and "risk" need not be named), so that model-signing takes each signature
 *                     beside the others. NULL or "" for model.sig
 *  @param key_path    the private key, in PEM
 *  @param passphrase  of the key; NULL or "" for none
 *  @return WB_OK; WB_INVALID_ARGUMENT (no such key, another passphrase); WB_INVALID_BUNDLE; WB_IO_ERROR;
 *          WB_BACKEND_UNAVAILABLE; WB_OUT_OF_MEMORY. Thread-safe. @since 0.2, stable */
WB_API int32_t wb_bundle_sign(const char *path, const char *roles, const char *key_path, const char *passphrase,
                              wb_error *err);

/** What wb_bundle_sign signs, for keys that do not leave a hardware security module: the hash of these bytes (SHA-256
 *  for P-256, SHA-384 for P-384, SHA-512 for P-521) goes to the module, and its signature to
 *  wb_bundle_attach_signature. The same bundle and roles give the same bytes.
 *  @param out  receives the bytes; NULL on error
 *  @return WB_OK; WB_INVALID_ARGUMENT; WB_INVALID_BUNDLE; WB_IO_ERROR; WB_OUT_OF_MEMORY. Thread-safe.
 *  @since 0.2, stable */
WB_API int32_t wb_bundle_signed_bytes(wb_text **out, const char *path, const char *roles, wb_error *err);

/** Writes a signature that was made elsewhere into the bundle, once it holds for the bundle as it is now.
 *  @param roles            as wb_bundle_signed_bytes had them
 *  @param public_key_path  the public key, in PEM
 *  @param signature        DER, as OpenSSL writes it, or two numbers one behind the other, as PKCS#11 gives them
 *  @return WB_OK; WB_INVALID_ARGUMENT (a signature of other bytes, or by another key); WB_INVALID_BUNDLE; WB_IO_ERROR;
 *          WB_BACKEND_UNAVAILABLE; WB_OUT_OF_MEMORY. Thread-safe. @since 0.2, stable */
WB_API int32_t wb_bundle_attach_signature(const char *path, const char *roles, const char *public_key_path,
                                          const void *signature, size_t size, wb_error *err);

#ifdef __cplusplus
}
#endif
#endif
