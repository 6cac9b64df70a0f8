// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Objects that are closed beside calls, in any order, or not at all. */
class LifetimeTest {
    private static final Logger LOGGER = Logger.getLogger("io.weighbridge"); // strong: its handler goes with it
    private static final Queue<String> reports = new ConcurrentLinkedQueue<>();

    /** Keeps the reports of leaks, which these tests make by the hundred, from the console. */
    @BeforeAll
    static void listen() {
        LOGGER.setUseParentHandlers(false);
        LOGGER.addHandler(new java.util.logging.Handler() {
            @Override
            public void publish(LogRecord record) {
                reports.add(record.getMessage());
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        });
    }

    /** Four threads score while the model, the slot and the engine are closed: each is answered, or told so. */
    @Test
    void closeWhileScoring() throws InterruptedException {
        for (int round = 0; round < 20; ++round) {
            Weighbridge engine = Weighbridge.create();
            Model model = engine.load(Fixtures.MLP);
            Slot slot = engine.createSlot("s").load(Fixtures.MLP);
            AtomicReference<Throwable> wrong = new AtomicReference<>();
            AtomicLong answers = new AtomicLong();
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 4; ++i) {
                Scorer scorer = i % 2 == 0 ? model : slot;
                boolean later = i >= 2;
                Thread thread = new Thread(() -> {
                    Row row = Fixtures.payment(Schema.load(Fixtures.MLP).newRow());
                    try {
                        for (;;) {
                            double score = later ? scorer.submit(row).join().score() : scorer.score(row).score();
                            if (Math.abs(score - Fixtures.SCORE) > 1e-6) throw new AssertionError("score " + score);
                            answers.incrementAndGet();
                        }
                    } catch (ClosedException rightly) {
                        return;
                    } catch (java.util.concurrent.CompletionException error) {
                        if (!(error.getCause() instanceof ClosedException)) wrong.compareAndSet(null, error);
                    } catch (Throwable error) {
                        wrong.compareAndSet(null, error);
                    }
                });
                thread.start();
                threads.add(thread);
            }
            while (answers.get() < 200 && wrong.get() == null) Thread.onSpinWait();
            if (round % 3 == 0) model.close();
            if (round % 3 == 1) slot.close();
            engine.close();
            model.close();
            slot.close();
            for (Thread thread : threads) thread.join();
            if (wrong.get() != null) throw new AssertionError("round " + round, wrong.get());
        }
    }

    /** Nothing is closed, and garbage is collected all the time: everything is freed, reported, and nothing crashes. */
    @Test
    void unclosedObjectsUnderGarbageCollection() throws InterruptedException {
        try (Weighbridge watcher = Weighbridge.create()) {
            Map<String, Integer> before = watcher.snapshot().handles();
            long leaks = Weighbridge.leaks();
            for (int i = 0; i < 60; ++i) {
                forget();
                if (i % 10 == 0) System.gc();
            }
            long end = System.nanoTime() + 60_000_000_000L;
            while (isMore(watcher.snapshot().handles(), before) && System.nanoTime() < end) {
                System.gc();
                Thread.sleep(20);
            }
            Map<String, Integer> after = watcher.snapshot().handles();
            assertFalse(isMore(after, before), "before: " + before + "\nafter: " + after);
            assertTrue(Weighbridge.leaks() >= leaks + 60 * 5, "leaks: " + (Weighbridge.leaks() - leaks));
            for (String kind : List.of("Weighbridge", "Model", "Slot", "Batch", "Call"))
                assertTrue(reports.stream().anyMatch(line -> line.startsWith(kind + " was not closed")), kind);
        }
    }

    private static boolean isMore(Map<String, Integer> now, Map<String, Integer> before) {
        return now.entrySet().stream().anyMatch(kind -> kind.getValue() > before.get(kind.getKey()));
    }

    private static void forget() {
        Weighbridge engine = Weighbridge.builder().submitsInline(false).build();
        Model model = engine.load(Fixtures.MLP);
        Slot slot = engine.createSlot("s").load(Fixtures.MLP);
        Row row = Fixtures.payment(model.newRow());
        Batch batch = model.newBatch().add(row);
        new Call();
        model.scoreAll(batch);
        assertEquals(Fixtures.SCORE, slot.submit(row).join().score(), 1e-6);
    }

    /** Objects that are in use are not collected, whatever else is. */
    @Test
    void garbageCollectionBesideCalls() throws InterruptedException {
        AtomicReference<Throwable> wrong = new AtomicReference<>();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 2; ++i) {
            Thread thread = new Thread(() -> {
                try {
                    for (int k = 0; k < 40; ++k) {
                        Model model = Weighbridge.create().load(Fixtures.MLP); // the engine is held by its model alone
                        Schema schema = model.schema();
                        for (int n = 0; n < 50; ++n) {
                            double score = model.score(Fixtures.payment(schema.newRow())).score();
                            if (Math.abs(score - Fixtures.SCORE) > 1e-6) throw new AssertionError("score " + score);
                        }
                    }
                } catch (Throwable error) {
                    wrong.compareAndSet(null, error);
                }
            });
            thread.start();
            threads.add(thread);
        }
        while (threads.stream().anyMatch(Thread::isAlive)) {
            System.gc();
            Thread.sleep(5);
        }
        if (wrong.get() != null) throw new AssertionError(wrong.get());
    }

    @Test
    void closingFreesEverything() {
        try (Weighbridge watcher = Weighbridge.create()) {
            long leaks = Weighbridge.leaks();
            int engines = watcher.snapshot().handles().get("engine");
            int models = watcher.snapshot().handles().get("model");
            try (Weighbridge engine = Weighbridge.create(); Model model = engine.load(Fixtures.MLP)) {
                model.submit(Fixtures.payment(model.newRow())).join();
                assertEquals(engines + 1, watcher.snapshot().handles().get("engine"));
            }
            assertEquals(engines, watcher.snapshot().handles().get("engine"));
            assertEquals(models, watcher.snapshot().handles().get("model"));
            assertEquals(leaks, Weighbridge.leaks());
        }
    }
}
