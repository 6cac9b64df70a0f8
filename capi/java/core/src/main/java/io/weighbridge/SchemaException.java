// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

/**
 * A row was made for another schema, or a swap would change the schema that callers fill in.
 *
 * @since 0.2
 */
public final class SchemaException extends WeighbridgeException {
    private static final long serialVersionUID = 1;

    SchemaException(int code, String message) {
        super(code, message, null, -1);
    }
}
