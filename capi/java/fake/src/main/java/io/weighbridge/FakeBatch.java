// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import io.weighbridge.FakeMemory.Place;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A batch of the fake: rows that lie side by side, or columns; and where results go. */
final class FakeBatch {
    private record Column(int element, long data, long stride, long validity, long validityOffset) {}

    private record Target(long data, long stride) {}

    private final FakeMemory memory;
    final FakeSchema schema;
    private final Map<FakeSchema.Input, Column> columns = new LinkedHashMap<>();
    private final Map<Integer, Target> results = new TreeMap<>();
    private long rows;
    private long first;
    private long count;
    private Target placed;

    FakeBatch(FakeMemory memory, FakeSchema schema) {
        this.memory = memory;
        this.schema = schema;
    }

    /** One of its own, that points at the same memory. */
    FakeBatch copy() {
        FakeBatch made = new FakeBatch(memory, schema);
        made.rows = rows;
        made.first = first;
        made.count = count;
        made.placed = placed;
        made.columns.putAll(columns);
        made.results.putAll(results);
        return made;
    }

    void reset(long rows) {
        this.rows = rows;
        first = 0;
        count = rows;
        columns.clear();
        placed = null;
    }

    void place(long data, long stride) {
        placed = new Target(data, stride);
    }

    void column(int feature, int element, long data, long stride, long validity, long validityOffset) {
        FakeSchema.Input input = schema.inputs.get(feature);
        if (input.isSequence() || element == Batch.Element.FLOAT16.ordinal())
            throw FakeFailure.argument(
                    "column '" + input.name() + "': the fake takes sequences and float16 in rows alone");
        columns.put(input, new Column(element, data, stride, validity, validityOffset));
    }

    void result(int column, long data, long stride) {
        results.put(column, new Target(data, stride));
    }

    void window(long first, long count) {
        if (first < 0 || count < 0 || first + count > rows)
            throw FakeFailure.argument("window: expected rows of " + rows + ", got " + count + " from " + first);
        this.first = first;
        this.count = count;
    }

    /** A row's values, for a model of a schema. */
    Map<String, Object> values(long row, FakeSchema of) {
        if (placed != null) return FakeEngine.values(memory.at(placed.data + row * placed.stride), of);
        Map<String, Object> values = new LinkedHashMap<>();
        of.inputs.forEach(input -> values.put(input.name(), null));
        columns.forEach((input, column) -> {
            if (isPresent(column, row)) values.put(input.name(), FakeSchema.stored(input, element(input, column, row)));
        });
        return values;
    }

    void check(long row) {
        if (row < 0 || row >= rows) throw FakeFailure.argument("row: expected one of " + rows + ", got " + row);
        schema.require(values(row, schema));
    }

    private boolean isPresent(Column column, long row) {
        if (column.validity == 0) return true;
        long bit = column.validityOffset + (column.stride == 0 ? 0 : row);
        return (memory.at(column.validity + bit / 8).bytes(0, 1)[0] >> bit % 8 & 1) != 0;
    }

    private Object element(FakeSchema.Input input, Column column, long row) {
        Place at = memory.at(column.data + row * column.stride);
        int element = column.element;
        if (element == Batch.Element.STORED.ordinal())
            element = switch (input.type()) {
                case Feature.FLOAT32 -> Batch.Element.FLOAT32.ordinal();
                case Feature.FLOAT64 -> Batch.Element.FLOAT64.ordinal();
                case Feature.BOOL -> Batch.Element.BOOL.ordinal();
                case Feature.CATEGORY, Feature.TEXT -> Batch.Element.VIEW.ordinal();
                default -> Batch.Element.INT64.ordinal();
            };
        byte one = at.buffer().get(at.at());
        return switch (Batch.Element.values()[element]) {
            case FLOAT32 -> real(input, at.buffer().getFloat(at.at()));
            case FLOAT64 -> real(input, at.buffer().getDouble(at.at()));
            case BOOL -> one != 0;
            case INT8 -> BigDecimal.valueOf(one);
            case UINT8 -> BigDecimal.valueOf(one & 0xFF);
            case INT16 -> BigDecimal.valueOf(at.buffer().getShort(at.at()));
            case UINT16 -> BigDecimal.valueOf(at.buffer().getShort(at.at()) & 0xFFFF);
            case INT32 -> BigDecimal.valueOf(at.getInt(0));
            case UINT32 -> BigDecimal.valueOf(Integer.toUnsignedLong(at.getInt(0)));
            case UINT64 -> new BigDecimal(new BigInteger(Long.toUnsignedString(at.getLong(0))));
            case VIEW -> new String(memory.at(at.getLong(0)).bytes(0, (int) at.getLong(8)), StandardCharsets.UTF_8);
            default -> BigDecimal.valueOf(at.getLong(0));
        };
    }

    private static Object real(FakeSchema.Input input, double value) {
        if (Double.isFinite(value)) return new BigDecimal(value);
        if (input.type() == Feature.FLOAT32 || input.type() == Feature.FLOAT64) return value;
        throw input.mismatch("a number that is not finite");
    }

    /** What became of a window. */
    record Outcome(long rows, long scored, long fallbacks, long invalid, long failed, long firstError, int reason,
            FakeFailure failure, FakeEngine.Loaded by) {
        int status() {
            return firstError >= 0 ? Status.OK_PARTIAL.code()
                    : fallbacks > 0 ? Status.OK_FALLBACK.code() : Status.OK.code();
        }

        void write(Place out) {
            out.put(Layout.BATCH_RESULT_STATUS, status()).put(Layout.BATCH_RESULT_ROWS, rows)
                    .put(Layout.BATCH_RESULT_SCORED, scored).put(Layout.BATCH_RESULT_FALLBACKS, fallbacks)
                    .put(Layout.BATCH_RESULT_INVALID, invalid).put(Layout.BATCH_RESULT_FAILED, failed)
                    .put(Layout.BATCH_RESULT_FIRST_ERROR, firstError).put(Layout.BATCH_RESULT_REASON, reason)
                    .put(Layout.BATCH_RESULT_BACKEND, FakeEngine.BACKEND_FAKE)
                    .put(Layout.BATCH_RESULT_PRECISION, FakeEngine.PRECISION_FAKE)
                    .put(Layout.BATCH_RESULT_BUNDLE, by.bundle()).put(Layout.BATCH_RESULT_VERSION, 32, by.version());
        }
    }

    /** Errors of one row; others end the batch. */
    private static final List<Status> OF_A_ROW = List.of(Status.INVALID_INPUT, Status.BACKEND_FAILED, Status.INTERNAL,
            Status.OUT_OF_MEMORY, Status.OVERLOADED, Status.DEADLINE_EXCEEDED);

    Outcome score(FakeEngine engine, FakeEngine.Serving serving, long deadline, FakeEngine.CallOptions call,
            FakeEngine.Flag token) {
        long scored = 0, fallbacks = 0, invalid = 0, failed = 0, firstError = -1;
        int reason = 0;
        FakeFailure failure = null;
        for (long row = first; row < first + count; ++row) {
            try {
                FakeEngine.Answer answer = score(engine, serving, row, deadline, call, token);
                if (answer.isFallback()) ++fallbacks;
                else ++scored;
                if (reason == 0) reason = answer.reason();
                write(row, answer.score(), serving.loaded().schema().band(answer.score()), answer.status(), -1);
            } catch (FakeFailure error) {
                if (!OF_A_ROW.contains(error.status())) throw error;
                if (error.status() == Status.INVALID_INPUT) ++invalid;
                else ++failed;
                if (firstError < 0) {
                    firstError = row;
                    failure = error;
                }
                write(row, Double.NaN, -1, error.code, error.feature);
            }
        }
        return new Outcome(count, scored, fallbacks, invalid, failed, firstError, reason, failure, serving.loaded());
    }

    private FakeEngine.Answer score(FakeEngine engine, FakeEngine.Serving serving, long row, long deadline,
            FakeEngine.CallOptions call, FakeEngine.Flag token) {
        Map<String, Object> values = null;
        FakeFailure wrong = null;
        try {
            values = values(row, serving.loaded().schema());
        } catch (FakeFailure error) {
            wrong = error;
        }
        return engine.score(serving, values, wrong, deadline, call, token);
    }

    /** Writes a row's WB_COLUMN_SCORE, _PROBABILITY, _BAND, _STATUS and _FEATURE, where they were set. */
    private void write(long row, double score, int band, int status, int feature) {
        results.forEach((column, target) -> {
            Place at = memory.at(target.data + row * target.stride);
            if (column <= 2) at.put(0, score);
            else at.put(0, column == 3 ? band : column == 4 ? status : feature);
        });
    }
}
