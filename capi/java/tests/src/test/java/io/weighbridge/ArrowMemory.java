// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Structs of Arrow's C data interface and their buffers, in memory that lives as long as this object. */
final class ArrowMemory {
    private final List<ByteBuffer> kept = new ArrayList<>();

    private ByteBuffer make(int bytes) {
        ByteBuffer made = ByteBuffer.allocateDirect(Math.max(8, bytes)).order(ByteOrder.nativeOrder());
        kept.add(made);
        return made;
    }

    private static long address(ByteBuffer buffer) {
        return Library.get().address(buffer);
    }

    long bytes(byte... values) {
        return address(make(values.length).put(0, values));
    }

    long ints(int... values) {
        ByteBuffer made = make(4 * values.length);
        made.asIntBuffer().put(values);
        return address(made);
    }

    long floats(float... values) {
        ByteBuffer made = make(4 * values.length);
        made.asFloatBuffer().put(values);
        return address(made);
    }

    long longs(long... values) {
        ByteBuffer made = make(8 * values.length);
        made.asLongBuffer().put(values);
        return address(made);
    }

    private long text(String value) {
        return bytes((value + "\0").getBytes(StandardCharsets.UTF_8));
    }

    /** struct ArrowSchema: format, name, metadata, flags, n_children, children, dictionary, release, private_data. */
    long schema(String format, String name, long... children) {
        return longs(text(format), text(name), 0, 2, children.length, longs(children), 0, bytes((byte) 0), 0);
    }

    /**
     * struct ArrowArray: length, null_count, offset, n_buffers, n_children, buffers, children, dictionary, release,
     * private_data. Neither struct is released by who reads it, so that any address stands for the function.
     */
    long array(long length, long nulls, long[] buffers, long... children) {
        return longs(length, nulls, 0, buffers.length, children.length, longs(buffers), longs(children), 0,
                bytes((byte) 0), 0);
    }
}
