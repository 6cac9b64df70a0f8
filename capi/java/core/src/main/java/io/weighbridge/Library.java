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
    private static final String FAKE = "fake";
    private static final String FAILURE;

    static {
        Native loaded = null;
        Found found = null;
        String failure = null;
        try {
            String access = System.getProperty(Search.ACCESS, "");
            boolean isFake = access.equalsIgnoreCase(FAKE);
            found = isFake ? new Found("none", null, "-D" + Search.ACCESS + "=" + access)
                    : new Search(System::getProperty, System.getenv()).find();
            loaded = isFake ? fake() : open(found, access);
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

    /** The functions in pure Java of the artefact weighbridge-fake, for tests. */
    private static Native fake() throws LoadFailure {
        String name = Library.class.getPackageName() + ".FakeLibrary";
        try {
            return (Native) Class.forName(name).getDeclaredConstructor().newInstance();
        } catch (ReflectiveOperationException error) {
            throw new LoadFailure("-D" + Search.ACCESS + "=" + FAKE,
                    "expected io.weighbridge:weighbridge-fake on the class path, beside weighbridge, found no " + name);
        }
    }

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
            default -> throw new LoadFailure("-D" + Search.ACCESS + "=" + access, "expected jni, ffm or fake");
        };
    }

    private static String shim(Found found) throws LoadFailure {
        if (found.shim() != null) return found.shim();
        throw new LoadFailure(found.library(), "expected " + Search.SHIM + " beside it, which JNI needs"
                + (FfmLibrary.available() ? "" : " (JDK " + Runtime.version().feature() + " has no other way)")
                + ", found none");
    }
}
