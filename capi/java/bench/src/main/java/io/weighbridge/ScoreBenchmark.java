// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** The same under JMH, whose gc profiler counts the bytes that a call allocates: gc.alloc.rate.norm. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
public class ScoreBenchmark {
    private static final int LOOP = 100;
    private Ours ours;

    /** Loads the model, and checks every way's answers. */
    @Setup(Level.Trial)
    public void open() throws IOException {
        ours = new Ours();
    }

    /** Closes it. */
    @TearDown(Level.Trial)
    public void close() {
        ours.close();
    }

    /** C, a filled row, through one JNI call: what JMH itself allocates. */
    @Benchmark
    public double cFilled() {
        return ours.c(0, 1, false);
    }

    /** C, 80 setters. */
    @Benchmark
    @OperationsPerInvocation(LOOP)
    public double cSetters() {
        return ours.c(0, LOOP, true);
    }

    /** Java, a filled row. */
    @Benchmark
    public double javaFilled() {
        return ours.filled();
    }

    /** Java, 80 setters by feature on a reused row. */
    @Benchmark
    public double javaSetters() {
        return ours.setters(0);
    }

    /** Java, 80 setters by name on a reused row. */
    @Benchmark
    public double javaSettersByName() {
        return ours.named(0);
    }

    /** Java, asynchronous, inline. */
    @Benchmark
    public double javaSubmitInline() {
        return ours.submitted();
    }

    /** Java, asynchronous, through the queue. */
    @Benchmark
    public double javaSubmitQueue() {
        return ours.enqueued();
    }
}
