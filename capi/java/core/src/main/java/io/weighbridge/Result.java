// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A payment's score and how it was made. The result that {@code score} gives belongs to its row, and has the next
 * score's values after the next call with that row; {@link #copy()} keeps one.
 *
 * @since 0.2
 */
public final class Result {
    private final Schema schema;
    /** Where the wb_result lies, from its first byte on: the row's native block, or a copy. */
    private ByteBuffer memory;

    private Result(Schema schema, ByteBuffer memory) {
        this.schema = schema;
        this.memory = memory;
    }

    /** What a row's last call wrote, as long as it is not copied. */
    static Result of(Row row) {
        return new Result(row.schema(), row.memory);
    }

    /** A result of its own, without values yet. */
    static Result empty(Schema schema) {
        return new Result(schema, ByteBuffer.allocate(Layout.RESULT_SIZEOF).order(ByteOrder.nativeOrder()));
    }

    /** Follows its row to larger memory. */
    Result at(ByteBuffer block) {
        if (memory != block) memory = block;
        return this;
    }

    /** Takes the values of a wb_result that lies elsewhere. */
    Result read(ByteBuffer from, int at) {
        memory.put(0, from, at, Layout.RESULT_SIZEOF);
        return this;
    }

    /**
     * A result of its own, which no later call changes.
     *
     * @return a copy
     */
    public Result copy() {
        return empty(schema).read(memory, 0);
    }

    private int number(int member) {
        return memory.getInt(member);
    }

    /**
     * The primary output, activation applied; or the fallback's score.
     *
     * @return the score
     */
    public double score() {
        return memory.getDouble(Layout.RESULT_SCORE);
    }

    /**
     * The score after calibration.
     *
     * @return in [0, 1] where the output is a probability
     */
    public double probability() {
        return memory.getDouble(Layout.RESULT_PROBABILITY);
    }

    /**
     * The decision band.
     *
     * @return its index in {@link Schema#bands()}; -1 where the bundle has none
     */
    public int band() {
        return number(Layout.RESULT_BAND);
    }

    /**
     * The decision band's name.
     *
     * @return such as "review"; "" where the bundle has no bands
     */
    public String bandName() {
        int band = band();
        return band < 0 || band >= schema.bands().size() ? "" : schema.bands().get(band).name();
    }

    /**
     * Whether the fallback answered, not the model.
     *
     * @return true for a fallback's score
     */
    public boolean isFallback() {
        return number(Layout.RESULT_STATUS) == Status.OK_FALLBACK.code();
    }

    /**
     * Why the fallback answered.
     *
     * @return NONE where a model answered
     */
    public Reason reason() {
        return Reason.of(number(Layout.RESULT_REASON));
    }

    /**
     * What ran.
     *
     * @return such as "native"; "none" where no model ran; a number that the library does not name either
     */
    public String backend() {
        return Names.backend(number(Layout.RESULT_BACKEND));
    }

    /**
     * The precision that ran.
     *
     * @return such as "fp32"; "none" where no model ran
     */
    public String precision() {
        return Names.precision(number(Layout.RESULT_PRECISION));
    }

    /**
     * How it rounded: scores of one number are the same bits.
     *
     * @return 0 where no plan ran
     */
    public int numerics() {
        return number(Layout.RESULT_NUMERICS);
    }

    /**
     * How many features were missing and took their default.
     *
     * @return the count
     */
    public int defaulted() {
        return number(Layout.RESULT_DEFAULTED);
    }

    /**
     * How many features an encoding's clip changed.
     *
     * @return the count
     */
    public int clipped() {
        return number(Layout.RESULT_CLIPPED);
    }

    /**
     * The device that ran.
     *
     * @return its index, 0 for the CPU, -1 where nothing ran
     */
    public int device() {
        return number(Layout.RESULT_DEVICE);
    }

    /**
     * Which bundle answered.
     *
     * @return the first eight bytes, big-endian, of the manifest's sha256
     */
    public long bundle() {
        return memory.getLong(Layout.RESULT_BUNDLE);
    }

    /**
     * How long the call waited for a context.
     *
     * @return nanoseconds
     */
    public long queueNanos() {
        return memory.getLong(Layout.RESULT_QUEUE_NS);
    }

    /**
     * How long the model encoded and ran.
     *
     * @return nanoseconds
     */
    public long runNanos() {
        return memory.getLong(Layout.RESULT_RUN_NS);
    }

    /**
     * The bundle's version.
     *
     * @return as the manifest has it
     */
    public String version() {
        return Frame.chars(memory, Layout.RESULT_VERSION, 32);
    }

    @Override
    public String toString() {
        return "score " + score() + (band() < 0 ? "" : " band " + bandName()) + " from version " + version()
                + (isFallback() ? " (fallback: " + reason() + ")" : "");
    }
}
