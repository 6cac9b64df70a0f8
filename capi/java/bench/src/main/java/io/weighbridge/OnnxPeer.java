// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.Map;

/** ONNX Runtime's Java API at its best: one thread, all optimisations, direct buffers that its tensors share. */
final class OnnxPeer implements AutoCloseable {
    private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
    private final OrtSession session;
    private final FloatBuffer numbers = direct(4 * Payments.NUMBERS).asFloatBuffer();
    private final LongBuffer codes = direct(8 * Payments.CODES).asLongBuffer();
    private final Map<String, OnnxTensor> inputs;

    OnnxPeer(String file) throws OrtException {
        OrtSession.SessionOptions options = new OrtSession.SessionOptions();
        options.setIntraOpNumThreads(1);
        options.setInterOpNumThreads(1);
        options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
        session = environment.createSession(file, options);
        inputs = Map.of("numbers", OnnxTensor.createTensor(environment, numbers, new long[] {1, Payments.NUMBERS}),
                "codes", OnnxTensor.createTensor(environment, codes, new long[] {1, Payments.CODES}));
    }

    private static ByteBuffer direct(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    }

    double score(Payments payments, int payment) {
        numbers.put(0, payments.numbers(payment));
        codes.put(0, payments.codes(payment));
        try (OrtSession.Result result = session.run(inputs)) {
            return ((OnnxTensor) result.get(0)).getFloatBuffer().get(0);
        } catch (OrtException error) {
            throw new IllegalStateException(error);
        }
    }

    @Override
    public void close() throws OrtException {
        session.close();
    }
}
