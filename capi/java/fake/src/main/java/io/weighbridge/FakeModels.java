// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import io.weighbridge.FakeEngine.Deployment;
import java.util.Map;

/** The functions on models and slots. */
abstract class FakeModels extends FakeRows {
    record Model(FakeEngine engine, FakeEngine.Loaded loaded) {}

    record Slot(FakeEngine engine, Deployment deployment) {}

    FakeEngine.Loaded load(FakeEngine engine, String slot, String file, String text, long options) {
        Options with = options == 0 ? new Options() : get(Options.class, options);
        return engine.load(slot, file, text, with.texts, with.deadline, with.cancel);
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
}
