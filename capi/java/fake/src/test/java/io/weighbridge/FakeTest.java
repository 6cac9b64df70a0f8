// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Scripts, latencies, swaps, fallbacks and every status, without the library. */
class FakeTest {
    private static final Path SCHEMAS = Path.of(System.getProperty("wb.schemas"));
    private static final String PAYMENT =
            "{\"amount_minor\": 1250, \"age_days\": 2.5, \"country\": \"FR\", \"online\": true}";
    private static final Duration SHORT = Duration.ofMillis(1);

    /** What codegen writes for the fixture. */
    record Payment(@Money(currency = "EUR", exponent = 2) long amountMinor, Float ageDays, String country,
            boolean online) {}

    /** The same in another currency. */
    record Dollars(@Money(currency = "USD", exponent = 2) long amountMinor, Float ageDays, String country,
            boolean online) {}

    private final Weighbridge engine = Weighbridge.create();
    private final List<AutoCloseable> opened = new ArrayList<>();

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable one : opened) one.close();
        engine.close();
    }

    /** Has it closed when the test is over. */
    private <T extends AutoCloseable> T open(T made) {
        opened.add(made);
        return made;
    }

    private static Path file(String name) {
        return SCHEMAS.resolve(name + ".json");
    }

    private static LoadOptions script(String json) {
        return new LoadOptions().engines("fake").set("fake_script", json);
    }

    private Model model(String json) {
        return open(engine.load(file("mlp"), script(json)));
    }

    private static Row payment(Scorer scorer) {
        return scorer.newRow().setJson(PAYMENT);
    }

    @Test
    void noLibraryIsLoaded() {
        assertEquals("fake", Weighbridge.info().access());
        assertEquals("none", Weighbridge.info().library());
    }

    @Test
    void scoresInTurnByRowAndByHash() {
        Model model = model("{\"score\": [0.75, 0.25], \"rows\": [{\"row\": " + PAYMENT + ", \"score\": 0.5}]}");
        Row other = payment(model).set("amount_minor", 1);
        assertEquals(0.5, model.score(payment(model)).score());
        assertEquals(0.75, model.score(other).score());
        Result result = model.score(other).copy();
        assertEquals(0.25, result.score());
        assertEquals("fake", result.backend());
        assertEquals("mlp", result.version());
        assertEquals(model.schema().bands().get(result.band()).name(), result.bandName());
        Model hash = open(engine.load(file("mlp")));
        assertEquals(hash.score(other).copy().score(), hash.score(other).score());
        assertFalse(hash.score(other).copy().score() == hash.score(payment(hash)).score());
    }

    @Test
    void everyStatus() {
        for (Status status : Status.values()) {
            if (status.code() >= 0 || status == Status.UNKNOWN) continue;
            String one = "\"status\": \"WB_" + status + "\", \"message\": \"so it is\"";
            Model model = model("{\"failures\": [{" + one + "}]}");
            WeighbridgeException error =
                    assertThrows(WeighbridgeException.class, () -> model.score(payment(model)), status.toString());
            assertEquals(status, error.status());
            assertEquals("so it is", error.getMessage());
            error = assertThrows(WeighbridgeException.class, () -> model("{\"load\": {" + one + "}}"));
            assertEquals(status, error.status());
        }
    }

    @Test
    void fallbacks() {
        Map<String, Reason> reasons = Map.of("WB_BACKEND_FAILED", Reason.BACKEND, "WB_INTERNAL", Reason.BACKEND,
                "WB_OUT_OF_MEMORY", Reason.BACKEND, "WB_OVERLOADED", Reason.OVERLOAD,
                "WB_DEADLINE_EXCEEDED", Reason.DEADLINE);
        reasons.forEach((status, reason) -> {
            Model model = model("{\"score\": 0.5, \"fallback\": 0.125, \"failures\": [{\"status\": \"" + status
                    + "\", \"every\": 2, \"times\": 1}]}");
            List<Reason> found = new ArrayList<>();
            for (int i = 0; i < 4; ++i) found.add(model.score(payment(model)).reason());
            assertEquals(List.of(Reason.NONE, reason, Reason.NONE, Reason.NONE), found);
        });
        Model model = model("{\"fallback\": 0.125, \"failures\": [{\"status\": \"WB_OVERLOADED\"}]}");
        assertEquals(0.125, model.score(payment(model)).score());
        try (Call call = new Call().acceptFallback(false)) {
            assertThrows(OverloadedException.class, () -> model.score(payment(model), null, call));
        }
    }

    @Test
    void latenciesAndDeadlines() {
        Model slow = model("{\"latency_us\": 60000000}");
        assertThrows(DeadlineExceededException.class, () -> slow.score(payment(slow), SHORT));
        Model saved = model("{\"latency_us\": 60000000, \"fallback\": 0.125}");
        assertEquals(Reason.DEADLINE, saved.score(payment(saved), SHORT).reason());
        Model brief = model("{\"latency_us\": 20000}");
        assertTrue(brief.score(payment(brief)).runNanos() >= 20_000_000);
    }

    @Test
    void submitted() throws Exception {
        Model brief = model("{\"score\": 0.5, \"latency_us\": 1000}");
        Row row = payment(brief);
        CompletableFuture<Result> first = brief.submit(row);
        row.clear(); // the row is the caller's again
        assertEquals(0.5, first.get(60, TimeUnit.SECONDS).score());
        Model slow = model("{\"latency_us\": 60000000}");
        CompletableFuture<Result> cancelled = slow.submit(payment(slow));
        assertTrue(cancelled.cancel(true));
        assertThrows(CancellationException.class, cancelled::join);
        ExecutionException late = assertThrows(ExecutionException.class,
                () -> slow.submit(payment(slow), SHORT).get(60, TimeUnit.SECONDS));
        assertTrue(late.getCause() instanceof DeadlineExceededException, late.toString());
        assertTrue(model("{}").submit(payment(brief)).isDone());
    }

    @Test
    void batches() throws Exception {
        Model model = model("{\"score\": 0.5, \"fallback\": 0.125,"
                + " \"failures\": [{\"status\": \"WB_INTERNAL\", \"every\": 2}]}");
        Batch columns = open(model.newBatch(3)).column("amount_minor", new long[] {1, 2, 3}).column("country",
                new CharSequence[] {"FR", null, "DE"}).column("online", new boolean[] {true});
        BatchResult result = model.scoreAll(columns);
        assertEquals(List.of(1L, 1L, 1L, 1L),
                List.of(result.scored(), result.fallbacks(), result.invalid(), result.firstError()));
        assertEquals("country", columns.feature(1));
        assertEquals(0.5, columns.score(0));
        assertEquals(0.125, columns.score(2));
        Batch rows = open(model.newBatch()).add(payment(model)).add(payment(model));
        assertEquals(2, model.submitAll(rows).get(60, TimeUnit.SECONDS).rows());
        Batch fraction = open(model.newBatch(1)).column("amount_minor", new double[] {0.5});
        assertThrows(InvalidInputException.class, () -> fraction.check(0));
    }

    @Test
    void records() {
        Model model = model("{\"score\": 0.5}");
        assertEquals(0.5, model.bind(Payment.class).score(new Payment(1250, null, "FR", true)).score());
        WeighbridgeException other = assertThrows(WeighbridgeException.class, () -> model.bind(Dollars.class));
        assertTrue(other.getMessage().contains("USD"), other.getMessage());
    }

    @Test
    void slotsAreSwappedAndRolledBack() {
        Slot slot = open(engine.createSlot("card"));
        assertThrows(NotLoadedException.class, slot::schema);
        Row row = payment(slot.load(file("mlp")));
        assertEquals("mlp", slot.score(row).version());
        assertEquals("mlp-extra", open(engine.slot("card")).load(file("mlp-extra")).score(row).version());
        assertThrows(SchemaException.class, () -> slot.load(file("mlp-usd")));
        assertThrows(SchemaException.class, () -> slot.load(file("mlp-renamed")));
        LoadOptions refused = script("{\"load\": {\"status\": \"WB_VERIFY_FAILED\"}}");
        assertThrows(BundleException.class, () -> slot.load(file("mlp"), refused));
        assertThrows(BundleException.class, () -> slot.load(Path.of("/nowhere.json")));
        assertEquals("mlp-extra", slot.info().version());
        assertEquals("mlp", slot.rollback().score(row).version());
        String metrics = engine.metrics();
        assertTrue(metrics.matches("(?s).*weighbridge_slot_version_rows_total\\{slot=\"card\",version=\"mlp\",bundle=\"[0-9a-f]{16}\"\\} 1\n.*"), metrics);
        assertEquals(3, engine.snapshot().rows());
        assertTrue(engine.events().events().stream()
                .anyMatch(event -> event.name().equals("swapped") && event.slot().equals("card")));
        assertThrows(NotFoundException.class, () -> engine.slot("crad"));
        engine.close();
        assertThrows(WeighbridgeException.class, () -> slot.score(row));
    }

    @Test
    void rowsAsJson() {
        Model model = model("{}");
        assertEquals("{\"amount_minor\": \"<redacted>\", \"age_days\": 2.5, \"country\": \"FR\", \"online\": true}",
                payment(model).toJson());
        for (String wrong : List.of("{\"amount\": 1}", "no", "{\"online\": 2}", "{\"online\": true, \"online\": true}"))
            assertThrows(InvalidInputException.class, () -> model.newRow().setJson(wrong), wrong);
        String longText = "x".repeat(5000);
        assertTrue(model.newRow().setJson("{\"country\": \"" + longText + "\"}").toJson().contains(longText));
    }

    @Test
    void wrongScriptsAndFiles() {
        for (String wrong : List.of("[]", "no", "{\"scores\": 1}", "{\"score\": \"high\"}", "{\"rows\": [{}]}",
                "{\"failures\": [{\"status\": \"WB_OK\"}]}", "{\"fallback\": \"low\"}")) {
            WeighbridgeException error = assertThrows(WeighbridgeException.class, () -> model(wrong), wrong);
            assertTrue(error.getMessage().startsWith("fake_script: "), error.getMessage());
        }
        assertThrows(BundleException.class, () -> engine.load(SCHEMAS));
        LoadOptions unknown = new LoadOptions().set("preciison", "fp32");
        assertThrows(NotFoundException.class, () -> engine.load(file("mlp"), unknown));
    }
}
