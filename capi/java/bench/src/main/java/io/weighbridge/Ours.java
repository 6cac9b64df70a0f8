// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;

/** The MLP of 80 features through this binding, in each way that is timed. */
final class Ours implements AutoCloseable {
    /** By how much a score may differ from LibTorch's. */
    static final double TOLERANCE = Double.parseDouble(System.getProperty("bench.tolerance"));

    private final Weighbridge engine = Weighbridge.builder().option("devices", "cpu=1").build();
    private final Weighbridge queued = Weighbridge.builder().option("devices", "cpu=1").submitsInline(false).build();
    private final Model later;
    private final Feature[] features;
    private final String[] names;
    private final Row row;
    final Model model;
    final Payments payments;

    Ours() throws IOException {
        Path bundle = Path.of(System.getProperty("bench.bundle"));
        payments = new Payments(Path.of(System.getProperty("bench.payments")));
        LoadOptions options = new LoadOptions().precision("fp32");
        model = engine.load(bundle, options);
        later = queued.load(bundle, options);
        features = model.schema().features().toArray(new Feature[0]);
        names = model.schema().features().stream().map(Feature::name).toArray(String[]::new);
        row = model.newRow();
        if (!CCalls.open(model.schema().handle.token())) throw new IllegalStateException("not the MLP of 80 features");
        check();
    }

    /** Answers first: every way gives LibTorch's, and the same bits. */
    private void check() {
        for (int i = 0; i < payments.count; ++i) {
            double score = setters(i);
            if (!(Math.abs(score - payments.logit(i)) <= TOLERANCE))
                throw new IllegalStateException("payment " + i + ": expected " + payments.logit(i) + ", got " + score);
            double inC = CCalls.score(model.handle.token(), payments.address(i), 1, true);
            if (inC != score || named(i) != score || filled() != score || submitted() != score || enqueued() != score)
                throw new IllegalStateException("payment " + i + ": ways differ");
        }
    }

    double c(int payment, int calls, boolean fill) {
        return CCalls.score(model.handle.token(), payments.address(payment), calls, fill);
    }

    double filled() {
        return model.score(row).score();
    }

    double setters(int payment) {
        float[] numbers = payments.numbers(payment);
        long[] codes = payments.codes(payment);
        for (int i = 0; i < Payments.NUMBERS; ++i) row.set(features[i], numbers[i]);
        for (int i = 0; i < Payments.CODES; ++i) row.set(features[Payments.NUMBERS + i], codes[i]);
        return model.score(row).score();
    }

    double named(int payment) {
        float[] numbers = payments.numbers(payment);
        long[] codes = payments.codes(payment);
        for (int i = 0; i < Payments.NUMBERS; ++i) row.set(names[i], numbers[i]);
        for (int i = 0; i < Payments.CODES; ++i) row.set(names[Payments.NUMBERS + i], codes[i]);
        return model.score(row).score();
    }

    /** Asynchronous, inline: a context is free. */
    double submitted() {
        return model.submit(row).join().score();
    }

    /** Asynchronous, through the queue and its thread. */
    double enqueued() {
        CompletableFuture<Result> answer = later.submit(row);
        return answer.join().score();
    }

    @Override
    public void close() {
        model.close();
        later.close();
        engine.close();
        queued.close();
    }
}
