// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URI;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Engines, slots, bundles, options, telemetry. */
class EngineTest {
    @Test
    void slotsAreSwappedRolledBackAndCounted() {
        try (Weighbridge engine = Weighbridge.create(); Slot slot = engine.createSlot("champion")) {
            assertThrows(NotLoadedException.class, slot::schema);
            assertThrows(NotLoadedException.class, slot::rollback);
            slot.load(Fixtures.MLP);
            Row row = Fixtures.payment(slot.newRow());
            assertEquals("1.0.0", slot.score(row).version());
            slot.load(Fixtures.MLP_V2, new LoadOptions().within(Duration.ofSeconds(60)));
            assertEquals("2.0.0", slot.score(row).version());
            assertEquals("1.0.0", slot.info().previousVersion());
            assertEquals(1, slot.info().rows());
            assertSame(slot.schema(), slot.schema(), "the same bundle, read once");
            Schema second = slot.schema();
            assertEquals("1.0.0", slot.rollback().score(row).version());
            assertNotSame(second, slot.schema());
            try (Model model = slot.model(); Slot same = engine.slot("champion")) {
                assertEquals("1.0.0", model.info().version());
                assertEquals(slot.info(), same.info());
            }
            slot.forgetPrevious();
            assertThrows(NotLoadedException.class, slot::rollback);
            assertThrows(SchemaException.class, () -> slot.load(Fixtures.FIXTURES.resolve("mlp-usd")));
            assertEquals("1.0.0", slot.score(row).version());
            NotFoundException misspelt = assertThrows(NotFoundException.class, () -> engine.slot("champoin"));
            assertTrue(misspelt.getMessage().contains("champion"), misspelt.getMessage());
            assertEquals(List.of("champion"), engine.slots().stream().map(Slot.Info::name).toList());
            assertTrue(engine.metrics().contains("weighbridge_slot_"), engine.metrics());
            assertEquals(4, engine.snapshot().requests());
            List<String> events = engine.events().events().stream().map(Events.Event::name).toList();
            assertTrue(events.contains("swapped") && events.contains("refused"), events.toString());
            assertEquals(0, engine.events().events().size());
        }
    }

    @Test
    void optionsAreSetByName() {
        assertTrue(Weighbridge.options().stream().anyMatch(o -> o.name().equals("devices")));
        assertTrue(LoadOptions.list().stream().anyMatch(o -> o.name().equals("precision")));
        try (Weighbridge engine = Weighbridge.builder().option("devices", "cpu=1")
                .option("default_deadline_us", "250000").build()) {
            assertEquals(1, engine.snapshot().contexts());
            assertEquals(Duration.ofMillis(250), engine.defaultDeadline());
        }
        var wrong = Weighbridge.builder().option("devices", "tpu=1");
        assertEquals(Status.INVALID_ARGUMENT, assertThrows(WeighbridgeException.class, wrong::build).status());
        var unknown = Weighbridge.builder().option("device", "cpu=1");
        assertTrue(assertThrows(NotFoundException.class, unknown::build).getMessage().contains("devices"));
        var surrogate = Weighbridge.builder().option("devices", "\ud800");
        assertEquals(Status.INVALID_ARGUMENT, assertThrows(WeighbridgeException.class, surrogate::build).status());
        var nul = Weighbridge.builder().option("devices", "cpu\0=1");
        assertEquals(Status.INVALID_ARGUMENT, assertThrows(WeighbridgeException.class, nul::build).status());
    }

    @Test
    void bundlesAreDescribedVerifiedAndRefused() throws IOException {
        try (Weighbridge engine = Weighbridge.create()) {
            assertTrue(Bundle.describe(Fixtures.CARD_MLP).contains("card-mlp"));
            assertEquals("amount_minor", Bundle.schema(Fixtures.CARD_MLP).features().get(2).name());
            assertTrue(Bundle.verify(engine, Fixtures.CARD_MLP, null).contains("vectors"));
            ReportException wrong = assertThrows(ReportException.class,
                    () -> Bundle.verify(engine, Fixtures.FIXTURES.resolve("mlp-wrong-golden"), null));
            assertEquals(Status.VERIFY_FAILED, wrong.status());
            assertTrue(wrong.report().contains("mismatches"), wrong.report());
            BundleException none = assertThrows(BundleException.class, () -> engine.load(Path.of("/nowhere")));
            assertTrue(none.getMessage().contains("/nowhere"), none.getMessage());
            // No plug-in is built here: what needs one says so.
            assertEquals(Status.BACKEND_UNAVAILABLE, assertThrows(WeighbridgeException.class, () -> engine.load(
                    Fixtures.CARD_MLP, new LoadOptions().engines("torchscript").set("precision", ""))).status());
            assertThrows(DeadlineExceededException.class,
                    () -> engine.load(Fixtures.CARD_MLP, new LoadOptions().within(Duration.ofNanos(-1))));
            try (Cancel cancel = new Cancel()) {
                cancel.set();
                assertThrows(CancelledException.class,
                        () -> engine.load(Fixtures.CARD_MLP, new LoadOptions().cancelledBy(cancel)));
            }
            assertTrue(Weighbridge.systemInfo().contains("0.2.0"));
        }
    }

    @Test
    void bundlesFromMemory() throws IOException {
        try (Weighbridge engine = Weighbridge.create(); BundleSource source = new BundleSource();
                Stream<Path> files = Files.list(Fixtures.MLP)) {
            for (Path file : files.toList()) source.add(file.getFileName().toString(), Files.readAllBytes(file));
            assertThrows(WeighbridgeException.class, () -> source.add("../x", new byte[0]));
            assertEquals(Schema.load(Fixtures.MLP).digest(), Schema.load(source).digest());
            assertTrue(Bundle.describe(source).contains("1.0.0"));
            assertTrue(Bundle.verify(engine, source, null).contains("vectors"));
            try (Model model = engine.load(source, null); Slot slot = engine.createSlot("memory")) {
                assertEquals(Fixtures.SCORE, model.score(Fixtures.payment(model.newRow())).score(), 1e-6);
                slot.load(source, null);
                try (Model other = engine.load(Fixtures.MLP_V2)) {
                    slot.swap(other);
                }
                assertEquals("2.0.0", slot.score(Fixtures.payment(slot.newRow())).version());
            }
        }
    }

    @Test
    void closedObjectsSaySo() {
        Weighbridge engine = Weighbridge.create();
        Model model = engine.load(Fixtures.MLP);
        Slot slot = engine.createSlot("s").load(Fixtures.MLP);
        Row row = Fixtures.payment(model.newRow());
        Batch batch = model.newBatch();
        Call call = new Call();
        call.close();
        assertThrows(ClosedException.class, () -> model.score(row, null, call));
        model.close();
        model.close();
        assertThrows(ClosedException.class, () -> model.score(row));
        assertThrows(ClosedException.class, () -> model.info());
        assertTrue(model.submit(row).isCompletedExceptionally());
        batch.close();
        assertThrows(ClosedException.class, () -> slot.scoreAll(batch));
        engine.close();
        engine.close();
        engine.close(Duration.ZERO);
        assertThrows(ClosedException.class, () -> slot.score(row), "a child of a closed engine");
        assertThrows(ClosedException.class, () -> engine.load(Fixtures.MLP));
        assertThrows(ClosedException.class, engine::snapshot);
        slot.close();
        assertFalse(row.toJson().isEmpty());
    }

    @Test
    void schemasTellWhatFeaturesAre() {
        Schema schema = Schema.load(Fixtures.CARD_TRANSFORMER);
        Feature amount = schema.feature("amount_minor");
        assertEquals("int64", amount.typeName());
        assertEquals("EUR", amount.currency());
        assertEquals(2, amount.moneyExponent());
        assertTrue(amount.isRequired() && amount.isPrivate() && !amount.isSequence());
        assertEquals("payment", amount.privacy());
        Feature paid = schema.feature("paid_at");
        assertEquals(1000, paid.ticksPerSecond());
        assertEquals("Europe/Paris", paid.zone());
        assertEquals("", schema.defaultText(schema.feature("descriptor")));
        assertEquals(null, schema.defaultText(paid));
        assertTrue(schema.feature("past_mcc").isSequence());
        assertEquals(3, schema.bands().size());
        assertEquals(Double.POSITIVE_INFINITY, schema.bands().get(2).below());
        assertEquals(amount.index(), schema.features().indexOf(amount));
    }

    /** The library opens paths itself: one of a zip file system is none that it knows. */
    @Test
    void pathsOfOtherFileSystems(@TempDir Path folder) throws IOException {
        URI uri = URI.create("jar:" + folder.resolve("a.zip").toUri());
        try (Weighbridge engine = Weighbridge.create(); Slot slot = engine.createSlot("s");
                FileSystem zip = FileSystems.newFileSystem(uri, Map.of("create", "true"))) {
            Path inside = zip.getPath("/bundle");
            for (Executable load : List.<Executable>of(() -> engine.load(inside), () -> slot.load(inside),
                    () -> Schema.load(inside), () -> Bundle.describe(inside),
                    () -> Bundle.verify(engine, inside, null), () -> Bundle.compile(engine, inside, null, null))) {
                WeighbridgeException error = assertThrows(WeighbridgeException.class, load);
                assertEquals(Status.INVALID_ARGUMENT, error.status());
                assertTrue(error.getMessage().contains("got one of jar"), error.getMessage());
            }
        }
    }

    @Test
    void bundlesArePacked(@TempDir Path folder) throws IOException {
        Path made = folder.resolve("made");
        Path golden = Fixtures.CARD_MLP.resolve("golden.jsonl");
        Path module = Fixtures.CARD_MLP.resolve("model.ts");
        Path manifest = Fixtures.CARD_MLP.resolve("manifest.json");
        try (Weighbridge engine = Weighbridge.create()) {
            Bundle.pack(engine, module, manifest, golden, made);
            assertTrue(Bundle.describe(made).contains("card-mlp"));
            assertEquals(Schema.load(Fixtures.CARD_MLP).digest(), Schema.load(made).digest());
            assertTrue(Files.mismatch(golden, made.resolve("golden.jsonl")) < 0);
            BundleException full = assertThrows(BundleException.class,
                    () -> Bundle.pack(engine, module, manifest, golden, made));
            assertTrue(full.getMessage().contains(made.toString()), full.getMessage());
            BundleException none = assertThrows(BundleException.class,
                    () -> Bundle.pack(engine, folder.resolve("no.ts"), manifest, golden, folder.resolve("other")));
            assertTrue(none.getMessage().contains("no.ts"), none.getMessage());
            assertFalse(Files.exists(folder.resolve("other")), "a bundle appears whole or not at all");
        }
    }

    /** What imports modules is in no jar, neither program nor plug-in: its absence is told, and what is decided before. */
    @Test
    void compilingNeedsThePlugIn(@TempDir Path folder) throws IOException {
        Path made = folder.resolve("made");
        Path plugin = folder.resolve("libnone.so");
        try (Weighbridge engine = Weighbridge.builder().option("torch_plugin", plugin.toString())
                        .option("importer", "in_process").build();
                Weighbridge isolated = Weighbridge.create();
                Cancel cancel = new Cancel()) {
            Bundle.pack(engine, Fixtures.CARD_MLP.resolve("model.ts"), Fixtures.CARD_MLP.resolve("manifest.json"),
                    Fixtures.CARD_MLP.resolve("golden.jsonl"), made);
            String before = Bundle.describe(made);
            WeighbridgeException absent = assertThrows(WeighbridgeException.class,
                    () -> Bundle.compile(engine, made, "fp32,int8", null));
            assertEquals(Status.BACKEND_UNAVAILABLE, absent.status());
            assertTrue(absent.getMessage().contains(plugin.toString()), absent.getMessage());
            WeighbridgeException program = assertThrows(WeighbridgeException.class,
                    () -> Bundle.compile(isolated, made, "fp32,int8", null));
            assertEquals(Status.BACKEND_UNAVAILABLE, program.status());
            assertTrue(program.getMessage().contains("weighbridge-importer"), program.getMessage());
            WeighbridgeException precision = assertThrows(WeighbridgeException.class,
                    () -> Bundle.compile(engine, made, "fp99", null));
            assertEquals(Status.INVALID_ARGUMENT, precision.status());
            assertTrue(precision.getMessage().contains("fp99"), precision.getMessage());
            cancel.set();
            assertThrows(CancelledException.class,
                    () -> Bundle.compile(engine, made, null, new LoadOptions().cancelledBy(cancel)));
            assertThrows(DeadlineExceededException.class,
                    () -> Bundle.compile(engine, made, null, new LoadOptions().within(Duration.ofNanos(-1))));
            assertEquals(before, Bundle.describe(made));
        }
    }

    @Test
    void featuresOfOtherSchemas() {
        Schema schema = Schema.load(Fixtures.MLP);
        Feature foreign = Schema.load(Fixtures.CARD_MLP).feature("country");
        assertThrows(SchemaException.class, () -> schema.defaultText(foreign));
    }

    /** A call that finds its object freed, as beside a close, says so. */
    @Test
    void aHandleThatIsFreedBesideACall() {
        try (Weighbridge engine = Weighbridge.create()) {
            Model model = engine.load(Fixtures.MLP);
            Batch batch = model.newBatch(1);
            for (AutoCloseable closed : List.of(model, batch, engine.createSlot("s"), new Call(), new Cancel(),
                    new BundleSource(), Weighbridge.create())) {
                Frame frame = new Frame(closed, 8);
                int freed = Status.INVALID_HANDLE.code();
                assertEquals(Status.INVALID_HANDLE,
                        assertThrows(WeighbridgeException.class, () -> frame.check(freed)).status());
                assertDoesNotThrow(closed::close);
                ClosedException told = assertThrows(ClosedException.class, () -> frame.check(freed));
                assertEquals(closed.getClass().getSimpleName() + ": closed", told.getMessage());
            }
        }
    }
}
