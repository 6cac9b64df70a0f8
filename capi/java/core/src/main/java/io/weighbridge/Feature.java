// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * One feature of a schema: what a row's fastest setters take.
 *
 * @since 0.2
 */
public final class Feature {
    /** Stored types, as the C ABI numbers them. */
    static final int FLOAT32 = 1;
    static final int FLOAT64 = 2;
    static final int INT64 = 3;
    static final int BOOL = 4;
    static final int CATEGORY = 5;
    static final int CODE = 6;
    static final int TIMESTAMP = 7;
    static final int TEXT = 8;

    /** Of the schema's rows. This and the next five are what a setter reads: small, so that they share a cache line. */
    final long digest;
    /** Of its field, from the row's block on. */
    final int at;
    /** Of the byte in the bitmap of missing features, from the row's block on, and its bit. */
    final int missingAt;
    final byte missingBit;
    final byte type;
    final boolean sequence;
    private final int index;
    private final String name;
    /** A wb_feature_info. */
    private final ByteBuffer described;

    /** Reads a feature; `frame` has room for a wb_feature_info. */
    Feature(Frame frame, long schema, int index, long digest, int missingOffset) {
        frame.check(frame.library.schemaFeature(frame.out(), schema, index, frame.error()));
        described = ByteBuffer.allocate(Layout.FEATURE_INFO_SIZEOF).order(ByteOrder.nativeOrder());
        described.put(0, frame.memory, Layout.ERROR_SIZEOF, Layout.FEATURE_INFO_SIZEOF);
        this.index = index;
        this.digest = digest;
        name = Frame.chars(described, Layout.FEATURE_INFO_NAME, 64);
        type = (byte) described.getInt(Layout.FEATURE_INFO_TYPE);
        sequence = described.getInt(Layout.FEATURE_INFO_IS_SEQUENCE) != 0;
        at = Row.ROW + described.getInt(Layout.FEATURE_INFO_OFFSET);
        missingAt = Row.ROW + missingOffset + index / 8;
        missingBit = (byte) (1 << index % 8);
    }

    boolean isText() {
        return type == CATEGORY || type == TEXT;
    }

    /** Whether values are stored as 64-bit integers. */
    boolean isWhole() {
        return type == INT64 || type == CODE || type == TIMESTAMP;
    }

    /** How messages call what it takes. */
    String expected() {
        return (sequence ? "sequence of " : "") + typeName();
    }

    /**
     * The feature's name.
     *
     * @return as the manifest has it
     */
    public String name() {
        return name;
    }

    /**
     * The feature's index in its schema.
     *
     * @return from 0
     */
    public int index() {
        return index;
    }

    /**
     * The type of its value, or of a sequence's elements.
     *
     * @return float32, float64, int64, bool, category, code, timestamp or text
     */
    public String typeName() {
        return Names.type(type);
    }

    /**
     * Whether it holds a sequence.
     *
     * @return true for a sequence
     */
    public boolean isSequence() {
        return sequence;
    }

    /**
     * Whether a missing value is an error.
     *
     * @return false where there is a default
     */
    public boolean isRequired() {
        return described.getInt(Layout.FEATURE_INFO_REQUIRED) != 0;
    }

    /**
     * Whether it has a privacy class, so that its values never appear in a message.
     *
     * @return true with a privacy class
     */
    public boolean isPrivate() {
        return described.getInt(Layout.FEATURE_INFO_IS_PRIVATE) != 0;
    }

    /**
     * The ISO 4217 currency of money in minor units.
     *
     * @return such as "EUR"; "" where it is not money
     */
    public String currency() {
        return Frame.chars(described, Layout.FEATURE_INFO_CURRENCY, 8);
    }

    /**
     * The ISO 4217 exponent of money in minor units.
     *
     * @return such as 2; -1 where it is not money
     */
    public int moneyExponent() {
        return described.getInt(Layout.FEATURE_INFO_MONEY_EXPONENT);
    }

    /**
     * The unit of a timestamp.
     *
     * @return ticks a second: 1, 1000, 1000000 or 1000000000; 0 for other types
     */
    public long ticksPerSecond() {
        return described.getLong(Layout.FEATURE_INFO_TICKS_PER_SECOND);
    }

    /**
     * The calendar of a timestamp.
     *
     * @return such as "Europe/Paris"; "" for other types
     */
    public String zone() {
        return Frame.chars(described, Layout.FEATURE_INFO_ZONE, 64);
    }

    /**
     * The least raw value that is accepted.
     *
     * @return minus infinity where there is none
     */
    public double minimum() {
        return described.getDouble(Layout.FEATURE_INFO_MINIMUM);
    }

    /**
     * The largest raw value that is accepted.
     *
     * @return infinity where there is none
     */
    public double maximum() {
        return described.getDouble(Layout.FEATURE_INFO_MAXIMUM);
    }

    /**
     * The privacy class.
     *
     * @return such as "payment"; "" for none
     */
    public String privacy() {
        return Frame.chars(described, Layout.FEATURE_INFO_PRIVACY, 32);
    }

    @Override
    public String toString() {
        return name + ": " + expected();
    }
}
