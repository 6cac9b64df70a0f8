// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

/** The library through java.lang.foreign: META-INF/versions/22 has it, this is what older JDKs see. */
final class FfmLibrary {
    /** Whether this JDK has java.lang.foreign: a method, since a constant would be compiled into its callers. */
    static boolean available() {
        return false;
    }

    private FfmLibrary() {}

    static Native load(String library) throws LoadFailure {
        throw new LoadFailure(library, "java.lang.foreign needs JDK 22 or later, found " + Runtime.version());
    }
}
