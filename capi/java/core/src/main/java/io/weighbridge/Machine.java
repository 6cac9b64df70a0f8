// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;

/** Whether a library was built for this machine: its ELF header, and which C library this process runs on. */
final class Machine {
    private static final Map<Integer, String> NAMES =
            Map.of(62, "x86_64", 183, "aarch64", 3, "x86", 40, "arm", 243, "riscv64", 21, "ppc64", 22, "s390x");

    private Machine() {}

    /** This machine as classifiers name it, such as "linux-x86_64". */
    static String classifier() {
        String system = System.getProperty("os.name").toLowerCase(Locale.ROOT).replaceAll("[^a-z].*", "");
        return system + "-" + architecture(System.getProperty("os.arch"));
    }

    private static String architecture(String name) {
        return name.equals("amd64") ? "x86_64" : name;
    }

    static void check(Path library) throws LoadFailure {
        String why;
        try (SeekableByteChannel file = Files.newByteChannel(library)) {
            byte[] header = read(file, 0, 64);
            why = verdict(header, header.length, architecture(System.getProperty("os.arch")));
            if (why == null) why = truncated(file, header);
        } catch (IOException error) {
            throw new LoadFailure(library.toString(), "not readable: " + error.getMessage());
        }
        if (why == null && runsOnMusl()) why = MUSL;
        if (why != null) throw new LoadFailure(library.toString(), why);
    }

    private static byte[] read(SeekableByteChannel file, long at, int size) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(size);
        file.position(at);
        while (bytes.hasRemaining() && file.read(bytes) >= 0);
        return Arrays.copyOf(bytes.array(), bytes.position());
    }

    /** A file that ends within what is to be mapped would end the process with SIGBUS, in the dynamic loader. */
    private static String truncated(SeekableByteChannel file, byte[] header) throws IOException {
        if (header.length < 64) return "cut off: " + file.size() + " bytes";
        ByteBuffer elf = ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN); // the machine is one of those
        long from = elf.getLong(32);
        int entry = elf.getShort(54) & 0xffff;
        int count = elf.getShort(56) & 0xffff;
        if (from < 0 || entry != 56) return "expected an ELF library, found one whose header is damaged";
        byte[] table = read(file, from, entry * count);
        long end = table.length < entry * count ? Long.MAX_VALUE : 0;
        ByteBuffer segments = ByteBuffer.wrap(table).order(ByteOrder.LITTLE_ENDIAN);
        for (int at = 0; end < Long.MAX_VALUE && at < table.length; at += entry)
            if (segments.getInt(at) == 1) end = Math.max(end, end(segments.getLong(at + 8), segments.getLong(at + 32)));
        return file.size() < end ? "cut off: " + file.size() + " bytes"
                + (end < Long.MAX_VALUE ? ", expected at least " + end : "") : null;
    }

    private static long end(long from, long size) {
        return from < 0 || size < 0 || from + size < 0 ? Long.MAX_VALUE : from + size;
    }

    static final String MUSL = "built for glibc, and this JVM runs on musl (Alpine); use an image with glibc, such as"
            + " Debian's, or a library that was built on musl and says so with -Dweighbridge.native.musl=true";

    /** What is wrong with a file's first bytes; null where nothing is. */
    static String verdict(byte[] header, int size, String machine) {
        if (size < 20 || header[0] != 0x7f || header[1] != 'E' || header[2] != 'L' || header[3] != 'F')
            return "expected an ELF library, found " + (size == 0 ? "an empty file" : "another kind of file");
        ByteOrder order = header[5] == 2 ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
        int number = ByteBuffer.wrap(header).order(order).getShort(18) & 0xffff;
        String found = NAMES.getOrDefault(number, "machine " + number) + (header[4] == 1 ? " with 32 bits" : "");
        return found.equals(machine) ? null : "built for " + found + ", and this JVM runs on " + machine;
    }

    private static boolean runsOnMusl() {
        if (Boolean.getBoolean("weighbridge.native.musl")) return false;
        try {
            return mapsMusl(Files.readString(Path.of("/proc/self/maps")));
        } catch (IOException | RuntimeException unknown) {
            return false; // no /proc: the loader will say what it cannot load
        }
    }

    /** Whether the files mapped into a process have musl's loader among them. */
    static boolean mapsMusl(String maps) {
        return maps.contains("/ld-musl-");
    }
}
