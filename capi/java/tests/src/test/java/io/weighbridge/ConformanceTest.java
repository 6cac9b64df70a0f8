// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The cases of tests/conformance, each in every way that Java has: setters, JSON, and a batch of one row. */
class ConformanceTest {
    private int cases;
    private int failed;
    private int skipped;

    private interface Way {
        void set(Row row);
    }

    @Test
    void everyCase() throws IOException {
        try (Weighbridge engine = Weighbridge.create();
                Stream<Path> files = Files.list(Fixtures.ROOT.resolve("tests/conformance/cases"))) {
            for (Path file : files.filter(f -> f.toString().endsWith(".json")).sorted().toList())
                run(engine, file, JsonParser.parseString(Files.readString(file)).getAsJsonObject());
        }
        System.out.println(cases + " cases, " + failed + " failed, " + skipped + " skipped");
        assertEquals(0, failed, "cases that failed");
        assertEquals(0, skipped, "cases that were skipped");
        assertTrue(cases > 0, "no case");
    }

    private void run(Weighbridge engine, Path file, JsonObject document) {
        Path bundle = find(document.get("bundle").getAsString());
        List<JsonElement> all = document.getAsJsonArray("cases").asList();
        if (all.get(0).getAsJsonObject().getAsJsonObject("expect").has("bytes")) {
            Schema schema = Schema.load(bundle);
            all.forEach(one -> bytes(one.getAsJsonObject(), schema, file));
            return;
        }
        LoadOptions options = new LoadOptions();
        if (document.has("engines")) options.engines(document.get("engines").getAsString());
        try (Model model = engine.load(bundle, options)) {
            all.forEach(one -> score(one.getAsJsonObject(), model, file));
        } catch (WeighbridgeException error) {
            if (error.status() != Status.BACKEND_UNAVAILABLE) throw error;
            skipped += all.size();
            System.out.println(file + ": skipped: " + error.getMessage());
        }
    }

    private static Path find(String bundle) {
        for (Path folder : Fixtures.BUNDLES)
            if (Files.exists(folder.resolve(bundle).resolve("manifest.json"))) return folder.resolve(bundle);
        throw new IllegalStateException(bundle + ": not in " + Fixtures.BUNDLES);
    }

    private void bytes(JsonObject one, Schema schema, Path file) {
        ++cases;
        List<String> expected = one.getAsJsonObject("expect").getAsJsonArray("bytes").asList().stream()
                .map(JsonElement::getAsString).toList();
        Map<String, Way> ways = ways(one);
        ways.forEach((name, way) -> {
            Row row = schema.newRow(1024 - schema.fixedBytes);
            way.set(row);
            String found = HexFormat.of().formatHex(row.bytes());
            if (!expected.contains(found)) fail(file, one, name, "expected other bytes, got " + found);
        });
    }

    private void score(JsonObject one, Model model, Path file) {
        ++cases;
        ways(one).forEach((name, way) -> {
            Row row = model.newRow();
            judge(file, one, name, () -> {
                way.set(row);
                return model.score(row);
            });
            judge(file, one, name + ", batch", () -> {
                row.clear();
                way.set(row);
                return batch(model, row);
            });
        });
    }

    /** Scores the row as a batch of one, and asks the batch what is wrong with it where that fails. */
    private static Result batch(Model model, Row row) {
        try (Batch batch = model.newBatch().add(row)) {
            BatchResult result = model.scoreAll(batch);
            if (result.isPartial())
                throw WeighbridgeException.of(batch.status(0).code(), result.firstErrorMessage(), batch.feature(0), 0);
            Result alone = model.score(row);
            if (Double.doubleToRawLongBits(alone.score()) != Double.doubleToRawLongBits(batch.score(0)))
                throw new IllegalStateException("alone " + alone.score() + ", in a batch " + batch.score(0));
            return alone;
        }
    }

    private static Map<String, Way> ways(JsonObject one) {
        if (one.has("json")) return Map.of("setJson", row -> row.setJson(one.get("json").getAsString()));
        JsonObject values = one.getAsJsonObject("row");
        Way set = row -> values.entrySet().forEach(value -> set(row, value.getKey(), value.getValue()));
        boolean plain = values.asMap().values().stream().noneMatch(JsonElement::isJsonObject);
        return plain ? Map.of("set", set, "setJson", row -> row.setJson(values.toString())) : Map.of("set", set);
    }

    private static void set(Row row, String name, JsonElement value) {
        if (value.isJsonNull()) row.setMissing(name);
        else if (value.isJsonArray()) set(row, name, value.getAsJsonArray());
        else if (value.isJsonObject()) special(row, name, value.getAsJsonObject());
        else if (value.getAsJsonPrimitive().isBoolean()) row.set(name, value.getAsBoolean());
        else if (value.getAsJsonPrimitive().isString()) row.set(name, value.getAsString());
        else if (isWhole(value)) row.set(name, Long.parseLong(value.getAsString()));
        else row.set(name, value.getAsDouble());
    }

    private static void special(Row row, String name, JsonObject value) {
        if (value.has("$bytes")) row.set(name, HexFormat.of().parseHex(value.get("$bytes").getAsString()));
        else row.set(name, switch (value.get("$float").getAsString()) {
            case "nan" -> Double.NaN;
            case "inf" -> Double.POSITIVE_INFINITY;
            case "-inf" -> Double.NEGATIVE_INFINITY;
            default -> throw new IllegalStateException("unknown special value " + value);
        });
    }

    private static void set(Row row, String name, JsonArray values) {
        List<JsonElement> all = values.asList();
        boolean texts = all.isEmpty() ? row.schema().feature(name).isText() : every(all, JsonPrimitive::isString);
        if (texts) row.set(name, all.stream().map(JsonElement::getAsString).toArray(String[]::new));
        else if (!all.isEmpty() && every(all, JsonPrimitive::isBoolean)) {
            boolean[] bools = new boolean[all.size()];
            for (int i = 0; i < bools.length; ++i) bools[i] = all.get(i).getAsBoolean();
            row.set(name, bools);
        } else if (all.stream().allMatch(ConformanceTest::isWhole))
            row.set(name, all.stream().mapToLong(v -> Long.parseLong(v.getAsString())).toArray());
        else row.set(name, all.stream().mapToDouble(JsonElement::getAsDouble).toArray());
    }

    private static boolean every(List<JsonElement> all, Predicate<JsonPrimitive> test) {
        return all.stream().allMatch(v -> v.isJsonPrimitive() && test.test(v.getAsJsonPrimitive()));
    }

    private static boolean isWhole(JsonElement value) {
        return value.isJsonPrimitive() && value.getAsString().matches("-?[0-9]+");
    }

    private interface Score {
        Result get();
    }

    private void judge(Path file, JsonObject one, String way, Score score) {
        JsonObject expect = one.getAsJsonObject("expect");
        String wrong;
        try {
            wrong = wrongAnswer(expect, score.get());
        } catch (WeighbridgeException error) {
            wrong = wrongError(expect, error);
        }
        if (wrong != null) fail(file, one, way, wrong);
    }

    private static String wrongError(JsonObject expect, WeighbridgeException error) {
        String found = "WB_" + error.status() + ": " + error.getMessage();
        if (!expect.has("status")) return "expected a score, got " + found;
        String status = expect.get("status").getAsString();
        // A name is looked up before its value is set: in JSON an unknown one is an input that is wrong.
        if (!status.equals("WB_" + error.status())) return "expected " + status + ", got " + found;
        if (!expect.has("feature") || expect.get("feature").getAsString().equals(error.feature())) return null;
        return "expected feature " + expect.get("feature").getAsString() + ", got " + error.feature() + ": " + found;
    }

    private static String wrongAnswer(JsonObject expect, Result found) {
        String status = found.isFallback() ? "WB_OK_FALLBACK" : "WB_OK";
        if (expect.has("status"))
            return expect.get("status").getAsString().equals(status) ? null : "expected " + expect + ", got " + found;
        double score = expect.get("score").getAsJsonPrimitive().isString()
                ? Double.parseDouble(expect.get("score").getAsString()) : expect.get("score").getAsDouble();
        double tolerance = expect.has("tolerance") ? expect.get("tolerance").getAsDouble() : 0;
        if (!(Math.abs(found.score() - score) <= tolerance)) return "expected score " + score + ", got " + found.score();
        if (expect.has("band") && expect.get("band").getAsInt() != found.band()) return "got band " + found.band();
        if (expect.has("defaulted") && expect.get("defaulted").getAsInt() != found.defaulted())
            return "got defaulted " + found.defaulted();
        return null;
    }

    private void fail(Path file, JsonObject one, String way, String wrong) {
        ++failed;
        System.out.println(file.getFileName() + ": " + one.get("name").getAsString() + ", " + way + ": " + wrong);
    }
}
