// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

/**
 * What became of the rows of a batch: rows is the sum of scored, fallbacks, invalid and failed.
 *
 * @param rows of the batch
 * @param scored answered by the model
 * @param fallbacks answered by the fallback
 * @param invalid refused for their values
 * @param failed with another error
 * @param firstError the lowest row with an error; -1 for none
 * @param firstErrorMessage what was wrong with it; "" for none
 * @param version the model's bundle's version
 * @param queueNanos waited for contexts
 * @param runNanos encoded and ran
 * @since 0.2
 */
public record BatchResult(long rows, long scored, long fallbacks, long invalid, long failed, long firstError,
        String firstErrorMessage, String version, long queueNanos, long runNanos) {
    static final BatchResult EMPTY = new BatchResult(0, 0, 0, 0, 0, -1, "", "", 0, 0);

    /** The result of one window: a wb_batch_result at out, and where rows have errors the message of the first. */
    static BatchResult read(java.nio.ByteBuffer at, int o, String message) {
        long first = at.getLong(o + Layout.BATCH_RESULT_FIRST_ERROR);
        return new BatchResult(at.getLong(o + Layout.BATCH_RESULT_ROWS), at.getLong(o + Layout.BATCH_RESULT_SCORED),
                at.getLong(o + Layout.BATCH_RESULT_FALLBACKS), at.getLong(o + Layout.BATCH_RESULT_INVALID),
                at.getLong(o + Layout.BATCH_RESULT_FAILED), first, first < 0 ? "" : message,
                Frame.chars(at, o + Layout.BATCH_RESULT_VERSION, 32), at.getLong(o + Layout.BATCH_RESULT_QUEUE_NS),
                at.getLong(o + Layout.BATCH_RESULT_RUN_NS));
    }

    /** This and what became of the rows behind. */
    BatchResult plus(BatchResult next) {
        boolean own = firstError >= 0;
        return new BatchResult(rows + next.rows, scored + next.scored, fallbacks + next.fallbacks,
                invalid + next.invalid, failed + next.failed, own ? firstError : next.firstError,
                own ? firstErrorMessage : next.firstErrorMessage, next.version.isEmpty() ? version : next.version,
                queueNanos + next.queueNanos, runNanos + next.runNanos);
    }

    /**
     * Whether rows have an error.
     *
     * @return true where invalid or failed is above 0
     */
    public boolean isPartial() {
        return invalid + failed > 0;
    }
}
