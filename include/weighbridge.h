/* SPDX-License-Identifier: Apache-2.0 */
/** @file weighbridge.h
 *  Weighbridge scores payments inside the payment service's own process.
 *
 *  What it does not do: it writes nothing to stdout or stderr, never aborts or exits, installs no signal handler,
 *  changes none of the host's floating-point, OpenMP, locale and signal state, calls no callback with a lock held, and
 *  never spins. It starts threads only for LibTorch and for asynchronous calls; their names begin with wb:.
 *
 *  Conventions:
 *   1. Functions are wb_<noun>_<verb>. Where there is an output parameter it is first, named `out`.
 *   2. Handles are tokens: typed pointers that are never dereferenced. A freed, forged or wrong handle is an error.
 *   3. The caller owns what a function returns in `T **out`, and frees it by wb_T_free, which accepts NULL and never
 *      blocks. Any order of freeing is safe. On failure *out is NULL, except for a report about the failure.
 *   4. Functions that can fail return a status: zero or more is an answer, less than zero an error. The last
 *      parameter, `err`, receives the details and may be NULL.
 *   5. Structs start with struct_size, which the caller or the _INIT macro sets, and grow at the end only. A function
 *      takes every size from the first version's (such as WB_RESULT_SIZE_V1) to WB_STRUCT_SIZE_LIMIT. It writes the
 *      members that both sides know and zeroes the caller's others: 0 means that the library does not know the member.
 *      Arrays of such structs have a stride, which is the caller's struct size.
 *   6. Deadlines are absolute nanoseconds of CLOCK_MONOTONIC: wb_now_ns() + budget, or WB_NO_DEADLINE, or
 *      WB_DEFAULT_DEADLINE for the engine's option default_deadline_us.
 *   7. Strings are UTF-8 and end with NUL. Text of unbounded length is returned as a wb_text.
 *   8. Functions compute in a floating-point state of their own (round to nearest, denormals kept, no traps) and
 *      restore the host's, control and sticky flags, before they return, on errors too.
 *   9. Everything is thread-safe unless its comment says otherwise. Rows, batches and calls are for one thread at a
 *      time.
 *  10. pthread_cancel() takes effect after a call, never inside one.
 *  11. A library serves callers that were compiled with its WB_ABI_VERSION and with its WB_ABI_MINOR or a lower one.
 *      For linked programs the loader checks that, by the soname and a version node for each release that added
 *      functions; programs that use dlopen() compare wb_abi_version() and wb_abi_minor().
 *  12. What is marked stable keeps its name, signature, layout and meaning while WB_ABI_VERSION is 1. What is marked
 *      unstable may change in any release.
 *
 *  @code
 *  #include <stdio.h>
 *  #include <weighbridge.h>
 *  int main(void) {
 *      wb_error err = WB_ERROR_INIT;
 *      wb_engine *engine = NULL;
 *      wb_model *model = NULL;
 *      wb_schema *schema = NULL;
 *      wb_result result = WB_RESULT_INIT;
 *      uint64_t row[64];
 *      const char json[] = "{\"amount_minor\": 1250}";
 *      if (wb_engine_create(&engine, NULL, &err) < 0 || wb_model_load(&model, engine, "bundle", NULL, &err) < 0 ||
 *          wb_model_schema(&schema, model, &err) < 0 || wb_row_init(schema, row, sizeof row, &err) < 0 ||
 *          wb_row_set_json(schema, row, json, sizeof json - 1, &err) < 0 ||
 *          wb_model_score(&result, model, row, wb_now_ns() + 2000000, NULL, &err) < 0)
 *          fprintf(stderr, "%s: %s\n", wb_status_name(err.code), err.message);
 *      else
 *          printf("score %.6f band %d\n", result.score, (int)result.band);
 *      wb_schema_free(schema);
 *      wb_model_free(model);
 *      wb_engine_free(engine);
 *      return err.code != 0;
 *  }
 *  @endcode
 *  @since 0.1 */
#ifndef WEIGHBRIDGE_H
#define WEIGHBRIDGE_H

#include "weighbridge/c/base.h"
#include "weighbridge/c/batch.h"
#include "weighbridge/c/bundle.h"
#include "weighbridge/c/call.h"
#include "weighbridge/c/engine.h"
#include "weighbridge/c/model.h"
#include "weighbridge/c/queue.h"
#include "weighbridge/c/row.h"
#include "weighbridge/c/schema.h"
#include "weighbridge/c/signing.h"
#include "weighbridge/c/slot.h"
#include "weighbridge/c/source.h"

#endif
