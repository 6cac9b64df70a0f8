// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

/**
 * The engine, model, slot, batch or call is closed or closing.
 *
 * @since 0.2
 */
public final class ClosedException extends WeighbridgeException {
    private static final long serialVersionUID = 1;

    ClosedException(int code, String message) {
        super(code, message, null, -1);
    }
}
