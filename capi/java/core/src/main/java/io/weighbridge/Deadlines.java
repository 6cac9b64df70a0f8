// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.time.Duration;

/** Budgets as absolute deadlines of CLOCK_MONOTONIC, which System.nanoTime() is on Linux. */
final class Deadlines {
    /** The engine's own: its option default_deadline_us. */
    static final long DEFAULT = Long.MIN_VALUE;
    static final long NONE = Long.MAX_VALUE;
    private static final long LONGEST_S = Long.MAX_VALUE / 2_000_000_000L;

    private Deadlines() {}

    /** Now plus the budget; none for one of centuries; a budget below zero is past; null is the engine's default. */
    static long after(Duration budget) {
        if (budget == null) return DEFAULT;
        long seconds = budget.getSeconds();
        if (seconds > LONGEST_S) return NONE;
        if (seconds < -LONGEST_S) return 0;
        return System.nanoTime() + seconds * 1_000_000_000L + budget.getNano();
    }
}
