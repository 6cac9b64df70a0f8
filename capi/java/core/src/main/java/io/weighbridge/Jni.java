// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** The library through JNI: what runs on JDK 17 to 21, and where it is forced. */
final class Jni extends JniFunctions implements Native {
    private Jni() {}

    /**
     * Opens the library through the shim libweighbridge_jni.so.
     *
     * @throws LoadFailure where one of the two cannot be loaded, or the library lacks functions
     */
    static Native load(String library, String shim) throws LoadFailure {
        try {
            System.load(shim);
        } catch (UnsatisfiedLinkError error) {
            String why = String.valueOf(error.getMessage());
            throw new LoadFailure(shim, why.contains("another classloader") ? why
                    + "; JNI binds a library to one class loader: put weighbridge.jar where all that use it see it, such as"
                    + " the application server's own libraries, or run on JDK 22 or later, which needs no JNI" : why);
        }
        byte[] why = open(library.getBytes(StandardCharsets.UTF_8));
        if (why != null) throw new LoadFailure(library, new String(why, StandardCharsets.UTF_8));
        Jni made = new Jni();
        String missing = new String(missing(), StandardCharsets.UTF_8).strip();
        Compatibility.check(made, library, missing.isEmpty() ? new String[0] : missing.split("\n"));
        return made;
    }

    @Override
    public String access() {
        return "jni";
    }

    private static native byte[] open(byte[] path);

    private static native byte[] missing();

    @Override
    public native long address(ByteBuffer buffer);

    @Override
    public native byte[] bytes(long address, long size);
}
