// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.util.Locale;

/**
 * The one native library of the process: found, checked and opened once, at the first use. A failure is kept, and told
 * to each caller in the same words.
 */
final class Library {
    /**
     * The library; null where it could not be loaded. Constant, so that calls through it are compiled as direct ones.
     */
    private static final Native LOADED;

    private static final Found FOUND;
    private static final String FAILURE;

    static {
        Native loaded = null;
        Found found = null;
        String failure = null;
        try {
            found = new Search(System::getProperty, System.getenv()).find();
            loaded = open(found, System.getProperty(Search.ACCESS, ""));
        } catch (LoadFailure error) {
            failure = error.getMessage();
        } catch (IllegalCallerException error) {
            failure = error.getMessage() + "; allow it with --enable-native-access=io.weighbridge, or"
                    + " --enable-native-access=ALL-UNNAMED where the jar is on the class path";
        } catch (RuntimeException | LinkageError error) {
            failure = "the native library could not be loaded: "
                    + (error.getCause() == null ? error : error.getCause());
        }
        LOADED = loaded;
        FOUND = found;
        FAILURE = failure;
    }

    private Library() {}

    /** The files that were chosen, and how they were found. */
    record Found(String library, String shim, String how) {}

    static Native get() {
        if (LOADED == null) throw new NativeLibraryException(FAILURE);
        return LOADED;
    }

    static Found found() {
        get();
        return FOUND;
    }

    private static Native open(Found found, String access) throws LoadFailure {
        return switch (access.toLowerCase(Locale.ROOT)) {
            case "" -> FfmLibrary.available() ? FfmLibrary.load(found.library())
                    : Jni.load(found.library(), shim(found));
            case "ffm" -> FfmLibrary.load(found.library());
            case "jni" -> Jni.load(found.library(), shim(found));
            default -> throw new LoadFailure("-D" + Search.ACCESS + "=" + access, "expected jni or ffm");
        };
    }

    private static String shim(Found found) throws LoadFailure {
        if (found.shim() != null) return found.shim();
        throw new LoadFailure(found.library(), "expected " + Search.SHIM + " beside it, which JNI needs"
                + (FfmLibrary.available() ? "" : " (JDK " + Runtime.version().feature() + " has no other way)")
                + ", found none");
    }
}
