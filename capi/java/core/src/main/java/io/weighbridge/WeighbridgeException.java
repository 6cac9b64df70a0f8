// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

/**
 * A call that failed, with the status code and the message of the C ABI. The subclasses are those that a service treats
 * apart; {@link #status()} tells them all.
 *
 * @since 0.2
 */
public class WeighbridgeException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** The C ABI's number. */
    private final int code;
    /** Name of the feature that is to blame; null where none is. */
    private final String feature;
    /** Index of the row that is to blame; -1 where none is. */
    private final long row;

    WeighbridgeException(int code, String message, String feature, long row) {
        super(message);
        this.code = code;
        this.feature = feature;
        this.row = row;
    }

    /**
     * What happened.
     *
     * @return the status; UNKNOWN where this binding does not know the number
     */
    public final Status status() {
        return Status.of(code);
    }

    /**
     * The status code of the C ABI.
     *
     * @return the number, also of a status that this binding does not know
     */
    public final int code() {
        return code;
    }

    /**
     * The feature that is to blame.
     *
     * @return its name, or null where none is
     */
    public final String feature() {
        return feature;
    }

    /**
     * The row that is to blame.
     *
     * @return its index in the batch, 0 for a single row, -1 where none is
     */
    public final long row() {
        return row;
    }

    /** The exception of a status code. */
    static WeighbridgeException of(int code, String message, String feature, long row) {
        return switch (Status.of(code)) {
            case INVALID_INPUT -> new InvalidInputException(message, feature, row);
            case BUSY -> new BusyException(message);
            case OVERLOADED -> new OverloadedException(message);
            case DEADLINE_EXCEEDED -> new DeadlineExceededException(message);
            case CANCELLED -> new CancelledException(message);
            case CLOSED -> new ClosedException(code, message);
            case FORKED -> new ForkedException(message);
            case NOT_LOADED -> new NotLoadedException(message);
            case NOT_FOUND -> new NotFoundException(message);
            case SCHEMA_MISMATCH, SCHEMA_CHANGED -> new SchemaException(code, message);
            case INVALID_BUNDLE, IO_ERROR, VERIFY_FAILED -> new BundleException(code, message);
            default -> new WeighbridgeException(code, message, feature, row);
        };
    }

    static WeighbridgeException of(Status status, String message) {
        return of(status.code(), message, null, -1);
    }
}
