// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

/**
 * There is nothing of that name; the message has the nearest.
 *
 * @since 0.2
 */
public final class NotFoundException extends WeighbridgeException {
    private static final long serialVersionUID = 1;

    NotFoundException(String message) {
        super(Status.NOT_FOUND.code(), message, null, -1);
    }
}
