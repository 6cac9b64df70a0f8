// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** What tests run in a virtual machine of its own: how the library is found, and how a process ends. */
final class Child {
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
            case "exit" -> exitWhileScoring(Path.of(arguments[1]));
            default -> throw new IllegalArgumentException(arguments[0]);
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
