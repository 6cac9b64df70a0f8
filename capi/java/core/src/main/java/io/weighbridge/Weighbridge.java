// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The engine: owns contexts, models, slots and telemetry. Usually one in a process. Thread-safe.
 *
 * <pre>{@code
 * try (Weighbridge engine = Weighbridge.create(); Model model = engine.load(Path.of("bundle"))) {
 *     Row row = model.newRow().set("amount_minor", 1250).set("country", "FR");
 *     Result result = model.score(row, Duration.ofMillis(2));
 * }
 * }</pre>
 *
 * @since 0.2
 */
public final class Weighbridge implements AutoCloseable {
    final Handle handle;
    final boolean submitsInline;
    private final Native library = Library.get();
    private final int queueCapacity;
    private CompletionQueue queue;

    private Weighbridge(Builder builder) {
        submitsInline = builder.submitsInline;
        queueCapacity = builder.queueCapacity;
        Frame frame = new Frame(8);
        frame.check(library.engineOptionsCreate(frame.out(), frame.error()));
        long options = frame.outToken();
        try {
            builder.options.forEach((name, text) -> {
                Frame one = new Frame(8, name, text);
                one.check(library.engineOptionsSet(options, one.text(0), one.text(1), one.error()));
            });
            frame.check(library.engineCreate(frame.out(), options, frame.error()));
        } finally {
            library.engineOptionsFree(options);
        }
        handle = Handle.of(this, Handle.Kind.ENGINE, frame.outToken());
    }

    /**
     * An engine with default options. No thread is started, no model is loaded.
     *
     * @return the engine
     * @throws NativeLibraryException where the library cannot be found or used
     */
    public static Weighbridge create() {
        return builder().build();
    }

    /**
     * An engine with options.
     *
     * @return where they are set
     */
    public static Builder builder() {
        return new Builder();
    }

    /** Options of an engine. */
    public static final class Builder {
        private final Map<String, String> options = new LinkedHashMap<>();
        private boolean submitsInline = true;
        private int queueCapacity = 1024;

        private Builder() {}

        /**
         * Sets an option by name, as a configuration file has it; {@link Weighbridge#options()} tells which there are.
         *
         * @param name such as "devices"
         * @param text its value, as {@link Option#form()} has it
         * @return this
         */
        public Builder option(String name, String text) {
            options.put(name, text);
            return this;
        }

        /**
         * Whether {@code submit} first tries to score on the calling thread, which is sooner done. Event loops that
         * must not compute on their thread say false.
         *
         * @param tries true, the default, to try
         * @return this
         */
        public Builder submitsInline(boolean tries) {
            submitsInline = tries;
            return this;
        }

        /**
         * The most asynchronous calls that may be under way or undelivered.
         *
         * @param capacity 1 to 65536; 1024 by default
         * @return this
         */
        public Builder queueCapacity(int capacity) {
            queueCapacity = capacity;
            return this;
        }

        /**
         * Creates the engine.
         *
         * @return the engine
         * @throws WeighbridgeException where an option is wrong; the message names it
         */
        public Weighbridge build() {
            return new Weighbridge(this);
        }
    }

    /**
     * What this process loaded, and how.
     *
     * @return path, versions, and the way in which functions are called
     * @throws NativeLibraryException where the library cannot be found or used
     */
    public static RuntimeInfo info() {
        Native library = Library.get();
        Library.Found found = Library.found();
        return new RuntimeInfo(library.access(), found.library(), found.how(),
                new String(library.bytes(library.version(), -1), StandardCharsets.UTF_8), Version.TEXT,
                library.abiVersion() + "." + library.abiMinor());
    }

    /**
     * What this machine and build offer.
     *
     * @return a JSON object: version, ABI, CPU level and features, backends found
     */
    public static String systemInfo() {
        Frame frame = new Frame(8);
        frame.check(frame.library.systemInfo(frame.out(), frame.error()));
        return frame.takeText();
    }

    /**
     * The options that an engine has.
     *
     * @return names, forms, defaults and help
     */
    public static List<Option> options() {
        return Option.list(Library.get()::engineOptionsDescribe);
    }

    /**
     * How many objects that should have been closed were freed by the garbage collector in this process.
     *
     * @return the count; each was reported to System.Logger "io.weighbridge"
     */
    public static long leaks() {
        return Leaks.count();
    }

    /**
     * Loads a bundle: checks, prepares and warms it, and reproduces its golden vectors.
     *
     * @param bundle the folder
     * @return the model
     */
    public Model load(Path bundle) {
        return load(bundle, null);
    }

    /**
     * {@link #load(Path)} with options.
     *
     * @param bundle the folder
     * @param options how it is loaded; null for defaults
     * @return the model
     */
    public Model load(Path bundle, LoadOptions options) {
        Frame frame = new Frame(this, 8, Frame.path(bundle));
        frame.check(LoadOptions.during(options, o -> library.modelLoad(frame.out(), handle.token(), frame.text(0), o,
                frame.error())));
        Reference.reachabilityFence(this);
        return new Model(this, frame.outToken());
    }

    /**
     * {@link #load(Path)} for a bundle in memory.
     *
     * @param bundle its files
     * @param options how it is loaded; null for defaults
     * @return the model
     */
    public Model load(BundleSource bundle, LoadOptions options) {
        Frame frame = new Frame(this, 8);
        frame.check(LoadOptions.during(options, o -> library.modelLoadSource(frame.out(), handle.token(),
                bundle.handle.token(), o, frame.error())));
        Reference.reachabilityFence(bundle);
        return new Model(this, frame.outToken());
    }

    /**
     * The slot of a name, which is there.
     *
     * @param name 1 to 63 bytes of [A-Za-z0-9_.-]
     * @return a handle of its own, to be closed
     * @throws NotFoundException where no slot has the name; the message has the nearest
     */
    public Slot slot(String name) {
        return openSlot(name, 0);
    }

    /**
     * The slot of a name, made empty where there is none: for code that deploys.
     *
     * @param name 1 to 63 bytes of [A-Za-z0-9_.-]
     * @return a handle of its own, to be closed
     */
    public Slot createSlot(String name) {
        return openSlot(name, 1);
    }

    private Slot openSlot(String name, int create) {
        Frame frame = new Frame(this, 8, name);
        frame.check(library.slotOpen(frame.out(), handle.token(), frame.text(0), create, frame.error()));
        Reference.reachabilityFence(this);
        return new Slot(this, frame.outToken());
    }

    /**
     * The engine's slots, and what each has done.
     *
     * @return in the order in which they were made
     */
    public List<Slot.Info> slots() {
        for (int capacity = 16;;) {
            Frame frame = new Frame(this, 8 + capacity * Layout.SLOT_INFO_SIZEOF);
            int status = library.engineSlots(frame.out() + 8, Layout.SLOT_INFO_SIZEOF, capacity, frame.out(),
                    handle.token(), frame.error());
            int count = (int) frame.outLong(0);
            if (status == Status.BUFFER_TOO_SMALL.code()) {
                capacity = count + 16;
                continue;
            }
            frame.check(status);
            List<Slot.Info> all = new ArrayList<>();
            for (int i = 0; i < count; ++i)
                all.add(Slot.Info.read(frame.memory, Layout.ERROR_SIZEOF + 8 + i * Layout.SLOT_INFO_SIZEOF));
            return List.copyOf(all);
        }
    }

    /**
     * The engine's counters.
     *
     * @return since it was created
     */
    public Snapshot snapshot() {
        Frame frame = new Frame(this, Layout.SNAPSHOT_SIZEOF);
        frame.check(library.engineSnapshot(frame.out(), handle.token(), frame.error()));
        return Snapshot.read(frame);
    }

    /**
     * The counters as Prometheus text, and those of each slot and version.
     *
     * @return exposition format 0.0.4
     */
    public String metrics() {
        Frame frame = new Frame(this, 8);
        frame.check(library.engineMetrics(frame.out(), handle.token(), frame.error()));
        return frame.takeText();
    }

    /**
     * Takes the oldest events that were not taken yet: what a logger calls every second or so.
     *
     * @return at most 64 events, and how many nobody took in time
     */
    public Events events() {
        int capacity = 64;
        Frame frame = new Frame(this, 16 + capacity * Layout.EVENT_SIZEOF);
        frame.check(library.engineEvents(frame.out() + 16, Layout.EVENT_SIZEOF, capacity, frame.out(), frame.out() + 8,
                handle.token(), frame.error()));
        List<Events.Event> all = new ArrayList<>();
        ByteBuffer at = frame.memory;
        for (int i = 0; i < frame.outLong(0); ++i)
            all.add(Events.read(at, Layout.ERROR_SIZEOF + 16 + i * Layout.EVENT_SIZEOF));
        return new Events(List.copyOf(all), frame.outLong(8));
    }

    /** Frees the memory of models that were closed or swapped out. Optional: every load and swap does the same. */
    public void maintain() {
        Frame frame = new Frame(this, 8);
        frame.check(library.engineMaintain(handle.token(), frame.error()));
    }

    /**
     * Lends the calling thread to asynchronous calls, for engines with the option async_threads 0.
     *
     * @param budget when the last call may begin
     * @return how many ran
     */
    public long work(Duration budget) {
        Frame frame = new Frame(this, 8);
        frame.check(library.engineWork(frame.out(), handle.token(), Deadlines.after(budget), frame.error()));
        return frame.outLong(0);
    }

    /**
     * The deadline of calls that name none.
     *
     * @return the option default_deadline_us; zero for none
     */
    public Duration defaultDeadline() {
        Frame frame = new Frame(this, 8);
        frame.check(library.engineDefaultDeadlineUs(frame.out(), handle.token(), frame.error()));
        return Duration.ofNanos(frame.outLong(0) * 1000);
    }

    synchronized CompletionQueue queue() {
        if (queue == null) queue = new CompletionQueue(handle.token(), queueCapacity);
        return queue;
    }

    /**
     * Refuses new calls, waits for those in progress, completes what waits with {@link ClosedException}, and frees the
     * engine.
     *
     * @param budget how long to wait
     * @throws DeadlineExceededException where calls are in progress still; it may be closed again
     */
    public void close(Duration budget) {
        close(Deadlines.after(budget), true);
    }

    /** {@link #close(Duration)} with the engine's default deadline; the engine is freed in any case. */
    @Override
    public void close() {
        close(Deadlines.DEFAULT, false);
    }

    private void close(long deadline, boolean strict) {
        if (handle.isClosed()) return;
        Frame frame = new Frame(this, 8);
        frame.library.engineDefaultDeadlineUs(frame.out(), handle.get(), frame.error());
        long us = frame.outLong(0);
        long until = deadline != Deadlines.DEFAULT ? deadline
                : us == 0 ? Deadlines.NONE : Deadlines.after(Duration.ofNanos(us * 1000));
        int status = library.engineClose(handle.get(), until, frame.error());
        if (strict && status == Status.DEADLINE_EXCEEDED.code()) frame.check(status);
        CompletionQueue ending;
        synchronized (this) {
            ending = queue;
        }
        if (status >= 0 && ending != null) ending.awaitEnd(until);
        handle.close();
    }
}
