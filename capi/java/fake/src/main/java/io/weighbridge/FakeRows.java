// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.nio.charset.StandardCharsets;

/** The functions on schemas and rows. */
abstract class FakeRows extends FakeBundles {
    @Override
    public int schemaLoad(long out, long path, long err) {
        return make(out, err, () -> schema(memory.at(path).text(), read(memory.at(path).text())));
    }

    @Override
    public int schemaLoadSource(long out, long source, long err) {
        return make(out, err, () -> schema(file(source).getKey(), file(source).getValue()));
    }

    static FakeSchema schema(String file, String text) {
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
}
