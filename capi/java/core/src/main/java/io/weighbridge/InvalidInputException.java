// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

/**
 * A value of a payment is not acceptable; {@link #feature()} names it. A retry gives the same answer.
 *
 * @since 0.2
 */
public final class InvalidInputException extends WeighbridgeException {
    private static final long serialVersionUID = 1;

    InvalidInputException(String message, String feature, long row) {
        super(Status.INVALID_INPUT.code(), message, feature, row);
    }
}
