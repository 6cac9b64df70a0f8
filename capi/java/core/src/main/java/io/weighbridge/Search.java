// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * Where the native library is looked for, in this order: system property, environment, java.library.path, beside the
 * jar, and last the natives jar through the cache, where that is asked for. The first file that is there is taken;
 * where it is not usable on this machine, that is the error. Nothing is ever written but to the cache.
 */
final class Search {
    static final String PROPERTY = "weighbridge.library";
    static final String VARIABLE = "WEIGHBRIDGE_LIBRARY";
    static final String ACCESS = "weighbridge.native.access";
    static final String CACHE = "weighbridge.native.cache";
    static final String LIBRARY = "libweighbridge.so.1";
    static final String SHIM = "libweighbridge_jni.so";
    static final String VERIFY = "weighbridge/libweighbridge_verify.so";

    private final UnaryOperator<String> properties;
    private final Map<String, String> environment;
    private final List<String> tried = new ArrayList<>();

    Search(UnaryOperator<String> properties, Map<String, String> environment) {
        this.properties = properties;
        this.environment = environment;
    }

    Library.Found find() throws LoadFailure {
        Library.Found found = named("-D" + PROPERTY, properties.apply(PROPERTY));
        if (found == null) found = named(VARIABLE, environment.get(VARIABLE));
        if (found == null) found = onLibraryPath();
        if (found == null) found = besideTheJar();
        if (found == null) found = cached();
        if (found == null) throw missing();
        Machine.check(Path.of(found.library()));
        return found;
    }

    /** A place that was named: a file, or a folder with the library. */
    private Library.Found named(String by, String value) {
        if (value == null || value.isEmpty()) {
            tried.add(by + ": not set");
            return null;
        }
        Path path = Path.of(value);
        return in(by, Files.isDirectory(path) ? path.resolve(LIBRARY) : path);
    }

    private Library.Found in(String by, Path file) {
        Path absolute = file.toAbsolutePath();
        if (!Files.exists(absolute)) {
            tried.add(by + ": " + absolute + ": no such file");
            return null;
        }
        if (!Files.isRegularFile(absolute) || !Files.isReadable(absolute)) {
            tried.add(by + ": " + absolute + ": " + (Files.isDirectory(absolute) ? "a folder" : "not readable"));
            return null;
        }
        Path shim = absolute.resolveSibling(SHIM);
        return new Library.Found(absolute.toString(), Files.isReadable(shim) ? shim.toString() : null, by);
    }

    private Library.Found onLibraryPath() {
        String path = properties.apply("java.library.path");
        for (String folder : path == null ? new String[0] : path.split(":")) {
            Library.Found found = in("java.library.path", Path.of(folder.isEmpty() ? "." : folder).resolve(LIBRARY));
            if (found != null) return found;
        }
        return null;
    }

    private Library.Found besideTheJar() {
        try {
            URI place = Search.class.getProtectionDomain().getCodeSource().getLocation().toURI();
            return in("beside the jar", Path.of(place).resolveSibling(LIBRARY));
        } catch (Exception noFile) { // a class loader of its own kind, as in a nested jar
            tried.add("beside the jar: the jar is no file (" + noFile.getMessage() + ")");
            return null;
        }
    }

    private Library.Found cached() throws LoadFailure {
        String folder = properties.apply(CACHE);
        if (folder == null || folder.isEmpty()) {
            tried.add("-D" + CACHE + ": not set"
                    + (Natives.onClassPath() ? ", though the natives jar is on the class path" : ""));
            return null;
        }
        if (!Natives.onClassPath()) {
            tried.add("-D" + CACHE + "=" + folder + ": no natives jar (classifier " + Machine.classifier()
                    + ") is on the class path");
            return null;
        }
        return in("-D" + CACHE, Natives.cache(Path.of(folder)).resolve(LIBRARY));
    }

    private LoadFailure missing() {
        String machine = Machine.classifier();
        return new LoadFailure(LIBRARY, "not found. Tried:\n  " + String.join("\n  ", tried)
                + "\nUnpack the natives once, where the image is built, and name the folder:\n"
                + "  java -cp weighbridge-" + Version.TEXT + ".jar:weighbridge-" + Version.TEXT + "-" + machine
                + ".jar io.weighbridge.Natives --unpack /opt/weighbridge   # then -D" + PROPERTY
                + "=/opt/weighbridge\nor, for an IDE or mvn test, with the natives jar on the class path:\n  -D" + CACHE
                + "=target/weighbridge");
    }
}
