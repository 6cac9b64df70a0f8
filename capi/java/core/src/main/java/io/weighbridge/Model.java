// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.lang.ref.Reference;

/**
 * One loaded version of a bundle. Thread-safe.
 *
 * @since 0.2
 */
public final class Model extends Scorer {
    /**
     * What was loaded and what runs it.
     *
     * @param name the bundle's name
     * @param version the bundle's version
     * @param backend such as "native"
     * @param precision such as "fp32"
     * @param numerics as {@link Result#numerics()}
     * @param contexts contexts of the engine
     * @param weightBytes weights and tables, shared by the contexts
     * @param contextBytes memory of one context
     * @param notAfter end of its approval, in seconds since 1970-01-01 UTC; 0 where the bundle states none
     * @param bundleSha256 of manifest.json, which has the digests of all other files
     * @param planSha256 of model.plan; "" where no plan runs
     * @param signedBy whose signatures were checked, by role and key; "" for nobody's
     * @since 0.2
     */
    public record Info(String name, String version, String backend, String precision, int numerics, int contexts,
            long weightBytes, long contextBytes, long notAfter, String bundleSha256, String planSha256,
            String signedBy) {}

    private final Schema schema;

    Model(Weighbridge engine, long token) {
        super(engine, Handle.Kind.MODEL, token);
        schema = schemaOf(token);
    }

    static Schema schemaOf(long model) {
        Frame frame = new Frame(8);
        frame.check(frame.library.modelSchema(frame.out(), model, frame.error()));
        return new Schema(frame.outToken());
    }

    @Override
    public Schema schema() {
        return schema;
    }

    /**
     * What was loaded and what runs it.
     *
     * @return a snapshot
     */
    public Info info() {
        Frame frame = new Frame(this, Layout.MODEL_DESCRIPTION_SIZEOF);
        frame.check(library.modelDescribe(frame.out(), handle.token(), frame.error()));
        return new Info(frame.outChars(Layout.MODEL_DESCRIPTION_NAME, 64),
                frame.outChars(Layout.MODEL_DESCRIPTION_VERSION, 32),
                Names.backend(frame.outInt(Layout.MODEL_DESCRIPTION_BACKEND)),
                Names.precision(frame.outInt(Layout.MODEL_DESCRIPTION_PRECISION)),
                frame.outInt(Layout.MODEL_DESCRIPTION_NUMERICS), frame.outInt(Layout.MODEL_DESCRIPTION_CONTEXTS),
                frame.outLong(Layout.MODEL_DESCRIPTION_WEIGHT_BYTES),
                frame.outLong(Layout.MODEL_DESCRIPTION_CONTEXT_BYTES),
                frame.outLong(Layout.MODEL_DESCRIPTION_NOT_AFTER_S),
                frame.outChars(Layout.MODEL_DESCRIPTION_BUNDLE_SHA256, 72),
                frame.outChars(Layout.MODEL_DESCRIPTION_PLAN_SHA256, 72),
                frame.outChars(Layout.MODEL_DESCRIPTION_SIGNED_BY, 256));
    }

    /**
     * The same and more, as the C ABI gives it.
     *
     * @return a JSON object
     */
    public String describe() {
        Frame frame = new Frame(this, 8);
        frame.check(library.modelInfo(frame.out(), handle.token(), frame.error()));
        Reference.reachabilityFence(this);
        return frame.takeText();
    }

    @Override
    int score(long out, long row, long deadline, long call, long error) {
        return library.modelScore(out, handle.token(), row, deadline, call, error);
    }

    @Override
    int scoreBatch(long out, long batch, long deadline, long call, long error) {
        return library.modelScoreBatch(out, handle.token(), batch, deadline, call, error);
    }

    @Override
    int submit(long queue, long tag, long row, long deadline, long call, long error) {
        return library.modelSubmit(queue, tag, handle.token(), row, deadline, call, error);
    }

    @Override
    int submitBatch(long out, long queue, long tag, long batch, long deadline, long call, long error) {
        return library.modelSubmitBatch(out, queue, tag, handle.token(), batch, deadline, call, error);
    }
}
