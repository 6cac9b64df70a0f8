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
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The cases of tests/conformance, whose README has the format, each in every way that Java has: setters, JSON, and a
 * batch of one row. A case that cannot run, or has a key that is not known here, fails.
 */
class ConformanceTest {
    private static final Set<String> FILE_KEYS =
            Set.of("bundle", "engines", "options", "schema_only", "may_refuse", "cases");
    private static final Set<String> CASE_KEYS = Set.of("name", "row", "json", "call", "check", "expect");
    private static final Set<String> EXPECT_KEYS = Set.of("score_hex", "probability_hex", "score", "probability",
            "tolerance", "band", "defaulted", "clipped", "reason", "status", "feature", "bytes");
    private static final int ROW_BYTES = 1024;

    private int cases;
    private int failed;

    private interface Way {
        void set(Row row);
    }

    private interface Score {
        Result of(Row row);
    }

    @Test
    void everyCase() throws IOException {
        try (Weighbridge engine = Weighbridge.create();
                Stream<Path> files = Files.list(Fixtures.ROOT.resolve("tests/conformance/cases"))) {
            for (Path file : files.filter(f -> f.toString().endsWith(".json")).sorted().toList())
                run(engine, file, JsonParser.parseString(Files.readString(file)).getAsJsonObject());
        }
        System.out.println(cases + " cases, " + failed + " failed");
        assertEquals(0, failed, "cases that failed");
        assertTrue(cases > 0, "no case");
    }

    private void run(Weighbridge engine, Path file, JsonObject document) {
        known(FILE_KEYS, document, file.toString());
        Path bundle = find(document.get("bundle").getAsString());
        List<JsonElement> all = document.getAsJsonArray("cases").asList();
        boolean isDraft = !Files.exists(bundle.resolve("model.ts")) && !document.has("engines");
        if (document.has("schema_only") || isDraft) {
            Schema schema = Schema.load(bundle);
            all.forEach(one -> run(one.getAsJsonObject(), schema, null, file));
            return;
        }
        LoadOptions options = new LoadOptions();
        if (document.has("engines")) options.engines(document.get("engines").getAsString());
        if (document.has("options"))
            document.getAsJsonObject("options").asMap().forEach((name, text) -> options.set(name, text.getAsString()));
        try (Model model = engine.load(bundle, options)) {
            all.forEach(one -> run(one.getAsJsonObject(), model.schema(), model, file));
        } catch (WeighbridgeException error) {
            if (!document.has("may_refuse") || !document.get("may_refuse").getAsString().equals("WB_" + error.status()))
                throw error;
            System.out.println(file.getFileName() + ": refused as it may be: " + error.getMessage());
            cases += all.size();
        }
    }

    private static void known(Set<String> keys, JsonObject object, String where) {
        for (String key : object.keySet())
            if (!keys.contains(key)) throw new IllegalStateException(where + ": unknown key " + key);
    }

    private static Path find(String bundle) {
        for (Path folder : Fixtures.BUNDLES)
            if (Files.exists(folder.resolve(bundle).resolve("manifest.json"))) return folder.resolve(bundle);
        throw new IllegalStateException(bundle + ": not in " + Fixtures.BUNDLES);
    }

    private void run(JsonObject one, Schema schema, Model model, Path file) {
        String name = file.getFileName() + ": " + one.get("name").getAsString();
        known(CASE_KEYS, one, name);
        known(EXPECT_KEYS, one.getAsJsonObject("expect"), name);
        ++cases;
        int before = failed;
        ways(one).forEach((way, set) -> {
            Row row = schema.newRow(ROW_BYTES - schema.fixedBytes);
            judge(one, name + ", " + way, row, set, model == null ? null : r -> score(one, model, r));
            if (model != null && !one.has("call") && failed == before) {
                Row again = schema.newRow(ROW_BYTES - schema.fixedBytes);
                judge(one, name + ", " + way + ", batch", again, set, r -> batch(model, r));
            }
        });
        if (failed > before) failed = before + 1;
    }

    private static Map<String, Way> ways(JsonObject one) {
        if (one.has("json")) return Map.of("setJson", row -> row.setJson(one.get("json").getAsString()));
        JsonObject values = one.getAsJsonObject("row");
        Map<String, Way> ways = new LinkedHashMap<>();
        ways.put("set", row -> values.entrySet().forEach(value -> set(row, value.getKey(), value.getValue())));
        // An unknown name is another error in JSON, and has a case of its own there.
        boolean isName = one.has("check") && one.get("check").getAsString().equals("name");
        if (!isName && values.asMap().values().stream().allMatch(ConformanceTest::isPlain))
            ways.put("setJson", row -> row.setJson(values.toString()));
        return ways;
    }

    private static boolean isPlain(JsonElement value) {
        return !value.isJsonObject() && (!value.isJsonArray()
                || value.getAsJsonArray().asList().stream().noneMatch(JsonElement::isJsonObject));
    }

    private static Result score(JsonObject one, Model model, Row row) {
        JsonObject options = one.has("call") ? one.getAsJsonObject("call") : new JsonObject();
        known(Set.of("deadline", "fallback"), options, one.toString());
        boolean fallback = !options.has("fallback") || options.get("fallback").getAsBoolean();
        try (Call call = new Call().acceptFallback(fallback)) {
            return options.has("deadline") ? model.scoreBy(row, 0, call) : model.score(row, null, call);
        }
    }

    /** Scores the row as a batch of one, whose score has the same bits. */
    private static Result batch(Model model, Row row) {
        try (Batch batch = model.newBatch().add(row)) {
            BatchResult result = model.scoreAll(batch);
            if (result.isPartial())
                throw WeighbridgeException.of(batch.status(0).code(), result.firstErrorMessage(), batch.feature(0), 0);
            Result alone = model.score(row);
            if (alone.score() != batch.score(0))
                throw new IllegalStateException("alone " + alone.score() + ", in a batch " + batch.score(0));
            return alone;
        }
    }

    private static void set(Row row, String name, JsonElement value) {
        if (value.isJsonNull()) row.setMissing(name);
        else if (value.isJsonArray()) set(row, name, value.getAsJsonArray());
        else if (value.isJsonObject() && value.getAsJsonObject().has("$bytes")) row.set(name, bytes(value));
        else if (value.isJsonObject()) row.set(name, number(value));
        else if (value.getAsJsonPrimitive().isBoolean()) row.set(name, value.getAsBoolean());
        else if (value.getAsJsonPrimitive().isString()) row.set(name, value.getAsString());
        else if (isWhole(value)) row.set(name, value.getAsLong());
        else row.set(name, value.getAsDouble());
    }

    private static void set(Row row, String name, JsonArray values) {
        List<JsonElement> all = values.asList();
        boolean noTexts = all.isEmpty() && row.schema().feature(name).isText();
        if (noTexts || !all.isEmpty() && all.stream().allMatch(v -> isText(v)))
            setTexts(row, name, all);
        else if (!all.isEmpty() && all.stream().allMatch(v -> isPrimitive(v, JsonPrimitive::isBoolean))) {
            boolean[] bools = new boolean[all.size()];
            for (int i = 0; i < bools.length; ++i) bools[i] = all.get(i).getAsBoolean();
            row.set(name, bools);
        } else if (all.stream().allMatch(ConformanceTest::isWhole))
            row.set(name, all.stream().mapToLong(JsonElement::getAsLong).toArray());
        else row.set(name, all.stream().mapToDouble(ConformanceTest::number).toArray());
    }

    private static void setTexts(Row row, String name, List<JsonElement> all) {
        if (all.stream().anyMatch(JsonElement::isJsonObject))
            row.set(name, all.stream().map(ConformanceTest::bytes).toArray(byte[][]::new));
        else row.set(name, all.stream().map(JsonElement::getAsString).toArray(String[]::new));
    }

    private static boolean isPrimitive(JsonElement value, Predicate<JsonPrimitive> test) {
        return value.isJsonPrimitive() && test.test(value.getAsJsonPrimitive());
    }

    private static boolean isText(JsonElement value) {
        return isPrimitive(value, JsonPrimitive::isString)
                || value.isJsonObject() && value.getAsJsonObject().has("$bytes");
    }

    /** Whole and within 64 bits: what a long takes; a larger one goes through double. */
    private static boolean isWhole(JsonElement value) {
        return isPrimitive(value, JsonPrimitive::isNumber) && value.getAsString().matches("-?[0-9]+")
                && new BigInteger(value.getAsString()).bitLength() < 64;
    }

    private static byte[] bytes(JsonElement value) {
        return value.isJsonObject() ? HexFormat.of().parseHex(value.getAsJsonObject().get("$bytes").getAsString())
                : value.getAsString().getBytes(java.nio.charset.StandardCharsets.UTF_8);
    }

    private static double number(JsonElement value) {
        if (!value.isJsonObject()) return value.getAsDouble();
        String name = value.getAsJsonObject().get("$float").getAsString();
        return switch (name) {
            case "nan" -> Double.NaN;
            case "inf" -> Double.POSITIVE_INFINITY;
            case "-inf" -> Double.NEGATIVE_INFINITY;
            default -> throw new IllegalStateException("unknown $float " + name);
        };
    }

    private void judge(JsonObject one, String name, Row row, Way way, Score score) {
        JsonObject expect = one.getAsJsonObject("expect");
        String wrong = "";
        try {
            way.set(row);
            wrong += wrongBytes(expect, row);
            if (score != null) wrong += wrongAnswer(expect, score.of(row));
        } catch (WeighbridgeException error) {
            wrong += wrongError(expect, error);
        }
        if (wrong.isEmpty()) return;
        ++failed;
        System.out.println(name + ": " + wrong);
    }

    private static String wrongBytes(JsonObject expect, Row row) {
        String found = HexFormat.of().formatHex(row.bytes());
        return !expect.has("bytes") || expect.getAsJsonArray("bytes").contains(new JsonPrimitive(found)) ? ""
                : "expected other bytes, got " + found + " ";
    }

    private static String wrongError(JsonObject expect, WeighbridgeException error) {
        String found = "WB_" + error.status() + ": " + error.getMessage();
        if (!expect.has("status")) return "expected an answer, got " + found;
        String status = expect.get("status").getAsString();
        if (!status.equals("WB_" + error.status())) return "expected " + status + ", got " + found;
        if (!expect.has("feature") || expect.get("feature").getAsString().equals(error.feature())) return "";
        return "expected feature " + expect.get("feature").getAsString() + ", got " + error.feature() + ": " + found;
    }

    private static String wrongAnswer(JsonObject expect, Result found) {
        String status = found.isFallback() ? "WB_OK_FALLBACK" : "WB_OK";
        String wanted = expect.has("status") ? expect.get("status").getAsString() : "WB_OK";
        if (!wanted.equals(status)) return "expected " + wanted + ", got " + found;
        return wrongNumber(expect, "score", found.score()) + wrongNumber(expect, "probability", found.probability())
                + other(expect, "band", found.band()) + other(expect, "defaulted", found.defaulted())
                + other(expect, "clipped", found.clipped())
                + other(expect, "reason", found.reason().name().toLowerCase(java.util.Locale.ROOT));
    }

    private static String wrongNumber(JsonObject expect, String key, double found) {
        String got = ", got " + Double.toHexString(found) + " ";
        if (expect.has(key + "_hex")) {
            String hex = expect.get(key + "_hex").getAsString();
            return Double.parseDouble(hex) == found ? "" : "expected " + key + " " + hex + got;
        }
        if (!expect.has(key)) return "";
        double wanted = expect.get(key).getAsDouble();
        boolean right = Math.abs(found - wanted) <= expect.get("tolerance").getAsDouble();
        return right ? "" : "expected " + key + " " + wanted + got;
    }

    private static String other(JsonObject expect, String key, Object found) {
        return !expect.has(key) || expect.get(key).getAsString().equals(found.toString()) ? ""
                : "expected " + key + " " + expect.get(key) + ", got " + found + " ";
    }
}
