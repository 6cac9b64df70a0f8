// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class ScoringTest {
    private static Weighbridge engine;
    private static Model model;

    @BeforeAll
    static void open() {
        engine = Weighbridge.create();
        model = engine.load(Fixtures.MLP);
    }

    @AfterAll
    static void close() {
        model.close();
        engine.close();
    }

    @Test
    void theWayIsTheOneThatWasAskedFor() {
        RuntimeInfo info = Weighbridge.info();
        String forced = System.getProperty("weighbridge.native.access");
        assertEquals(forced != null ? forced : Runtime.version().feature() >= 22 ? "ffm" : "jni", info.access());
        assertEquals(Version.TEXT, info.libraryVersion());
        System.out.println("JDK " + Runtime.version().feature() + " through " + info.access());
    }

    @Test
    void aResultBelongsToItsRowAndACopyDoesNot() {
        Row row = Fixtures.payment(model.newRow());
        Result first = model.score(row);
        assertEquals(Fixtures.SCORE, first.score(), 1e-6);
        assertEquals("1.0.0", first.version());
        assertEquals("native", first.backend());
        assertEquals("fp32", first.precision());
        assertEquals(Reason.NONE, first.reason());
        assertEquals(1, first.band());
        assertEquals(model.schema().bands().get(1).name(), first.bandName());
        Result kept = first.copy();
        Result second = model.score(row.set("amount_minor", 999_999));
        assertSame(first, second);
        assertTrue(second.score() != kept.score());
        assertEquals(kept.version(), second.version());
        assertEquals(Fixtures.SCORE, kept.score(), 1e-6);
        assertEquals(model.info().bundleSha256().substring(0, 16), String.format("%016x", kept.bundle()));
    }

    @Test
    void deadlines() {
        Row row = Fixtures.payment(model.newRow());
        Result late = model.score(row, Duration.ofNanos(-1));
        assertTrue(late.isFallback());
        assertEquals(Reason.DEADLINE, late.reason());
        assertEquals(0.75, late.score());
        assertFalse(model.score(row, Duration.ofSeconds(Long.MAX_VALUE)).isFallback());
        assertTrue(model.score(row, Duration.ofSeconds(Long.MIN_VALUE)).isFallback());
        assertFalse(model.scoreBy(row, System.nanoTime() + 10_000_000_000L, null).isFallback());
        try (Call call = new Call().acceptFallback(false)) {
            assertThrows(DeadlineExceededException.class, () -> model.score(row, Duration.ofNanos(-1), call));
        }
    }

    /** Deadlines are System.nanoTime()'s, which must be the clock of the library. */
    @Test
    void theClockIsTheLibrarys() {
        long before = System.nanoTime();
        long library = Library.get().nowNs();
        long after = System.nanoTime();
        assertTrue(before <= library && library <= after, before + " " + library + " " + after);
    }

    @Test
    void wrongPaymentsNameTheirFeature() {
        Row row = Fixtures.payment(model.newRow()).setMissing("amount_minor");
        InvalidInputException error = assertThrows(InvalidInputException.class, () -> model.score(row));
        assertEquals("amount_minor", error.feature());
        assertEquals(0, error.row());
        assertEquals(Status.INVALID_INPUT, error.status());
        assertEquals(-1, error.code());
        assertThrows(InvalidInputException.class, () -> model.score(row.set("amount_minor", -1)));
        assertThrows(SchemaException.class,
                () -> model.score(Schema.load(Fixtures.CARD_MLP).newRow()));
    }

    @Test
    void secondaryOutputs() {
        ByteBuffer logit = ByteBuffer.allocateDirect(4).order(ByteOrder.nativeOrder());
        Row row = Fixtures.payment(model.newRow());
        int output = model.schema().output("logit");
        try (Call call = new Call().highPriority(true).output(output, logit)) {
            double score = model.score(row, null, call).score();
            assertEquals(score, 1 / (1 + Math.exp(-logit.getFloat(0))), 1e-6);
            assertThrows(WeighbridgeException.class, () -> call.output(0, ByteBuffer.allocate(4)));
            ByteBuffer all = ByteBuffer.allocateDirect(12).order(ByteOrder.nativeOrder());
            call.output(output, all.position(4).limit(8)); // between them, and nowhere else
            assertEquals(score, model.score(row, null, call).score());
            assertEquals(logit.getFloat(0), all.clear().getFloat(4));
            assertEquals(0, all.getFloat(0) + all.getFloat(8));
            for (ByteBuffer wrong : new ByteBuffer[] {ByteBuffer.allocateDirect(4), all.asReadOnlyBuffer()
                    .order(all.order())})
                assertEquals(Status.INVALID_ARGUMENT,
                        assertThrows(WeighbridgeException.class, () -> call.output(output, wrong)).status());
            call.output(output, all.limit(3));
            assertEquals(Status.BUFFER_TOO_SMALL, assertThrows(WeighbridgeException.class,
                    () -> model.score(row, null, call)).status());
        }
        assertThrows(NotFoundException.class, () -> model.schema().output("logits"));
    }

    @Test
    void cancelledCallsSaySo() {
        Row row = Fixtures.payment(model.newRow());
        try (Cancel cancel = new Cancel(); Call call = new Call().cancelledBy(cancel)) {
            cancel.set();
            assertThrows(CancelledException.class, () -> model.score(row, null, call));
            cancel.clear();
            assertEquals(Fixtures.SCORE, model.score(row, null, call).score(), 1e-6);
        }
    }

    /** Two threads on one row: each call answers rightly or says so, and nothing crashes. */
    @Test
    void twoThreadsOnOneRow() throws InterruptedException {
        try (Model slow = engine.load(Fixtures.CARD_TRANSFORMER)) {
            Row row = slow.newRow().setJson(golden(Fixtures.CARD_TRANSFORMER));
            double expected = slow.score(row).score();
            AtomicReference<Throwable> wrong = new AtomicReference<>();
            CountDownLatch busy = new CountDownLatch(1);
            Runnable work = () -> {
                long end = System.nanoTime() + 20_000_000_000L;
                while (busy.getCount() > 0 && System.nanoTime() < end) {
                    try {
                        slow.score(row);
                    } catch (BusyException rightly) {
                        busy.countDown();
                    } catch (Throwable other) {
                        wrong.compareAndSet(null, other);
                        return;
                    }
                }
            };
            Thread first = new Thread(work);
            Thread second = new Thread(work);
            first.start();
            second.start();
            first.join();
            second.join();
            assertEquals(null, wrong.get());
            assertTrue(busy.await(0, TimeUnit.SECONDS), "no call found the row busy in 20 s");
            assertEquals(expected, slow.score(row).score());
        }
    }

    static String golden(Path bundle) {
        try (Stream<String> lines = Files.lines(bundle.resolve("golden.jsonl"))) {
            return com.google.gson.JsonParser.parseString(lines.findFirst().orElseThrow()).getAsJsonObject().get("row")
                    .toString();
        } catch (java.io.IOException error) {
            throw new java.io.UncheckedIOException(error);
        }
    }

    /** A call cannot be interrupted: it is done by its deadline, and the thread stays interrupted. */
    @Test
    void interruptsAreKept() {
        Row row = Fixtures.payment(model.newRow());
        Thread.currentThread().interrupt();
        assertEquals(Fixtures.SCORE, model.score(row).score(), 1e-6);
        assertTrue(Thread.interrupted());
    }

    /** 256 KB, as some servers give their threads: on the heap's default of 1 MB nothing would be found out. */
    @Test
    void smallStacks() throws InterruptedException {
        AtomicReference<Object> found = new AtomicReference<>();
        Runnable work = () -> {
            try (Weighbridge own = Weighbridge.create(); Model mlp = own.load(Fixtures.MLP);
                    Model transformer = own.load(Fixtures.CARD_TRANSFORMER)) {
                transformer.score(transformer.newRow().setJson(golden(Fixtures.CARD_TRANSFORMER)));
                found.set(mlp.score(Fixtures.payment(mlp.newRow())).score());
            } catch (Throwable error) {
                found.set(error);
            }
        };
        Thread thread = new Thread(null, work, "small", 256 * 1024);
        thread.start();
        thread.join();
        assertTrue(found.get() instanceof Double score && Math.abs(score - Fixtures.SCORE) < 1e-6, "" + found.get());
    }

    @Test
    void scoringAllocatesNothing() {
        Row row = Fixtures.payment(model.newRow());
        Feature amount = model.schema().feature("amount_minor");
        Feature country = model.schema().feature("country");
        Duration budget = Duration.ofSeconds(10);
        var threads = (com.sun.management.ThreadMXBean) java.lang.management.ManagementFactory.getThreadMXBean();
        double sum = 0;
        long calls = 200_000;
        long allocated = 0;
        for (int round = 0; round < 4; ++round) { // the last one is measured, the others warm up
            long before = threads.getThreadAllocatedBytes(Thread.currentThread().getId());
            for (int i = 0; i < calls; ++i) {
                row.clear().set(amount, 1000 + i % 100).set("age_days", 2.5).set(country, "FR").set("online", true);
                sum += model.score(row, budget).score();
            }
            allocated = threads.getThreadAllocatedBytes(Thread.currentThread().getId()) - before;
        }
        assertTrue(sum > 0);
        assertTrue(allocated < 0.01 * calls, allocated + " bytes in " + calls + " calls");
    }

    @Test
    void statusesAreTheLibrarys() {
        for (Status status : Status.values())
            if (status != Status.UNKNOWN) assertEquals("WB_" + status, Names.status(status.code()));
        assertEquals(Status.UNKNOWN, Status.of(-999));
        assertEquals("-999", Names.status(-999));
        assertEquals(-999, WeighbridgeException.of(-999, "a later version's", null, -1).code());
        Map<Status, Class<?>> classes = Map.ofEntries(Map.entry(Status.INVALID_INPUT, InvalidInputException.class),
                Map.entry(Status.BUSY, BusyException.class), Map.entry(Status.OVERLOADED, OverloadedException.class),
                Map.entry(Status.DEADLINE_EXCEEDED, DeadlineExceededException.class),
                Map.entry(Status.CANCELLED, CancelledException.class), Map.entry(Status.CLOSED, ClosedException.class),
                Map.entry(Status.FORKED, ForkedException.class), Map.entry(Status.NOT_LOADED, NotLoadedException.class),
                Map.entry(Status.NOT_FOUND, NotFoundException.class),
                Map.entry(Status.SCHEMA_MISMATCH, SchemaException.class),
                Map.entry(Status.SCHEMA_CHANGED, SchemaException.class),
                Map.entry(Status.INVALID_BUNDLE, BundleException.class),
                Map.entry(Status.IO_ERROR, BundleException.class),
                Map.entry(Status.VERIFY_FAILED, BundleException.class));
        for (Status status : Status.values()) {
            WeighbridgeException error = WeighbridgeException.of(status, "said");
            assertEquals(status, error.status());
            assertEquals("said", error.getMessage());
            assertEquals(classes.getOrDefault(status, WeighbridgeException.class), error.getClass());
        }
        assertEquals(Reason.UNKNOWN, Reason.of(99));
        assertEquals("99", Names.backend(99));
    }

    /** Null is the engine's default deadline, wherever a budget is asked for. */
    @Test
    void noBudget() throws Exception {
        Row row = Fixtures.payment(model.newRow());
        assertEquals(Fixtures.SCORE, model.score(row, null).score(), 1e-6);
        assertEquals(Fixtures.SCORE, model.score(row, null, null).score(), 1e-6);
        assertEquals(Fixtures.SCORE, model.submit(row, null).get().score(), 1e-6);
        for (Duration endless : new Duration[] {Duration.ofSeconds(Long.MAX_VALUE, 999_999_999), Duration.ofDays(9)})
            assertEquals(Fixtures.SCORE, model.score(row, endless).score(), 1e-6);
        for (Duration past : new Duration[] {Duration.ZERO, Duration.ofNanos(-1), Duration.ofSeconds(Long.MIN_VALUE)})
            assertTrue(model.score(row, past).isFallback(), past.toString());
    }

    /** A row's result is read where the call wrote it; a copy is of its own; neither moves with what the row holds. */
    @Test
    void resultsOfRowsThatGrow() {
        Row row = Fixtures.payment(model.schema().newRow(0));
        Result last = model.score(row);
        Result copy = last.copy();
        row.clear().set("country", "x".repeat(10_000));
        assertEquals(Fixtures.SCORE, last.score(), 1e-6);
        assertEquals(copy.version(), last.version());
        double other = model.score(Fixtures.payment(row).set("amount_minor", 999_999)).score();
        assertTrue(copy.score() != other);
        assertEquals(other, last.score());
        assertSame(last, row.result());
        assertEquals(Fixtures.SCORE, copy.score(), 1e-6);
        assertThrows(InvalidInputException.class, () -> model.score(row.clear()));
        assertEquals(other, last.score(), "a call that fails leaves it");
        assertEquals(0, model.schema().newRow().result().score());
    }
}
