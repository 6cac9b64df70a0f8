// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

/**
 * What became of a call: the C ABI's status codes, by the same names and numbers.
 *
 * @since 0.2
 */
public enum Status {
    /** The model answered. */
    OK(0),
    /** The bundle's fallback answered; {@link Result#reason()} says why. Use the score, alert on the rate. */
    OK_FALLBACK(1),
    /** A batch was scored, but some rows were not. Fix those rows; the others are answered. */
    OK_PARTIAL(2),
    /** A value of a payment is not acceptable. Fix the input; a retry gives the same answer. */
    INVALID_INPUT(-1),
    /** The call itself is wrong. Fix the calling code. */
    INVALID_ARGUMENT(-2),
    /** An object was freed. Fix the calling code. */
    INVALID_HANDLE(-3),
    /** The row, batch or call is in use by another thread. Give each thread its own. */
    BUSY(-4),
    /** All contexts are taken and the queue is full. Retry later, add contexts, or shed upstream. */
    OVERLOADED(-5),
    /** The deadline passed before an answer. Retrying is safe. */
    DEADLINE_EXCEEDED(-6),
    /** The call was cancelled. */
    CANCELLED(-7),
    /** The engine, model or slot is closed or closing. */
    CLOSED(-8),
    /** The process forked after this engine had started threads. Create a new engine in the child. */
    FORKED(-9),
    /** A file of the bundle is missing, damaged, or not accepted. Fix the deployment. */
    INVALID_BUNDLE(-10),
    /** A file could not be read or written. */
    IO_ERROR(-11),
    /** A swap would change the schema that callers fill in. Deploy to a new slot. */
    SCHEMA_CHANGED(-12),
    /** No allowed engine can run this model. */
    BACKEND_UNAVAILABLE(-13),
    /** The model failed while it ran. */
    BACKEND_FAILED(-14),
    /** Memory could not be had. The process is intact. */
    OUT_OF_MEMORY(-15),
    /** A defect of the library. Please report the message. */
    INTERNAL(-16),
    /** A buffer is too small. */
    BUFFER_TOO_SMALL(-17),
    /** The golden vectors do not reproduce. Do not deploy this bundle on this machine. */
    VERIFY_FAILED(-18),
    /** The slot is empty, or has nothing to roll back to. Load a bundle into it. */
    NOT_LOADED(-19),
    /** The row was made for another schema. Get the schema again and bind to it. */
    SCHEMA_MISMATCH(-20),
    /** The call would have had to wait, and was told not to. */
    WOULD_WAIT(-21),
    /** There is nothing of that name. */
    NOT_FOUND(-22),
    /** A number that this version of the binding does not know; {@link WeighbridgeException#code()} has it. */
    UNKNOWN(Integer.MIN_VALUE);

    private static final Status[] ALL = values();
    private final int code;

    Status(int code) {
        this.code = code;
    }

    /**
     * The C ABI's number.
     *
     * @return zero and above for answers, below zero for errors
     */
    public int code() {
        return code;
    }

    /**
     * The status of a number.
     *
     * @param code a status code of the C ABI
     * @return its name here, UNKNOWN for a number of a later version
     */
    public static Status of(int code) {
        for (Status status : ALL) if (status.code == code) return status;
        return UNKNOWN;
    }
}
