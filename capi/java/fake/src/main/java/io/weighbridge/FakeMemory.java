// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * Addresses without native code: each buffer that is asked for gets numbers of its own, and is found again by them as
 * long as it is reachable, which is as long as native memory would be valid.
 */
final class FakeMemory {
    private static final long GAP = 64;

    /** A buffer, and the number of its first byte. */
    private static final class Known extends WeakReference<ByteBuffer> {
        final int hash;
        final long base;
        final int capacity;
        Known next;

        Known(ByteBuffer buffer, long base, ReferenceQueue<ByteBuffer> gone) {
            super(buffer, gone);
            hash = System.identityHashCode(buffer);
            capacity = buffer.capacity();
            this.base = base;
        }
    }

    /** Where an address lies. */
    record Place(ByteBuffer buffer, int at) {
        int getInt(int offset) {
            return buffer.getInt(at + offset);
        }

        long getLong(int offset) {
            return buffer.getLong(at + offset);
        }

        Place put(int offset, int value) {
            buffer.putInt(at + offset, value);
            return this;
        }

        Place put(int offset, long value) {
            buffer.putLong(at + offset, value);
            return this;
        }

        Place put(int offset, double value) {
            buffer.putDouble(at + offset, value);
            return this;
        }

        /** Writes a char array of a struct, cut where it is too long. */
        Place put(int offset, int size, String text) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            int length = Math.min(bytes.length, size - 1);
            while (length < bytes.length && length > 0 && (bytes[length] & 0xC0) == 0x80) --length;
            buffer.put(at + offset, bytes, 0, length).put(at + offset + length, (byte) 0);
            return this;
        }

        byte[] bytes(int offset, int size) {
            byte[] made = new byte[size];
            buffer.get(at + offset, made);
            return made;
        }

        /** A text up to its NUL. */
        String text() {
            int end = at;
            while (buffer.get(end) != 0) ++end;
            return new String(bytes(0, end - at), StandardCharsets.UTF_8);
        }
    }

    private final ReferenceQueue<ByteBuffer> gone = new ReferenceQueue<>();
    private final Map<Integer, Known> byHash = new HashMap<>();
    private final TreeMap<Long, Known> byBase = new TreeMap<>();
    private long end = 1 << 20;

    synchronized long address(ByteBuffer buffer) {
        if (!buffer.isDirect()) throw FakeFailure.argument("expected a direct buffer, got one of the heap");
        for (Object left = gone.poll(); left != null; left = gone.poll()) forget((Known) left);
        int hash = System.identityHashCode(buffer);
        for (Known one = byHash.get(hash); one != null; one = one.next) if (one.get() == buffer) return one.base;
        Known made = new Known(buffer, end, gone);
        made.next = byHash.put(hash, made);
        byBase.put(end, made);
        end += (made.capacity + GAP + 15) / 16 * 16;
        return made.base;
    }

    private void forget(Known left) {
        byBase.remove(left.base);
        Known first = byHash.get(left.hash);
        if (first == left) {
            if (left.next == null) byHash.remove(left.hash);
            else byHash.put(left.hash, left.next);
            return;
        }
        for (Known one = first; one != null; one = one.next) if (one.next == left) one.next = left.next;
    }

    synchronized Place at(long address) {
        Map.Entry<Long, Known> found = byBase.floorEntry(address);
        ByteBuffer buffer = found == null ? null : found.getValue().get();
        if (buffer == null || address - found.getKey() > found.getValue().capacity)
            throw FakeFailure.argument("an address that is no buffer's: the fake takes Java's buffers alone");
        return new Place(buffer.duplicate().clear().order(ByteOrder.nativeOrder()), (int) (address - found.getKey()));
    }
}
