// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Field;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Asynchronous calls: inline, through the queue, cancelled, closed, on virtual threads. */
class SubmitTest {
    private static Weighbridge queueOnly() {
        return Weighbridge.builder().option("devices", "cpu=1").submitsInline(false).build();
    }

    /** An engine whose submits wait for ever: nobody works, unless work() is called. */
    private static Weighbridge nobodyWorks() {
        return Weighbridge.builder().option("async_threads", "0").submitsInline(false).queueCapacity(4).build();
    }

    @Test
    void inlineWhereAContextIsFree() throws Exception {
        try (Weighbridge engine = Weighbridge.create(); Model model = engine.load(Fixtures.MLP)) {
            Row row = Fixtures.payment(model.newRow());
            CompletableFuture<Result> answer = model.submit(row);
            assertTrue(answer.isDone());
            assertEquals(Fixtures.SCORE, answer.get().score(), 1e-6);
            assertEquals(0, engine.snapshot().handles().get("queue"), "no queue was needed");
            try (Call call = new Call()) {
                assertEquals(Fixtures.SCORE, model.submit(row, Duration.ofSeconds(5), call).get().score(), 1e-6);
            }
            CompletionException wrong = assertThrows(CompletionException.class,
                    () -> model.submit(row.setMissing("country")).join());
            assertEquals("country", ((InvalidInputException) wrong.getCause()).feature());
        }
    }

    @Test
    void throughTheQueue() throws Exception {
        try (Weighbridge engine = queueOnly(); Slot slot = engine.createSlot("s").load(Fixtures.MLP)) {
            Row row = Fixtures.payment(slot.newRow());
            double large = slot.score(row.set("amount_minor", 999_999)).score();
            List<CompletableFuture<Result>> answers = new ArrayList<>();
            for (int i = 0; i < 500; ++i) { // the row is the caller's again at once
                row.set("amount_minor", i % 2 == 0 ? 1250 : 999_999);
                answers.add(slot.submit(row, Duration.ofSeconds(30)));
            }
            for (int i = 0; i < 500; ++i)
                assertEquals(i % 2 == 0 ? Fixtures.SCORE : large, answers.get(i).get(30, TimeUnit.SECONDS).score(),
                        1e-6);
            CompletionException wrong = assertThrows(CompletionException.class,
                    () -> slot.submit(row.setMissing("country"), Duration.ofSeconds(30)).join());
            assertEquals("country", ((InvalidInputException) wrong.getCause()).feature());
        }
    }

    @Test
    void aFullQueueRefuses() {
        try (Weighbridge engine = nobodyWorks(); Model model = engine.load(Fixtures.MLP)) {
            Row row = Fixtures.payment(model.newRow());
            List<CompletableFuture<Result>> waiting = new ArrayList<>();
            for (int i = 0; i < 4; ++i) waiting.add(model.submit(row));
            CompletionException full = assertThrows(CompletionException.class, () -> model.submit(row).join());
            assertTrue(full.getCause() instanceof OverloadedException, full.toString());
            assertEquals(4, engine.work(Duration.ofSeconds(30)));
            waiting.forEach(answer -> assertEquals(Fixtures.SCORE, answer.join().score(), 1e-6));
        }
    }

    @Test
    void deadlinesAreKeptInTheQueue() {
        try (Weighbridge engine = nobodyWorks(); Model model = engine.load(Fixtures.MLP)) {
            Result late = model.submit(Fixtures.payment(model.newRow()), Duration.ofMillis(20)).join();
            assertEquals(Reason.DEADLINE, late.reason());
        }
    }

    @Test
    void cancelEndsTheWork() {
        try (Weighbridge engine = nobodyWorks(); Model model = engine.load(Fixtures.MLP)) {
            Row row = Fixtures.payment(model.newRow());
            CompletableFuture<Result> answer = model.submit(row);
            assertTrue(answer.cancel(true));
            assertTrue(answer.isCancelled());
            assertThrows(CancellationException.class, answer::join);
            assertEquals(0, engine.work(Duration.ofSeconds(30)), "the work has ended with the future");
            assertEquals(false, answer.cancel(true) && !answer.isCancelled());
        }
    }

    @Test
    void closingCompletesWhatWaits() {
        Weighbridge engine = nobodyWorks();
        Model model = engine.load(Fixtures.MLP);
        CompletableFuture<Result> answer = model.submit(Fixtures.payment(model.newRow()));
        engine.close();
        CompletionException closed = assertThrows(CompletionException.class, answer::join);
        assertTrue(closed.getCause() instanceof ClosedException, closed.toString());
        assertTrue(model.submit(Fixtures.payment(model.newRow())).isCompletedExceptionally());
        model.close();
    }

    @Test
    void anEngineMayBeClosedByWhatDependsOnAnAnswer() {
        Weighbridge engine = nobodyWorks();
        try (Model model = engine.load(Fixtures.MLP)) {
            CompletableFuture<Void> closed =
                    model.submit(Fixtures.payment(model.newRow())).thenAccept(result -> engine.close());
            engine.work(Duration.ofSeconds(30));
            closed.join();
        }
    }

    /** 10,000 virtual threads, each with a payment of its own: their carriers are free while they wait. */
    @Test
    void tenThousandVirtualThreads() throws Exception {
        ExecutorService executor;
        try {
            executor = (ExecutorService) Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
        } catch (NoSuchMethodException none) {
            System.out.println("JDK " + Runtime.version().feature() + " has no virtual threads: 16 platform threads");
            executor = Executors.newFixedThreadPool(16);
        }
        try (Weighbridge engine = Weighbridge.builder().queueCapacity(20_000).build();
                Slot slot = engine.createSlot("s").load(Fixtures.MLP)) {
            Schema schema = slot.schema();
            List<Future<Double>> scores = new ArrayList<>();
            for (int i = 0; i < 10_000; ++i)
                scores.add(executor.submit(() -> slot.submit(Fixtures.payment(schema.newRow())).get().score()));
            for (Future<Double> score : scores)
                assertEquals(Fixtures.SCORE, score.get(120, TimeUnit.SECONDS), 1e-6);
        } finally {
            executor.shutdownNow();
        }
    }

    @Test
    void interruptedWaitersGoOn() throws Exception {
        try (Weighbridge engine = nobodyWorks(); Model model = engine.load(Fixtures.MLP)) {
            CompletableFuture<Result> answer = model.submit(Fixtures.payment(model.newRow()));
            Thread.currentThread().interrupt();
            assertThrows(InterruptedException.class, answer::get);
            engine.work(Duration.ofSeconds(30));
            assertEquals(Fixtures.SCORE, answer.get().score(), 1e-6);
        }
    }

    /** A submit that the library has not taken is forgotten, however it failed. */
    @Test
    void whatWasNotAcceptedIsNotKept() throws Exception {
        try (Weighbridge engine = queueOnly()) {
            Model model = engine.load(Fixtures.MLP);
            Row row = Fixtures.payment(model.newRow());
            model.submit(row).get();
            Field field = CompletionQueue.class.getDeclaredField("pending");
            field.setAccessible(true);
            Map<?, ?> pending = (Map<?, ?>) field.get(engine.queue());
            try (Call call = new Call()) {
                call.close();
                assertClosed("Call: closed", model.submit(row, null, call));
            }
            model.close();
            assertClosed("Model: closed", model.submit(row));
            long end = System.nanoTime() + 60_000_000_000L; // an answer is there before it is forgotten
            while (!pending.isEmpty() && System.nanoTime() < end) Thread.sleep(1);
            assertEquals(Map.of(), pending);
        }
    }

    private static void assertClosed(String message, CompletableFuture<Result> answer) {
        CompletionException error = assertThrows(CompletionException.class, answer::join);
        assertTrue(error.getCause() instanceof ClosedException, error.toString());
        assertEquals(message, error.getCause().getMessage());
    }

    /** What was tried inline, and failed, leaves a call that waits as before. */
    @Test
    void aCallThatFailedInlineStillWaits() throws Exception {
        LoadOptions slow = new LoadOptions().engines("fake").set("fake_script", "{\"latency_us\": [5000]}");
        try (Weighbridge engine = Weighbridge.builder().option("devices", "cpu=1").build();
                Model model = engine.load(Fixtures.MLP, slow); Call call = new Call()) {
            Model gone = engine.load(Fixtures.MLP);
            Row row = Fixtures.payment(model.newRow());
            gone.close();
            assertClosed("Model: closed", gone.submit(row, null, call));
            Thread other = new Thread(() -> { // has the one context nearly all the time
                Row own = Fixtures.payment(model.newRow());
                while (!Thread.currentThread().isInterrupted()) model.score(own);
            });
            other.start();
            try {
                for (int i = 0; i < 20; ++i) assertTrue(model.score(row, Duration.ofSeconds(60), call).score() > 0);
            } finally {
                other.interrupt();
                other.join();
            }
        }
    }

    /** Answers of an engine that was closed by what depended on one of them. */
    @Test
    void closedOnTheQueuesOwnThread() throws Exception {
        Weighbridge engine = queueOnly();
        Model model = engine.load(Fixtures.MLP);
        model.submit(Fixtures.payment(model.newRow())).thenRun(() -> engine.close(Duration.ofSeconds(30)))
                .get(60, TimeUnit.SECONDS);
        assertClosed("the engine's queue: closed", model.submit(Fixtures.payment(model.newRow())));
    }

    /** Where the heap is full each call is answered or refused, none is forgotten, and all goes on afterwards. */
    @Test
    void memoryThatRunsOut() throws Exception {
        Child.Outcome outcome = Child.run(List.of("-Xmx24m", "-XX:+UseSerialGC",
                "-Dweighbridge.library=" + System.getProperty(Search.PROPERTY), "-Dwb.root=" + Fixtures.ROOT,
                "-Dwb.fixtures=" + Fixtures.FIXTURES), List.of(), "memory", Fixtures.MLP.toString());
        assertEquals(0, outcome.code(), outcome.output());
        assertTrue(outcome.output().contains("answered all"), outcome.output());
    }
}
