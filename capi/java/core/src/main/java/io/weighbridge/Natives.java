// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * The natives jar, classifier {@code linux-x86_64}: {@code libweighbridge.so.1}, for JDK 17 to 21
 * {@code libweighbridge_jni.so}, and {@code weighbridge/libweighbridge_verify.so}, which checks signatures. Where an
 * image is built,
 *
 * <pre>java -cp weighbridge.jar:weighbridge-linux-x86_64.jar io.weighbridge.Natives --unpack DIR</pre>
 *
 * writes them into DIR, which {@code -Dweighbridge.library=DIR} or {@code WEIGHBRIDGE_LIBRARY} then names. Nothing is
 * unpacked otherwise, but where {@code -Dweighbridge.native.cache=DIR} asks for it.
 *
 * @since 0.2
 */
public final class Natives {
    private static final String[] FILES = {Search.LIBRARY, Search.SHIM, Search.VERIFY};

    private Natives() {}

    /**
     * Unpacks the natives jar that is on the class path.
     *
     * @param arguments {@code --unpack DIR}
     */
    public static void main(String[] arguments) {
        if (arguments.length != 2 || !arguments[0].equals("--unpack")) {
            System.err.println("usage: java -cp weighbridge.jar:weighbridge-" + Machine.classifier()
                    + ".jar io.weighbridge.Natives --unpack DIR");
            System.exit(2);
        }
        try {
            unpack(Path.of(arguments[1]));
        } catch (LoadFailure error) {
            System.err.println(error.getMessage());
            System.exit(1);
        }
    }

    static boolean onClassPath() {
        return Natives.class.getResource(resource(Search.LIBRARY)) != null;
    }

    private static String resource(String file) {
        return "/META-INF/weighbridge/" + Machine.classifier() + "/" + file;
    }

    /**
     * The folder of the cache that has this jar's natives: named by their digest, so that versions stand side by side.
     * What is there is hashed and compared with the jar; what is not, differs, or is a link, is written beside its name
     * and renamed, so that no process ever sees half a file.
     */
    static Path cache(Path folder) throws LoadFailure {
        byte[] library = read(Search.LIBRARY);
        Path place = folder.resolve(digest(library).substring(0, 16));
        unpack(place);
        return place;
    }

    private static void unpack(Path folder) throws LoadFailure {
        for (String file : FILES) {
            byte[] wanted = read(file);
            Path path = folder.resolve(file);
            try {
                Files.createDirectories(path.getParent());
                if (Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS) && digest(Files.readAllBytes(path)).equals(digest(wanted))) continue;
                Path partial = Files.createTempFile(path.getParent(), path.getFileName().toString(), ".partial");
                try {
                    Files.write(partial, wanted);
                    partial.toFile().setReadable(true, false);
                    partial.toFile().setExecutable(true, false);
                    Files.move(partial, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
                } finally {
                    Files.deleteIfExists(partial);
                }
            } catch (IOException error) {
                throw new LoadFailure(path.toString(), "could not be unpacked: " + error);
            }
        }
    }

    private static byte[] read(String file) throws LoadFailure {
        try (InputStream in = Natives.class.getResourceAsStream(resource(file))) {
            if (in == null)
                throw new LoadFailure(resource(file), "not on the class path: add the natives jar, classifier "
                        + Machine.classifier());
            return in.readAllBytes();
        } catch (IOException error) {
            throw new LoadFailure(resource(file), "not readable: " + error.getMessage());
        }
    }

    private static String digest(byte[] data) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(data));
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible); // every Java platform has it
        }
    }
}
