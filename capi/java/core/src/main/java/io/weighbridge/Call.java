// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Options of calls, reusable, for one thread at a time. Without one, calls have normal priority, accept fallback
 * answers and wait for a context.
 *
 * @since 0.2
 */
public final class Call implements AutoCloseable {
    final Handle handle;
    private final Native library = Library.get();
    /** What the native object points at. */
    private final List<Object> kept = new ArrayList<>();

    /** Options with their defaults. */
    public Call() {
        Frame frame = new Frame(8);
        frame.check(library.callCreate(frame.out(), frame.error()));
        handle = Handle.of(this, Handle.Kind.CALL, frame.outToken());
    }

    /**
     * Whether the call is served before every normal one that waits.
     *
     * @param high true for the high class
     * @return this
     */
    public Call highPriority(boolean high) {
        Frame frame = new Frame(this, 8);
        frame.check(library.callSetPriority(handle.token(), high ? 1 : 0, frame.error()));
        return this;
    }

    /**
     * Whether the bundle's fallback may answer; where not, its reason is thrown.
     *
     * @param accept true, the default, where it may
     * @return this
     */
    public Call acceptFallback(boolean accept) {
        Frame frame = new Frame(this, 8);
        frame.check(library.callSetFallback(handle.token(), accept ? 1 : 0, frame.error()));
        return this;
    }

    /**
     * The flag that ends the call.
     *
     * @param cancel a flag; null for none
     * @return this
     */
    public Call cancelledBy(Cancel cancel) {
        Frame frame = new Frame(this, 8);
        frame.check(library.callSetCancel(handle.token(), cancel == null ? 0 : cancel.handle.token(), frame.error()));
        Reference.reachabilityFence(cancel);
        return this;
    }

    /**
     * Where a secondary output of a single row goes. The buffer stays the library's from an asynchronous call until its
     * completion.
     *
     * @param output its index in {@link Schema#outputs()}
     * @param buffer a direct buffer in the machine's order, with room for its floats from its position to its limit,
     *     which are left as they are; null ends it
     * @return this
     */
    public Call output(int output, ByteBuffer buffer) {
        if (buffer != null && buffer.isReadOnly())
            throw WeighbridgeException.of(Status.INVALID_ARGUMENT,
                    "output: expected a buffer to write to, got a read-only one");
        Frame frame = new Frame(this, 8);
        long address = buffer == null ? 0 : Frame.address(buffer, "output", Float.BYTES);
        frame.check(library.callSetOutput(handle.token(), output, address,
                buffer == null ? 0 : buffer.remaining() / Float.BYTES, frame.error()));
        if (buffer != null) kept.add(buffer);
        return this;
    }

    void setWait(boolean wait) {
        Frame frame = new Frame(this, 8);
        frame.check(library.callSetWait(handle.token(), wait ? 1 : 0, frame.error()));
    }

    /** Ends the use. */
    @Override
    public void close() {
        handle.close();
    }
}
