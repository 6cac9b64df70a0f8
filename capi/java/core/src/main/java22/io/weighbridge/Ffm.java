// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;

/** The library through java.lang.foreign: what runs on JDK 22 and later, unless JNI is forced. */
final class Ffm extends FfmFunctions implements Native {
    Ffm() {}

    @Override
    public String access() {
        return "ffm";
    }

    @Override
    public long address(ByteBuffer buffer) {
        return MemorySegment.ofBuffer(buffer).address();
    }

    @Override
    public byte[] bytes(long address, long size) {
        MemorySegment all = MemorySegment.ofAddress(address).reinterpret(Long.MAX_VALUE);
        long end = size;
        if (size < 0) for (end = 0; all.get(ValueLayout.JAVA_BYTE, end) != 0;) ++end;
        return all.asSlice(0, end).toArray(ValueLayout.JAVA_BYTE);
    }
}
