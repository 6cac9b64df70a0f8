// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

/**
 * The native library could not be found or used; the message names each place that was tried and what was found there.
 *
 * @since 0.2
 */
public final class NativeLibraryException extends WeighbridgeException {
    private static final long serialVersionUID = 1;

    NativeLibraryException(String message) {
        super(Status.BACKEND_UNAVAILABLE.code(), message, null, -1);
    }
}
