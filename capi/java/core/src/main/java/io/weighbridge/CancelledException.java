// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

/**
 * The call was cancelled, or its thread interrupted between two windows.
 *
 * @since 0.2
 */
public final class CancelledException extends WeighbridgeException {
    private static final long serialVersionUID = 1;

    CancelledException(String message) {
        super(Status.CANCELLED.code(), message, null, -1);
    }
}
