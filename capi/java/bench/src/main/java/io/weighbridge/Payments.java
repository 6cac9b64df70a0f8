// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The payments that everything scores: what tests/bench/rivals writes for C, a count, then for each 64 float32, 16
 * int64 and the logit that LibTorch gives.
 */
final class Payments {
    static final int NUMBERS = 64;
    static final int CODES = 16;
    private static final int BYTES = 4 * NUMBERS + 8 * CODES + 8;

    final int count;
    private final ByteBuffer all;
    /** The same on the heap, where a service has its payments. */
    private final float[][] numbers;
    private final long[][] codes;

    Payments(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        all = ByteBuffer.allocateDirect(bytes.length).order(ByteOrder.nativeOrder()).put(0, bytes);
        count = (int) all.getLong(0);
        numbers = new float[count][NUMBERS];
        codes = new long[count][CODES];
        for (int p = 0; p < count; ++p) {
            int at = 8 + p * BYTES;
            for (int i = 0; i < NUMBERS; ++i) numbers[p][i] = all.getFloat(at + 4 * i);
            for (int i = 0; i < CODES; ++i) codes[p][i] = all.getLong(at + 4 * NUMBERS + 8 * i);
        }
    }

    long address(int payment) {
        return Library.get().address(all) + 8 + (long) payment * BYTES;
    }

    float[] numbers(int payment) {
        return numbers[payment];
    }

    long[] codes(int payment) {
        return codes[payment];
    }

    double logit(int payment) {
        return all.getDouble(8 + payment * BYTES + 4 * NUMBERS + 8 * CODES);
    }
}
