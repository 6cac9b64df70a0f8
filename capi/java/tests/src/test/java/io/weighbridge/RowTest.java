// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

class RowTest {
    private final Schema schema = Schema.load(Fixtures.ROOT.resolve("tests/conformance/drafts/every-type"));

    private String json(UnaryOperator<Row> set) {
        return set.apply(schema.newRow()).toJson();
    }

    private void same(String expected, UnaryOperator<Row> set) {
        assertEquals(schema.newRow().setJson(expected).toJson(), json(set));
    }

    private void refused(String feature, String found, UnaryOperator<Row> set) {
        Row row = schema.newRow();
        String before = row.toJson();
        InvalidInputException error = assertThrows(InvalidInputException.class, () -> set.apply(row));
        assertEquals(feature, error.feature());
        assertTrue(error.getMessage().contains(found), error.getMessage());
        assertEquals(before, row.toJson(), "the row has changed");
    }

    @Test
    void everyTypeIsWrittenAsJsonIs() {
        same("{\"flag\": true, \"small\": 0.1, \"large\": -2.5e300, \"count\": -9223372036854775808}",
                r -> r.set("flag", true).set("small", 0.1).set("large", -2.5e300).set("count", Long.MIN_VALUE));
        same("{\"city\": \"Łódź\", \"code\": 5411, \"at\": 1667512177000, \"note\": \"a\\uD83D\\uDE80b\"}",
                r -> r.set("city", "Łódź").set("code", 5411).set("at", Instant.ofEpochMilli(1667512177000L))
                        .set("note", "a\uD83D\uDE80b"));
        same("{\"past_small\": [0.5, -0.25], \"past_large\": [0.1], \"past_count\": [1, -2], \"past_at\": [7]}",
                r -> r.set("past_small", new float[] {0.5f, -0.25f}).set("past_large", new double[] {0.1})
                        .set("past_count", new long[] {1, -2})
                        .set("past_at", new Instant[] {Instant.ofEpochMilli(7)}));
        same("{\"past_city\": [\"Paris\", \"\", \"Łódź\"], \"past_count\": []}",
                r -> r.set("past_city", new String[] {"Paris", "", "Łódź"}).set("past_count", new long[0]));
    }

    @Test
    void numbersGoWhereTheyFit() {
        same("{\"count\": 3, \"flag\": true, \"large\": 7}",
                r -> r.set("count", 3.0).set("flag", 1).set("large", 7));
        refused("count", "not whole", r -> r.set("count", 2.5));
        refused("count", "not whole", r -> r.set("count", 0x1p63));
        refused("count", "not whole", r -> r.set("count", Double.NaN));
        refused("flag", "neither 0 nor 1", r -> r.set("flag", 2));
        refused("flag", "neither 0 nor 1", r -> r.set("flag", 0.5));
        refused("count", "got bool", r -> r.set("count", true));
        refused("city", "got a number", r -> r.set("city", 7));
        refused("count", "got text", r -> r.set("count", "7"));
        refused("count", "got bytes", r -> r.set("count", new byte[] {55}));
        refused("count", "got time", r -> r.set("count", Instant.EPOCH));
        refused("count", "got sequence", r -> r.set("count", new long[] {7}));
        refused("past_count", "expected sequence of int64", r -> r.set("past_count", 7));
        refused("past_count", "not whole", r -> r.set("past_count", new double[] {1, 2.5}));
        refused("past_count", "got sequence of text", r -> r.set("past_count", new String[] {"a"}));
        refused("past_city", "got sequence of int64", r -> r.set("past_city", new long[] {1}));
        refused("past_city", "element 1 is null", r -> r.set("past_city", new String[] {"a", null}));
    }

    @Test
    void timesAreExactOrRefused() {
        same("{\"at\": -1}", r -> r.set("at", Instant.ofEpochMilli(-1)));
        refused("at", "finer", r -> r.set("at", Instant.ofEpochSecond(0, 1)));
        refused("at", "64 bits", r -> r.set("at", Instant.MAX.minusNanos(999_999_999)));
    }

    @Test
    void loneSurrogatesAreRefused() {
        refused("city", "lone surrogate", r -> r.set("city", "a\ud800"));
        refused("city", "lone surrogate", r -> r.set("city", "\udc00a"));
        refused("past_city", "lone surrogate", r -> r.set("past_city", new String[] {"a", "\ud800x"}));
        assertThrows(InvalidInputException.class, () -> schema.newRow().setJson("{\"city\": \"\ud800\"}"));
    }

    @Test
    void nullAndMissing() {
        Row row = schema.newRow().set("city", "Paris").set("past_count", new long[] {1});
        Feature city = schema.feature("city");
        assertFalse(row.isMissing(city));
        row.set("city", (String) null).set("past_count", (long[]) null);
        assertTrue(row.isMissing(city));
        assertEquals(schema.newRow().toJson(), row.toJson());
    }

    @Test
    void rowsGrowAndAreCopied() {
        String large = "é".repeat(100_000);
        Row row = schema.newRow(0).set("city", "Paris").set("note", large);
        assertEquals(schema.newRow().setJson("{\"city\": \"Paris\", \"note\": \"" + large + "\"}").toJson(),
                row.toJson());
        assertEquals(row.toJson(), schema.newRow(0).set(row).toJson());
        assertEquals(schema.newRow(0).set(row).toJson(), row.set(row).toJson());
        assertEquals(schema.newRow().toJson(), row.clear().toJson());
    }

    @Test
    void namesAndSchemasAreChecked() {
        NotFoundException error = assertThrows(NotFoundException.class, () -> schema.newRow().set("cuty", "Paris"));
        assertTrue(error.getMessage().contains("city"), error.getMessage());
        Schema other = Schema.load(Fixtures.MLP);
        assertThrows(SchemaException.class, () -> schema.newRow().set(other.feature("country"), "FR"));
        assertThrows(SchemaException.class, () -> schema.newRow().set(other.newRow()));
        // The same schema, read again, has the same rows.
        Row row = other.newRow().set(Schema.load(Fixtures.MLP).feature("country"), "FR");
        assertFalse(row.isMissing(other.feature("country")));
    }

    @Test
    void privateValuesAreNotPrinted() {
        Row row = schema.newRow().set("secret", 4711);
        assertTrue(row.toString().contains("<redacted>"), row.toString());
        assertFalse(row.toString().contains("4711"), row.toString());
    }

    @Test
    void jsonIsAllOrNothing() {
        Row row = schema.newRow(0).set("count", 1);
        assertThrows(InvalidInputException.class, () -> row.setJson("{\"count\": 2, \"code\": \"x\"}"));
        assertThrows(InvalidInputException.class, () -> row.setJson("{\"cuty\": 2}"));
        assertThrows(InvalidInputException.class, () -> row.setJson(""));
        assertEquals(schema.newRow().set("count", 1).toJson(), row.toJson());
    }

    @Test
    void encodesAsTheSchemaSays() {
        Row row = Schema.load(Fixtures.MLP).newRow();
        assertEquals(2, Schema.load(Fixtures.MLP).tensors().size());
        assertThrows(InvalidInputException.class, () -> row.encode(0));
        assertTrue(Fixtures.payment(row).encode(0).limit() >= 4);
        assertThrows(WeighbridgeException.class, () -> row.encode(99));
    }

    @Test
    void roomToBeginWith() {
        Schema schema = Schema.load(Fixtures.MLP);
        for (int tail : new int[] {-1, Integer.MIN_VALUE}) {
            WeighbridgeException below = assertThrows(WeighbridgeException.class, () -> schema.newRow(tail));
            assertEquals(Status.INVALID_ARGUMENT, below.status());
            assertEquals("tailBytes: expected 0 or more, got " + tail, below.getMessage());
        }
        assertEquals(Status.BUFFER_TOO_SMALL,
                assertThrows(WeighbridgeException.class, () -> schema.newRow(Integer.MAX_VALUE)).status());
    }
}
