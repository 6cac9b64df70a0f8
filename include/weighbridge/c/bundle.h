/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  Bundles: pack, compile, inspect, verify. */
#ifndef WEIGHBRIDGE_C_BUNDLE_H
#define WEIGHBRIDGE_C_BUNDLE_H

#include "model.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Makes a bundle directory from its parts: copies the module, completes the manifest (required version, digests, time
 *  zone tables), copies the vocabularies that the manifest names (beside it), and writes golden vectors: the given
 *  file, or 64 generated rows whose outputs are computed through LibTorch, where the engine's option "importer" says.
 *  Where rows are generated and a manifest with sequences does not state limits.least_length, that is found by trying,
 *  each length in a process of its own (with "in_process" in a forked child), as LibTorch may end a process that gives it
 *  an empty sequence; a value above 0 is written. One that is not done after the option "importer_seconds" (a forked
 *  child: 180 s) is killed and ends the packing. The directory appears whole or not at all.
 *  @param engine    where golden outputs are computed; with a LibTorch plug-in where `golden` is NULL
 *  @param module    model.ts, a TorchScript file
 *  @param manifest  manifest.json
 *  @param golden    golden.jsonl, or NULL to generate
 *  @param out_dir   the directory to make; must not exist or be empty
 *  @return WB_OK; WB_INVALID_BUNDLE; WB_IO_ERROR; WB_BACKEND_UNAVAILABLE; WB_BACKEND_FAILED; WB_DEADLINE_EXCEEDED (a
 *          length was tried for too long). Thread-safe. @since 0.1, stable */
WB_API int32_t wb_bundle_pack(wb_engine *engine, const char *module, const char *manifest, const char *golden,
                              const char *out_dir, wb_error *err);

/** Compiles a bundle's TorchScript to model.plan, in place: imports the module through LibTorch, where the
 *  engine's option "importer" says, optimises it, packs
 *  its weights for each precision, runs the golden vectors in each, and writes model.plan and its digest into the
 *  bundle only where all of them stay within the manifest's tolerances. The same module, manifest and precisions give
 *  the same bytes. After that LibTorch is not needed to serve it. A precision that this CPU has no instructions for is
 *  checked by emulation.
 *  @param out          receives a report as JSON, where there is one also on error: operators, each precision with its
 *                      largest and mean difference by output and, where it is beyond its tolerance, the golden lines
 *                      that are ("mismatches"), size and sha256 of the plan, passes; or what does not lower
 *                      ("refused"), a line "operator, layer, file:line: reason" for each. NULL where there is none
 *  @param engine       with a LibTorch plug-in
 *  @param precisions   "fp32,bf16,int8,int8bf16" or some of them, the one that serves by default first, which must be
 *                      fp32 or int8; NULL for fp32
 *  @param dump_passes  0, or 1 to have each pass's graph as text in the report
 *  @param options      read during the call, for deadline, token and "import_cache" alone; NULL for none. A call that
 *                      they end leaves the bundle as it was
 *  @return WB_OK; WB_INVALID_BUNDLE (how many operators do not lower, and the first, with its source line);
 *          WB_VERIFY_FAILED (the first precision that is beyond its tolerance); WB_INVALID_ARGUMENT; WB_IO_ERROR;
 *          WB_BACKEND_UNAVAILABLE; WB_CANCELLED; WB_DEADLINE_EXCEEDED; WB_OUT_OF_MEMORY. Thread-safe, but one call a
 *          bundle at a time. @since 0.2 in this form, stable */
WB_API int32_t wb_bundle_compile(wb_text **out, wb_engine *engine, const char *path, const char *precisions,
                                 int32_t dump_passes, wb_load_options *options, wb_error *err);

/** What a bundle says of itself, as JSON, after its manifest and digests were checked: identity, features, tensors,
 *  outputs, limits, files with sizes and digests, schema digest, warnings (what can be meant, but hardly is, as JPY
 *  with two decimal places), and of a model.plan its precisions, or why this version refuses it. No model is run.
 *  @param out  receives the text; NULL on error
 *  @return WB_OK; WB_INVALID_BUNDLE; WB_IO_ERROR; WB_OUT_OF_MEMORY. Thread-safe. @since 0.2 in this form, stable */
WB_API int32_t wb_bundle_inspect(wb_text **out, const char *path, wb_error *err);

/** wb_bundle_inspect, for a bundle in memory. Thread-safe. @since 0.2, stable */
WB_API int32_t wb_bundle_inspect_source(wb_text **out, wb_source *source, wb_error *err);

/** Checks digests and manifest, loads the model, reproduces the golden vectors, and reports as JSON: backend, vectors,
 *  largest difference by output, tolerance, how many vectors had a probability and a band, largest difference of a
 *  probability, each output, probability and band of a vector that did not come out ("mismatches"), warnings.
 *  @param out  receives the text; also with WB_VERIFY_FAILED; NULL with every other error
 *  @return WB_OK; WB_VERIFY_FAILED; as wb_model_load. Thread-safe. @since 0.2 in this form, stable */
WB_API int32_t wb_bundle_verify(wb_text **out, wb_engine *engine, const char *path, wb_load_options *options,
                                wb_error *err);

/** wb_bundle_verify, for a bundle in memory. Thread-safe. @since 0.2, stable */
WB_API int32_t wb_bundle_verify_source(wb_text **out, wb_engine *engine, wb_source *source, wb_load_options *options,
                                       wb_error *err);

/** Scans a TorchScript file before anything loads it: its archive, code and pickles, against the rules that packing,
 *  compiling, verifying and the engine torchscript hold modules to. Reads the file and runs nothing of it. Reports as
 *  JSON: whether it is accepted, the findings (rule, file, line, in plain words), and what the module holds: classes,
 *  functions, tensors, the operators that its code calls.
 *  @param out     receives the text; also where a rule refuses the file; NULL with every other error
 *  @param engine  whose options scan_allow and scan_refuse widen and narrow the list of operators
 *  @param path    model.ts
 *  @return WB_OK; WB_INVALID_BUNDLE (refused: the message has the first finding); WB_IO_ERROR; WB_OUT_OF_MEMORY.
 *          Thread-safe. @since 0.2, unstable */
WB_API int32_t wb_module_scan(wb_text **out, wb_engine *engine, const char *path, wb_error *err);

#ifdef __cplusplus
}
#endif
#endif
