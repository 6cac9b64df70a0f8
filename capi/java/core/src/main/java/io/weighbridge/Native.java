// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.nio.ByteBuffer;

/**
 * The library, through one of two ways: {@link Jni} or, on JDK 22 and later, Ffm. Both are thin; nothing is decided in
 * them.
 */
interface Native extends Functions {
    /** "jni" or "ffm". */
    String access();

    /** The address of a direct buffer's first byte, valid while the buffer is reachable. */
    long address(ByteBuffer buffer);

    /** A copy of native bytes; up to the NUL where size is negative. */
    byte[] bytes(long address, long size);
}
