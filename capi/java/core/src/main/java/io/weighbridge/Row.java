// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
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
public final class Row {
    /** One native block: the result, the error, the row. */
    static final int RESULT = 0;
    static final int ERROR = Layout.RESULT_SIZEOF;
    static final int ROW = ERROR + Layout.ERROR_SIZEOF;
    private static final int CAPACITY = ROW + Layout.ROW_HEADER_CAPACITY;
    private static final int USED = ROW + Layout.ROW_HEADER_USED;
    private static final int BUSY = ROW + Layout.ROW_HEADER_BUSY;
    /** Room for texts and sequences that a row begins with. */
    static final int FIRST_TAIL = 512;

    private final Native library = Library.get();
    private final Schema schema;
    private final Result result;
    /**
     * The block and its address, which belong together for a call beside which another thread wrongly grows the row.
     */
    private Block block;
    private ByteBuffer memory;
    private Handle call;

    /** Native memory, reachable as long as its address is used. */
    record Block(ByteBuffer memory, long address) {
        long result() {
            return address + RESULT;
        }

        long row() {
            return address + ROW;
        }

        long error() {
            return address + ERROR;
        }
    }

    Row(Schema schema, int tailBytes) {
        this.schema = schema;
        result = new Result(schema);
        allocate((long) schema.fixedBytes + tailBytes);
        clear();
    }

    private void allocate(long capacity) {
        memory = Frame.direct(ROW + (capacity + 7) / 8 * 8);
        block = new Block(memory, library.address(memory));
        memory.putInt(RESULT, Layout.RESULT_SIZEOF);
        memory.putInt(ERROR, Layout.ERROR_SIZEOF);
    }

    Block block() {
        return block;
    }

    /** The row's bytes in use. */
    int used() {
        return memory.getInt(USED);
    }

    WeighbridgeException failure(Block block, int status) {
        return Frame.failure(block.memory, ERROR, status, schema);
    }

    /** The row's own call object, which never waits: for asynchronous calls, which try inline first. */
    long callThatDoesNotWait() {
        if (call == null) {
            Frame frame = new Frame(8);
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
        if (memory.getInt(BUSY) != 0) throw new BusyException("row: in use by another thread");
        memory.put(ROW, schema.empty());
        memory.putInt(CAPACITY, memory.capacity() - ROW);
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
        memory.put(feature.missingAt, (byte) (memory.get(feature.missingAt) | feature.missingBit));
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

    /** Writes where element i's text lies; gives its size. */
    private int textSpan(int at, int i, int from, int size) {
        memory.putInt(at + ROW + 8 * i, from);
        memory.putInt(at + ROW + 8 * i + 4, size);
        return size;
    }

    private Row texts(Feature feature, int at, int count, int end) {
        memory.putInt(feature.at, at);
        memory.putInt(feature.at + 4, count);
        memory.putInt(USED, end);
        return present(feature);
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
        if (row.schema.digest != schema.digest) throw otherSchema();
        clear();
        int used = row.used();
        grow(used);
        memory.put(ROW + schema.fixedBytes, row.memory, ROW + schema.fixedBytes, used - schema.fixedBytes);
        memory.put(ROW + Layout.ROW_HEADER_SIZEOF, row.memory, ROW + Layout.ROW_HEADER_SIZEOF,
                schema.fixedBytes - Layout.ROW_HEADER_SIZEOF);
        memory.putInt(USED, used);
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
            Block now = block;
            int status = library.rowSetJson(schema.handle.token(), now.row(), library.address(text), size,
                    now.error());
            Reference.reachabilityFence(text);
            Reference.reachabilityFence(now);
            if (status >= 0) return this;
            if (status != Status.BUFFER_TOO_SMALL.code()) throw failure(now, status);
            memory.putInt(USED, used);
            grow(2L * (memory.capacity() - ROW));
        }
    }

    /**
     * The features as a JSON object, for logs: values of features with a privacy class are "&lt;redacted&gt;", missing
     * ones null.
     *
     * @return the object
     */
    public String toJson() {
        Frame frame = new Frame(8);
        Block now = block;
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
        Frame frame = new Frame(Layout.TENSOR_INFO_SIZEOF);
        ByteBuffer made = Frame.direct(8);
        Block now = block;
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

    private static InvalidInputException invalid(Feature feature, String what) {
        return new InvalidInputException("feature '" + feature.name() + "': " + what, feature.name(), 0);
    }

    private static InvalidInputException mismatch(Feature feature, String found) {
        return invalid(feature, "expected " + feature.expected() + ", got " + found);
    }

    private Row present(Feature feature) {
        memory.put(feature.missingAt, (byte) (memory.get(feature.missingAt) & ~feature.missingBit));
        return this;
    }

    private Row span(Feature feature, int at, int size, int width) {
        memory.putInt(feature.at, at);
        memory.putInt(feature.at + 4, size);
        memory.putInt(USED, at + size * width);
        return present(feature);
    }

    private void store(Feature feature, int at, long value) {
        switch (feature.type) {
            case Feature.INT64, Feature.CODE, Feature.TIMESTAMP -> memory.putLong(at, value);
            case Feature.FLOAT32 -> memory.putFloat(at, value);
            case Feature.FLOAT64 -> memory.putDouble(at, value);
            case Feature.BOOL -> {
                if (value != 0 && value != 1) throw mismatch(feature, "a number that is neither 0 nor 1");
                memory.put(at, (byte) value);
            }
            default -> throw mismatch(feature, "a number");
        }
    }

    private void store(Feature feature, int at, double value) {
        switch (feature.type) {
            case Feature.FLOAT32 -> memory.putFloat(at, (float) value);
            case Feature.FLOAT64 -> memory.putDouble(at, value);
            case Feature.INT64, Feature.CODE, Feature.TIMESTAMP -> {
                if (value != Math.rint(value) || !(value >= -0x1p63 && value < 0x1p63))
                    throw mismatch(feature, "a number that is not whole, or beyond 64 bits");
                memory.putLong(at, (long) value);
            }
            case Feature.BOOL -> {
                if (value != 0 && value != 1) throw mismatch(feature, "a number that is neither 0 nor 1");
                memory.put(at, (byte) value);
            }
            default -> throw mismatch(feature, "a number");
        }
    }

    private static long ticks(Feature feature, Instant value) {
        long unit = 1_000_000_000L / feature.ticksPerSecond();
        if (value.getNano() % unit != 0)
            throw invalid(feature, "the time is finer than the feature's unit, 1/" + feature.ticksPerSecond() + " s");
        try {
            return Math.addExact(Math.multiplyExact(value.getEpochSecond(), feature.ticksPerSecond()),
                    value.getNano() / unit);
        } catch (ArithmeticException beyond) {
            throw invalid(feature, "the time is beyond 64 bits of the feature's unit");
        }
    }

    private static int width(Feature feature) {
        return feature.type == Feature.FLOAT32 ? 4 : feature.type == Feature.BOOL ? 1 : 8;
    }

    private int elements(Feature feature, int count, String found) {
        own(feature);
        if (!feature.sequence || feature.isText()) throw mismatch(feature, found);
        return reserve((long) count * width(feature));
    }

    /** Where the tail goes on, from the row's first byte; there is room for so many bytes there. */
    private int reserve(long bytes) {
        int at = memory.getInt(USED) + 7 & ~7;
        if (bytes > memory.capacity() - ROW - at) grow(at + bytes);
        return at;
    }

    /** Moves the row to larger memory, where it is not large enough. */
    private void grow(long capacity) {
        if (capacity <= memory.capacity() - ROW) return;
        if (memory.getInt(BUSY) != 0) throw new BusyException("row: in use by another thread");
        long larger = Math.max(capacity, 2L * (memory.capacity() - ROW));
        ByteBuffer old = memory;
        allocate(larger > Integer.MAX_VALUE / 2 ? capacity : larger);
        memory.put(ROW, old, ROW, old.getInt(USED));
        memory.putInt(CAPACITY, memory.capacity() - ROW);
    }

    /** The row's bytes up to what is used, for tests of the layout. */
    byte[] bytes() {
        byte[] all = new byte[used()];
        memory.get(ROW, all);
        return all;
    }
}
