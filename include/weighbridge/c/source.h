/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  Bundles in memory: what comes from an object store, a database or an archive needs no directory. */
#ifndef WEIGHBRIDGE_C_SOURCE_H
#define WEIGHBRIDGE_C_SOURCE_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The files of a bundle, in memory, by name. What is given a source checks of it all that is checked of a directory:
 *  manifest, digests, that no file is missing and none is there that the manifest does not list. Models that are loaded
 *  from it share its memory and need the handle no more. Thread-safe. @since 0.2, stable */
typedef struct wb_source wb_source;

/** A source without files. @return WB_OK; WB_OUT_OF_MEMORY. Thread-safe. @since 0.2, stable */
WB_API int32_t wb_source_create(wb_source **out, wb_error *err);

/** Adds a file: the one copy that is made of it, the caller's memory is free when this returns.
 *  @param name  as the manifest lists it, or "manifest.json": 1 to 127 of [A-Za-z0-9._-], the first no '.'
 *  @param data  its bytes; may be NULL where size is 0
 *  @return WB_OK; WB_INVALID_ARGUMENT (another name, or one that is there already); WB_INVALID_HANDLE; WB_OUT_OF_MEMORY
 *  Thread-safe: a call that reads the source sees the files that were added before it. @since 0.2, stable */
WB_API int32_t wb_source_add_file(wb_source *source, const char *name, const void *data, size_t size, wb_error *err);

/** NULL does nothing; calls in progress and models keep the memory. Thread-safe. @since 0.2, stable */
WB_API void wb_source_free(wb_source *source);

#ifdef __cplusplus
}
#endif
#endif
