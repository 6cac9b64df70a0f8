// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.lang.ref.WeakReference;
import java.lang.reflect.InvocationTargetException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** What tests run in a virtual machine of its own: how the library is found, and how a process ends. */
public final class Child {
    private Child() {}

    /** How a child ended, and what it printed. */
    record Outcome(int code, String output) {}

    static Outcome run(List<String> options, List<Path> more, String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of(System.getProperty("java.home") + "/bin/java"));
        if (Runtime.version().feature() >= 22) command.add("--enable-native-access=ALL-UNNAMED");
        String forced = System.getProperty(Search.ACCESS);
        if (forced != null) command.add("-D" + Search.ACCESS + "=" + forced);
        command.addAll(options);
        StringBuilder path = new StringBuilder(System.getProperty("java.class.path"));
        more.forEach(jar -> path.append(':').append(jar));
        command.addAll(List.of("-cp", path.toString(), Child.class.getName()));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().remove(Search.VARIABLE);
        Process process = builder.start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes());
        if (!process.waitFor(120, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError("the child has not ended: " + output);
        }
        return new Outcome(process.exitValue(), output);
    }

    public static void main(String[] arguments) throws Exception {
        switch (arguments[0]) {
            case "info" -> System.out.println(Weighbridge.info());
            case "twice" -> {
                for (int i = 0; i < 2; ++i) {
                    try {
                        Weighbridge.create();
                    } catch (NativeLibraryException error) {
                        System.out.println("refused: " + error.getMessage().lines().findFirst().orElse(""));
                    }
                }
            }
            case "memory" -> memoryRunsOut(Path.of(arguments[1]));
            case "loaders" -> loaders();
            case "exit" -> exitWhileScoring(Path.of(arguments[1]));
            default -> throw new IllegalArgumentException(arguments[0]);
        }
    }

    /** Submits into a heap that has nearly no memory left, with a little more of it from round to round. */
    private static void memoryRunsOut(Path bundle) throws Exception {
        try (Weighbridge engine = Weighbridge.builder().submitsInline(false).build();
                Model model = engine.load(bundle)) {
            Row row = Fixtures.payment(model.newRow());
            for (int i = 0; i < 100; ++i) model.submit(row).get();
            List<CompletableFuture<Result>> all = new ArrayList<>(1000);
            Object[] hog = new Object[400_000];
            int refused = 0;
            for (int round = 0; round < 20; ++round) {
                fill(hog);
                for (int i = 0; i < 4 * round * round; ++i) hog[i] = null;
                for (int i = 0; i < 40; ++i) {
                    try {
                        all.add(model.submit(row));
                    } catch (OutOfMemoryError full) {
                        ++refused;
                    }
                }
                Arrays.fill(hog, null);
                for (CompletableFuture<Result> answer : all) {
                    try {
                        if (!(answer.get(60, TimeUnit.SECONDS).score() > 0)) throw new AssertionError(answer);
                    } catch (ExecutionException full) {
                        if (!(full.getCause() instanceof OutOfMemoryError)) throw full;
                    }
                }
                all.clear();
            }
            System.out.println("refused " + refused + ", answered all; score " + model.submit(row).get().score());
        }
    }

    private static void fill(Object[] hog) {
        int used = 0;
        for (int size : new int[] {100_000, 1000, 8}) {
            try {
                while (used < hog.length) hog[used++] = new byte[size];
            } catch (OutOfMemoryError full) {
                --used;
            }
        }
        // the smallest ones first, which are freed again
        for (int i = 0, j = used - 1; i < j; ++i, --j) {
            Object first = hog[i];
            hog[i] = hog[j];
            hog[j] = first;
        }
    }

    /** Class loaders that have the library one after the other, and one beside another. */
    private static void loaders() throws Exception {
        URL[] path = Stream.of(System.getProperty("java.class.path").split(":")).map(Child::url).toArray(URL[]::new);
        WeakReference<ClassLoader> first = use(path);
        System.out.println("second: " + tried(path));
        long end = System.nanoTime() + 60_000_000_000L;
        while (first.get() != null && System.nanoTime() < end) {
            System.gc();
            Thread.sleep(20);
        }
        System.out.println(first.get() == null ? "the first was collected" : "the first is held");
        System.out.println("third: " + tried(path));
    }

    private static URL url(String entry) {
        try {
            return Path.of(entry).toUri().toURL();
        } catch (MalformedURLException error) {
            throw new IllegalArgumentException(error);
        }
    }

    private static String tried(URL[] path) throws Exception {
        try {
            use(path);
            return "loaded";
        } catch (InvocationTargetException error) {
            return String.valueOf(error.getCause());
        }
    }

    /** Scores and submits in a class loader of its own, of which nothing is left but what the library holds. */
    private static WeakReference<ClassLoader> use(URL[] path) throws Exception {
        try (URLClassLoader loader = new URLClassLoader(path, ClassLoader.getPlatformClassLoader())) {
            Thread.currentThread().setContextClassLoader(loader);
            loader.loadClass(Child.class.getName()).getMethod("scoreAndClose").invoke(null);
            return new WeakReference<>(loader);
        } finally {
            Thread.currentThread().setContextClassLoader(Child.class.getClassLoader());
        }
    }

    /** Called by reflection. */
    public static void scoreAndClose() throws Exception {
        try (Weighbridge engine = Weighbridge.builder().submitsInline(false).build();
                Model model = engine.load(Fixtures.MLP)) {
            model.score(Fixtures.payment(model.newRow()));
            model.submit(Fixtures.payment(model.newRow())).get();
        }
    }

    /** Ends the process while four threads score and one submits; nothing is closed. */
    private static void exitWhileScoring(Path bundle) throws Exception {
        Weighbridge engine = Weighbridge.builder().submitsInline(false).build();
        Model model = engine.load(bundle);
        for (int i = 0; i < 5; ++i) {
            boolean later = i == 4;
            Thread thread = new Thread(() -> {
                Row row = Fixtures.payment(model.newRow());
                for (;;) {
                    if (later) model.submit(row).join();
                    else model.score(row);
                }
            });
            thread.setDaemon(true);
            thread.start();
        }
        Thread.sleep(200);
        System.out.println("ending");
        System.exit(7);
    }
}
