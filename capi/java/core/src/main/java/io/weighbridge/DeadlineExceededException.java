// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

/**
 * The deadline passed before an answer, and no fallback answered. Retrying is safe.
 *
 * @since 0.2
 */
public final class DeadlineExceededException extends WeighbridgeException {
    private static final long serialVersionUID = 1;

    DeadlineExceededException(String message) {
        super(Status.DEADLINE_EXCEEDED.code(), message, null, -1);
    }
}
