// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

/**
 * A flag that another thread may set to end calls and loads early.
 *
 * @since 0.2
 */
public final class Cancel implements AutoCloseable {
    final Handle handle;

    /** A flag that is not set. */
    public Cancel() {
        Frame frame = new Frame(8);
        frame.check(frame.library.cancelCreate(frame.out(), frame.error()));
        handle = Handle.of(this, Handle.Kind.CANCEL, frame.outToken());
    }

    /** Sets the flag: calls that carry it throw {@link CancelledException} soon after. */
    public void set() {
        write(1);
    }

    /** Clears the flag, so that it may be used again. */
    public void clear() {
        write(0);
    }

    private void write(int value) {
        Frame frame = new Frame(this, 8);
        frame.check(frame.library.cancelSet(handle.token(), value, frame.error()));
    }

    /** Ends the use; calls in progress keep it. */
    @Override
    public void close() {
        handle.close();
    }
}
