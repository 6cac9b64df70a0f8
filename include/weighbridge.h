/* SPDX-License-Identifier: Apache-2.0 */
/** @file weighbridge.h
 *  Weighbridge scores payments inside the payment service's own process.
 *
 *  What it does not do: it writes nothing to stdout or stderr, never aborts or exits, installs no signal handler,
 *  leaves the host's floating-point, OpenMP, locale and signal state alone, calls no callback with a lock held, spins on
 *  nothing, and starts no thread unless LibTorch or an asynchronous call is asked for (those are named wb:...).
 *
 *  Conventions:
 *   1. Functions are wb_<noun>_<verb>. Where there is an output parameter it is first, named `out`.
 *   2. Handles are tokens: typed pointers that are never dereferenced. A freed, forged or wrong handle is an error.
 *   3. What a call gives in `T **out` is the caller's and has wb_T_free, which accepts NULL and never blocks. On
 *      failure *out is NULL, but for a report that tells of it. Any order of freeing is safe.
 *   4. Functions that can fail return a status: zero and above answers, below zero errors. `err`, last, may be NULL.
 *   5. Structs start with struct_size, which the caller sets (or the _INIT macro does). They grow at the end only. A
 *      function takes every size from the first version's (WB_RESULT_SIZE_V1 and alike) to WB_STRUCT_SIZE_LIMIT, writes
 *      the members that both sides know, and zeroes what the caller has beyond them: 0 in a member means that the
 *      library does not know it. Arrays of such structs have a stride, which is the caller's struct size.
 *   6. Deadlines are absolute nanoseconds of CLOCK_MONOTONIC: wb_now_ns() + budget, or WB_NO_DEADLINE, or
 *      WB_DEFAULT_DEADLINE for the engine's option default_deadline_us.
 *   7. Strings are UTF-8 and end with NUL. Text of any length comes as a wb_text.
 *   8. Functions compute in a floating-point state of their own (to nearest, denormals kept, no traps), whatever the
 *      host's is, and give it back: control and sticky flags are as before the call, on errors too.
 *   9. Everything is thread-safe unless its comment says otherwise; rows, batches and calls are for one thread at a
 *      time.
 *  10. pthread_cancel() takes effect behind a call, never inside one.
 *  11. A library fits a caller whose WB_ABI_VERSION is the same and whose WB_ABI_MINOR is the library's or less. The
 *      loader sees to it for what is linked (soname, and a version node for each release that added functions); who
 *      opens the library by name compares wb_abi_version() and wb_abi_minor().
 *  12. What is marked stable keeps name, signature, layout and meaning for as long as WB_ABI_VERSION is 1; what is marked
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
#include "weighbridge/c/slot.h"
#include "weighbridge/c/source.h"

#endif
