// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import io.weighbridge.FakeEngine.Deployment;
import io.weighbridge.FakeEngine.Serving;
import io.weighbridge.FakeMemory.Place;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The library's functions in pure Java, in the place of libweighbridge, for tests on machines that it does not run on:
 * -Dweighbridge.native.access=fake. A bundle is the file that `weighbridge codegen DIR --json` wrote.
 */
final class FakeLibrary implements Native {
    private static final List<String> BACKENDS =
            List.of("none", "reference", "native", "torch", "torchscript", "cuda", "fake");
    private static final List<String> EVENTS = List.of("none", "loaded", "swapped", "refused", "fallback", "unloaded",
            "overload", "failed", "warning", "closed");
    private static final List<String> REASONS = List.of("none", "deadline", "overload", "backend", "short");
    private static final List<String> ENGINE_OPTIONS = List.of("default_deadline_us", "devices", "queue_limit",
            "async_threads", "event_capacity", "fairness_us");
    private static final List<String> LOAD_OPTIONS = List.of("engines", "fake_script", "precision", "verify");

    private interface Body {
        void run();
    }

    /** Options by name; of a load deadline and token besides. */
    private static final class Options {
        final Map<String, String> texts = new HashMap<>();
        long deadline = Deadlines.NONE;
        FakeEngine.Flag cancel;
    }

    private record Queue(FakeEngine engine, FakeQueue queue) {}

    private record Model(FakeEngine engine, FakeEngine.Loaded loaded) {}

    private record Slot(FakeEngine engine, Deployment deployment) {}

    private record Source(Map<String, byte[]> files) {}

    private final FakeMemory memory = new FakeMemory();
    private final Map<Long, Object> objects = new ConcurrentHashMap<>();
    private final Map<Long, byte[]> texts = new ConcurrentHashMap<>();
    private final Map<String, Long> names = new ConcurrentHashMap<>();
    private final AtomicLong tokens = new AtomicLong();

    @Override
    public String access() {
        return "fake";
    }

    @Override
    public long address(ByteBuffer buffer) {
        return memory.address(buffer);
    }

    @Override
    public byte[] bytes(long address, long size) {
        byte[] text = texts.get(address);
        return text != null ? text : memory.at(address).bytes(0, (int) size);
    }

    // What every function has in common.

    private int call(long error, Body body) {
        try {
            body.run();
            return Status.OK.code();
        } catch (FakeFailure failure) {
            return fail(memory.at(error), failure);
        }
    }

    private static int fail(Place error, FakeFailure failure) {
        error.put(Layout.ERROR_CODE, failure.code).put(Layout.ERROR_FEATURE, failure.feature)
                .put(Layout.ERROR_ROW, failure.status() == Status.INVALID_INPUT ? 0L : -1L)
                .put(Layout.ERROR_MESSAGE, 256, failure.getMessage());
        return failure.code;
    }

    private int unsupported(String what, long error) {
        return call(error, () -> {
            throw new FakeFailure(Status.BACKEND_UNAVAILABLE, "the fake has no " + what);
        });
    }

    private <T> T get(Class<T> type, long token) {
        Object found = objects.get(token);
        if (type.isInstance(found)) return type.cast(found);
        throw new FakeFailure(Status.INVALID_HANDLE, "the " + type.getSimpleName() + " was freed");
    }

    private int make(long out, long error, java.util.function.Supplier<Object> made) {
        return call(error, () -> {
            Object object = made.get();
            long token = tokens.incrementAndGet();
            objects.put(token, object);
            memory.at(out).put(0, token);
        });
    }

    private int text(long out, long error, java.util.function.Supplier<String> made) {
        return call(error, () -> {
            byte[] text = made.get().getBytes(StandardCharsets.UTF_8);
            long token = -tokens.incrementAndGet();
            texts.put(token, text);
            memory.at(out).put(0, token);
        });
    }

    private long name(String name) {
        return names.computeIfAbsent(name, text -> {
            long token = -tokens.incrementAndGet();
            texts.put(token, text.getBytes(StandardCharsets.UTF_8));
            return token;
        });
    }

    private long name(List<String> of, int number) {
        return name(number < 0 || number >= of.size() ? "?" : of.get(number));
    }

    private void free(long token) {
        objects.remove(token);
    }

    // The library.

    @Override
    public int abiVersion() {
        return Layout.ABI_VERSION;
    }

    @Override
    public int abiMinor() {
        return Layout.ABI_MINOR;
    }

    @Override
    public long version() {
        return name(Version.TEXT);
    }

    @Override
    public long nowNs() {
        return System.nanoTime();
    }

    @Override
    public int systemInfo(long out, long err) {
        return text(out, err, () -> "{\"fake\": true}");
    }

    @Override
    public long statusName(int status) {
        Status found = Status.of(status);
        return name(found == Status.UNKNOWN ? "WB_UNKNOWN" : "WB_" + found);
    }

    @Override
    public long backendName(int backend) {
        return name(BACKENDS, backend);
    }

    @Override
    public long precisionName(int precision) {
        return name(precision == 0 ? "none" : precision == FakeEngine.PRECISION_FAKE ? "fake" : "?");
    }

    @Override
    public long reasonName(int reason) {
        return name(REASONS, reason);
    }

    @Override
    public long eventName(int event) {
        return name(EVENTS, event);
    }

    @Override
    public long typeName(int type) {
        return name(FakeSchema.TYPES, type);
    }

    @Override
    public long textData(long text) {
        return text;
    }

    @Override
    public long textSize(long text) {
        return texts.get(text).length;
    }

    @Override
    public void textFree(long text) {
        texts.remove(text);
    }

    // Options.

    private int set(long options, List<String> known, long name, long text, long err) {
        return call(err, () -> {
            String option = memory.at(name).text();
            if (!known.contains(option))
                throw new FakeFailure(Status.NOT_FOUND, "there is no option '" + option + "'; there are: " + known);
            get(Options.class, options).texts.put(option, memory.at(text).text());
        });
    }

    private int describe(long out, List<String> known, int index, long err) {
        return call(err, () -> {
            if (index >= known.size()) throw new FakeFailure(Status.NOT_FOUND, "no more options");
            memory.at(out).put(Layout.OPTION_INFO_NAME, 64, known.get(index))
                    .put(Layout.OPTION_INFO_FORM, 128, "text").put(Layout.OPTION_INFO_INITIAL, 64, "")
                    .put(Layout.OPTION_INFO_HELP, 256, "as the library's");
        });
    }

    @Override
    public int engineOptionsCreate(long out, long err) {
        return make(out, err, Options::new);
    }

    @Override
    public int engineOptionsDescribe(long out, int index, long err) {
        return describe(out, ENGINE_OPTIONS, index, err);
    }

    @Override
    public void engineOptionsFree(long options) {
        free(options);
    }

    @Override
    public int engineOptionsSet(long options, long name, long text, long err) {
        return set(options, ENGINE_OPTIONS, name, text, err);
    }

    @Override
    public int loadOptionsCreate(long out, long err) {
        return make(out, err, Options::new);
    }

    @Override
    public int loadOptionsDescribe(long out, int index, long err) {
        return describe(out, LOAD_OPTIONS, index, err);
    }

    @Override
    public void loadOptionsFree(long options) {
        free(options);
    }

    @Override
    public int loadOptionsSet(long options, long name, long text, long err) {
        return set(options, LOAD_OPTIONS, name, text, err);
    }

    @Override
    public int loadOptionsSetCancel(long options, long cancel, long err) {
        return call(err, () -> get(Options.class, options).cancel = get(FakeEngine.Flag.class, cancel));
    }

    @Override
    public int loadOptionsSetDeadline(long options, long deadlineNs, long err) {
        return call(err, () -> get(Options.class, options).deadline = deadlineNs);
    }

    // Engines.

    @Override
    public int engineCreate(long out, long options, long err) {
        return make(out, err, () -> {
            String us = options == 0 ? null : get(Options.class, options).texts.get("default_deadline_us");
            if (us != null && !us.matches("[0-9]{1,15}"))
                throw FakeFailure.argument("default_deadline_us: expected microseconds, got '" + us + "'");
            return new FakeEngine(us == null ? 0 : Long.parseLong(us));
        });
    }

    @Override
    public int engineClose(long engine, long deadlineNs, long err) {
        return call(err, () -> get(FakeEngine.class, engine).close());
    }

    @Override
    public void engineFree(long engine) {
        if (objects.remove(engine) instanceof FakeEngine found) found.close();
    }

    @Override
    public int engineDefaultDeadlineUs(long out, long engine, long err) {
        return call(err, () -> memory.at(out).put(0, get(FakeEngine.class, engine).defaultDeadlineUs));
    }

    @Override
    public int engineEvents(long out, long stride, long capacity, long count, long dropped, long engine, long err) {
        return call(err, () -> {
            FakeEngine of = get(FakeEngine.class, engine);
            List<FakeEngine.Event> taken = of.takeEvents((int) capacity);
            for (int i = 0; i < taken.size(); ++i) {
                FakeEngine.Event one = taken.get(i);
                memory.at(out + i * stride).put(Layout.EVENT_EVENT, one.event()).put(Layout.EVENT_LEVEL, one.level())
                        .put(Layout.EVENT_TIME_NS, one.nanos()).put(Layout.EVENT_COUNT, 1L)
                        .put(Layout.EVENT_SLOT, 64, one.slot()).put(Layout.EVENT_VERSION, 32, one.version())
                        .put(Layout.EVENT_MESSAGE, 384, one.message());
            }
            memory.at(count).put(0, (long) taken.size());
            memory.at(dropped).put(0, of.takeDropped());
        });
    }

    @Override
    public int engineMaintain(long engine, long err) {
        return call(err, () -> get(FakeEngine.class, engine).checkOpen());
    }

    @Override
    public int engineMetrics(long out, long engine, long err) {
        return text(out, err, () -> get(FakeEngine.class, engine).metrics());
    }

    @Override
    public int engineSlots(long out, long stride, long capacity, long count, long engine, long err) {
        return call(err, () -> {
            FakeEngine of = get(FakeEngine.class, engine);
            List<Deployment> all;
            synchronized (of) {
                all = List.copyOf(of.slots.values());
            }
            memory.at(count).put(0, (long) all.size());
            if (all.size() > capacity) throw new FakeFailure(Status.BUFFER_TOO_SMALL, all.size() + " slots");
            for (int i = 0; i < all.size(); ++i) all.get(i).describe(memory.at(out + i * stride));
        });
    }

    @Override
    public int engineSnapshot(long out, long engine, long err) {
        return call(err, () -> {
            Place at = memory.at(out).put(Layout.SNAPSHOT_CONTEXTS, 1);
            long[] counts = get(FakeEngine.class, engine).figures.all();
            for (int i = 0; i < counts.length; ++i) at.put(Layout.SNAPSHOT_REQUESTS + 8 * i, counts[i]);
        });
    }

    @Override
    public int engineWork(long out, long engine, long deadlineNs, long err) {
        return call(err, () -> memory.at(out).put(0, 0L));
    }

    // Bundles, models, slots.

    private static String read(String path) {
        try {
            if (Files.isDirectory(Path.of(path)))
                throw new FakeFailure(Status.INVALID_BUNDLE,
                        path + ": expected the file that `weighbridge codegen --json` wrote, got a folder");
            return Files.readString(Path.of(path));
        } catch (IOException | java.nio.file.InvalidPathException error) {
            throw new FakeFailure(Status.IO_ERROR, path + ": " + error.getMessage());
        }
    }

    private Map.Entry<String, String> file(long source) {
        Map<String, byte[]> files = get(Source.class, source).files;
        if (files.size() != 1)
            throw new FakeFailure(Status.INVALID_BUNDLE,
                    "expected the one file that codegen wrote, got " + files.keySet());
        Map.Entry<String, byte[]> one = files.entrySet().iterator().next();
        return Map.entry(one.getKey(), new String(one.getValue(), StandardCharsets.UTF_8));
    }

    private FakeEngine.Loaded load(FakeEngine engine, String slot, String file, String text, long options) {
        Options with = options == 0 ? new Options() : get(Options.class, options);
        return engine.load(slot, file, text, with.texts, with.deadline, with.cancel);
    }

    @Override
    public int sourceCreate(long out, long err) {
        return make(out, err, () -> new Source(new LinkedHashMap<>()));
    }

    @Override
    public int sourceAddFile(long source, long name, long data, long size, long err) {
        return call(err, () -> get(Source.class, source).files.put(memory.at(name).text(),
                memory.at(data).bytes(0, (int) size)));
    }

    @Override
    public void sourceFree(long source) {
        free(source);
    }

    @Override
    public int modelLoad(long out, long engine, long path, long options, long err) {
        return make(out, err, () -> {
            FakeEngine of = get(FakeEngine.class, engine);
            String file = memory.at(path).text();
            return new Model(of, load(of, "", file, read(file), options));
        });
    }

    @Override
    public int modelLoadSource(long out, long engine, long source, long options, long err) {
        return make(out, err, () -> {
            FakeEngine of = get(FakeEngine.class, engine);
            return new Model(of, load(of, "", file(source).getKey(), file(source).getValue(), options));
        });
    }

    @Override
    public void modelFree(long model) {
        free(model);
    }

    @Override
    public int modelSchema(long out, long model, long err) {
        return make(out, err, () -> get(Model.class, model).loaded.schema());
    }

    @Override
    public int modelDescribe(long out, long model, long err) {
        return call(err, () -> {
            FakeEngine.Loaded loaded = get(Model.class, model).loaded;
            memory.at(out).put(Layout.MODEL_DESCRIPTION_BACKEND, FakeEngine.BACKEND_FAKE)
                    .put(Layout.MODEL_DESCRIPTION_PRECISION, FakeEngine.PRECISION_FAKE)
                    .put(Layout.MODEL_DESCRIPTION_CONTEXTS, 1).put(Layout.MODEL_DESCRIPTION_NAME, 64, loaded.version())
                    .put(Layout.MODEL_DESCRIPTION_VERSION, 32, loaded.version())
                    .put(Layout.MODEL_DESCRIPTION_BUNDLE_SHA256, 72, String.format("%016x", loaded.bundle()));
        });
    }

    @Override
    public int modelInfo(long out, long model, long err) {
        return text(out, err, () -> FakeJson.write(Map.of("version", get(Model.class, model).loaded.version())));
    }

    @Override
    public int slotOpen(long out, long engine, long name, int create, long err) {
        return make(out, err, () -> {
            FakeEngine of = get(FakeEngine.class, engine);
            return new Slot(of, of.slot(memory.at(name).text(), create != 0));
        });
    }

    @Override
    public void slotFree(long slot) {
        free(slot);
    }

    @Override
    public int slotLoad(long slot, long path, long options, long err) {
        return call(err, () -> {
            Slot of = get(Slot.class, slot);
            String file = memory.at(path).text();
            of.deployment.swap(load(of.engine, of.deployment.name, file, read(file), options));
        });
    }

    @Override
    public int slotLoadSource(long slot, long source, long options, long err) {
        return call(err, () -> {
            Slot of = get(Slot.class, slot);
            Map.Entry<String, String> file = file(source);
            of.deployment.swap(load(of.engine, of.deployment.name, file.getKey(), file.getValue(), options));
        });
    }

    @Override
    public int slotSwap(long slot, long model, long err) {
        return call(err, () -> get(Slot.class, slot).deployment.swap(get(Model.class, model).loaded));
    }

    @Override
    public int slotRollback(long slot, long err) {
        return call(err, () -> get(Slot.class, slot).deployment.rollback());
    }

    @Override
    public int slotForgetPrevious(long slot, long err) {
        return call(err, () -> get(Slot.class, slot).deployment.forgetPrevious());
    }

    @Override
    public int slotModel(long out, long slot, long err) {
        return make(out, err, () -> {
            Slot of = get(Slot.class, slot);
            return new Model(of.engine, of.deployment.serving().loaded());
        });
    }

    @Override
    public int slotDescribe(long out, long slot, long err) {
        return call(err, () -> get(Slot.class, slot).deployment.describe(memory.at(out)));
    }

    @Override
    public int bundleInspect(long out, long path, long err) {
        return unsupported("bundles to describe", err);
    }

    @Override
    public int bundleInspectSource(long out, long source, long err) {
        return unsupported("bundles to describe", err);
    }

    @Override
    public int bundleVerify(long out, long engine, long path, long options, long err) {
        return unsupported("bundles to verify", err);
    }

    @Override
    public int bundleVerifySource(long out, long engine, long source, long options, long err) {
        return unsupported("bundles to verify", err);
    }

    @Override
    public int bundleCompile(long out, long engine, long path, long precisions, int dumpPasses, long options,
            long err) {
        return unsupported("bundles to compile", err);
    }

    @Override
    public int bundlePack(long engine, long module, long manifest, long golden, long outDir, long err) {
        return unsupported("bundles to pack", err);
    }

    // Schemas and rows.

    @Override
    public int schemaLoad(long out, long path, long err) {
        return make(out, err, () -> schema(memory.at(path).text(), read(memory.at(path).text())));
    }

    @Override
    public int schemaLoadSource(long out, long source, long err) {
        return make(out, err, () -> schema(file(source).getKey(), file(source).getValue()));
    }

    private static FakeSchema schema(String file, String text) {
        FakeSchema made = new FakeSchema(file, text);
        FakeEngine.SCHEMAS.putIfAbsent(made.digest, made);
        return made;
    }

    @Override
    public void schemaFree(long schema) {
        free(schema);
    }

    @Override
    public int schemaDescribe(long out, long schema, long err) {
        return call(err, () -> {
            FakeSchema of = get(FakeSchema.class, schema);
            memory.at(out).put(Layout.SCHEMA_INFO_FEATURE_COUNT, of.inputs.size())
                    .put(Layout.SCHEMA_INFO_DIGEST, of.digest).put(Layout.SCHEMA_INFO_FIXED_BYTES, of.fixedBytes)
                    .put(Layout.SCHEMA_INFO_MISSING_OFFSET, Layout.ROW_HEADER_SIZEOF)
                    .put(Layout.SCHEMA_INFO_BAND_COUNT, of.bands.size());
        });
    }

    @Override
    public int schemaFeature(long out, long schema, int index, long err) {
        return call(err, () -> {
            FakeSchema of = get(FakeSchema.class, schema);
            FakeSchema.Input one = of.inputs.get(index);
            memory.at(out).put(Layout.FEATURE_INFO_TYPE, one.type())
                    .put(Layout.FEATURE_INFO_IS_SEQUENCE, one.isSequence() ? 1 : 0)
                    .put(Layout.FEATURE_INFO_REQUIRED, one.isRequired() ? 1 : 0)
                    .put(Layout.FEATURE_INFO_IS_PRIVATE, one.privacy().isEmpty() ? 0 : 1)
                    .put(Layout.FEATURE_INFO_OFFSET, of.offset(one))
                    .put(Layout.FEATURE_INFO_MONEY_EXPONENT, one.exponent())
                    .put(Layout.FEATURE_INFO_TICKS_PER_SECOND, one.ticks())
                    .put(Layout.FEATURE_INFO_NAME, 64, one.name())
                    .put(Layout.FEATURE_INFO_MINIMUM, Double.NEGATIVE_INFINITY)
                    .put(Layout.FEATURE_INFO_MAXIMUM, Double.POSITIVE_INFINITY)
                    .put(Layout.FEATURE_INFO_CURRENCY, 8, one.currency())
                    .put(Layout.FEATURE_INFO_PRIVACY, 32, one.privacy()).put(Layout.FEATURE_INFO_ZONE, 64, "");
        });
    }

    @Override
    public int schemaBand(long out, long schema, int index, long err) {
        return call(err, () -> {
            FakeSchema.Cut band = get(FakeSchema.class, schema).bands.get(index);
            memory.at(out).put(Layout.BAND_INFO_BELOW, band.below()).put(Layout.BAND_INFO_NAME, 64, band.name());
        });
    }

    @Override
    public int schemaDefaultText(long out, long schema, int index, long err) {
        return call(err, () -> {
            throw new FakeFailure(Status.NOT_FOUND, "codegen tells no defaults");
        });
    }

    @Override
    public int schemaFind(long out, long schema, long name, long err) {
        return call(err, () -> {
            FakeSchema of = get(FakeSchema.class, schema);
            FakeSchema.Input found = of.find(memory.at(name).text());
            if (found == null)
                throw new FakeFailure(Status.NOT_FOUND, "there is no feature '" + memory.at(name).text()
                        + "'; there are: " + of.inputs.stream().map(FakeSchema.Input::name).toList());
            memory.at(out).put(0, found.index());
        });
    }

    @Override
    public int schemaFindOutput(long out, long schema, long name, long err) {
        return unsupported("outputs beside the score", err);
    }

    @Override
    public int schemaOutput(long out, long schema, int index, long err) {
        return unsupported("outputs beside the score", err);
    }

    @Override
    public int schemaTensor(long out, long schema, int index, long err) {
        return unsupported("tensors", err);
    }

    @Override
    public int schemaEncode(long out, long schema, long row, int index, long buffer, long capacity, long err) {
        return unsupported("tensors", err);
    }

    @Override
    public int rowInit(long schema, long row, long capacity, long err) {
        return call(err, () -> get(FakeSchema.class, schema).init(memory.at(row), capacity));
    }

    @Override
    public int rowSetJson(long schema, long row, long json, long size, long err) {
        return call(err, () -> get(FakeSchema.class, schema).setJson(memory.at(row),
                new String(memory.at(json).bytes(0, (int) size), StandardCharsets.UTF_8)));
    }

    @Override
    public int rowGetJson(long out, long schema, long row, long err) {
        return text(out, err, () -> get(FakeSchema.class, schema).json(memory.at(row)));
    }

    // Calls.

    @Override
    public int callCreate(long out, long err) {
        return make(out, err, FakeEngine.CallOptions::new);
    }

    @Override
    public void callFree(long call) {
        free(call);
    }

    @Override
    public int callSetCancel(long call, long cancel, long err) {
        return call(err, () -> get(FakeEngine.CallOptions.class, call).cancel =
                cancel == 0 ? null : get(FakeEngine.Flag.class, cancel));
    }

    @Override
    public int callSetFallback(long call, int accept, long err) {
        return call(err, () -> get(FakeEngine.CallOptions.class, call).fallback = accept != 0);
    }

    @Override
    public int callSetOutput(long call, int index, long buffer, long capacity, long err) {
        return unsupported("outputs beside the score", err);
    }

    @Override
    public int callSetPriority(long call, int priority, long err) {
        return call(err, () -> get(FakeEngine.CallOptions.class, call));
    }

    @Override
    public int callSetWait(long call, int wait, long err) {
        return call(err, () -> get(FakeEngine.CallOptions.class, call).wait = wait != 0);
    }

    @Override
    public int cancelCreate(long out, long err) {
        return make(out, err, FakeEngine.Flag::new);
    }

    @Override
    public void cancelFree(long cancel) {
        free(cancel);
    }

    @Override
    public int cancelSet(long cancel, int set, long err) {
        return call(err, () -> get(FakeEngine.Flag.class, cancel).set = set != 0);
    }

    private FakeEngine.CallOptions options(long call) {
        return call == 0 ? null : get(FakeEngine.CallOptions.class, call);
    }

    private Serving ofModel(Model model) {
        return new Serving(model.loaded, null);
    }

    private int score(long out, FakeEngine engine, Serving serving, long row, long deadline, long call, long err) {
        int[] status = {0};
        int failed = call(err, () -> {
            FakeEngine.CallOptions with = options(call);
            // A call that is not to wait goes to the queue where runs take time, as where all contexts are taken.
            if (with != null && !with.wait && !serving.loaded().script().isInstant())
                throw new FakeFailure(Status.WOULD_WAIT, "the script's runs take time");
            Map<String, Object> values = FakeEngine.values(memory.at(row), serving.loaded().schema());
            FakeEngine.Answer answer = engine.score(serving, values, null, deadline, with, null);
            answer.write(memory.at(out));
            status[0] = answer.status();
        });
        return failed < 0 ? failed : status[0];
    }

    @Override
    public int modelScore(long out, long model, long row, long deadlineNs, long call, long err) {
        return scored(err, () -> {
            Model of = get(Model.class, model);
            return score(out, of.engine, ofModel(of), row, deadlineNs, call, err);
        });
    }

    @Override
    public int slotScore(long out, long slot, long row, long deadlineNs, long call, long err) {
        return scored(err, () -> {
            Slot of = get(Slot.class, slot);
            return score(out, of.engine, of.deployment.serving(), row, deadlineNs, call, err);
        });
    }

    /** Runs what gives a status of its own. */
    private int scored(long err, java.util.function.IntSupplier body) {
        int[] status = {0};
        int failed = call(err, () -> status[0] = body.getAsInt());
        return failed < 0 ? failed : status[0];
    }

    // Batches.

    @Override
    public int batchCreate(long out, long schema, long err) {
        return make(out, err, () -> new FakeBatch(memory, get(FakeSchema.class, schema)));
    }

    @Override
    public void batchFree(long batch) {
        free(batch);
    }

    @Override
    public int batchReset(long batch, long rows, long err) {
        return call(err, () -> get(FakeBatch.class, batch).reset(rows));
    }

    @Override
    public int batchCopy(long out, long batch, long err) {
        return make(out, err, () -> get(FakeBatch.class, batch).copy());
    }

    @Override
    public int batchCheck(long batch, long row, long err) {
        return call(err, () -> get(FakeBatch.class, batch).check(row));
    }

    @Override
    public int batchSetArrowRows(long batch, long type, long array, long err) {
        return unsupported("Arrow record batches", err);
    }

    @Override
    public int batchSetColumnAs(long batch, int feature, int elementType, long data, long stride, long validity,
            long validityOffset, long err) {
        return call(err, () -> get(FakeBatch.class, batch).column(feature, elementType, data, stride, validity,
                validityOffset));
    }

    @Override
    public int batchSetOutput(long batch, int index, long data, long stride, long err) {
        return unsupported("outputs beside the score", err);
    }

    @Override
    public int batchSetResult(long batch, int column, long data, long stride, long err) {
        return call(err, () -> get(FakeBatch.class, batch).result(column, data, stride));
    }

    @Override
    public int batchSetRows(long batch, long rows, long stride, long err) {
        return call(err, () -> get(FakeBatch.class, batch).place(rows, stride));
    }

    @Override
    public int batchSetWindow(long batch, long first, long rows, long err) {
        return call(err, () -> get(FakeBatch.class, batch).window(first, rows));
    }

    private int scoreBatch(long out, FakeEngine engine, Serving serving, long batch, long deadline, long call,
            long err) {
        FakeBatch.Outcome outcome =
                get(FakeBatch.class, batch).score(engine, serving, deadline, options(call), null);
        outcome.write(memory.at(out));
        if (outcome.failure() != null) fail(memory.at(err), outcome.failure());
        return outcome.status();
    }

    @Override
    public int modelScoreBatch(long out, long model, long batch, long deadlineNs, long call, long err) {
        return scored(err, () -> {
            Model of = get(Model.class, model);
            return scoreBatch(out, of.engine, ofModel(of), batch, deadlineNs, call, err);
        });
    }

    @Override
    public int slotScoreBatch(long out, long slot, long batch, long deadlineNs, long call, long err) {
        return scored(err, () -> {
            Slot of = get(Slot.class, slot);
            return scoreBatch(out, of.engine, of.deployment.serving(), batch, deadlineNs, call, err);
        });
    }

    // Queues.

    @Override
    public int queueCreate(long out, long engine, int capacity, long err) {
        return make(out, err, () -> {
            FakeEngine of = get(FakeEngine.class, engine);
            FakeQueue made = new FakeQueue();
            synchronized (of.queues) {
                of.queues.add(made);
            }
            return new Queue(of, made);
        });
    }

    @Override
    public void queueFree(long queue) {
        if (objects.remove(queue) instanceof Queue found) found.queue.end();
    }

    @Override
    public int queueClose(long queue, long deadlineNs, long err) {
        return call(err, () -> get(Queue.class, queue).queue.end());
    }

    @Override
    public int queueCancel(long queue, long tag, long err) {
        return call(err, () -> get(Queue.class, queue).queue.cancel(tag));
    }

    @Override
    public int queueNext(long out, long stride, long capacity, long count, long queue, long deadlineNs, long err) {
        return call(err, () -> {
            int taken = get(Queue.class, queue).queue.next(memory.at(out), stride, capacity);
            memory.at(count).put(0, (long) taken);
        });
    }

    private static FakeQueue.Completion failed(FakeFailure failure) {
        return at -> {
            at.put(Layout.COMPLETION_STATUS, failure.code);
            fail(new Place(at.buffer(), at.at() + Layout.COMPLETION_ERROR), failure);
        };
    }

    private int submit(long queue, long tag, FakeEngine engine, Serving serving, long row, long deadline, long call) {
        FakeEngine.CallOptions with = options(call);
        // Read now: the row is the caller's again.
        Map<String, Object> values = FakeEngine.values(memory.at(row), serving.loaded().schema());
        get(Queue.class, queue).queue.submit(tag, token -> {
            try {
                FakeEngine.Answer answer = engine.score(serving, values, null, deadline, with, token);
                return at -> {
                    at.put(Layout.COMPLETION_STATUS, answer.status());
                    answer.write(new Place(at.buffer(), at.at() + Layout.COMPLETION_RESULT));
                };
            } catch (FakeFailure failure) {
                return failed(failure);
            }
        });
        return Status.OK.code();
    }

    @Override
    public int modelSubmit(long queue, long tag, long model, long row, long deadlineNs, long call, long err) {
        return scored(err, () -> {
            Model of = get(Model.class, model);
            return submit(queue, tag, of.engine, ofModel(of), row, deadlineNs, call);
        });
    }

    @Override
    public int slotSubmit(long queue, long tag, long slot, long row, long deadlineNs, long call, long err) {
        return scored(err, () -> {
            Slot of = get(Slot.class, slot);
            return submit(queue, tag, of.engine, of.deployment.serving(), row, deadlineNs, call);
        });
    }

    private int submitBatch(long out, long queue, long tag, FakeEngine engine, Serving serving, long batch,
            long deadline, long call) {
        FakeEngine.CallOptions with = options(call);
        // The window as it is now: the caller may set the next one.
        FakeBatch window = get(FakeBatch.class, batch).copy();
        Place result = memory.at(out);
        get(Queue.class, queue).queue.submit(tag, token -> {
            try {
                FakeBatch.Outcome outcome = window.score(engine, serving, deadline, with, token);
                return at -> {
                    outcome.write(result);
                    at.put(Layout.COMPLETION_STATUS, outcome.status());
                    if (outcome.failure() != null)
                        fail(new Place(at.buffer(), at.at() + Layout.COMPLETION_ERROR), outcome.failure());
                };
            } catch (FakeFailure failure) {
                return failed(failure);
            }
        });
        return Status.OK.code();
    }

    @Override
    public int modelSubmitBatch(long out, long queue, long tag, long model, long batch, long deadlineNs, long call,
            long err) {
        return scored(err, () -> {
            Model of = get(Model.class, model);
            return submitBatch(out, queue, tag, of.engine, ofModel(of), batch, deadlineNs, call);
        });
    }

    @Override
    public int slotSubmitBatch(long out, long queue, long tag, long slot, long batch, long deadlineNs, long call,
            long err) {
        return scored(err, () -> {
            Slot of = get(Slot.class, slot);
            return submitBatch(out, queue, tag, of.engine, of.deployment.serving(), batch, deadlineNs, call);
        });
    }
}
