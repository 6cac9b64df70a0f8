// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

/**
 * The process forked after this engine had started threads: create a new engine in the child.
 *
 * @since 0.2
 */
public final class ForkedException extends WeighbridgeException {
    private static final long serialVersionUID = 1;

    ForkedException(String message) {
        super(Status.FORKED.code(), message, null, -1);
    }
}
