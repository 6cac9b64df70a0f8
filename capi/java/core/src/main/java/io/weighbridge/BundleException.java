// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

/**
 * A bundle is damaged, unreadable, not accepted, or does not reproduce its golden vectors.
 *
 * @since 0.2
 */
public final class BundleException extends WeighbridgeException {
    private static final long serialVersionUID = 1;

    BundleException(int code, String message) {
        super(code, message, null, -1);
    }
}
