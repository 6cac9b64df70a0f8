// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import ai.djl.MalformedModelException;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ModelNotFoundException;
import ai.djl.repository.zoo.ZooModel;
import ai.djl.translate.NoopTranslator;
import ai.djl.translate.TranslateException;
import java.io.IOException;
import java.nio.file.Path;

/** DJL's PyTorch engine at its best: one thread, the TorchScript module as it is, no translator. */
final class DjlPeer implements AutoCloseable {
    private final ZooModel<NDList, NDList> model;
    private final Predictor<NDList, NDList> predictor;

    DjlPeer(String file) throws IOException, ModelNotFoundException, MalformedModelException {
        System.setProperty("ai.djl.pytorch.num_threads", "1");
        System.setProperty("ai.djl.pytorch.num_interop_threads", "1");
        model = Criteria.builder().setTypes(NDList.class, NDList.class).optModelPath(Path.of(file)).optEngine("PyTorch")
                .optTranslator(new NoopTranslator()).build().loadModel();
        predictor = model.newPredictor();
    }

    double score(Payments payments, int payment) {
        try (NDManager manager = model.getNDManager().newSubManager()) {
            NDList inputs = new NDList(manager.create(payments.numbers(payment), new Shape(1, Payments.NUMBERS)),
                    manager.create(payments.codes(payment), new Shape(1, Payments.CODES)));
            return predictor.predict(inputs).singletonOrThrow().toFloatArray()[0];
        } catch (TranslateException error) {
            throw new IllegalStateException(error);
        }
    }

    @Override
    public void close() {
        predictor.close();
        model.close();
    }
}
