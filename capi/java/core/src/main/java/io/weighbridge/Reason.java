// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

/**
 * Why a fallback answered.
 *
 * @since 0.2
 */
public enum Reason {
    /** A model answered. */
    NONE,
    /** The deadline passed, while waiting or running. */
    DEADLINE,
    /** The queue was full. */
    OVERLOAD,
    /** The model failed, or gave a number that is not finite. */
    BACKEND,
    /** The row's sequences are shorter than the model takes. */
    SHORT,
    /** A number that this version of the binding does not know. */
    UNKNOWN;

    private static final Reason[] ALL = values();

    static Reason of(int number) {
        return number >= 0 && number < UNKNOWN.ordinal() ? ALL[number] : UNKNOWN;
    }
}
