// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.IntConsumer;

/**
 * Many rows to be scored, and what became of each: columns, or rows that were added. For one thread at a time
 * ({@link BusyException}).
 *
 * <p>A column is an array (copied once), a direct buffer, or an address; one of a single value shares it among all
 * rows. Features without a column are missing.
 *
 * @since 0.2
 */
public final class Batch implements AutoCloseable {
    /** How many rows a call scores together, so that others have the contexts in between. */
    private static final int WINDOW = 4096;
    /** Score, probability, band, status, feature: bytes of a row's results. */
    private static final int RESULT_BYTES = 8 + 8 + 4 + 4 + 4;

    /** Types of a column's elements, as the C ABI numbers them. */
    public enum Element {
        /** As the feature is stored. */
        STORED(0),
        /** 4 bytes, IEEE 754. */
        FLOAT32(4),
        /** 8 bytes, IEEE 754. */
        FLOAT64(8),
        /** 8 bytes. */
        INT64(8),
        /** 4 bytes. */
        INT32(4),
        /** 1 byte, 0 or 1. */
        BOOL(1),
        /** 1 byte. */
        INT8(1),
        /** 2 bytes. */
        INT16(2),
        /** 1 byte. */
        UINT8(1),
        /** 2 bytes. */
        UINT16(2),
        /** 4 bytes. */
        UINT32(4),
        /** 8 bytes. */
        UINT64(8),
        /** 2 bytes, IEEE 754. */
        FLOAT16(2),
        /** An address of UTF-8 bytes and their number, 8 bytes each. */
        VIEW(16);

        final int bytes;

        Element(int bytes) {
            this.bytes = bytes;
        }
    }

    private final Native library = Library.get();
    private final Schema schema;
    final Handle handle;
    private final AtomicBoolean inUse = new AtomicBoolean();
    /** What the native description points at, by feature; the last one is what rows lie in. */
    private final Object[] kept;
    private int rows;
    private ByteBuffer results;
    private ByteBuffer added;
    private int stride;
    private boolean isPlaced;
    /** Whether it describes columns, of a number of rows that was given; else rows that are added. */
    private boolean isOfColumns;

    Batch(Schema schema, int rows) {
        this.schema = schema;
        this.rows = rows;
        isOfColumns = rows > 0;
        kept = new Object[schema.features().size()];
        stride = schema.fixedBytes;
        Frame frame = new Frame(8);
        frame.check(library.batchCreate(frame.out(), schema.handle.token(), frame.error()));
        handle = Handle.of(this, Handle.Kind.BATCH, frame.outToken());
        frame.check(library.batchReset(handle.token(), rows, frame.error()));
    }

    /** Runs what changes or scores the batch, alone. */
    private void alone(Runnable work) {
        if (!inUse.compareAndSet(false, true)) throw new BusyException("batch: in use by another thread");
        try {
            work.run();
        } finally {
            inUse.set(false);
        }
    }

    /**
     * How many rows the batch has.
     *
     * @return the count
     */
    public int rows() {
        return rows;
    }

    /**
     * The schema that the batch was made for.
     *
     * @return the schema
     */
    public Schema schema() {
        return schema;
    }

    /**
     * Copies a row to the end.
     *
     * @param row a row of the schema
     * @return this
     * @throws WeighbridgeException INVALID_ARGUMENT where the batch has columns
     */
    public Batch add(Row row) {
        if (row.schema().digest != schema.digest)
            throw new SchemaException(Status.SCHEMA_MISMATCH.code(), "a row of another schema than the batch's");
        alone(() -> {
            if (isOfColumns) throw WeighbridgeException.of(Status.INVALID_ARGUMENT, "a batch of columns takes no rows");
            ByteBuffer memory = row.block().memory(); // one block, one size: another thread may wrongly write the row
            int used = RowMemory.used(memory);
            int need = used + 7 & ~7;
            if (need > stride) restride(Math.max(need, 2 * stride));
            long end = (long) (rows + 1) * stride;
            if (added == null || end > added.capacity()) {
                ByteBuffer larger = Frame.direct(Math.max(end, added == null ? 64L * stride
                        : Math.min(2L * added.capacity(), Integer.MAX_VALUE - 8)));
                if (added != null) larger.put(0, added, 0, rows * stride);
                added = larger;
            }
            added.put(rows * stride, memory, Row.ROW, used);
            added.putInt(rows * stride + Layout.ROW_HEADER_CAPACITY, stride);
            ++rows;
            isPlaced = false;
        });
        return this;
    }

    private void restride(int wider) {
        if (rows > 0) {
            ByteBuffer moved = Frame.direct((long) rows * wider);
            for (int i = 0; i < rows; ++i) {
                moved.put(i * wider, added, i * stride, stride);
                moved.putInt(i * wider + Layout.ROW_HEADER_CAPACITY, wider);
            }
            added = moved;
        } else {
            added = null;
        }
        stride = wider;
    }

    /**
     * Sets a column.
     *
     * @param feature its name
     * @param values a value for each row, or one for all
     * @return this
     */
    public Batch column(String feature, float[] values) {
        return column(feature, values, null);
    }

    /**
     * Sets a column in which values are missing.
     *
     * @param feature its name
     * @param values a value for each row, or one for all
     * @param present the rows that have a value; null: all
     * @return this
     */
    public Batch column(String feature, float[] values, BitSet present) {
        ByteBuffer data = Frame.direct(Math.max(1L, 4L * values.length));
        data.asFloatBuffer().put(values);
        return copied(feature, data, values.length, Element.FLOAT32, present);
    }

    /**
     * Sets a column.
     *
     * @param feature its name
     * @param values a value for each row, or one for all
     * @return this
     */
    public Batch column(String feature, double[] values) {
        return column(feature, values, null);
    }

    /**
     * Sets a column in which values are missing.
     *
     * @param feature its name
     * @param values a value for each row, or one for all
     * @param present the rows that have a value; null: all
     * @return this
     */
    public Batch column(String feature, double[] values, BitSet present) {
        ByteBuffer data = Frame.direct(Math.max(1L, 8L * values.length));
        data.asDoubleBuffer().put(values);
        return copied(feature, data, values.length, Element.FLOAT64, present);
    }

    /**
     * Sets a column.
     *
     * @param feature its name
     * @param values a value for each row, or one for all
     * @return this
     */
    public Batch column(String feature, long[] values) {
        return column(feature, values, null);
    }

    /**
     * Sets a column in which values are missing.
     *
     * @param feature its name
     * @param values a value for each row, or one for all
     * @param present the rows that have a value; null: all
     * @return this
     */
    public Batch column(String feature, long[] values, BitSet present) {
        ByteBuffer data = Frame.direct(Math.max(1L, 8L * values.length));
        data.asLongBuffer().put(values);
        return copied(feature, data, values.length, Element.INT64, present);
    }

    /**
     * Sets a column.
     *
     * @param feature its name
     * @param values a value for each row, or one for all
     * @return this
     */
    public Batch column(String feature, int[] values) {
        ByteBuffer data = Frame.direct(Math.max(1L, 4L * values.length));
        data.asIntBuffer().put(values);
        return copied(feature, data, values.length, Element.INT32, null);
    }

    /**
     * Sets a column.
     *
     * @param feature its name
     * @param values a value for each row, or one for all
     * @return this
     */
    public Batch column(String feature, boolean[] values) {
        ByteBuffer data = Frame.direct(Math.max(1, values.length));
        for (int i = 0; i < values.length; ++i) data.put(i, (byte) (values[i] ? 1 : 0));
        return copied(feature, data, values.length, Element.BOOL, null);
    }

    /**
     * Sets a column of texts or categories.
     *
     * @param feature its name
     * @param values a value for each row, or one for all; null is missing
     * @return this
     */
    public Batch column(String feature, CharSequence[] values) {
        Feature of = schema.feature(feature);
        long need = 16L * values.length;
        for (CharSequence value : values) need += value == null ? 0 : 3L * value.length();
        ByteBuffer data = Frame.direct(Math.max(1, need));
        long address = library.address(data);
        BitSet present = new BitSet(values.length);
        int at = 16 * values.length;
        for (int i = 0; i < values.length; ++i) {
            if (values[i] == null) continue;
            int size;
            try {
                size = Utf8.write(data, at, values[i], of);
            } catch (InvalidInputException surrogate) {
                throw new InvalidInputException(surrogate.getMessage(), feature, i);
            }
            data.putLong(16 * i, address + at);
            data.putLong(16 * i + 8, size);
            present.set(i);
            at += size;
        }
        return copied(feature, data, values.length, Element.VIEW, present);
    }

    private Batch copied(String feature, ByteBuffer data, int values, Element element, BitSet present) {
        Feature of = schema.feature(feature);
        boolean shared = values == 1;
        if (!shared && values != rows)
            throw WeighbridgeException.of(Status.INVALID_ARGUMENT, "column '" + feature + "': expected " + rows
                    + " values, or one for all rows, got " + values);
        ByteBuffer bits = null;
        if (present != null && present.cardinality() < (shared ? 1 : rows)) {
            bits = Frame.direct(rows / 8 + 1);
            byte[] set = shared ? new byte[0] : present.toByteArray();
            bits.put(0, set, 0, Math.min(set.length, bits.capacity()));
        }
        place(of, data, library.address(data), shared ? 0 : element.bytes, element, bits,
                bits == null ? 0 : library.address(bits), 0);
        return this;
    }

    /**
     * Sets a column that lies in a direct buffer, from its position to its limit; nothing is copied. The buffer must
     * stay as it is while the batch is scored; one of a MemorySegment must not be closed.
     *
     * @param feature its name
     * @param values an element for each row, written in the machine's byte order, which the buffer has
     * @param element their type; not STORED or VIEW
     * @return this
     */
    public Batch column(String feature, ByteBuffer values, Element element) {
        Feature of = schema.feature(feature);
        String what = "column '" + feature + "'";
        if (element == Element.STORED || element == Element.VIEW)
            throw WeighbridgeException.of(Status.INVALID_ARGUMENT, what + ": expected a type of number, got " + element);
        long address = Frame.address(values, what, element.bytes);
        if (values.remaining() < (long) rows * element.bytes)
            throw WeighbridgeException.of(Status.INVALID_ARGUMENT, what + ": expected " + (long) rows * element.bytes
                    + " bytes from the buffer's position on, got " + values.remaining());
        place(of, values.slice(), address, element.bytes, element, null, 0, 0);
        return this;
    }

    /**
     * Sets a column that lies at an address, such as a MemorySegment's or an Arrow buffer's; nothing is copied. The
     * memory must stay until the batch is closed, or the feature has another column. No address is checked.
     *
     * @param feature its name
     * @param address of the first row's element
     * @param stride bytes from one row's element to the next; 0 shares one among all rows
     * @param element the elements' type
     * @param validity address of a bitmap, 1 where a row has a value; 0: all have
     * @param validityOffset of the first row's bit, in bits
     * @return this
     */
    public Batch column(String feature, long address, long stride, Element element, long validity,
            long validityOffset) {
        place(schema.feature(feature), null, address, stride, element, null, validity, validityOffset);
        return this;
    }

    private void place(Feature feature, Object data, long address, long stride, Element element, Object bits,
            long validity, long validityOffset) {
        ofColumns(frame -> {
            frame.check(library.batchSetColumnAs(handle.token(), feature.index(), element.ordinal(), address, stride,
                    validity, validityOffset, frame.error()), schema);
            kept[feature.index()] = new Object[] {data, bits};
        });
    }

    /** Describes columns, alone. */
    private void ofColumns(Consumer<Frame> describe) {
        alone(() -> {
            if (added != null)
                throw WeighbridgeException.of(Status.INVALID_ARGUMENT, "a batch of rows takes no columns");
            describe.accept(new Frame(this, 8));
            isOfColumns = true;
        });
    }

    /**
     * Sets every column from an Arrow record batch of the batch's number of rows, through the C data interface: columns
     * are matched with the features by name. Neither struct is released; both must stay until the batch is closed.
     *
     * @param type address of a struct ArrowSchema
     * @param array address of a struct ArrowArray
     * @return this
     */
    public Batch arrow(long type, long array) {
        ofColumns(frame ->
                frame.check(library.batchSetArrowRows(handle.token(), type, array, frame.error()), schema));
        return this;
    }

    /**
     * Where an output of the model goes, of any size.
     *
     * @param output its index in {@link Schema#outputs()}
     * @param address of the first row's floats; 0 ends it
     * @param stride bytes from one row's to the next
     * @return this
     */
    public Batch output(int output, long address, long stride) {
        alone(() -> {
            Frame frame = new Frame(this, 8);
            frame.check(library.batchSetOutput(handle.token(), output, address, stride, frame.error()));
        });
        return this;
    }

    /**
     * Checks one row as scoring would.
     *
     * @param row its index
     * @throws InvalidInputException where scoring would refuse it
     */
    public void check(int row) {
        alone(() -> {
            placeRows();
            Frame frame = new Frame(this, 8);
            frame.check(library.batchCheck(handle.token(), row, frame.error()), schema);
            Reference.reachabilityFence(this);
        });
    }

    /** Tells the native description where added rows and results lie. */
    private void placeRows() {
        if (isPlaced) return;
        Frame frame = new Frame(this, 8);
        if (added != null) {
            frame.check(library.batchReset(handle.token(), rows, frame.error()));
            frame.check(library.batchSetRows(handle.token(), library.address(added), stride, frame.error()));
        }
        if (results == null || results.capacity() < (long) rows * RESULT_BYTES)
            results = Frame.direct(Math.max(1L, rows) * RESULT_BYTES);
        long at = library.address(results);
        int[] columns = {1, 2, 3, 4, 8}; // WB_COLUMN_SCORE, _PROBABILITY, _BAND, _STATUS, _FEATURE
        int[] offsets = {0, 8, 16, 20, 24};
        for (int i = 0; i < columns.length; ++i)
            frame.check(library.batchSetResult(handle.token(), columns[i], at + offsets[i], RESULT_BYTES,
                    frame.error()));
        isPlaced = true;
    }

    private void window(int first) {
        Frame frame = new Frame(this, 8);
        frame.check(library.batchSetWindow(handle.token(), first, Math.min(WINDOW, rows - first), frame.error()));
    }

    BatchResult scoreBy(Scorer scorer, long deadline, Call call) {
        BatchResult[] all = {BatchResult.EMPTY};
        alone(() -> {
            placeRows();
            windows(first -> {
                if (Thread.currentThread().isInterrupted())
                    throw new CancelledException("batch: interrupted before row " + first + " of " + rows);
                window(first);
                Frame frame = new Frame(this, Layout.BATCH_RESULT_SIZEOF);
                int status = scorer.scoreBatch(frame.out(), handle.token(), deadline,
                        call == null ? 0 : call.handle.token(), frame.error());
                Reference.reachabilityFence(scorer);
                Reference.reachabilityFence(call);
                Reference.reachabilityFence(this);
                if (scorer.closedMeanwhile(status)) throw scorer.closed();
                frame.check(status, schema);
                all[0] = all[0].plus(BatchResult.read(frame.memory, Layout.ERROR_SIZEOF,
                        Frame.chars(frame.memory, Layout.ERROR_MESSAGE, 256)));
            });
        });
        return all[0];
    }

    private void windows(IntConsumer work) {
        for (int first = 0; first < rows; first += WINDOW) work.accept(first);
    }

    /** A window that is under way. */
    private final class PendingWindow extends CompletionQueue.Pending<BatchResult> {
        final Frame frame = new Frame(Layout.BATCH_RESULT_SIZEOF);

        PendingWindow(CompletionQueue queue, Scorer scorer) {
            super(queue, scorer);
        }

        @Override
        void answer(MappedByteBuffer memory, int at) {
            complete(BatchResult.read(frame.memory, Layout.ERROR_SIZEOF,
                    Frame.chars(memory, at + Layout.COMPLETION_ERROR + Layout.ERROR_MESSAGE, 256)));
            Reference.reachabilityFence(Batch.this);
        }

        @Override
        Schema schema() {
            return schema;
        }
    }

    /** All windows of a batch. Cancelling it ends their work; each is complete when the library has let go of it. */
    private static final class Windows extends CompletableFuture<BatchResult> {
        private final List<PendingWindow> all = new ArrayList<>();

        @Override
        public boolean cancel(boolean mayInterruptIfRunning) {
            boolean cancelled = super.cancel(mayInterruptIfRunning);
            if (cancelled) all.forEach(PendingWindow::end);
            return cancelled;
        }
    }

    CompletableFuture<BatchResult> submitBy(Scorer scorer, long deadline) {
        if (!inUse.compareAndSet(false, true))
            return CompletableFuture.failedFuture(new BusyException("batch: in use by another thread"));
        Windows answer = new Windows();
        CompletableFuture<BatchResult> sum = CompletableFuture.completedFuture(BatchResult.EMPTY);
        try {
            placeRows();
            CompletionQueue queue = scorer.engine.queue();
            for (int first = 0; first < rows; first += WINDOW) {
                window(first);
                PendingWindow made = new PendingWindow(queue, scorer);
                queue.submit(made, handle.token(), made.frame.out(), deadline, made.frame);
                answer.all.add(made);
                sum = sum.thenCombine(made, BatchResult::plus);
            }
        } catch (RuntimeException | Error error) {
            // What was submitted before runs on: the batch is free again when that is done.
            sum = sum.thenCombine(CompletableFuture.<BatchResult>failedFuture(error), BatchResult::plus);
        }
        sum.whenComplete((done, error) -> {
            inUse.set(false);
            if (error == null) answer.complete(done);
            else answer.completeExceptionally(error.getCause() == null ? error : error.getCause());
        });
        return answer;
    }

    private int at(int row) {
        if (results == null || row < 0 || row >= rows)
            throw WeighbridgeException.of(Status.INVALID_ARGUMENT, results == null ? "the batch was not scored"
                    : "row: expected [0, " + rows + "), got " + row);
        return row * RESULT_BYTES;
    }

    /**
     * A row's score.
     *
     * @param row its index
     * @return the score; NaN for a row with an error
     */
    public double score(int row) {
        int at = at(row);
        return results.getDouble(at);
    }

    /**
     * A row's probability.
     *
     * @param row its index
     * @return the probability; NaN for a row with an error
     */
    public double probability(int row) {
        int at = at(row);
        return results.getDouble(at + 8);
    }

    /**
     * A row's decision band.
     *
     * @param row its index
     * @return the band; -1 without bands or with an error
     */
    public int band(int row) {
        int at = at(row);
        return results.getInt(at + 16);
    }

    /**
     * What became of a row.
     *
     * @param row its index
     * @return OK, OK_FALLBACK, or the row's error
     */
    public Status status(int row) {
        int at = at(row);
        return Status.of(results.getInt(at + 20));
    }

    /**
     * The feature that a row's error is about.
     *
     * @param row its index
     * @return its name; null for none
     */
    public String feature(int row) {
        int at = at(row);
        int index = results.getInt(at + 24);
        return index < 0 ? null : schema.features().get(index).name();
    }

    /**
     * All scores.
     *
     * @return an array of its own
     */
    public double[] scores() {
        double[] all = new double[rows];
        Arrays.setAll(all, this::score);
        return all;
    }

    /** Ends the use. */
    @Override
    public void close() {
        handle.close();
    }
}
