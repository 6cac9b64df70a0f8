// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import io.weighbridge.FakeMemory.Place;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;

/** An engine of the fake, with its slots, figures and events. */
final class FakeEngine {
    static final int BACKEND_FAKE = 6;
    static final int PRECISION_FAKE = 6;
    static final List<String> FIGURES =
            List.of("requests", "rows", "fallbacks", "overloaded", "expired", "invalid", "failed");
    private static final int EVENTS = 256;
    private static final Map<Status, Integer> REASONS = Map.of(Status.DEADLINE_EXCEEDED, 1, Status.OVERLOADED, 2,
            Status.BACKEND_FAILED, 3, Status.INTERNAL, 3, Status.OUT_OF_MEMORY, 3);

    /** Schemas by digest: rows name theirs so. */
    static final Map<Long, FakeSchema> SCHEMAS = new ConcurrentHashMap<>();

    /** Options of a call. */
    static final class CallOptions {
        volatile boolean fallback = true;
        volatile boolean wait = true;
        volatile Flag cancel;
    }

    /** A cancel token. */
    static final class Flag {
        volatile boolean set;
    }

    /** Counters, in the order of FIGURES. */
    static final class Figures {
        private final long[] counts = new long[FIGURES.size()];

        synchronized void count(boolean isRow, boolean isFallback, Status error) {
            ++counts[0];
            if (isRow) ++counts[1];
            if (isFallback) ++counts[2];
            if (error == Status.OVERLOADED) ++counts[3];
            else if (error == Status.DEADLINE_EXCEEDED) ++counts[4];
            else if (error == Status.INVALID_INPUT) ++counts[5];
            else if (error != null) ++counts[6];
        }

        synchronized long[] all() {
            return counts.clone();
        }
    }

    /** What was loaded. */
    record Loaded(FakeSchema schema, FakeScript script) {
        String version() {
            return schema.version;
        }

        long bundle() {
            return Integer.toUnsignedLong(version().hashCode());
        }
    }

    /** A model that serves in a slot, and what it has done there. */
    record Serving(Loaded loaded, Figures figures) {}

    /** An answer. */
    record Answer(Loaded by, double score, int reason, int defaulted, long nanos) {
        boolean isFallback() {
            return reason != 0;
        }

        int status() {
            return isFallback() ? Status.OK_FALLBACK.code() : Status.OK.code();
        }

        void write(Place result) {
            int model = isFallback() ? 0 : 1;
            result.put(Layout.RESULT_STATUS, status()).put(Layout.RESULT_SCORE, score)
                    .put(Layout.RESULT_PROBABILITY, score).put(Layout.RESULT_BAND, by.schema.band(score))
                    .put(Layout.RESULT_REASON, reason).put(Layout.RESULT_BACKEND, model * BACKEND_FAKE)
                    .put(Layout.RESULT_PRECISION, model * PRECISION_FAKE).put(Layout.RESULT_NUMERICS, 0)
                    .put(Layout.RESULT_DEFAULTED, defaulted).put(Layout.RESULT_CLIPPED, 0)
                    .put(Layout.RESULT_DEVICE, model - 1).put(Layout.RESULT_BUNDLE, by.bundle())
                    .put(Layout.RESULT_QUEUE_NS, 0L).put(Layout.RESULT_RUN_NS, nanos)
                    .put(Layout.RESULT_VERSION, 32, by.version());
        }
    }

    /** A named deployment. */
    final class Deployment {
        final String name;
        volatile Serving serving;
        private Loaded previous;
        private long generation;
        private long since;

        Deployment(String name) {
            this.name = name;
        }

        Serving serving() {
            checkOpen();
            Serving now = serving;
            if (now == null)
                throw new FakeFailure(Status.NOT_LOADED, "slot '" + name + "': expected a model, found none");
            return now;
        }

        synchronized void swap(Loaded loaded) {
            String why = serving == null ? null : loaded.schema.misfit(serving.loaded.schema);
            if (why != null) throw new FakeFailure(Status.SCHEMA_CHANGED, "slot '" + name + "': " + why);
            serve(loaded);
        }

        synchronized void rollback() {
            if (previous == null)
                throw new FakeFailure(Status.NOT_LOADED,
                        "slot '" + name + "': expected a model before the last swap, found none");
            serve(previous);
        }

        synchronized void forgetPrevious() {
            previous = null;
        }

        private void serve(Loaded loaded) {
            previous = serving == null ? null : serving.loaded;
            serving = new Serving(loaded, new Figures());
            ++generation;
            since = System.nanoTime();
            tell(2, 1, name, loaded.version(), loaded.version() + " serves");
        }

        synchronized void describe(Place info) {
            Serving now = serving;
            info.put(Layout.SLOT_INFO_GENERATION, generation).put(Layout.SLOT_INFO_SINCE_NS, since)
                    .put(Layout.SLOT_INFO_BUNDLE, now == null ? 0 : now.loaded.bundle())
                    .put(Layout.SLOT_INFO_PREVIOUS_BUNDLE, previous == null ? 0 : previous.bundle())
                    .put(Layout.SLOT_INFO_NAME, 64, name)
                    .put(Layout.SLOT_INFO_VERSION, 32, now == null ? "" : now.loaded.version())
                    .put(Layout.SLOT_INFO_PREVIOUS_VERSION, 32, previous == null ? "" : previous.version());
            long[] counts = now == null ? new long[FIGURES.size()] : now.figures.all();
            for (int i = 0; i < counts.length; ++i) info.put(Layout.SLOT_INFO_REQUESTS + 8 * i, counts[i]);
        }
    }

    /** An event, of WB_LOG_* and level 1 to 3. */
    record Event(int event, int level, long nanos, String slot, String version, String message) {}

    final long defaultDeadlineUs;
    final Figures figures = new Figures();
    final TreeMap<String, Deployment> slots = new TreeMap<>();
    final List<FakeQueue> queues = new ArrayList<>();
    private final ArrayDeque<Event> events = new ArrayDeque<>();
    private long dropped;
    private volatile boolean closed;

    FakeEngine(long defaultDeadlineUs) {
        this.defaultDeadlineUs = defaultDeadlineUs;
    }

    void checkOpen() {
        if (closed) throw new FakeFailure(Status.CLOSED, "the engine is closed");
    }

    void close() {
        closed = true;
        synchronized (queues) {
            queues.forEach(FakeQueue::end);
        }
    }

    synchronized Deployment slot(String name, boolean create) {
        checkOpen();
        if (!name.matches("[A-Za-z0-9._-]{1,63}"))
            throw FakeFailure.argument("slot: expected letters, digits, '.', '_' and '-', got '" + name + "'");
        if (create) return slots.computeIfAbsent(name, Deployment::new);
        if (slots.containsKey(name)) return slots.get(name);
        throw new FakeFailure(Status.NOT_FOUND, "there is no slot '" + name + "'; there are: " + slots.keySet());
    }

    synchronized void tell(int event, int level, String slot, String version, String message) {
        if (events.size() < EVENTS) events.add(new Event(event, level, System.nanoTime(), slot, version, message));
        else ++dropped;
    }

    synchronized List<Event> takeEvents(int most) {
        List<Event> taken = new ArrayList<>();
        while (taken.size() < most && !events.isEmpty()) taken.add(events.poll());
        return taken;
    }

    synchronized long takeDropped() {
        long taken = dropped;
        dropped = 0;
        return taken;
    }

    /** Loads for a slot, or "" for none; tells of it. */
    Loaded load(String slot, String file, String text, Map<String, String> options, long deadline, Flag cancel) {
        checkOpen();
        try {
            FakeSchema schema = new FakeSchema(file, text);
            Loaded loaded = new Loaded(schema, new FakeScript(options.get("fake_script"), schema));
            SCHEMAS.putIfAbsent(schema.digest, schema);
            spend(loaded.script.loadNanos(), until(deadline), cancel, null);
            if (loaded.script.loadFailure() != null) throw loaded.script.loadFailure();
            tell(1, 1, slot, loaded.version(), loaded.version() + " is loaded: its scores are a script's, for tests");
            return loaded;
        } catch (FakeFailure error) {
            tell(3, 3, slot, "", error.getMessage());
            throw error;
        }
    }

    /** When a call ends, as Deadlines has it. */
    private long until(long deadline) {
        if (deadline != Deadlines.DEFAULT) return deadline;
        return defaultDeadlineUs == 0 ? Deadlines.NONE : System.nanoTime() + defaultDeadlineUs * 1000;
    }

    private static void spend(long nanos, long until, Flag... cancels) {
        long done = System.nanoTime() + nanos;
        for (;;) {
            for (Flag cancel : cancels)
                if (cancel != null && cancel.set)
                    throw new FakeFailure(Status.CANCELLED, "cancelled while the fake model ran");
            long now = System.nanoTime();
            if (until != Deadlines.NONE && now >= until)
                throw new FakeFailure(Status.DEADLINE_EXCEEDED, "the deadline passed while the fake model ran");
            if (now >= done) return;
            LockSupport.parkNanos(Math.min(done - now, 1_000_000));
        }
    }

    /** The values of a row, by name, for a model of its schema or of one that extends it. */
    static Map<String, Object> values(Place row, FakeSchema schema) {
        FakeSchema own = SCHEMAS.get(row.getLong(Layout.ROW_HEADER_SCHEMA_DIGEST));
        String why = own == null ? "its schema is not known" : schema.misfit(own);
        if (why != null) throw new FakeFailure(Status.SCHEMA_MISMATCH, "the row is of another schema: " + why);
        Map<String, Object> values = own.read(row);
        schema.inputs.forEach(input -> values.putIfAbsent(input.name(), null));
        return values;
    }

    /** Scores a payment, and counts it. */
    Answer score(Serving serving, Map<String, Object> values, FakeFailure wrong, long deadline, CallOptions call,
            Flag token) {
        Answer answer = null;
        Status error = null;
        try {
            checkOpen();
            if (wrong != null) throw wrong;
            answer = answer(serving.loaded, values, until(deadline), call, token);
            return answer;
        } catch (FakeFailure failure) {
            error = failure.status();
            throw failure;
        } finally {
            for (Figures one : new Figures[] {figures, serving.figures})
                if (one != null) one.count(answer != null, answer != null && answer.isFallback(), error);
        }
    }

    private static Answer answer(Loaded loaded, Map<String, Object> values, long until, CallOptions call, Flag token) {
        long began = System.nanoTime();
        loaded.schema.require(values);
        int defaulted = (int) loaded.schema.inputs.stream().filter(i -> values.get(i.name()) == null).count();
        try {
            Flag cancel = call == null ? null : call.cancel;
            spend(0, until, cancel, token);
            FakeScript.Run run = loaded.script.next(values);
            spend(run.nanos(), until, cancel, token);
            if (run.failure() != null) throw run.failure();
            return new Answer(loaded, run.score(), 0, defaulted, System.nanoTime() - began);
        } catch (FakeFailure failure) {
            Integer reason = REASONS.get(failure.status());
            if (reason == null || loaded.script.fallback == null || call != null && !call.fallback) throw failure;
            return new Answer(loaded, loaded.script.fallback, reason, defaulted, System.nanoTime() - began);
        }
    }

    String metrics() {
        StringBuilder text = new StringBuilder();
        long[] own = figures.all();
        for (int i = 0; i < own.length; ++i)
            text.append("weighbridge_").append(FIGURES.get(i)).append("_total ").append(own[i]).append('\n');
        List<Deployment> all;
        synchronized (this) {
            all = List.copyOf(slots.values());
        }
        for (Deployment one : all) {
            Serving now = one.serving;
            if (now == null) continue;
            long[] counts = now.figures.all();
            for (int i = 0; i < counts.length; ++i)
                text.append("weighbridge_slot_version_").append(FIGURES.get(i)).append("_total{slot=\"")
                        .append(one.name).append("\",version=\"").append(now.loaded.version())
                        .append("\",bundle=\"").append(String.format("%016x", now.loaded.bundle()))
                        .append("\"} ").append(counts[i]).append('\n');
        }
        return text.toString();
    }
}
