// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

/**
 * All contexts are taken and the queue is full: the request was shed.
 *
 * @since 0.2
 */
public final class OverloadedException extends WeighbridgeException {
    private static final long serialVersionUID = 1;

    OverloadedException(String message) {
        super(Status.OVERLOADED.code(), message, null, -1);
    }
}
