// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import io.weighbridge.FakeMemory.Place;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.OffsetDateTime;
import java.time.DateTimeException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** What `weighbridge codegen --json` wrote of a bundle: features and bands; and how rows of it lie in memory. */
final class FakeSchema {
    static final List<String> TYPES =
            List.of("?", "float32", "float64", "int64", "bool", "category", "code", "timestamp", "text");
    private static final int FIELD = 8;

    /** A feature. What a swap must keep is all of it but whether it is required, its privacy class and its place. */
    record Input(int index, String name, int type, boolean isSequence, boolean isRequired, String currency,
            int exponent, long ticks, String privacy) {
        String expected() {
            return (isSequence ? "sequence of " : "") + TYPES.get(type);
        }

        List<Object> promise() {
            return List.of(name, type, isSequence, currency, exponent, ticks);
        }

        boolean isText() {
            return type == Feature.CATEGORY || type == Feature.TEXT;
        }

        int width() {
            return type == Feature.FLOAT32 ? 4 : type == Feature.BOOL ? 1 : 8;
        }

        FakeFailure mismatch(String found) {
            return new FakeFailure(Status.INVALID_INPUT,
                    "feature '" + name + "': expected " + expected() + ", got " + found, index);
        }
    }

    /** A decision band. */
    record Cut(String name, double below) {}

    final String version;
    final List<Input> inputs = new ArrayList<>();
    final List<Cut> bands = new ArrayList<>();
    final long digest;
    final int fixedBytes;
    private final int first;

    /** @param file its name, whose text it has */
    FakeSchema(String file, String text) {
        version = file.replaceFirst("^.*[/\\\\]", "").replaceFirst("\\.[^.]*$", "");
        try {
            Map<?, ?> document = FakeJson.object(FakeJson.read(text), file);
            if (!BigDecimal.ONE.equals(document.get("weighbridge_codegen")))
                throw new IllegalArgumentException("other JSON");
            for (Object one : FakeJson.array(document.get("features"), "features"))
                inputs.add(input(inputs.size(), FakeJson.object(one, "features")));
            for (Object one : FakeJson.array(document.get("bands"), "bands")) {
                Map<?, ?> band = FakeJson.object(one, "bands");
                bands.add(new Cut((String) band.get("name"), band.get("below") instanceof BigDecimal below
                        ? below.doubleValue() : Double.POSITIVE_INFINITY));
            }
        } catch (IllegalArgumentException error) {
            throw new FakeFailure(Status.INVALID_BUNDLE,
                    file + ": expected what `weighbridge codegen --json` wrote: " + error.getMessage());
        }
        digest = 1L << 40 | Integer.toUnsignedLong(inputs.stream().map(Input::promise).toList().hashCode());
        first = (Layout.ROW_HEADER_SIZEOF + (inputs.size() + 7) / 8 + 7) / 8 * 8;
        fixedBytes = first + FIELD * inputs.size();
    }

    private static Input input(int index, Map<?, ?> one) {
        int type = TYPES.indexOf(one.get("type"));
        if (!(one.get("name") instanceof String name) || type < 1)
            throw new IllegalArgumentException("features[" + index + "]: expected a name and a type");
        return new Input(index, name, type, Boolean.TRUE.equals(one.get("sequence")),
                Boolean.TRUE.equals(one.get("required")), Objects.toString(one.get("currency"), ""),
                one.get("exponent") instanceof BigDecimal exponent ? exponent.intValue() : -1,
                one.get("ticks_per_second") instanceof BigDecimal ticks ? ticks.longValue() : 0,
                Objects.toString(one.get("privacy"), ""));
    }

    int offset(Input input) {
        return first + FIELD * input.index;
    }

    Input find(String name) {
        return inputs.stream().filter(input -> input.name.equals(name)).findFirst().orElse(null);
    }

    int band(double probability) {
        for (int i = 0; i < bands.size(); ++i) if (probability < bands.get(i).below) return i;
        return -1;
    }

    /** Why rows and callers of another schema would not go on with this one; null where they do. */
    String misfit(FakeSchema before) {
        for (Input was : before.inputs) {
            Input now = find(was.name);
            if (now == null || !now.promise().equals(was.promise()))
                return "feature '" + was.name + "': expected " + was.promise() + ", got "
                        + (now == null ? "none" : now.promise());
            if (now.isRequired && !was.isRequired) return "feature '" + was.name + "': expected a default, got none";
        }
        for (Input now : inputs)
            if (now.isRequired && before.find(now.name) == null)
                return "feature '" + now.name + "': expected a default, for it is new; got none";
        return null;
    }

    void init(Place row, long capacity) {
        if (capacity < fixedBytes)
            throw FakeFailure.argument("row: expected at least " + fixedBytes + " bytes, got " + capacity);
        row.buffer().put(row.at(), new byte[fixedBytes]);
        row.put(0, (int) capacity).put(4, fixedBytes).put(8, digest);
        for (Input input : inputs) mark(row, input, true);
    }

    private static int bitmap(Place row, Input input) {
        return row.at() + Layout.ROW_HEADER_SIZEOF + input.index / 8;
    }

    private static void mark(Place row, Input input, boolean missing) {
        int byteAt = bitmap(row, input), bit = 1 << input.index % 8, old = row.buffer().get(byteAt);
        row.buffer().put(byteAt, (byte) (missing ? old | bit : old & ~bit));
    }

    /** The values by name; of features that are missing null. */
    Map<String, Object> read(Place row) {
        Map<String, Object> values = new LinkedHashMap<>();
        for (Input input : inputs) {
            boolean isMissing = (row.buffer().get(bitmap(row, input)) >> input.index % 8 & 1) != 0;
            values.put(input.name, isMissing ? null : field(row, input));
        }
        return values;
    }

    private Object field(Place row, Input input) {
        int at = offset(input);
        if (!input.isSequence) return one(row, input, at);
        List<Object> all = new ArrayList<>();
        int from = row.getInt(at), width = input.width();
        for (int i = 0; i < row.getInt(at + 4); ++i) all.add(one(row, input, from + i * width));
        return all;
    }

    private static Object one(Place row, Input input, int at) {
        return switch (input.type) {
            case Feature.FLOAT32 -> (double) row.buffer().getFloat(row.at() + at);
            case Feature.FLOAT64 -> row.buffer().getDouble(row.at() + at);
            case Feature.BOOL -> row.buffer().get(row.at() + at) != 0;
            case Feature.CATEGORY, Feature.TEXT ->
                new String(row.bytes(row.getInt(at), row.getInt(at + 4)), StandardCharsets.UTF_8);
            default -> row.getLong(at);
        };
    }

    /** Sets features of a row from a JSON object: all or, where something is wrong, none. */
    void setJson(Place row, String json) {
        Map<Input, Object> values = new LinkedHashMap<>();
        try {
            FakeJson.object(FakeJson.read(json), "the payment").forEach((name, value) -> {
                Input input = find((String) name);
                if (input == null)
                    throw new FakeFailure(Status.INVALID_INPUT, "there is no feature '" + name + "'");
                if (value != null) values.put(input, stored(input, value));
            });
        } catch (IllegalArgumentException error) {
            throw new FakeFailure(Status.INVALID_INPUT, error.getMessage());
        }
        int used = row.getInt(4);
        try {
            values.forEach((input, value) -> write(row, input, value));
        } catch (FakeFailure full) {
            row.put(4, used);
            throw full;
        }
        values.keySet().forEach(input -> mark(row, input, false));
    }

    /** What a value is kept as: a Double, Long, Boolean, String, or a list of these. */
    static Object stored(Input input, Object value) {
        if (!input.isSequence) return storedOne(input, value);
        if (!(value instanceof List<?> all)) throw input.mismatch("one value");
        return all.stream().map(one -> storedOne(input, one)).toList();
    }

    private static Object storedOne(Input input, Object value) {
        if (input.isText() && value instanceof String) return value;
        if (input.type == Feature.BOOL && value instanceof Boolean) return value;
        if (value instanceof Double) return value; // a NaN or an infinity, of a column of floats
        if (input.type == Feature.TIMESTAMP && value instanceof String text) return ticks(input, text);
        if (!(value instanceof BigDecimal number) || input.isText())
            throw input.mismatch(value == null ? "null" : value instanceof List ? "a sequence"
                    : value instanceof Boolean ? "a bool" : value instanceof String ? "a text" : "another type");
        if (input.type == Feature.FLOAT32) return (double) number.floatValue();
        if (input.type == Feature.FLOAT64) return number.doubleValue();
        if (input.type == Feature.BOOL) {
            if (number.signum() == 0 || number.compareTo(BigDecimal.ONE) == 0) return number.signum() != 0;
            throw input.mismatch("a number that is neither 0 nor 1");
        }
        try {
            return number.longValueExact();
        } catch (ArithmeticException inexact) {
            throw input.mismatch("a number that is not whole, or beyond 64 bits");
        }
    }

    private static long ticks(Input input, String text) {
        try {
            var time = OffsetDateTime.parse(text).toInstant();
            return Math.addExact(Math.multiplyExact(time.getEpochSecond(), input.ticks),
                    time.getNano() * input.ticks / 1_000_000_000L);
        } catch (DateTimeException | ArithmeticException error) {
            throw input.mismatch("a text that is no time");
        }
    }

    private void write(Place row, Input input, Object value) {
        int at = offset(input);
        if (!(value instanceof List<?> all)) {
            writeOne(row, input, at, value);
            return;
        }
        int from = append(row, all.size() * input.width());
        for (int i = 0; i < all.size(); ++i) writeOne(row, input, from + i * input.width(), all.get(i));
        row.put(at, from).put(at + 4, all.size());
    }

    private static void writeOne(Place row, Input input, int at, Object value) {
        ByteBuffer memory = row.buffer();
        if (value instanceof String text) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            int from = append(row, bytes.length);
            memory.put(row.at() + from, bytes);
            row.put(at, from).put(at + 4, bytes.length);
        } else if (value instanceof Boolean bool) memory.put(row.at() + at, (byte) (bool ? 1 : 0));
        else if (input.type == Feature.FLOAT32) memory.putFloat(row.at() + at, ((Double) value).floatValue());
        else if (value instanceof Double number) row.put(at, number);
        else row.put(at, (long) (Long) value);
    }

    /** Room in the tail. */
    private static int append(Place row, int bytes) {
        int at = row.getInt(4) + 7 & ~7;
        if (at + bytes > row.getInt(0)) throw new FakeFailure(Status.BUFFER_TOO_SMALL, "row: the tail is full");
        row.put(4, at + bytes);
        return at;
    }

    /** The row as JSON; values of features with a privacy class are not shown. */
    String json(Place row) {
        Map<String, Object> values = read(row);
        values.replaceAll((name, value) -> value != null && !find(name).privacy.isEmpty() ? "<redacted>" : value);
        return FakeJson.write(values);
    }

    /** Refuses a payment without what is required. */
    void require(Map<String, Object> values) {
        for (Input input : inputs)
            if (input.isRequired && values.get(input.name) == null)
                throw input.mismatch("none, and it is required");
    }
}
