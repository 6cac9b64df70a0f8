// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What answers in the place of a model: the script of the library's engine fake (weighbridge/c/model.h), and besides
 * "fallback", the bundle's fallback score, which codegen does not tell.
 */
final class FakeScript {
    private static final Set<String> FIELDS = Set.of("score", "latency_us", "rows", "failures", "load", "fallback");

    /** A run's end: after a while a score, or a failure. */
    record Run(long nanos, double score, FakeFailure failure) {}

    private record Row(Map<String, Object> values, Map<?, ?> own) {}

    private record Periodic(FakeFailure failure, long every, long times) {
        boolean isDue(long run) {
            return run % every == 0 && run / every <= times;
        }
    }

    private final List<Double> scores = new ArrayList<>();
    private final List<Double> latencies = new ArrayList<>();
    private final List<Row> rows = new ArrayList<>();
    private final List<Periodic> failures = new ArrayList<>();
    private final Map<?, ?> load;
    final Double fallback;
    private long runs;
    private int given;

    /** @param text JSON; null for none */
    FakeScript(String text, FakeSchema schema) {
        try {
            Map<?, ?> script = text == null ? Map.of() : FakeJson.object(FakeJson.read(text), "it");
            for (Object name : script.keySet())
                if (!FIELDS.contains(name))
                    throw new IllegalArgumentException("expected one of " + FIELDS + ", got " + name);
            if (!"hash".equals(script.get("score"))) turns(script.get("score"), scores);
            turns(script.get("latency_us"), latencies);
            for (Object one : all(script, "rows")) rows.add(row(FakeJson.object(one, "rows"), schema));
            for (Object one : all(script, "failures")) failures.add(periodic(FakeJson.object(one, "failures")));
            load = script.containsKey("load") ? FakeJson.object(script.get("load"), "load") : Map.of();
            fallback = script.containsKey("fallback") ? (Double) number(script.get("fallback")) : null;
            if (load.containsKey("status")) failure(load);
            if (load.containsKey("latency_us")) number(load.get("latency_us"));
        } catch (IllegalArgumentException error) {
            throw FakeFailure.argument("fake_script: " + error.getMessage());
        }
    }

    private static List<?> all(Map<?, ?> script, String name) {
        return script.containsKey(name) ? FakeJson.array(script.get(name), name) : List.of();
    }

    private static double number(Object value) {
        if (value instanceof BigDecimal number) return number.doubleValue();
        throw new IllegalArgumentException("expected a number, got " + FakeJson.write(value));
    }

    private static void turns(Object value, List<Double> into) {
        if (value instanceof List<?> list) list.forEach(one -> into.add(number(one)));
        else if (value != null) into.add(number(value));
    }

    private static Row row(Map<?, ?> one, FakeSchema schema) {
        Map<String, Object> values = new LinkedHashMap<>();
        schema.inputs.forEach(input -> values.put(input.name(), null));
        FakeJson.object(one.get("row"), "rows: row").forEach((name, value) -> {
            FakeSchema.Input input = schema.find((String) name);
            if (input == null) throw new IllegalArgumentException("rows: there is no feature '" + name + "'");
            try {
                if (value != null) values.put(input.name(), FakeSchema.stored(input, value));
            } catch (FakeFailure wrong) {
                throw new IllegalArgumentException("rows: " + wrong.getMessage());
            }
        });
        if (one.containsKey("status")) failure(one);
        if (one.containsKey("score")) number(one.get("score"));
        if (one.containsKey("latency_us")) number(one.get("latency_us"));
        return new Row(values, one);
    }

    private static Periodic periodic(Map<?, ?> one) {
        long every = one.containsKey("every") ? (long) number(one.get("every")) : 1;
        if (every < 1) throw new IllegalArgumentException("failures: every: expected 1 or more, got " + every);
        return new Periodic(failure(one), every,
                one.containsKey("times") ? (long) number(one.get("times")) : Long.MAX_VALUE);
    }

    private static FakeFailure failure(Map<?, ?> one) {
        Object message = one.get("message");
        for (Status status : Status.values())
            if (status.code() < 0 && status != Status.UNKNOWN && ("WB_" + status).equals(one.get("status")))
                return new FakeFailure(status,
                        message instanceof String said ? said : "the fake engine's script says so");
        throw new IllegalArgumentException("expected the name of an error, got " + FakeJson.write(one.get("status")));
    }

    long loadNanos() {
        return load.containsKey("latency_us") ? nanos(load) : 0;
    }

    /** How a load ends; null where well. */
    FakeFailure loadFailure() {
        return load.containsKey("status") ? failure(load) : null;
    }

    private static long nanos(Map<?, ?> one) {
        return (long) (number(one.get("latency_us")) * 1000);
    }

    boolean isInstant() {
        return latencies.stream().allMatch(us -> us == 0)
                && rows.stream().noneMatch(r -> r.own.containsKey("latency_us"));
    }

    /** What the next run comes to. */
    synchronized Run next(Map<String, Object> values) {
        Map<?, ?> own = rows.stream().filter(row -> row.values.equals(values)).findFirst().<Map<?, ?>>map(Row::own)
                .orElse(Map.of());
        long nanos = own.containsKey("latency_us") ? nanos(own)
                : latencies.isEmpty() ? 0 : (long) (latencies.get((int) (runs % latencies.size())) * 1000);
        ++runs;
        if (own.containsKey("status")) return new Run(nanos, 0, failure(own));
        if (own.containsKey("score")) return new Run(nanos, (float) number(own.get("score")), null);
        for (Periodic one : failures) if (one.isDue(runs)) return new Run(nanos, 0, one.failure);
        double score = scores.isEmpty() ? Integer.toUnsignedLong(values.toString().hashCode() * 0x9E3779B9) / 0x1p32
                : scores.get(Math.floorMod(given++, scores.size()));
        return new Run(nanos, (float) score, null);
    }
}
