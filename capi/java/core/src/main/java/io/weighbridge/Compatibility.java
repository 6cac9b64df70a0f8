// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.nio.charset.StandardCharsets;

/** Whether a library fits: the same major number of the ABI, at least the minor, and every function there. */
final class Compatibility {
    private Compatibility() {}

    static void check(Native library, String path, String[] missing) throws LoadFailure {
        boolean told = true;
        for (String name : missing) told &= !name.equals("wb_abi_version") && !name.equals("wb_version");
        if (!told) throw new LoadFailure(path, "this is not libweighbridge: it has no wb_abi_version");
        boolean hasMinor = true;
        for (String name : missing) hasMinor &= !name.equals("wb_abi_minor");
        int major = library.abiVersion();
        int minor = hasMinor ? library.abiMinor() : 0;
        String version = new String(library.bytes(library.version(), -1), StandardCharsets.UTF_8);
        String why = verdict(major, minor, version, missing);
        if (why != null) throw new LoadFailure(path, why);
    }

    /** What is wrong with a library; null where nothing is. */
    static String verdict(int major, int minor, String version, String[] missing) {
        boolean fits = major == Layout.ABI_VERSION && minor >= Layout.ABI_MINOR;
        if (fits && missing.length == 0) return null;
        String both = "the library is version " + version + " with ABI " + major + "." + minor
                + ", this binding is version " + Version.TEXT + " for ABI " + Layout.ABI_VERSION + "."
                + Layout.ABI_MINOR;
        String absent = missing.length == 0 ? "" : "; missing: " + String.join(", ", missing);
        if (!fits) return both + absent + "; install a library of ABI " + Layout.ABI_VERSION + "." + Layout.ABI_MINOR
                + " or later with the same major number";
        return both + absent;
    }
}
