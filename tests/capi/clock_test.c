/* SPDX-License-Identifier: Apache-2.0 */
/* wb_now_ns is CLOCK_MONOTONIC, so that callers compute deadlines from their own language's clock. */
#define _POSIX_C_SOURCE 199309L
#include <time.h>

#include "support/check.h"

static int64_t monotonic_ns(void) {
    struct timespec now;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int main(void) {
    int i;
    for (i = 0; i < 1000; ++i) {
        int64_t before = monotonic_ns(), ours = wb_now_ns(), after = monotonic_ns();
        CHECK(before <= ours && ours <= after);
    }
    return 0;
}
