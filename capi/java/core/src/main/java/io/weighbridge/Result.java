// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * A payment's score and how it was made. The result that {@code score} gives belongs to its row, and has the next
 * score's values after the next call with that row; {@link #copy()} keeps one.
 *
 * @since 0.2
 */
public final class Result {
    private int status;
    private double score;
    private double probability;
    private int band;
    private int reason;
    private int backend;
    private int precision;
    private int numerics;
    private int defaulted;
    private int clipped;
    private int device;
    private long bundle;
    private long queueNs;
    private long runNs;
    private final Schema schema;
    /** The version's 32 bytes, as they lie in memory. */
    private long version0;
    private long version1;
    private long version2;
    private long version3;

    Result(Schema schema) {
        this.schema = schema;
    }

    /** Takes the values of a wb_result. */
    Result read(MappedByteBuffer memory, int at) {
        status = memory.getInt(at + Layout.RESULT_STATUS);
        score = memory.getDouble(at + Layout.RESULT_SCORE);
        probability = memory.getDouble(at + Layout.RESULT_PROBABILITY);
        band = memory.getInt(at + Layout.RESULT_BAND);
        reason = memory.getInt(at + Layout.RESULT_REASON);
        backend = memory.getInt(at + Layout.RESULT_BACKEND);
        precision = memory.getInt(at + Layout.RESULT_PRECISION);
        numerics = memory.getInt(at + Layout.RESULT_NUMERICS);
        defaulted = memory.getInt(at + Layout.RESULT_DEFAULTED);
        clipped = memory.getInt(at + Layout.RESULT_CLIPPED);
        device = memory.getInt(at + Layout.RESULT_DEVICE);
        bundle = memory.getLong(at + Layout.RESULT_BUNDLE);
        queueNs = memory.getLong(at + Layout.RESULT_QUEUE_NS);
        runNs = memory.getLong(at + Layout.RESULT_RUN_NS);
        version0 = memory.getLong(at + Layout.RESULT_VERSION);
        version1 = memory.getLong(at + Layout.RESULT_VERSION + 8);
        version2 = memory.getLong(at + Layout.RESULT_VERSION + 16);
        version3 = memory.getLong(at + Layout.RESULT_VERSION + 24);
        return this;
    }

    /**
     * A result of its own, which no later call changes.
     *
     * @return a copy
     */
    public Result copy() {
        Result made = new Result(schema);
        made.status = status;
        made.score = score;
        made.probability = probability;
        made.band = band;
        made.reason = reason;
        made.backend = backend;
        made.precision = precision;
        made.numerics = numerics;
        made.defaulted = defaulted;
        made.clipped = clipped;
        made.device = device;
        made.bundle = bundle;
        made.queueNs = queueNs;
        made.runNs = runNs;
        made.version0 = version0;
        made.version1 = version1;
        made.version2 = version2;
        made.version3 = version3;
        return made;
    }

    /**
     * The primary output, activation applied; or the fallback's score.
     *
     * @return the score
     */
    public double score() {
        return score;
    }

    /**
     * The score after calibration.
     *
     * @return in [0, 1] where the output is a probability
     */
    public double probability() {
        return probability;
    }

    /**
     * The decision band.
     *
     * @return its index in {@link Schema#bands()}; -1 where the bundle has none
     */
    public int band() {
        return band;
    }

    /**
     * The decision band's name.
     *
     * @return such as "review"; "" where the bundle has no bands
     */
    public String bandName() {
        return band < 0 || band >= schema.bands().size() ? "" : schema.bands().get(band).name();
    }

    /**
     * Whether the fallback answered, not the model.
     *
     * @return true for a fallback's score
     */
    public boolean isFallback() {
        return status == Status.OK_FALLBACK.code();
    }

    /**
     * Why the fallback answered.
     *
     * @return NONE where a model answered
     */
    public Reason reason() {
        return Reason.of(reason);
    }

    /**
     * What ran.
     *
     * @return such as "native"; "none" where no model ran; a number that the library does not name either
     */
    public String backend() {
        return Names.backend(backend);
    }

    /**
     * The precision that ran.
     *
     * @return such as "fp32"; "none" where no model ran
     */
    public String precision() {
        return Names.precision(precision);
    }

    /**
     * How it rounded: scores of one number are the same bits.
     *
     * @return 0 where no plan ran
     */
    public int numerics() {
        return numerics;
    }

    /**
     * How many features were missing and took their default.
     *
     * @return the count
     */
    public int defaulted() {
        return defaulted;
    }

    /**
     * How many features an encoding's clip changed.
     *
     * @return the count
     */
    public int clipped() {
        return clipped;
    }

    /**
     * The device that ran.
     *
     * @return its index, 0 for the CPU, -1 where nothing ran
     */
    public int device() {
        return device;
    }

    /**
     * Which bundle answered.
     *
     * @return the first eight bytes, big-endian, of the manifest's sha256
     */
    public long bundle() {
        return bundle;
    }

    /**
     * How long the call waited for a context.
     *
     * @return nanoseconds
     */
    public long queueNanos() {
        return queueNs;
    }

    /**
     * How long the model encoded and ran.
     *
     * @return nanoseconds
     */
    public long runNanos() {
        return runNs;
    }

    /**
     * The bundle's version.
     *
     * @return as the manifest has it
     */
    public String version() {
        ByteBuffer bytes = ByteBuffer.allocate(32).order(ByteOrder.nativeOrder());
        bytes.putLong(version0).putLong(version1).putLong(version2).putLong(version3);
        int end = 0;
        while (end < 32 && bytes.get(end) != 0) ++end;
        return new String(bytes.array(), 0, end, StandardCharsets.UTF_8);
    }

    @Override
    public String toString() {
        return "score " + score + (band < 0 ? "" : " band " + bandName()) + " from version " + version()
                + (isFallback() ? " (fallback: " + reason() + ")" : "");
    }
}
