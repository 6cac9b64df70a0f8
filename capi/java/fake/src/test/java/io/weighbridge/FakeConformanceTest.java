// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The conformance cases that a fake has to run (tests/conformance/README.md, "Fakes without the library"): what is
 * wrong by name, type or absence is refused with the case's status and feature; all else is answered as the script
 * says.
 */
class FakeConformanceTest {
    private static final Path CASES = Path.of(System.getProperty("wb.root"), "tests/conformance/cases");
    private static final Path SCHEMAS = Path.of(System.getProperty("wb.schemas"));
    private static final Set<String> REFUSED = Set.of("name", "type", "required");
    private static final Map<String, Set<String>> KNOWN = Map.of("file",
            Set.of("bundle", "engines", "may_refuse", "cases"), "case", Set.of("name", "row", "check", "expect"),
            "expect", Set.of("score_hex", "probability_hex", "score", "tolerance", "band", "defaulted", "clipped",
                    "status", "feature", "bytes"));

    private final Map<String, Integer> counts = new TreeMap<>();
    private int failed;

    @Test
    void everyCase() throws IOException {
        try (Weighbridge engine = Weighbridge.create(); Stream<Path> files = Files.list(CASES)) {
            for (Path file : files.filter(f -> f.toString().endsWith(".json")).sorted().toList())
                run(engine, file, JsonParser.parseString(Files.readString(file)).getAsJsonObject());
        }
        System.out.println("the fake and the conformance cases: " + counts + ", " + failed + " failed");
        assertEquals(0, failed, "cases that failed");
        for (String check : List.of("right", "type", "required", "name", "value"))
            assertTrue(counts.getOrDefault(check, 0) >= 3, check + ": " + counts);
    }

    private void run(Weighbridge engine, Path file, JsonObject document) {
        List<JsonObject> cases = document.getAsJsonArray("cases").asList().stream().map(c -> c.getAsJsonObject())
                .filter(c -> !document.has("options") && !document.has("schema_only") && c.has("row") && !c.has("call"))
                .toList();
        counts.merge("not a fake's", document.getAsJsonArray("cases").size() - cases.size(), Integer::sum);
        if (cases.isEmpty()) return;
        known("file", document, file.toString());
        LoadOptions options = new LoadOptions().engines("fake").set("fake_script", "{\"score\": 0.625}");
        try (Model model = engine.load(SCHEMAS.resolve(document.get("bundle").getAsString() + ".json"), options)) {
            for (JsonObject one : cases) {
                String name = file.getFileName() + ": " + one.get("name").getAsString();
                known("case", one, name);
                known("expect", one.getAsJsonObject("expect"), name);
                counts.merge(one.has("check") ? one.get("check").getAsString() : "right", 1, Integer::sum);
                String wrong = wrong(one, model);
                if (wrong.isEmpty()) continue;
                ++failed;
                System.out.println(name + ": " + wrong);
            }
        }
    }

    private static void known(String what, JsonObject object, String where) {
        for (String key : object.keySet())
            if (!KNOWN.get(what).contains(key)) throw new IllegalStateException(where + ": unknown key " + key);
    }

    private static String wrong(JsonObject one, Model model) {
        JsonObject expect = one.getAsJsonObject("expect");
        boolean isRefused = one.has("check") && REFUSED.contains(one.get("check").getAsString());
        try {
            Row row = model.newRow();
            one.getAsJsonObject("row").entrySet().forEach(value -> set(row, value.getKey(), value.getValue()));
            double score = model.score(row).score();
            if (isRefused) return "expected " + expect + ", got " + score;
            try (Batch batch = model.newBatch().add(row)) {
                BatchResult all = model.scoreAll(batch);
                return score == 0.625 && all.scored() == 1 ? "" : "expected 0.625, got " + score + ", " + all;
            }
        } catch (WeighbridgeException error) {
            if (!isRefused) return "expected an answer, got " + error;
            String feature = expect.has("feature") ? expect.get("feature").getAsString() : error.feature();
            return expect.get("status").getAsString().equals("WB_" + error.status())
                    && (feature == null || feature.equals(error.feature())) ? ""
                    : "expected " + expect + ", got " + error.status() + " of " + error.feature() + ": " + error;
        }
    }

    private static void set(Row row, String name, JsonElement value) {
        if (value.isJsonNull()) row.setMissing(name);
        else if (value.isJsonArray()) setAll(row, name, value.getAsJsonArray().asList());
        else if (isText(value)) row.set(name, bytes(value));
        else if (value.isJsonObject()) row.set(name, number(value));
        else if (value.getAsJsonPrimitive().isBoolean()) row.set(name, value.getAsBoolean());
        else if (isWhole(value)) row.set(name, value.getAsLong());
        else row.set(name, value.getAsDouble());
    }

    private static void setAll(Row row, String name, List<JsonElement> all) {
        Feature feature = row.schema().feature(name);
        if (all.isEmpty() ? feature.isText() : all.stream().allMatch(FakeConformanceTest::isText))
            row.set(name, all.stream().map(FakeConformanceTest::bytes).toArray(byte[][]::new));
        else if (!all.isEmpty() && all.stream().allMatch(v -> v instanceof JsonPrimitive one && one.isBoolean())) {
            boolean[] bools = new boolean[all.size()];
            for (int i = 0; i < bools.length; ++i) bools[i] = all.get(i).getAsBoolean();
            row.set(name, bools);
        } else if (all.stream().allMatch(FakeConformanceTest::isWhole))
            row.set(name, all.stream().mapToLong(JsonElement::getAsLong).toArray());
        else row.set(name, all.stream().mapToDouble(FakeConformanceTest::number).toArray());
    }

    private static boolean isText(JsonElement value) {
        return value.isJsonObject() ? value.getAsJsonObject().has("$bytes")
                : value instanceof JsonPrimitive one && one.isString();
    }

    private static boolean isWhole(JsonElement value) {
        return value instanceof JsonPrimitive one && one.isNumber() && one.getAsString().matches("-?[0-9]+")
                && new BigInteger(one.getAsString()).bitLength() < 64;
    }

    private static byte[] bytes(JsonElement value) {
        return value.isJsonObject() ? HexFormat.of().parseHex(value.getAsJsonObject().get("$bytes").getAsString())
                : value.getAsString().getBytes(StandardCharsets.UTF_8);
    }

    private static double number(JsonElement value) {
        if (!value.isJsonObject()) return value.getAsDouble();
        return switch (value.getAsJsonObject().get("$float").getAsString()) {
            case "nan" -> Double.NaN;
            case "inf" -> Double.POSITIVE_INFINITY;
            default -> Double.NEGATIVE_INFINITY;
        };
    }
}
