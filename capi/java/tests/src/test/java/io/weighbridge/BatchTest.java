// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Arrays;
import java.util.BitSet;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class BatchTest {
    private static final int ROWS = 10_000; // three windows
    private static Weighbridge engine;
    private static Model model;
    private static long[] amounts;
    private static String[] countries;
    private static double[] expected;

    @BeforeAll
    static void open() {
        engine = Weighbridge.create();
        model = engine.load(Fixtures.MLP);
        amounts = new long[ROWS];
        countries = new String[ROWS];
        expected = new double[ROWS];
        Row row = Fixtures.payment(model.newRow());
        for (int i = 0; i < ROWS; ++i) {
            amounts[i] = 100 + i;
            countries[i] = i % 3 == 0 ? "FR" : i % 3 == 1 ? "DE" : "日本";
            expected[i] = model.score(row.clear().set("amount_minor", amounts[i]).set("age_days", 2.5)
                    .set("country", countries[i]).set("online", true)).score();
        }
    }

    @AfterAll
    static void close() {
        model.close();
        engine.close();
    }

    private static Batch columns() {
        return model.newBatch(ROWS).column("amount_minor", amounts).column("age_days", new double[] {2.5})
                .column("country", countries).column("online", new boolean[] {true});
    }

    /** The same bits as row by row. */
    @Test
    void columnsOfArrays() {
        try (Batch batch = columns()) {
            BatchResult result = model.scoreAll(batch);
            assertEquals(ROWS, result.rows());
            assertEquals(ROWS, result.scored());
            assertEquals("1.0.0", result.version());
            assertTrue(Arrays.equals(expected, batch.scores()));
            assertEquals(Status.OK, batch.status(7));
            assertEquals(null, batch.feature(7));
            assertTrue(batch.band(7) >= 0 && batch.probability(7) > 0);
            assertThrows(WeighbridgeException.class, () -> batch.score(ROWS));
        }
    }

    @Test
    void otherTypesOfColumns() {
        int[] ints = new int[ROWS];
        float[] floats = new float[ROWS];
        Arrays.setAll(ints, i -> (int) amounts[i]);
        Arrays.fill(floats, 2.5f);
        try (Batch batch = columns().column("amount_minor", ints).column("age_days", floats)) {
            model.scoreAll(batch);
            assertTrue(Arrays.equals(expected, batch.scores()));
            batch.column("amount_minor", new double[] {1250}).column("country", new String[] {"FR"});
            model.scoreAll(batch);
            assertEquals(Fixtures.SCORE, batch.score(ROWS - 1), 1e-6);
        }
    }

    @Test
    void buffersAndAddresses() {
        ByteBuffer direct = ByteBuffer.allocateDirect(8 * ROWS).order(ByteOrder.nativeOrder());
        direct.asLongBuffer().put(amounts);
        try (Batch batch = columns().column("amount_minor", direct, Batch.Element.INT64)) {
            model.scoreAll(batch);
            assertTrue(Arrays.equals(expected, batch.scores()));
            batch.column("amount_minor", Library.get().address(direct), 8, Batch.Element.INT64, 0, 0);
            model.scoreAll(batch);
            assertTrue(Arrays.equals(expected, batch.scores()));
            ByteBuffer small = ByteBuffer.allocateDirect(8 * ROWS - 1);
            assertThrows(WeighbridgeException.class, () -> batch.column("amount_minor", small, Batch.Element.INT64));
            ByteBuffer heap = ByteBuffer.allocate(8 * ROWS);
            assertThrows(WeighbridgeException.class, () -> batch.column("amount_minor", heap, Batch.Element.INT64));
        }
    }

    @Test
    void missingValuesAndWrongRows() {
        BitSet present = new BitSet();
        present.set(0, ROWS);
        present.clear(5000);
        try (Batch batch = columns().column("amount_minor", amounts, present)) {
            BatchResult result = model.scoreAll(batch);
            assertTrue(result.isPartial());
            assertEquals(1, result.invalid());
            assertEquals(5000, result.firstError());
            assertTrue(result.firstErrorMessage().contains("amount_minor"), result.firstErrorMessage());
            assertEquals(Status.INVALID_INPUT, batch.status(5000));
            assertEquals("amount_minor", batch.feature(5000));
            assertTrue(Double.isNaN(batch.score(5000)));
            assertEquals(expected[5001], batch.score(5001));
            assertEquals("amount_minor",
                    assertThrows(InvalidInputException.class, () -> batch.check(5000)).feature());
            batch.check(5001);
        }
    }

    @Test
    void wrongColumns() {
        try (Batch batch = model.newBatch(3)) {
            assertThrows(NotFoundException.class, () -> batch.column("amount", new long[3]));
            assertThrows(WeighbridgeException.class, () -> batch.column("amount_minor", new long[2]));
            WeighbridgeException text = assertThrows(WeighbridgeException.class,
                    () -> batch.column("amount_minor", new String[] {"1", "2", "3"}));
            assertTrue(text.getMessage().contains("amount_minor"), text.getMessage());
            InvalidInputException surrogate = assertThrows(InvalidInputException.class,
                    () -> batch.column("country", new String[] {"FR", "\ud800", "DE"}));
            assertEquals(1, surrogate.row());
            assertEquals(3, model.scoreAll(batch).invalid());
        }
        try (Batch empty = model.newBatch(0)) {
            assertEquals(0, model.scoreAll(empty).rows());
        }
    }

    @Test
    void rowsThatAreAdded() {
        try (Batch batch = model.newBatch()) {
            Row row = model.schema().newRow(0);
            for (int i = 0; i < ROWS; ++i) {
                batch.add(row.clear().set("amount_minor", amounts[i]).set("age_days", 2.5)
                        .set("country", i == 4000 ? "x".repeat(500) : countries[i]).set("online", true));
                if (i == 2000) model.scoreAll(batch);
            }
            model.scoreAll(batch);
            assertEquals(ROWS, batch.rows());
            double[] scores = batch.scores();
            scores[4000] = expected[4000];
            assertTrue(Arrays.equals(expected, scores));
            assertThrows(SchemaException.class, () -> batch.add(Schema.load(Fixtures.CARD_MLP).newRow()));
            assertThrows(WeighbridgeException.class, () -> batch.column("amount_minor", amounts));
        }
    }

    @Test
    void onAllContextsThroughTheQueue() throws Exception {
        try (Batch batch = columns()) {
            BatchResult result = model.submitAll(batch).get(60, TimeUnit.SECONDS);
            assertEquals(ROWS, result.scored());
            assertTrue(Arrays.equals(expected, batch.scores()));
        }
        try (Model gone = engine.load(Fixtures.MLP); Batch batch = gone.newBatch(3)) {
            gone.close();
            assertThrows(CompletionException.class, () -> gone.submitAll(batch).join());
            assertEquals(3, model.scoreAll(batch).invalid(), "the batch is free again");
        }
    }

    @Test
    void deadlinesAndInterrupts() {
        try (Batch batch = columns()) {
            assertEquals(ROWS, model.scoreAll(batch, Duration.ofNanos(-1), null).fallbacks());
            Thread.currentThread().interrupt();
            assertThrows(CancelledException.class, () -> model.scoreAll(batch));
            assertTrue(Thread.interrupted());
            assertEquals(ROWS, model.scoreAll(batch).scored());
        }
    }

    @Test
    void outputsOfEveryRow() {
        ByteBuffer logits = ByteBuffer.allocateDirect(4 * ROWS).order(ByteOrder.nativeOrder());
        try (Batch batch = columns().output(model.schema().output("logit"), Library.get().address(logits), 4)) {
            model.scoreAll(batch);
            assertEquals(batch.score(99), 1 / (1 + Math.exp(-logits.getFloat(4 * 99))), 1e-6);
        }
    }

    private static String refused(Status status, Executable call) {
        WeighbridgeException error = assertThrows(WeighbridgeException.class, call);
        assertEquals(status, error.status(), error.toString());
        return error.getMessage();
    }

    /** A batch has columns or rows, whichever came first. */
    @Test
    void columnsOrRows() {
        Row row = Fixtures.payment(model.newRow());
        try (Batch columns = model.newBatch(2); Batch empty = model.newBatch(0); Batch rows = model.newBatch()) {
            String takes = "a batch of columns takes no rows";
            assertEquals(takes, refused(Status.INVALID_ARGUMENT, () -> columns.add(row)));
            empty.column("amount_minor", new long[0]);
            assertEquals(takes, refused(Status.INVALID_ARGUMENT, () -> empty.add(row)));
            rows.add(row);
            takes = "a batch of rows takes no columns";
            assertEquals(takes, refused(Status.INVALID_ARGUMENT, () -> rows.column("age_days", new float[1])));
            assertEquals(takes, refused(Status.INVALID_ARGUMENT, () -> rows.arrow(8, 8)));
            assertEquals(1, model.scoreAll(rows).scored());
        }
        assertTrue(refused(Status.INVALID_ARGUMENT, () -> model.newBatch(-1)).contains("got -1"));
        assertTrue(refused(Status.BUFFER_TOO_SMALL, () -> {
            try (Batch huge = model.newBatch(Integer.MAX_VALUE)) {
                model.scoreAll(huge);
            }
        }).contains("60129542116 bytes"));
    }

    /** Of a buffer the bytes between position and limit are meant, in the machine's order. */
    @Test
    void everyKindOfBuffer() {
        ByteBuffer direct = ByteBuffer.allocateDirect(8 * ROWS + 24).order(ByteOrder.nativeOrder());
        for (int at : new int[] {0, 8, 3}) { // the last one is not aligned
            for (int i = 0; i < ROWS; ++i) direct.putLong(at + 8 * i, amounts[i]);
            ByteBuffer part = direct.duplicate().order(ByteOrder.nativeOrder()).position(at).limit(at + 8 * ROWS);
            try (Batch batch = columns().column("amount_minor", part.asReadOnlyBuffer().order(part.order()),
                    Batch.Element.INT64)) {
                part.clear(); // the batch has what was between them
                model.scoreAll(batch);
                assertTrue(Arrays.equals(expected, batch.scores()), "from " + at);
                part.position(32);
                assertTrue(refused(Status.INVALID_ARGUMENT, () -> batch.column("amount_minor", part,
                        Batch.Element.INT64)).endsWith("expected 80000 bytes from the buffer's position on, got 79992"));
                ByteBuffer other = direct.duplicate().order(ByteOrder.nativeOrder() == ByteOrder.BIG_ENDIAN
                        ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
                assertTrue(refused(Status.INVALID_ARGUMENT, () -> batch.column("amount_minor", other,
                        Batch.Element.INT64)).contains("expected a buffer in the machine's order"));
                batch.column("online", other, Batch.Element.BOOL); // of single bytes
                assertTrue(refused(Status.INVALID_ARGUMENT, () -> batch.column("amount_minor",
                        ByteBuffer.allocate(8 * ROWS), Batch.Element.INT64)).contains("got one on the heap"));
                refused(Status.INVALID_ARGUMENT, () -> batch.column("amount_minor", part, Batch.Element.STORED));
                assertTrue(refused(Status.INVALID_ARGUMENT, () -> batch.column("amount_minor", 4096, Long.MAX_VALUE,
                        Batch.Element.INT64, 0, 0)).contains("overflows for 10000 rows"));
            }
        }
    }

    @Test
    void aBatchInUse() throws Exception {
        LoadOptions slow = new LoadOptions().engines("fake").set("fake_script", "{\"latency_us\": [300000]}");
        try (Weighbridge own = Weighbridge.create(); Model fake = own.load(Fixtures.MLP, slow);
                Batch batch = fake.newBatch(ROWS).column("amount_minor", amounts)
                        .column("age_days", new double[] {2.5}).column("country", countries)
                        .column("online", new boolean[] {true})) {
            var answer = fake.submitAll(batch);
            refused(Status.BUSY, () -> fake.scoreAll(batch));
            refused(Status.BUSY, () -> batch.column("amount_minor", amounts));
            ExecutionException busy = assertThrows(ExecutionException.class, () -> fake.submitAll(batch).get());
            assertTrue(busy.getCause() instanceof BusyException, busy.toString());
            assertTrue(answer.cancel(true));
            long end = System.nanoTime() + 60_000_000_000L;
            for (boolean isBusy = true; isBusy;) { // until the library has let go of its memory
                try {
                    batch.column("amount_minor", amounts);
                    isBusy = false;
                } catch (BusyException yet) {
                    assertTrue(System.nanoTime() < end, "the batch is never free again");
                    Thread.sleep(1);
                }
            }
            assertTrue(answer.isCancelled());
        }
    }

    /** A record batch as another library would hand it over: an ArrowSchema and an ArrowArray of format "+s". */
    @Test
    void arrowRecordBatches() {
        ArrowMemory arrow = new ArrowMemory();
        long age = arrow.schema("f", "age_days");
        long amount = arrow.schema("l", "amount_minor");
        long country = arrow.schema("u", "country");
        long online = arrow.schema("b", "online");
        long type = arrow.schema("+s", "", age, amount, country, online);
        long array = arrow.array(3, 0, new long[] {0},
                arrow.array(3, 0, new long[] {0, arrow.floats(2.5f, 2.5f, 2.5f)}),
                arrow.array(3, 1, new long[] {arrow.bytes((byte) 0b101), arrow.longs(1250, 0, 999_999)}),
                arrow.array(3, 0, new long[] {0, arrow.ints(0, 2, 4, 6), arrow.bytes("FRFRDE".getBytes())}),
                arrow.array(3, 0, new long[] {0, arrow.bytes((byte) 0b111)}));
        double other = model.score(Fixtures.payment(model.newRow()).set("amount_minor", 999_999).set("country", "DE"))
                .score();
        try (Batch batch = model.newBatch(3).arrow(type, array)) {
            BatchResult result = model.scoreAll(batch);
            assertEquals(2, result.scored());
            assertEquals(Fixtures.SCORE, batch.score(0), 1e-6);
            assertEquals(Status.INVALID_INPUT, batch.status(1));
            assertEquals("amount_minor", batch.feature(1));
            assertEquals(other, batch.score(2));
            long text = arrow.schema("+s", "", age, arrow.schema("u", "amount_minor"), country, online);
            assertTrue(refused(Status.INVALID_ARGUMENT, () -> batch.arrow(text, array)).contains("amount_minor"));
            assertTrue(refused(Status.INVALID_ARGUMENT, () -> batch.arrow(0, 0)).contains("got NULL"));
            assertEquals(2, model.scoreAll(batch).scored(), "the batch is as before");
        }
        try (Batch wrong = model.newBatch(4)) {
            refused(Status.INVALID_ARGUMENT, () -> wrong.arrow(type, array));
        }
    }

    /** A row that another thread wrongly writes meanwhile is told as busy or invalid, never by an index. */
    @Test
    void aRowOfTwoThreads() throws Exception {
        Row row = Fixtures.payment(model.schema().newRow(0));
        Thread other = new Thread(() -> {
            for (int i = 0; !Thread.currentThread().isInterrupted(); ++i) {
                try {
                    row.clear().set("country", "x".repeat(i % 5000));
                } catch (BusyException expected) {
                    Thread.onSpinWait();
                }
            }
        });
        other.start();
        Row copy = model.newRow();
        try {
            for (int i = 0; i < 3000; ++i) {
                try (Batch batch = model.newBatch()) {
                    model.scoreAll(batch.add(row).add(row));
                    copy.set(row);
                    model.score(row);
                } catch (WeighbridgeException expected) {
                    assertTrue(expected.code() < 0);
                }
            }
        } finally {
            other.interrupt();
            other.join();
        }
    }
}
