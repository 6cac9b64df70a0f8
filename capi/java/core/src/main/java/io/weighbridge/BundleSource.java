// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;

/**
 * The files of a bundle, in memory: what comes from an object store, a database or an archive needs no folder.
 *
 * @since 0.2
 */
public final class BundleSource implements AutoCloseable {
    final Handle handle;

    /** A source without files. */
    public BundleSource() {
        Frame frame = new Frame(8);
        frame.check(frame.library.sourceCreate(frame.out(), frame.error()));
        handle = Handle.of(this, Handle.Kind.SOURCE, frame.outToken());
    }

    /**
     * Adds a file.
     *
     * @param name as the manifest lists it, or "manifest.json"
     * @param data its bytes, which are copied
     * @return this
     */
    public BundleSource add(String name, byte[] data) {
        Frame frame = new Frame(this, 8, name);
        ByteBuffer copy = Frame.direct(Math.max(1, data.length)).put(0, data);
        frame.check(frame.library.sourceAddFile(handle.token(), frame.text(0), frame.library.address(copy), data.length,
                frame.error()));
        Reference.reachabilityFence(copy);
        return this;
    }

    /** Ends the use; models that were loaded from it keep what they need. */
    @Override
    public void close() {
        handle.close();
    }
}
