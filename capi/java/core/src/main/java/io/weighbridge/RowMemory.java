// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.time.Instant;

/**
 * A row's native memory, in the layout of weighbridge/c/row.h: what its setters write, and where. Offsets count from the
 * block's first byte, spans from the row's.
 */
abstract sealed class RowMemory permits Row {
    /** One native block: the result (which Result reads where it lies), the error, the row. */
    static final int RESULT = 0;
    static final int ERROR = Layout.RESULT_SIZEOF;
    static final int ROW = ERROR + Layout.ERROR_SIZEOF;
    private static final int CAPACITY = ROW + Layout.ROW_HEADER_CAPACITY;
    private static final int USED = ROW + Layout.ROW_HEADER_USED;
    private static final int BUSY = ROW + Layout.ROW_HEADER_BUSY;
    /** Room for texts and sequences that a row begins with. */
    static final int FIRST_TAIL = 512;

    final Native library = Library.get();
    MappedByteBuffer memory;
    /**
     * The block and its address, which belong together for a call beside which another thread wrongly grows the row.
     */
    private Block block;

    /** Native memory, reachable as long as its address is used. */
    record Block(MappedByteBuffer memory, long address) {
        long result() {
            return address + RESULT;
        }

        long row() {
            return address + ROW;
        }

        long error() {
            return address + ERROR;
        }
    }

    final void allocate(long capacity) {
        MappedByteBuffer made = Frame.direct(ROW + (capacity + 7) / 8 * 8);
        block = new Block(made, library.address(made));
        memory = made;
        memory.putInt(RESULT, Layout.RESULT_SIZEOF);
        memory.putInt(ERROR, Layout.ERROR_SIZEOF);
    }

    final Block block() {
        return block;
    }

    /** The row's bytes in use. */
    final int used() {
        return used(memory);
    }

    /** Of a block that a row had, which has as many whatever becomes of the row. */
    static int used(ByteBuffer block) {
        return Math.max(Layout.ROW_HEADER_SIZEOF, Math.min(block.getInt(USED), block.capacity() - ROW));
    }

    final void setUsed(int used) {
        memory.putInt(USED, used);
    }

    /** How many bytes the row has. */
    final int capacity() {
        return memory.capacity() - ROW;
    }

    /** Makes every feature missing; `empty` is what a row of the schema begins with. */
    final void reset(byte[] empty) {
        checkFree();
        memory.put(ROW, empty);
        memory.putInt(CAPACITY, capacity());
    }

    /** A call that reads the row just now would be given back a mark that is not there. */
    private void checkFree() {
        if (memory.getInt(BUSY) != 0) throw new BusyException("row: in use by another thread");
    }

    /** Takes what another row of the same schema has, its header's capacity and mark apart. */
    final void copy(RowMemory row) {
        ByteBuffer from = row.memory;
        int used = used(from);
        grow(used);
        memory.put(ROW + Layout.ROW_HEADER_SIZEOF, from, ROW + Layout.ROW_HEADER_SIZEOF,
                used - Layout.ROW_HEADER_SIZEOF);
        setUsed(used);
    }

    final void markMissing(Feature feature) {
        memory.put(feature.missingAt, (byte) (memory.get(feature.missingAt) | feature.missingBit));
    }

    final void markPresent(Feature feature) {
        memory.put(feature.missingAt, (byte) (memory.get(feature.missingAt) & ~feature.missingBit));
    }

    /** Sets a text or a sequence that lies in the tail, which is in use up to `end` from now on. */
    final void putSpan(Feature feature, int at, int size, int end) {
        memory.putInt(feature.at, at);
        memory.putInt(feature.at + 4, size);
        setUsed(end);
        markPresent(feature);
    }

    /** Writes where element i's text lies; gives its size. */
    final int textSpan(int at, int i, int from, int size) {
        memory.putInt(at + ROW + 8 * i, from);
        memory.putInt(at + ROW + 8 * i + 4, size);
        return size;
    }

    static InvalidInputException invalid(Feature feature, String what) {
        return new InvalidInputException("feature '" + feature.name() + "': " + what, feature.name(), 0);
    }

    static InvalidInputException mismatch(Feature feature, String found) {
        return invalid(feature, "expected " + feature.expected() + ", got " + found);
    }

    final void store(Feature feature, int at, long value) {
        switch (feature.type) {
            case Feature.INT64, Feature.CODE, Feature.TIMESTAMP -> memory.putLong(at, value);
            case Feature.FLOAT32 -> memory.putFloat(at, value);
            case Feature.FLOAT64 -> memory.putDouble(at, value);
            case Feature.BOOL -> {
                if (value != 0 && value != 1) throw mismatch(feature, "a number that is neither 0 nor 1");
                memory.put(at, (byte) value);
            }
            default -> throw mismatch(feature, "a number");
        }
    }

    final void store(Feature feature, int at, double value) {
        switch (feature.type) {
            case Feature.FLOAT32 -> memory.putFloat(at, (float) value);
            case Feature.FLOAT64 -> memory.putDouble(at, value);
            case Feature.INT64, Feature.CODE, Feature.TIMESTAMP -> {
                if (value != Math.rint(value) || !(value >= -0x1p63 && value < 0x1p63))
                    throw mismatch(feature, "a number that is not whole, or beyond 64 bits");
                memory.putLong(at, (long) value);
            }
            case Feature.BOOL -> {
                if (value != 0 && value != 1) throw mismatch(feature, "a number that is neither 0 nor 1");
                memory.put(at, (byte) value);
            }
            default -> throw mismatch(feature, "a number");
        }
    }

    static long ticks(Feature feature, Instant value) {
        long unit = 1_000_000_000L / feature.ticksPerSecond();
        if (value.getNano() % unit != 0)
            throw invalid(feature, "the time is finer than the feature's unit, 1/" + feature.ticksPerSecond() + " s");
        try {
            return Math.addExact(Math.multiplyExact(value.getEpochSecond(), feature.ticksPerSecond()),
                    value.getNano() / unit);
        } catch (ArithmeticException beyond) {
            throw invalid(feature, "the time is beyond 64 bits of the feature's unit");
        }
    }

    static int width(Feature feature) {
        return feature.type == Feature.FLOAT32 ? 4 : feature.type == Feature.BOOL ? 1 : 8;
    }

    /** Where the tail goes on, from the row's first byte; there is room for so many bytes there. */
    final int reserve(long bytes) {
        int at = memory.getInt(USED) + 7 & ~7;
        if (bytes > capacity() - at) grow(at + bytes);
        return at;
    }

    /** Moves the row to larger memory, where it is not large enough. */
    final void grow(long capacity) {
        if (capacity <= capacity()) return;
        checkFree();
        long larger = Math.max(capacity, 2L * (capacity()));
        ByteBuffer old = memory;
        allocate(larger > Integer.MAX_VALUE / 2 ? capacity : larger);
        memory.put(ROW, old, ROW, old.getInt(USED));
        memory.putInt(CAPACITY, capacity());
    }

    /** The row's bytes up to what is used, for tests of the layout. */
    final byte[] bytes() {
        byte[] all = new byte[used()];
        memory.get(ROW, all);
        return all;
    }
}
