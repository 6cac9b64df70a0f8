// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/**
 * A named deployment, such as "champion": it points at a model, which can be swapped under load. Thread-safe.
 *
 * @since 0.2
 */
public final class Slot extends Scorer {
    /**
     * A slot, and what its serving version has done in it.
     *
     * @param name the slot's name
     * @param version of the serving bundle; "" where the slot is empty
     * @param previousVersion of the bundle that a rollback would bring back; "" where there is none
     * @param generation swaps and rollbacks of the slot
     * @param sinceNanos of the last of them, as System.nanoTime()
     * @param requests calls that were answered or failed
     * @param rows rows scored by the model
     * @param fallbacks rows answered by its fallback
     * @param overloaded calls shed
     * @param expired calls that met their deadline without a model's answer
     * @param invalid rows refused for their values
     * @param failed calls that failed otherwise
     * @param p50Nanos the median latency
     * @param p90Nanos the 90th percentile
     * @param p99Nanos the 99th percentile
     * @param p999Nanos the 99.9th percentile
     * @param maxNanos the longest
     * @since 0.2
     */
    public record Info(String name, String version, String previousVersion, long generation, long sinceNanos,
            long requests, long rows, long fallbacks, long overloaded, long expired, long invalid, long failed,
            long p50Nanos, long p90Nanos, long p99Nanos, long p999Nanos, long maxNanos) {
        static Info read(ByteBuffer at, int o) {
            return new Info(Frame.chars(at, o + Layout.SLOT_INFO_NAME, 64),
                    Frame.chars(at, o + Layout.SLOT_INFO_VERSION, 32),
                    Frame.chars(at, o + Layout.SLOT_INFO_PREVIOUS_VERSION, 32),
                    at.getLong(o + Layout.SLOT_INFO_GENERATION), at.getLong(o + Layout.SLOT_INFO_SINCE_NS),
                    at.getLong(o + Layout.SLOT_INFO_REQUESTS), at.getLong(o + Layout.SLOT_INFO_ROWS),
                    at.getLong(o + Layout.SLOT_INFO_FALLBACKS), at.getLong(o + Layout.SLOT_INFO_OVERLOADED),
                    at.getLong(o + Layout.SLOT_INFO_EXPIRED), at.getLong(o + Layout.SLOT_INFO_INVALID),
                    at.getLong(o + Layout.SLOT_INFO_FAILED), at.getLong(o + Layout.SLOT_INFO_LATENCY_P50_NS),
                    at.getLong(o + Layout.SLOT_INFO_LATENCY_P90_NS), at.getLong(o + Layout.SLOT_INFO_LATENCY_P99_NS),
                    at.getLong(o + Layout.SLOT_INFO_LATENCY_P999_NS), at.getLong(o + Layout.SLOT_INFO_LATENCY_MAX_NS));
        }
    }

    /** The schema that was read last, and the bundle whose it is. */
    private record Read(long bundle, Schema schema) {}

    private volatile Read last;

    Slot(Weighbridge engine, long token) {
        super(engine, Handle.Kind.SLOT, token);
    }

    /**
     * Loads a bundle beside the serving model, then swaps it in. The previous model is kept for a rollback; on error
     * the slot serves what it served before.
     *
     * @param bundle the folder
     * @return this
     */
    public Slot load(Path bundle) {
        return load(bundle, null);
    }

    /**
     * {@link #load(Path)} with options.
     *
     * @param bundle the folder
     * @param options how it is loaded; null for defaults
     * @return this
     */
    public Slot load(Path bundle, LoadOptions options) {
        Frame frame = new Frame(this, 8, Frame.path(bundle));
        frame.check(LoadOptions.during(options,
                o -> library.slotLoad(handle.token(), frame.text(0), o, frame.error())));
        return this;
    }

    /**
     * {@link #load(Path)} for a bundle in memory.
     *
     * @param bundle its files
     * @param options how it is loaded; null for defaults
     * @return this
     */
    public Slot load(BundleSource bundle, LoadOptions options) {
        Frame frame = new Frame(this, 8);
        frame.check(LoadOptions.during(options,
                o -> library.slotLoadSource(handle.token(), bundle.handle.token(), o, frame.error())));
        Reference.reachabilityFence(bundle);
        return this;
    }

    /**
     * Points the slot at a loaded model of the same engine.
     *
     * @param model what serves from now on
     * @return this
     * @throws SchemaException where callers of the slot would not survive it
     */
    public Slot swap(Model model) {
        Frame frame = new Frame(this, 8);
        frame.check(library.slotSwap(handle.token(), model.handle.token(), frame.error()));
        Reference.reachabilityFence(model);
        return this;
    }

    /**
     * Points the slot back at the model before the last swap; a second call swaps forward again.
     *
     * @return this
     * @throws NotLoadedException where there is none
     */
    public Slot rollback() {
        Frame frame = new Frame(this, 8);
        frame.check(library.slotRollback(handle.token(), frame.error()));
        return this;
    }

    /**
     * Lets go of the model before the last swap, and of its memory.
     *
     * @return this
     */
    public Slot forgetPrevious() {
        Frame frame = new Frame(this, 8);
        frame.check(library.slotForgetPrevious(handle.token(), frame.error()));
        return this;
    }

    /**
     * The serving model, to be closed.
     *
     * @return a model of its own life
     * @throws NotLoadedException where the slot is empty
     */
    public Model model() {
        Frame frame = new Frame(this, 8);
        frame.check(library.slotModel(frame.out(), handle.token(), frame.error()));
        return new Model(engine, frame.outToken());
    }

    /** The schema of the model that serves now. Rows made for it go on fitting, whatever is swapped in. */
    @Override
    public Schema schema() {
        Frame frame = new Frame(this, Layout.SLOT_INFO_SIZEOF);
        frame.check(library.slotDescribe(frame.out(), handle.token(), frame.error()));
        long bundle = frame.outLong(Layout.SLOT_INFO_BUNDLE);
        Read read = last;
        if (read != null && read.bundle == bundle && bundle != 0) return read.schema;
        frame.check(library.slotModel(frame.out(), handle.token(), frame.error()));
        long model = frame.outToken();
        try {
            Schema schema = Model.schemaOf(model);
            last = new Read(bundleOf(model), schema); // of this model: a swap may have come between
            return schema;
        } finally {
            library.modelFree(model);
        }
    }

    /** The first eight bytes of its manifest's sha256, as wb_slot_info has them. */
    private long bundleOf(long model) {
        Frame frame = new Frame(this, Layout.MODEL_DESCRIPTION_SIZEOF);
        frame.check(library.modelDescribe(frame.out(), model, frame.error()));
        return Long.parseUnsignedLong(frame.outChars(Layout.MODEL_DESCRIPTION_BUNDLE_SHA256, 72).substring(0, 16), 16);
    }

    /**
     * What the slot serves and has done.
     *
     * @return a snapshot
     */
    public Info info() {
        Frame frame = new Frame(this, Layout.SLOT_INFO_SIZEOF);
        frame.check(library.slotDescribe(frame.out(), handle.token(), frame.error()));
        return Info.read(frame.memory, Layout.ERROR_SIZEOF);
    }

    @Override
    int score(long out, long row, long deadline, long call, long error) {
        return library.slotScore(out, handle.token(), row, deadline, call, error);
    }

    @Override
    int scoreBatch(long out, long batch, long deadline, long call, long error) {
        return library.slotScoreBatch(out, handle.token(), batch, deadline, call, error);
    }

    @Override
    int submit(long queue, long tag, long row, long deadline, long call, long error) {
        return library.slotSubmit(queue, tag, handle.token(), row, deadline, call, error);
    }

    @Override
    int submitBatch(long out, long queue, long tag, long batch, long deadline, long call, long error) {
        return library.slotSubmitBatch(out, queue, tag, handle.token(), batch, deadline, call, error);
    }
}
