// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.lang.ref.Reference;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The ordered, typed list of a payment's features. Immutable, for any number of threads; needs no closing.
 *
 * @since 0.2
 */
public final class Schema {
    /**
     * One output of the model, or one tensor that the encoder makes.
     *
     * @param name its name
     * @param shape sizes; -1 is the batch, -2 the length of the row's sequences, -3 the tokens of its text
     * @since 0.2
     */
    public record Tensor(String name, List<Long> shape) {}

    /**
     * A decision band: the probabilities from the band before it up to its own end.
     *
     * @param name such as "review"
     * @param below its end; infinity for the last one
     * @since 0.2
     */
    public record Band(String name, double below) {}

    final Handle handle;
    final long digest;
    final int fixedBytes;
    private final List<Feature> features;
    private final Map<String, Feature> byName;
    private final List<Band> bands;
    private final List<Tensor> outputs;
    private final List<Tensor> tensors;
    /** The first bytes of an empty row, its capacity apart. */
    private final byte[] empty;
    private final int primaryOutput;

    Schema(long token) {
        handle = Handle.of(this, Handle.Kind.SCHEMA, token);
        Native library = Library.get();
        Frame info = new Frame(Layout.SCHEMA_INFO_SIZEOF);
        info.check(library.schemaDescribe(info.out(), token, info.error()));
        digest = info.outLong(Layout.SCHEMA_INFO_DIGEST);
        fixedBytes = info.outInt(Layout.SCHEMA_INFO_FIXED_BYTES);
        primaryOutput = info.outInt(Layout.SCHEMA_INFO_PRIMARY_OUTPUT);
        List<Feature> all = new ArrayList<>();
        Map<String, Feature> names = new HashMap<>();
        Frame one = new Frame(Layout.FEATURE_INFO_SIZEOF);
        for (int i = 0; i < info.outInt(Layout.SCHEMA_INFO_FEATURE_COUNT); ++i) {
            all.add(new Feature(one, token, i, digest, info.outInt(Layout.SCHEMA_INFO_MISSING_OFFSET)));
            names.put(all.get(i).name(), all.get(i));
        }
        features = List.copyOf(all);
        byName = names;
        bands = readBands(token, info.outInt(Layout.SCHEMA_INFO_BAND_COUNT));
        outputs = readTensors(info.outInt(Layout.SCHEMA_INFO_OUTPUT_COUNT), library::schemaOutput);
        tensors = readTensors(info.outInt(Layout.SCHEMA_INFO_TENSOR_COUNT), library::schemaTensor);
        Frame row = new Frame(fixedBytes);
        row.check(library.rowInit(token, row.out(), fixedBytes, row.error()));
        empty = new byte[fixedBytes];
        row.memory.get(row.memory.capacity() - fixedBytes, empty);
    }

    /**
     * Reads the schema of a bundle, without its model: enough to fill rows. The folder may be a draft that holds only
     * manifest.json and the vocabularies that it names.
     *
     * @param bundle the bundle's folder
     * @return the schema
     */
    public static Schema load(Path bundle) {
        Frame frame = new Frame(8, Frame.path(bundle));
        frame.check(frame.library.schemaLoad(frame.out(), frame.text(0), frame.error()));
        return new Schema(frame.outToken());
    }

    /**
     * {@link #load(Path)} for a bundle in memory.
     *
     * @param bundle its files
     * @return the schema
     */
    public static Schema load(BundleSource bundle) {
        Frame frame = new Frame(8);
        frame.check(frame.library.schemaLoadSource(frame.out(), bundle.handle.token(), frame.error()));
        Reference.reachabilityFence(bundle);
        return new Schema(frame.outToken());
    }

    private interface ReadTensor {
        int at(long out, long schema, int index, long error);
    }

    private List<Tensor> readTensors(int count, ReadTensor read) {
        List<Tensor> all = new ArrayList<>();
        for (int i = 0; i < count; ++i) {
            Frame frame = new Frame(this, Layout.TENSOR_INFO_SIZEOF);
            frame.check(read.at(frame.out(), handle.token(), i, frame.error()));
            List<Long> shape = new ArrayList<>();
            for (int k = 0; k < frame.outInt(Layout.TENSOR_INFO_RANK); ++k)
                shape.add(frame.outLong(Layout.TENSOR_INFO_SHAPE + 8 * k));
            all.add(new Tensor(frame.outChars(Layout.TENSOR_INFO_NAME, 64), List.copyOf(shape)));
        }
        return List.copyOf(all);
    }

    private static List<Band> readBands(long token, int count) {
        List<Band> all = new ArrayList<>();
        for (int i = 0; i < count; ++i) {
            Frame frame = new Frame(Layout.BAND_INFO_SIZEOF);
            frame.check(frame.library.schemaBand(frame.out(), token, i, frame.error()));
            all.add(new Band(frame.outChars(Layout.BAND_INFO_NAME, 64), frame.outDouble(Layout.BAND_INFO_BELOW)));
        }
        return List.copyOf(all);
    }

    byte[] empty() {
        return empty;
    }

    /**
     * The features, in order.
     *
     * @return an immutable list
     */
    public List<Feature> features() {
        return features;
    }

    /**
     * The feature of a name.
     *
     * @param name as the manifest has it
     * @return the feature
     * @throws NotFoundException where there is none; the message has the nearest names
     */
    public Feature feature(String name) {
        Feature feature = byName.get(name);
        if (feature != null) return feature;
        Frame frame = new Frame(this, 8, name);
        frame.check(frame.library.schemaFind(frame.out(), handle.token(), frame.text(0), frame.error()));
        throw new NotFoundException("no feature '" + name + "'"); // the library has found what the map lacks
    }

    /** The feature of a name, or null. */
    Feature find(String name) {
        return byName.get(name);
    }

    /**
     * The decision bands, from the least probabilities on.
     *
     * @return an immutable list, empty where the bundle has none
     */
    public List<Band> bands() {
        return bands;
    }

    /**
     * The model's outputs.
     *
     * @return an immutable list
     */
    public List<Tensor> outputs() {
        return outputs;
    }

    /**
     * The index of an output.
     *
     * @param name as the manifest has it
     * @return its place in {@link #outputs()}
     * @throws NotFoundException where there is none
     */
    public int output(String name) {
        Frame frame = new Frame(this, 8, name);
        frame.check(frame.library.schemaFindOutput(frame.out(), handle.token(), frame.text(0), frame.error()));
        return frame.outInt(0);
    }

    /**
     * The output that gives the score.
     *
     * @return its index
     */
    public int primaryOutput() {
        return primaryOutput;
    }

    /**
     * The tensors that the encoder makes for the model.
     *
     * @return an immutable list
     */
    public List<Tensor> tensors() {
        return tensors;
    }

    /**
     * The digest of names, types, units, currencies and layout: rows fit all schemas with the same number.
     *
     * @return the digest
     */
    public long digest() {
        return digest;
    }

    /**
     * What a missing text or category becomes.
     *
     * @param feature a feature of this schema
     * @return the text; null where the feature is required or holds no text
     */
    public String defaultText(Feature feature) {
        if (feature.digest != digest)
            throw new SchemaException(Status.SCHEMA_MISMATCH.code(), "a feature of another schema than this");
        Frame frame = new Frame(this, 8);
        int status = frame.library.schemaDefaultText(frame.out(), handle.token(), feature.index(), frame.error());
        if (status == Status.NOT_FOUND.code()) return null;
        frame.check(status, this);
        return frame.takeText();
    }

    /**
     * An empty row, for one thread at a time, to be used again and again.
     *
     * @return a row in which every feature is missing
     */
    public Row newRow() {
        return newRow(Row.FIRST_TAIL);
    }

    /**
     * An empty row with room for texts and sequences of some length, beyond which it grows.
     *
     * @param tailBytes room to begin with
     * @return a row in which every feature is missing
     */
    public Row newRow(int tailBytes) {
        return new Row(this, tailBytes);
    }

    @Override
    public String toString() {
        return "Schema" + features;
    }
}
