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
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

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
}
