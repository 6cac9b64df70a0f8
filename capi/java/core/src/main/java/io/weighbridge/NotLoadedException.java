// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

/**
 * The slot is empty, or has nothing to roll back to: load a bundle into it.
 *
 * @since 0.2
 */
public final class NotLoadedException extends WeighbridgeException {
    private static final long serialVersionUID = 1;

    NotLoadedException(String message) {
        super(Status.NOT_LOADED.code(), message, null, -1);
    }
}
