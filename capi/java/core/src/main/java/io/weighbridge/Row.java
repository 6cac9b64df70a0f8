// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.time.Instant;

/**
 * One payment's features, in native memory, in the layout that the schema publishes. A setter is a type check and a
 * write; nothing is allocated, but where texts and sequences outgrow the row for the first time. Reusable, for one
 * thread at a time: a call that finds the row in use by another one throws {@link BusyException}. Needs no closing.
 *
 * <p>A number is rounded once to a float feature, goes to an integer where it is whole and fits, and to a bool where it
 * is 0 or 1; bools go to bools only. Null makes a feature missing. Whatever else does not fit is an
 * {@link InvalidInputException} that names the feature, and leaves the row as it was.
 *
 * @since 0.2
 */
public final class Row extends RowMemory {
    private final Schema schema;
    private final Result result;
    private Handle call;

    Row(Schema schema, int tailBytes) {
        if (tailBytes < 0)
            throw WeighbridgeException.of(Status.INVALID_ARGUMENT, "tailBytes: expected 0 or more, got " + tailBytes);
        this.schema = schema;
        allocate((long) schema.fixedBytes + tailBytes);
        result = Result.of(this);
        clear();
    }

    WeighbridgeException failure(Block block, int status) {
        return Frame.failure(block.memory(), ERROR, status, schema);
    }

    /** The row's own call object, which never waits: for asynchronous calls, which try inline first. */
    long callThatDoesNotWait() {
        if (call == null) {
            Frame frame = new Frame(this, 8);
            frame.check(library.callCreate(frame.out(), frame.error()));
            call = Handle.of(this, Handle.Kind.ROW_CALL, frame.outToken());
            frame.check(library.callSetWait(call.token(), 0, frame.error()));
        }
        return call.token();
    }

    /**
     * The schema that the row was made for.
     *
     * @return the schema
     */
    public Schema schema() {
        return schema;
    }

    /**
     * The result of the last call that scored this row.
     *
     * @return the same object each time
     */
    public Result result() {
        return result;
    }

    /**
     * Makes every feature missing.
     *
     * @return this row
     * @throws BusyException where a call reads the row just now
     */
    public Row clear() {
        reset(schema.empty());
        return this;
    }

    /**
     * Whether a feature is missing.
     *
     * @param feature a feature of the row's schema
     * @return true where it has no value
     */
    public boolean isMissing(Feature feature) {
        own(feature);
        return (memory.get(feature.missingAt) & feature.missingBit) != 0;
    }

    /**
     * Makes a feature missing.
     *
     * @param feature a feature of the row's schema
     * @return this row
     */
    public Row setMissing(Feature feature) {
        own(feature);
        markMissing(feature);
        return this;
    }

    /**
     * Sets a number of any whole type.
     *
     * @param feature a feature of the row's schema
     * @param value an integer, a code, ticks of a timestamp, or a number for a float
     * @return this row
     */
    public Row set(Feature feature, long value) {
        own(feature);
        if (feature.sequence) throw mismatch(feature, "int64");
        store(feature, feature.at, value);
        return present(feature);
    }

    /**
     * Sets a number.
     *
     * @param feature a feature of the row's schema
     * @param value rounded once for a float32; whole for an integer
     * @return this row
     */
    public Row set(Feature feature, double value) {
        own(feature);
        if (feature.sequence) throw mismatch(feature, "float64");
        store(feature, feature.at, value);
        return present(feature);
    }

    /**
     * Sets a bool.
     *
     * @param feature a feature of the row's schema
     * @param value its value
     * @return this row
     */
    public Row set(Feature feature, boolean value) {
        own(feature);
        if (feature.sequence || feature.type != Feature.BOOL) throw mismatch(feature, "bool");
        memory.put(feature.at, (byte) (value ? 1 : 0));
        return present(feature);
    }

    /**
     * Sets a time.
     *
     * @param feature a timestamp of the row's schema
     * @param value no finer than the feature's unit; null for missing
     * @return this row
     */
    public Row set(Feature feature, Instant value) {
        if (value == null) return setMissing(feature);
        own(feature);
        if (feature.sequence || feature.type != Feature.TIMESTAMP) throw mismatch(feature, "time");
        memory.putLong(feature.at, ticks(feature, value));
        return present(feature);
    }

    /**
     * Sets a text or a category.
     *
     * @param feature a feature of the row's schema
     * @param value without lone surrogates; null for missing
     * @return this row
     */
    public Row set(Feature feature, CharSequence value) {
        if (value == null) return setMissing(feature);
        own(feature);
        if (feature.sequence || !feature.isText()) throw mismatch(feature, "text");
        int at = reserve(3L * value.length());
        return span(feature, at, Utf8.write(memory, at + ROW, value, feature), 1);
    }

    /**
     * Sets a text or a category to its bytes.
     *
     * @param feature a feature of the row's schema
     * @param utf8 checked when the row is scored; null for missing
     * @return this row
     */
    public Row set(Feature feature, byte[] utf8) {
        if (utf8 == null) return setMissing(feature);
        own(feature);
        if (feature.sequence || !feature.isText()) throw mismatch(feature, "bytes");
        int at = reserve(utf8.length);
        memory.put(at + ROW, utf8);
        return span(feature, at, utf8.length, 1);
    }

    /**
     * Sets a sequence.
     *
     * @param feature a sequence of the row's schema
     * @param values as {@link #set(Feature, long)} takes them; null for missing
     * @return this row
     */
    public Row set(Feature feature, long[] values) {
        if (values == null) return setMissing(feature);
        int at = elements(feature, values.length, "sequence of int64");
        int width = width(feature);
        for (int i = 0; i < values.length; ++i) store(feature, at + ROW + i * width, values[i]);
        return span(feature, at, values.length, width);
    }

    /**
     * Sets a sequence.
     *
     * @param feature a sequence of the row's schema
     * @param values as {@link #set(Feature, double)} takes them; null for missing
     * @return this row
     */
    public Row set(Feature feature, double[] values) {
        if (values == null) return setMissing(feature);
        int at = elements(feature, values.length, "sequence of float64");
        int width = width(feature);
        for (int i = 0; i < values.length; ++i) store(feature, at + ROW + i * width, values[i]);
        return span(feature, at, values.length, width);
    }

    /**
     * Sets a sequence.
     *
     * @param feature a sequence of the row's schema
     * @param values as {@link #set(Feature, double)} takes them; null for missing
     * @return this row
     */
    public Row set(Feature feature, float[] values) {
        if (values == null) return setMissing(feature);
        int at = elements(feature, values.length, "sequence of float32");
        int width = width(feature);
        for (int i = 0; i < values.length; ++i) store(feature, at + ROW + i * width, (double) values[i]);
        return span(feature, at, values.length, width);
    }

    /**
     * Sets a sequence of bools.
     *
     * @param feature a sequence of the row's schema
     * @param values its elements; null for missing
     * @return this row
     */
    public Row set(Feature feature, boolean[] values) {
        if (values == null) return setMissing(feature);
        if (feature.type != Feature.BOOL) throw mismatch(feature, "sequence of bool");
        int at = elements(feature, values.length, "sequence of bool");
        for (int i = 0; i < values.length; ++i) memory.put(at + ROW + i, (byte) (values[i] ? 1 : 0));
        return span(feature, at, values.length, 1);
    }

    /**
     * Sets a sequence of times.
     *
     * @param feature a sequence of timestamps of the row's schema
     * @param values no finer than the feature's unit; null for missing
     * @return this row
     */
    public Row set(Feature feature, Instant[] values) {
        if (values == null) return setMissing(feature);
        if (feature.type != Feature.TIMESTAMP) throw mismatch(feature, "sequence of time");
        int at = elements(feature, values.length, "sequence of time");
        for (int i = 0; i < values.length; ++i)
            memory.putLong(at + ROW + i * 8, ticks(feature, element(feature, values[i], i)));
        return span(feature, at, values.length, 8);
    }

    /**
     * Sets a sequence of categories.
     *
     * @param feature a sequence of the row's schema
     * @param values without lone surrogates; null for missing
     * @return this row
     */
    public Row set(Feature feature, CharSequence[] values) {
        if (values == null) return setMissing(feature);
        own(feature);
        if (!feature.sequence || !feature.isText()) throw mismatch(feature, "sequence of text");
        long need = 8L * values.length;
        for (int i = 0; i < values.length; ++i) need += 3L * element(feature, values[i], i).length() + 8;
        int at = reserve(need);
        int end = at + 8 * values.length;
        for (int i = 0; i < values.length; ++i) {
            int from = end + 7 & ~7;
            end = from + textSpan(at, i, from, Utf8.write(memory, from + ROW, values[i], feature));
        }
        return texts(feature, at, values.length, end);
    }

    /**
     * Sets a sequence of categories to their bytes.
     *
     * @param feature a sequence of the row's schema
     * @param utf8 checked when the row is scored; null for missing
     * @return this row
     */
    public Row set(Feature feature, byte[][] utf8) {
        if (utf8 == null) return setMissing(feature);
        own(feature);
        if (!feature.sequence || !feature.isText()) throw mismatch(feature, "sequence of bytes");
        long need = 8L * utf8.length;
        for (int i = 0; i < utf8.length; ++i) need += element(feature, utf8[i], i).length + 8L;
        int at = reserve(need);
        int end = at + 8 * utf8.length;
        for (int i = 0; i < utf8.length; ++i) {
            int from = end + 7 & ~7;
            memory.put(from + ROW, utf8[i]);
            end = from + textSpan(at, i, from, utf8[i].length);
        }
        return texts(feature, at, utf8.length, end);
    }

    private Row texts(Feature feature, int at, int count, int end) {
        putSpan(feature, at, count, end);
        return this;
    }

    private static <T> T element(Feature feature, T value, int index) {
        if (value == null) throw invalid(feature, "element " + index + " is null");
        return value;
    }

    /**
     * {@link #set(Feature, long)} by name.
     *
     * @param name of a feature
     * @param value its value
     * @return this row
     */
    public Row set(String name, long value) {
        return set(schema.feature(name), value);
    }

    /**
     * {@link #set(Feature, double)} by name.
     *
     * @param name of a feature
     * @param value its value
     * @return this row
     */
    public Row set(String name, double value) {
        return set(schema.feature(name), value);
    }

    /**
     * {@link #set(Feature, boolean)} by name.
     *
     * @param name of a feature
     * @param value its value
     * @return this row
     */
    public Row set(String name, boolean value) {
        return set(schema.feature(name), value);
    }

    /**
     * {@link #set(Feature, Instant)} by name.
     *
     * @param name of a feature
     * @param value its value
     * @return this row
     */
    public Row set(String name, Instant value) {
        return set(schema.feature(name), value);
    }

    /**
     * {@link #set(Feature, CharSequence)} by name.
     *
     * @param name of a feature
     * @param value its value
     * @return this row
     */
    public Row set(String name, CharSequence value) {
        return set(schema.feature(name), value);
    }

    /**
     * {@link #set(Feature, byte[])} by name.
     *
     * @param name of a feature
     * @param utf8 its value
     * @return this row
     */
    public Row set(String name, byte[] utf8) {
        return set(schema.feature(name), utf8);
    }

    /**
     * {@link #set(Feature, long[])} by name.
     *
     * @param name of a feature
     * @param values its value
     * @return this row
     */
    public Row set(String name, long[] values) {
        return set(schema.feature(name), values);
    }

    /**
     * {@link #set(Feature, double[])} by name.
     *
     * @param name of a feature
     * @param values its value
     * @return this row
     */
    public Row set(String name, double[] values) {
        return set(schema.feature(name), values);
    }

    /**
     * {@link #set(Feature, float[])} by name.
     *
     * @param name of a feature
     * @param values its value
     * @return this row
     */
    public Row set(String name, float[] values) {
        return set(schema.feature(name), values);
    }

    /**
     * {@link #set(Feature, boolean[])} by name.
     *
     * @param name of a feature
     * @param values its value
     * @return this row
     */
    public Row set(String name, boolean[] values) {
        return set(schema.feature(name), values);
    }

    /**
     * {@link #set(Feature, Instant[])} by name.
     *
     * @param name of a feature
     * @param values its value
     * @return this row
     */
    public Row set(String name, Instant[] values) {
        return set(schema.feature(name), values);
    }

    /**
     * {@link #set(Feature, CharSequence[])} by name.
     *
     * @param name of a feature
     * @param values its value
     * @return this row
     */
    public Row set(String name, CharSequence[] values) {
        return set(schema.feature(name), values);
    }

    /**
     * {@link #set(Feature, byte[][])} by name.
     *
     * @param name of a feature
     * @param utf8 its value
     * @return this row
     */
    public Row set(String name, byte[][] utf8) {
        return set(schema.feature(name), utf8);
    }

    /**
     * {@link #setMissing(Feature)} by name.
     *
     * @param name of a feature
     * @return this row
     */
    public Row setMissing(String name) {
        return setMissing(schema.feature(name));
    }

    /**
     * Takes the features of another row of the same schema.
     *
     * @param row the row to copy
     * @return this row
     */
    public Row set(Row row) {
        if (row == this) return this;
        if (row.schema.digest != schema.digest) throw otherSchema();
        clear();
        copy(row);
        return this;
    }

    /**
     * Sets features from a JSON object, for tests and tools: {"amount_minor": 1250, "country": "FR"}. Names that it
     * lacks or whose value is null stay as they were. All or nothing.
     *
     * @param json the object
     * @return this row
     */
    public Row setJson(String json) {
        ByteBuffer text = Frame.direct(Math.max(1, json.length() * 3L));
        int size = Utf8.write(text, 0, json, null);
        for (;;) {
            int used = used();
            Block now = block();
            int status = library.rowSetJson(schema.handle.token(), now.row(), library.address(text), size,
                    now.error());
            Reference.reachabilityFence(text);
            Reference.reachabilityFence(now);
            if (status >= 0) return this;
            if (status != Status.BUFFER_TOO_SMALL.code()) throw failure(now, status);
            setUsed(used);
            grow(2L * capacity());
        }
    }

    /**
     * The features as a JSON object, for logs: values of features with a privacy class are "&lt;redacted&gt;", missing
     * ones null.
     *
     * @return the object
     */
    public String toJson() {
        Frame frame = new Frame(this, 8);
        Block now = block();
        int status = library.rowGetJson(frame.out(), schema.handle.token(), now.row(), frame.error());
        Reference.reachabilityFence(now);
        frame.check(status, schema);
        return frame.takeText();
    }

    /**
     * Encodes one of {@link Schema#tensors()} from this row, exactly as scoring does.
     *
     * @param tensor its index
     * @return the tensor's bytes, row-major, in the machine's order
     */
    public ByteBuffer encode(int tensor) {
        Frame frame = new Frame(this, Layout.TENSOR_INFO_SIZEOF);
        ByteBuffer made = Frame.direct(8);
        Block now = block();
        for (;;) {
            int status = library.schemaEncode(frame.out(), schema.handle.token(), now.row(), tensor,
                    library.address(made), made.capacity(), frame.error());
            Reference.reachabilityFence(made);
            Reference.reachabilityFence(now);
            long bytes = frame.outLong(Layout.TENSOR_INFO_BYTES);
            if (status != Status.BUFFER_TOO_SMALL.code()) {
                frame.check(status, schema);
                return made.limit((int) bytes);
            }
            made = Frame.direct(bytes);
        }
    }

    @Override
    public String toString() {
        try {
            return toJson();
        } catch (WeighbridgeException error) {
            return "Row(" + error.getMessage() + ")";
        }
    }

    private void own(Feature feature) {
        if (feature.digest != schema.digest) throw otherSchema();
    }

    private SchemaException otherSchema() {
        return new SchemaException(Status.SCHEMA_MISMATCH.code(),
                "a feature or row of another schema than the row's: get the schema again and bind to it");
    }

    private Row present(Feature feature) {
        markPresent(feature);
        return this;
    }

    private Row span(Feature feature, int at, int size, int width) {
        putSpan(feature, at, size, at + size * width);
        return this;
    }

    private int elements(Feature feature, int count, String found) {
        own(feature);
        if (!feature.sequence || feature.isText()) throw mismatch(feature, found);
        return reserve((long) count * width(feature));
    }
}
