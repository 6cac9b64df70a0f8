// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.IntToDoubleFunction;

/**
 * Times every way in turns of less than a scheduler's slice, so that a busy machine is busy for all, and prints a line
 * of JSON for each: the median of a call, beside the C call's in this process, in the same rounds.
 * tests/bench/README.md has the keys; over_us is the median of the rounds' differences, which a busy machine moves
 * least.
 */
final class BindingCost {
    /** One round's turn: so many calls. C loops by itself. */
    private record Way(String name, String variant, String base, int calls, IntToDoubleFunction call, double[] us) {
        boolean isInC() {
            return base == null;
        }

        void run(int count) {
            if (isInC()) sink += call.applyAsDouble(count);
            else for (int i = 0; i < count; ++i) sink += call.applyAsDouble(i);
        }
    }

    private static double sink;

    private BindingCost() {}

    public static void main(String[] arguments) throws Exception {
        double seconds = Double.parseDouble(System.getProperty("bench.seconds", "3"));
        boolean peers = Boolean.getBoolean("bench.peers");
        int rounds = Math.max(31, (int) (seconds * 1000));
        String access = Weighbridge.info().access();
        List<Way> ways = new ArrayList<>();
        try (Ours ours = new Ours()) {
            add(ways, "c filled", "", null, 20, calls -> ours.c(0, calls, false), rounds);
            add(ways, "filled", access, "c filled", 20, i -> ours.filled(), rounds);
            add(ways, "c setters", "", null, 20, calls -> ours.c(0, calls, true), rounds);
            add(ways, "setters", access, "c setters", 20, i -> ours.setters(0), rounds);
            add(ways, "setters_by_name", access, "c setters", 20, i -> ours.named(0), rounds);
            add(ways, "inline", access, "c filled", 20, i -> ours.submitted(), rounds);
            add(ways, "async", access, "c filled", 5, i -> ours.enqueued(), rounds);
            if (peers) {
                peer(ways, "bench.onnx", "onnxruntime", ours, rounds, file -> {
                    OnnxPeer peer = new OnnxPeer(file);
                    return i -> peer.score(ours.payments, i % ours.payments.count);
                });
                peer(ways, "bench.torchscript", "djl", ours, rounds, file -> {
                    DjlPeer peer = new DjlPeer(file);
                    return i -> peer.score(ours.payments, i % ours.payments.count);
                });
            }
            time(ways, rounds);
        }
        ways.stream().filter(way -> !way.isInC()).forEach(way -> print(way, ways));
    }

    private static void add(List<Way> ways, String name, String variant, String base, int calls,
            IntToDoubleFunction call, int rounds) {
        ways.add(new Way(name, variant, base, calls, call, new double[rounds]));
    }

    private static void time(List<Way> ways, int rounds) {
        for (int round = -rounds / 2; round < rounds; ++round) { // the first half warms up
            for (int k = 0; k < ways.size(); ++k) {
                Way way = ways.get(Math.floorMod(k + round, ways.size()));
                way.run(way.calls / 2); // the caches are as the way before has left them
                long begin = System.nanoTime();
                way.run(way.calls);
                double us = (System.nanoTime() - begin) / 1e3 / way.calls;
                if (round >= 0) way.us[round] = us;
            }
        }
    }

    private interface Open {
        IntToDoubleFunction with(String file) throws Exception;
    }

    /** A peer that gives the right answers joins; one that cannot be had is told on stderr. */
    private static void peer(List<Way> ways, String property, String name, Ours ours, int rounds, Open open) {
        String file = System.getProperty(property, "");
        if (file.isEmpty()) {
            System.err.println(name + ": not run: -D" + property + " is not given");
            return;
        }
        try {
            IntToDoubleFunction score = open.with(file);
            for (int i = 0; i < ours.payments.count; ++i) {
                double found = score.applyAsDouble(i);
                if (!(Math.abs(found - ours.payments.logit(i)) <= Ours.TOLERANCE))
                    throw new IllegalStateException(
                            "payment " + i + ": expected " + ours.payments.logit(i) + ", got " + found);
            }
            add(ways, "peer", name, "c setters", 5, score, rounds);
        } catch (Exception | LinkageError error) {
            System.err.println(name + ": not run: " + error);
        }
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    private static void print(Way way, List<Way> ways) {
        Way base = ways.stream().filter(other -> other.name.equals(way.base)).findFirst().orElseThrow();
        double[] over = new double[way.us.length];
        Arrays.setAll(over, i -> way.us[i] - base.us[i]);
        Map<String, String> line = new LinkedHashMap<>();
        line.put("case", '"' + way.name + '"');
        line.put("language", "\"java\"");
        line.put("variant", '"' + way.variant + '"');
        line.put("us", number(median(way.us)));
        line.put("c_us", number(median(base.us)));
        line.put("over_us", number(median(over)));
        line.put("jdk", "\"" + Runtime.version().feature() + "\"");
        List<String> fields = new ArrayList<>();
        line.forEach((key, value) -> fields.add("\"" + key + "\": " + value));
        System.out.println("{" + String.join(", ", fields) + "}");
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.4f", value);
    }
}
