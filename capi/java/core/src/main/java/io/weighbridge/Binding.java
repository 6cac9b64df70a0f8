// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.lang.invoke.MethodHandles;
import java.lang.ref.Reference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * A record bound to a schema: scores such records. Thread-safe.
 *
 * @param <T> the record
 * @since 0.2
 */
public final class Binding<T extends Record> {
    private final Scorer scorer;
    private final Schema schema;
    private final Component[] components;
    /** Rows between two uses. */
    private final AtomicReferenceArray<Row> rows;

    Binding(Scorer scorer, Class<T> type, MethodHandles.Lookup lookup) {
        this.scorer = scorer;
        schema = scorer.schema();
        components = bind(schema, type, lookup);
        rows = new AtomicReferenceArray<>(2 * Runtime.getRuntime().availableProcessors());
    }

    private static Component[] bind(Schema schema, Class<?> type, MethodHandles.Lookup lookup) {
        List<String> wrong = new ArrayList<>();
        List<Component> made = new ArrayList<>();
        Set<Feature> bound = new HashSet<>();
        for (var component : type.getRecordComponents()) {
            Feature feature = find(schema, component);
            if (feature == null) {
                wrong.add("component " + component.getName() + ": no such feature");
                continue;
            }
            if (!bound.add(feature)) wrong.add("component " + component.getName() + ": another one is "
                    + feature.name() + " too");
            String why = Component.mismatch(feature, component);
            if (why == null) made.add(new Component(feature, component, type, lookup));
            else wrong.add("component " + component.getName() + ": " + why);
        }
        for (Feature feature : schema.features())
            if (feature.isRequired() && !bound.contains(feature))
                wrong.add("feature " + feature + ": required, and no component has it");
        if (!wrong.isEmpty())
            throw WeighbridgeException.of(Status.SCHEMA_MISMATCH, type.getName() + " does not fit the schema: "
                    + String.join("; ", wrong));
        return made.toArray(new Component[0]);
    }

    private static Feature find(Schema schema, java.lang.reflect.RecordComponent component) {
        FeatureName named = component.getAnnotation(FeatureName.class);
        if (named != null) return schema.find(named.value());
        Feature exact = schema.find(component.getName());
        if (exact != null) return exact;
        Feature found = null;
        for (Feature feature : schema.features()) {
            if (!plain(feature.name()).equals(plain(component.getName()))) continue;
            if (found != null) return null; // two features differ by underscores alone: @FeatureName has to say which
            found = feature;
        }
        return found;
    }

    private static String plain(String name) {
        return name.replace("_", "").toLowerCase(Locale.ROOT);
    }

    /**
     * The schema that the record was bound to.
     *
     * @return the schema
     */
    public Schema schema() {
        return schema;
    }

    /**
     * An empty row of the schema.
     *
     * @return a row
     */
    public Row newRow() {
        return schema.newRow();
    }

    /**
     * Fills a row from a record; what it held before is gone.
     *
     * @param row a row of the schema
     * @param record its values; null components are missing
     * @return the row
     */
    public Row fill(Row row, T record) {
        Objects.requireNonNull(record, "record");
        row.clear();
        for (Component component : components) component.set(row, record);
        return row;
    }

    /**
     * Scores one payment.
     *
     * @param record the payment
     * @return a result of its own
     */
    public Result score(T record) {
        return scoreBy(record, Deadlines.DEFAULT);
    }

    /**
     * Scores one payment within a budget.
     *
     * @param record the payment
     * @param budget from now on; null for the engine's default
     * @return a result of its own
     */
    public Result score(T record, Duration budget) {
        return scoreBy(record, Deadlines.after(budget));
    }

    private Result scoreBy(T record, long deadline) {
        Row row = take();
        try {
            return scorer.scoreBy(fill(row, record), deadline, null).copy();
        } finally {
            give(row);
        }
    }

    /**
     * Scores one payment without waiting; as {@link Scorer#submit(Row)}.
     *
     * @param record the payment
     * @param budget from now on; null for the engine's default
     * @return the answer
     */
    public CompletableFuture<Result> submit(T record, Duration budget) {
        Row row = take();
        try {
            return scorer.submit(fill(row, record), budget, null);
        } catch (WeighbridgeException error) {
            return CompletableFuture.failedFuture(error);
        } finally {
            give(row);
        }
    }

    /**
     * A batch of such records, to be scored by {@link Scorer#scoreAll(Batch)}.
     *
     * @param records the payments
     * @return a batch, to be closed
     */
    public Batch batch(Iterable<? extends T> records) {
        Batch batch = new Batch(schema, 0);
        Row row = take();
        try {
            for (T record : records) batch.add(fill(row, record));
            return batch;
        } catch (RuntimeException error) {
            batch.close();
            throw error;
        } finally {
            give(row);
            Reference.reachabilityFence(batch);
        }
    }

    private Row take() {
        for (int i = 0; i < rows.length(); ++i) {
            Row row = rows.getPlain(i) == null ? null : rows.getAndSet(i, null);
            if (row != null) return row;
        }
        return schema.newRow();
    }

    private void give(Row row) {
        for (int i = 0; i < rows.length(); ++i)
            if (rows.getPlain(i) == null && rows.compareAndSet(i, null, row)) return;
    }
}
