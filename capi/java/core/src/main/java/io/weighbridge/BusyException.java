// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

/**
 * A row, batch or call is in use by another thread: give each thread its own.
 *
 * @since 0.2
 */
public final class BusyException extends WeighbridgeException {
    private static final long serialVersionUID = 1;

    BusyException(String message) {
        super(Status.BUSY.code(), message, null, -1);
    }
}
