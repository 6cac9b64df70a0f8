// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How the native library is found, and what is said where it is not, or is not the right one. */
class LoadingTest {
    /** Where the tests have it: -Dweighbridge.library is given to them. */
    private static final Path NATIVES = Path.of(System.getProperty(Search.PROPERTY));
    private static final Path NATIVES_JAR = Path.of(System.getProperty("wb.natives.jar"));
    private static final Path STUBS = Path.of(System.getProperty("wb.stubs"));

    @TempDir
    Path folder;

    private static String info(Child.Outcome outcome) {
        assertEquals(0, outcome.code(), outcome.output());
        return outcome.output();
    }

    @Test
    void propertyFileAndFolder() throws Exception {
        Path file = NATIVES.resolve(Search.LIBRARY);
        assertTrue(info(Child.run(List.of("-Dweighbridge.library=" + NATIVES), List.of(), "info"))
                .contains("foundBy=-Dweighbridge.library"));
        assertTrue(info(Child.run(List.of("-Dweighbridge.library=" + file), List.of(), "info"))
                .contains("library=" + file));
        assertTrue(info(Child.run(List.of("-Djava.library.path=/nowhere:" + NATIVES), List.of(), "info"))
                .contains("foundBy=java.library.path"));
    }

    @Test
    void besideTheJarAndByTheEnvironment() throws Exception {
        Search byVariable = new Search(name -> null, Map.of(Search.VARIABLE, NATIVES.toString()));
        assertEquals(Search.VARIABLE, byVariable.find().how());
        assertEquals(NATIVES.resolve(Search.SHIM).toString(), byVariable.find().shim());
        Path jar = Path.of(Weighbridge.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        Path moved = Files.copy(jar, folder.resolve("weighbridge.jar"));
        for (String file : List.of(Search.LIBRARY, Search.SHIM))
            Files.copy(NATIVES.resolve(file), folder.resolve(file));
        Process java = new ProcessBuilder(System.getProperty("java.home") + "/bin/java", "-cp",
                moved + ":" + System.getProperty("java.class.path"), Child.class.getName(), "info")
                .redirectErrorStream(true).start();
        assertTrue(new String(java.getInputStream().readAllBytes()).contains("foundBy=beside the jar"));
    }

    /** The two lines of the message, as they are printed, are what brings the library. */
    @Test
    void missingLibraryThenBothLinesOfTheMessage() throws Exception {
        Child.Outcome missing = Child.run(List.of(), List.of(), "info");
        assertEquals(1, missing.code());
        for (String part : List.of("-Dweighbridge.library: not set", "WEIGHBRIDGE_LIBRARY: not set",
                "java.library.path: /", "no such file", "beside the jar: ", "-Dweighbridge.native.cache: not set",
                "io.weighbridge.Natives --unpack ", "-Dweighbridge.native.cache=target/weighbridge"))
            assertTrue(missing.output().contains(part), part + "\nis not in\n" + missing.output());
        Child.Outcome twice = Child.run(List.of(), List.of(), "twice");
        assertEquals(2, twice.output().lines().filter(line -> line.startsWith("refused: ")).count(), twice.output());

        Path jar = Path.of(Weighbridge.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        Process unpack = new ProcessBuilder(System.getProperty("java.home") + "/bin/java", "-cp",
                jar + ":" + NATIVES_JAR, "io.weighbridge.Natives", "--unpack", folder.resolve("made").toString())
                .inheritIO().start();
        assertEquals(0, unpack.waitFor());
        assertTrue(info(Child.run(List.of("-Dweighbridge.library=" + folder.resolve("made")), List.of(), "info"))
                .contains(folder.resolve("made").toString()));
    }

    @Test
    void theCacheIsOptInCheckedAndMended() throws Exception {
        Child.Outcome unasked = Child.run(List.of(), List.of(NATIVES_JAR), "info");
        assertEquals(1, unasked.code());
        assertTrue(unasked.output().contains("though the natives jar is on the class path"), unasked.output());
        List<String> options = List.of("-Dweighbridge.native.cache=" + folder);
        assertTrue(info(Child.run(options, List.of(NATIVES_JAR), "info"))
                .contains("foundBy=-Dweighbridge.native.cache"));
        Path library;
        try (Stream<Path> all = Files.walk(folder)) {
            List<Path> files = all.filter(Files::isRegularFile).toList();
            assertEquals(3, files.size(), files.toString());
            library = files.stream().filter(f -> f.endsWith(Search.LIBRARY)).findFirst().orElseThrow();
        }
        byte[] right = Files.readAllBytes(library);
        var written = Files.getLastModifiedTime(library);
        info(Child.run(options, List.of(NATIVES_JAR), "info"));
        assertEquals(written, Files.getLastModifiedTime(library), "what is right is not written again");
        byte[] damaged = right.clone();
        damaged[damaged.length / 2] ^= 1;
        Files.write(library, damaged);
        info(Child.run(options, List.of(NATIVES_JAR), "info"));
        assertTrue(java.util.Arrays.equals(right, Files.readAllBytes(library)), "the damaged file was loaded");
    }

    @Test
    void nothingIsWrittenToTheTemporaryFolder() throws Exception {
        Path temporary = Files.createDirectory(folder.resolve("tmp"));
        info(Child.run(List.of("-Djava.io.tmpdir=" + temporary, "-Dweighbridge.library=" + NATIVES), List.of(),
                "info"));
        try (Stream<Path> all = Files.list(temporary)) {
            assertEquals(List.of(), all.toList());
        }
    }

    private String refused(Path library) throws Exception {
        Child.Outcome outcome = Child.run(List.of("-Dweighbridge.library=" + library), List.of(), "info");
        assertEquals(1, outcome.code(), outcome.output());
        assertTrue(outcome.output().contains("NativeLibraryException"), outcome.output());
        assertTrue(outcome.output().contains(library.toString()), outcome.output());
        return outcome.output();
    }

    @Test
    void wrongFiles() throws Exception {
        Path arm = folder.resolve("arm.so");
        byte[] bytes = Files.readAllBytes(NATIVES.resolve(Search.LIBRARY));
        bytes[18] = (byte) 183;
        Files.write(arm, bytes);
        assertTrue(refused(arm).contains("built for aarch64, and this JVM runs on x86_64"));
        Path text = Files.writeString(folder.resolve("text.so"), "not a library at all");
        assertTrue(refused(text).contains("expected an ELF library"));
        Path cut = folder.resolve("cut.so");
        Files.write(cut, java.util.Arrays.copyOf(Files.readAllBytes(NATIVES.resolve(Search.LIBRARY)), 4096));
        assertTrue(refused(cut).contains("cut off: 4096 bytes, expected at least "));
        ByteBuffer header = ByteBuffer.wrap(Files.readAllBytes(NATIVES.resolve(Search.LIBRARY)))
                .order(ByteOrder.LITTLE_ENDIAN);
        Path damaged = folder.resolve("damaged.so");
        Files.write(damaged, header.duplicate().order(header.order()).putLong(32, -1).array());
        assertTrue(refused(damaged).contains("whose header is damaged"));
        long table = header.putLong(32, 64).getLong(32);
        Files.write(damaged, header.putShort(56, (short) -1).putInt((int) table, 1).putLong((int) table + 8, -9).array());
        assertTrue(refused(damaged).contains("cut off: "));
        Child.Outcome nowhere = Child.run(List.of("-Dweighbridge.library=/nowhere/x.so"), List.of(), "info");
        assertTrue(nowhere.output().contains("/nowhere/x.so: no such file"), nowhere.output());
    }

    /**
     * Libraries that the build makes: of an older ABI, of another major number, without a function, of somebody else.
     */
    @Test
    void otherLibraries() throws Exception {
        for (String name : List.of("older", "major", "lacking", "foreign"))
            Files.copy(NATIVES.resolve(Search.SHIM), Files.createDirectory(folder.resolve(name)).resolve(Search.SHIM));
        for (String name : List.of("older", "major", "lacking", "foreign"))
            Files.copy(STUBS.resolve("lib" + name + ".so"), folder.resolve(name).resolve(Search.LIBRARY));
        String older = refused(folder.resolve("older").resolve(Search.LIBRARY));
        assertTrue(older.contains(
                "the library is version 0.1.0 with ABI 1.1, this binding is version 0.2.0 for ABI 1.2"), older);
        assertTrue(refused(folder.resolve("major").resolve(Search.LIBRARY)).contains("with ABI 2.0"));
        String lacking = refused(folder.resolve("lacking").resolve(Search.LIBRARY));
        assertTrue(lacking.contains("ABI 1.2, this binding") && lacking.contains("missing: wb_backend_name"), lacking);
        assertTrue(refused(folder.resolve("foreign").resolve(Search.LIBRARY)).contains("this is not libweighbridge"));
    }

    @Test
    void theWayThatIsForced() throws Exception {
        List<String> library = List.of("-Dweighbridge.library=" + NATIVES, "-Dweighbridge.native.access=jni");
        assertTrue(info(Child.run(library, List.of(), "info")).contains("access=jni"));
        Child.Outcome wrong = Child.run(List.of("-Dweighbridge.library=" + NATIVES, "-Dweighbridge.native.access=jna"),
                List.of(), "info");
        assertTrue(wrong.output().contains("expected jni, ffm or fake"), wrong.output());
        Child.Outcome ffm = Child.run(List.of("-Dweighbridge.library=" + NATIVES, "-Dweighbridge.native.access=ffm"),
                List.of(), "info");
        assertTrue(ffm.output().contains(Runtime.version().feature() >= 22 ? "access=ffm" : "needs JDK 22 or later"),
                ffm.output());
        Path alone = Files.copy(NATIVES.resolve(Search.LIBRARY), folder.resolve(Search.LIBRARY));
        Child.Outcome noShim = Child.run(
                List.of("-Dweighbridge.library=" + alone, "-Dweighbridge.native.access=jni"), List.of(), "info");
        assertTrue(noShim.output().contains("expected libweighbridge_jni.so beside it"), noShim.output());
    }

    /** From JDK 24 on native access may be denied: the message says what to allow. */
    @Test
    void accessThatIsNotAllowed() throws Exception {
        if (Runtime.version().feature() < 24) {
            System.out.println("JDK " + Runtime.version().feature() + " denies no native access: nothing to test");
            return;
        }
        for (String access : List.of("jni", "ffm")) {
            Process java = new ProcessBuilder(System.getProperty("java.home") + "/bin/java",
                    "--illegal-native-access=deny", "-Dweighbridge.library=" + NATIVES,
                    "-Dweighbridge.native.access=" + access, "-cp", System.getProperty("java.class.path"),
                    Child.class.getName(), "info").redirectErrorStream(true).start();
            String output = new String(java.getInputStream().readAllBytes());
            assertTrue(output.contains("allow it with --enable-native-access=io.weighbridge"), output);
        }
    }

    @Test
    void machinesAndVersions() {
        byte[] header = {0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 62, 0};
        assertNull(Machine.verdict(header, 20, "x86_64"));
        assertEquals("built for x86_64, and this JVM runs on aarch64", Machine.verdict(header, 20, "aarch64"));
        header[4] = 1;
        header[18] = 3;
        assertEquals("built for x86 with 32 bits, and this JVM runs on x86_64", Machine.verdict(header, 20, "x86_64"));
        header[18] = 99;
        assertTrue(Machine.verdict(header, 20, "x86_64").contains("machine 99"));
        assertTrue(Machine.mapsMusl("7f00-7f01 r-xp 0 08:01 9 /lib/ld-musl-x86_64.so.1\n"));
        assertFalse(Machine.mapsMusl("7f00-7f01 r-xp 0 08:01 9 /lib/x86_64-linux-gnu/libc.so.6\n"));
        assertNull(Compatibility.verdict(1, 2, "0.2.0", new String[0]));
        assertNull(Compatibility.verdict(1, 9, "0.9.0", new String[0]));
        assertTrue(Compatibility.verdict(1, 1, "0.1.0", new String[0]).contains("ABI 1.1"));
        assertTrue(Compatibility.verdict(2, 2, "3.0.0", new String[0]).contains("same major number"));
        assertThrows(LoadFailure.class, () -> new Search(name -> null, Map.of(Search.VARIABLE, "/nowhere")).find());
    }

    @Test
    void aProcessThatEndsWhileItScores() throws Exception {
        for (int i = 0; i < 3; ++i) {
            Child.Outcome outcome = Child.run(List.of("-Dweighbridge.library=" + NATIVES,
                    "-Dwb.root=" + Fixtures.ROOT, "-Dwb.fixtures=" + Fixtures.FIXTURES), List.of(), "exit",
                    Fixtures.MLP.toString());
            assertEquals(7, outcome.code(), outcome.output());
            assertEquals("ending", outcome.output().strip());
        }
    }

    /** JNI has one class loader at a time, java.lang.foreign any number; neither holds one that has ended. */
    @Test
    void classLoaders() throws Exception {
        Child.Outcome outcome = Child.run(List.of("-Dweighbridge.library=" + NATIVES, "-Dwb.root=" + Fixtures.ROOT,
                "-Dwb.fixtures=" + Fixtures.FIXTURES), List.of(), "loaders");
        assertEquals(0, outcome.code(), outcome.output());
        boolean isJni = Weighbridge.info().access().equals("jni");
        assertTrue(outcome.output().contains(isJni ? "JNI binds a library to one class loader" : "second: loaded"),
                outcome.output());
        assertTrue(outcome.output().contains("the first was collected"), outcome.output());
        assertTrue(outcome.output().contains("third: loaded"), outcome.output());
    }

    /** What somebody else put into the cache is not used: links, folders, other content. */
    @Test
    void aCacheThatWasTamperedWith() throws Exception {
        List<String> options = List.of("-Dweighbridge.native.cache=" + folder);
        info(Child.run(options, List.of(NATIVES_JAR), "info"));
        Path library;
        try (Stream<Path> all = Files.walk(folder)) {
            library = all.filter(f -> f.endsWith(Search.LIBRARY)).findFirst().orElseThrow();
        }
        Path elsewhere = Files.move(library, folder.resolve("elsewhere.so"));
        Files.createSymbolicLink(library, elsewhere); // the right content, for as long as its owner wants
        info(Child.run(options, List.of(NATIVES_JAR), "info"));
        assertFalse(Files.isSymbolicLink(library));
        Files.delete(library);
        Files.createSymbolicLink(library, folder.resolve("nowhere"));
        info(Child.run(options, List.of(NATIVES_JAR), "info"));
        assertFalse(Files.isSymbolicLink(library) || Files.exists(folder.resolve("nowhere")));
        Files.delete(library);
        Files.createDirectories(library.resolve("inside"));
        Child.Outcome blocked = Child.run(options, List.of(NATIVES_JAR), "info");
        assertEquals(1, blocked.code());
        assertTrue(blocked.output().contains(library + ": could not be unpacked: "), blocked.output());
    }
}
