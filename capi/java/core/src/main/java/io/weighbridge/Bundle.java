// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.lang.ref.Reference;
import java.nio.file.Path;

/**
 * What can be done with a bundle's folder without serving it. Reports are JSON, as the C ABI gives them.
 *
 * @since 0.2
 */
public final class Bundle {
    private Bundle() {}

    /**
     * What a bundle says of itself, after its manifest and digests were checked. No model is run.
     *
     * @param bundle the folder
     * @return a JSON object: identity, features, tensors, outputs, limits, files, schema digest, warnings, precisions
     */
    public static String describe(Path bundle) {
        Frame frame = new Frame(8, Frame.path(bundle));
        frame.check(frame.library.bundleInspect(frame.out(), frame.text(0), frame.error()));
        return frame.takeText();
    }

    /**
     * {@link #describe(Path)} for a bundle in memory.
     *
     * @param bundle its files
     * @return a JSON object
     */
    public static String describe(BundleSource bundle) {
        Frame frame = new Frame(8);
        frame.check(frame.library.bundleInspectSource(frame.out(), bundle.handle.token(), frame.error()));
        Reference.reachabilityFence(bundle);
        return frame.takeText();
    }

    /**
     * The schema of a bundle; as {@link Schema#load(Path)}.
     *
     * @param bundle the folder
     * @return the schema
     */
    public static Schema schema(Path bundle) {
        return Schema.load(bundle);
    }

    /**
     * Checks digests and manifest, loads the model, and reproduces the golden vectors.
     *
     * @param engine where the model runs
     * @param bundle the folder
     * @param options how it is loaded; null for defaults
     * @return the report
     * @throws ReportException where they do not reproduce; it has the report
     */
    public static String verify(Weighbridge engine, Path bundle, LoadOptions options) {
        Frame frame = new Frame(8, Frame.path(bundle));
        return report(frame, LoadOptions.during(options, o -> frame.library.bundleVerify(frame.out(),
                engine.handle.token(), frame.text(0), o, frame.error())), engine);
    }

    /**
     * {@link #verify(Weighbridge, Path, LoadOptions)} for a bundle in memory.
     *
     * @param engine where the model runs
     * @param bundle its files
     * @param options how it is loaded; null for defaults
     * @return the report
     */
    public static String verify(Weighbridge engine, BundleSource bundle, LoadOptions options) {
        Frame frame = new Frame(8);
        return report(frame, LoadOptions.during(options, o -> frame.library.bundleVerifySource(frame.out(),
                engine.handle.token(), bundle.handle.token(), o, frame.error())), engine);
    }

    /**
     * Compiles a bundle's TorchScript to model.plan, in place. Needs the LibTorch plug-in.
     *
     * @param engine with a LibTorch plug-in
     * @param bundle the folder
     * @param precisions such as "fp32,int8"; null for fp32
     * @param options for deadline and token alone; null for neither
     * @return the report
     */
    public static String compile(Weighbridge engine, Path bundle, String precisions, LoadOptions options) {
        Frame frame = new Frame(8, Frame.path(bundle), precisions);
        return report(frame, LoadOptions.during(options, o -> frame.library.bundleCompile(frame.out(),
                engine.handle.token(), frame.text(0), frame.text(1), 0, o, frame.error())), engine);
    }

    /**
     * Makes a bundle's folder from its parts.
     *
     * @param engine where golden outputs are computed
     * @param module model.ts, a TorchScript file
     * @param manifest manifest.json
     * @param golden golden.jsonl; null to generate vectors, which needs the LibTorch plug-in
     * @param folder to make; must not exist, or be empty
     */
    public static void pack(Weighbridge engine, Path module, Path manifest, Path golden, Path folder) {
        Frame frame = new Frame(8, Frame.path(module), Frame.path(manifest),
                golden == null ? null : Frame.path(golden), Frame.path(folder));
        frame.check(frame.library.bundlePack(engine.handle.token(), frame.text(0), frame.text(1), frame.text(2),
                frame.text(3), frame.error()));
        Reference.reachabilityFence(engine);
    }

    private static String report(Frame frame, int status, Weighbridge engine) {
        Reference.reachabilityFence(engine);
        String report = frame.takeText();
        if (status < 0 && report != null) {
            WeighbridgeException why = Frame.failure(frame.memory, 0, status, null);
            throw new ReportException(status, why.getMessage(), report);
        }
        frame.check(status);
        return report;
    }
}
