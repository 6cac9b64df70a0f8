// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * An engine's counters since it was created.
 *
 * @param contexts contexts of the pool
 * @param waiting requests waiting now
 * @param models models loaded now
 * @param requests calls that were answered or failed
 * @param rows rows scored by a model
 * @param fallbacks rows answered by a fallback
 * @param overloaded calls shed
 * @param expired calls that met their deadline without a model's answer
 * @param invalid rows refused for their values
 * @param failed calls that failed otherwise
 * @param swaps swaps and rollbacks of slots
 * @param p50Nanos the median latency
 * @param p90Nanos the 90th percentile
 * @param p99Nanos the 99th percentile
 * @param p999Nanos the 99.9th percentile
 * @param maxNanos the longest
 * @param handles live native handles of this process, by kind: what a leak test compares
 * @since 0.2
 */
public record Snapshot(int contexts, int waiting, int models, long requests, long rows, long fallbacks, long overloaded,
        long expired, long invalid, long failed, long swaps, long p50Nanos, long p90Nanos, long p99Nanos,
        long p999Nanos, long maxNanos, Map<String, Integer> handles) {
    private static final String[] KINDS = {null, "engine", "engine_options", "load_options", "model", "slot", "schema",
        "batch", "call", "cancel", "text", "source", "queue"};

    static Snapshot read(Frame at) {
        Map<String, Integer> handles = new LinkedHashMap<>();
        for (int i = 1; i < KINDS.length; ++i) handles.put(KINDS[i], at.outInt(Layout.SNAPSHOT_HANDLES + 4 * i));
        return new Snapshot(at.outInt(Layout.SNAPSHOT_CONTEXTS), at.outInt(Layout.SNAPSHOT_WAITING),
                at.outInt(Layout.SNAPSHOT_MODELS), at.outLong(Layout.SNAPSHOT_REQUESTS),
                at.outLong(Layout.SNAPSHOT_ROWS), at.outLong(Layout.SNAPSHOT_FALLBACKS),
                at.outLong(Layout.SNAPSHOT_OVERLOADED), at.outLong(Layout.SNAPSHOT_EXPIRED),
                at.outLong(Layout.SNAPSHOT_INVALID), at.outLong(Layout.SNAPSHOT_FAILED),
                at.outLong(Layout.SNAPSHOT_SWAPS), at.outLong(Layout.SNAPSHOT_LATENCY_P50_NS),
                at.outLong(Layout.SNAPSHOT_LATENCY_P90_NS), at.outLong(Layout.SNAPSHOT_LATENCY_P99_NS),
                at.outLong(Layout.SNAPSHOT_LATENCY_P999_NS), at.outLong(Layout.SNAPSHOT_LATENCY_MAX_NS),
                Map.copyOf(handles));
    }
}
