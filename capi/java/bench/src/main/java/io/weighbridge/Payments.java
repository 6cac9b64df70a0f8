// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The payments that everything scores: what tests/bench/rivals writes for C, a count, then for each 64 float32, 16 int64
 * and the logit that LibTorch gives.
 */
final class Payments {
    static final int NUMBERS = 64;
    static final int CODES = 16;
    private static final int BYTES = 4 * NUMBERS + 8 * CODES + 8;

    final int count;
    private final ByteBuffer all;

    Payments(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        all = ByteBuffer.allocateDirect(bytes.length).order(ByteOrder.nativeOrder()).put(0, bytes);
        count = (int) all.getLong(0);
    }

    long address(int payment) {
        return Library.get().address(all) + 8 + (long) payment * BYTES;
    }

    float number(int payment, int i) {
        return all.getFloat(8 + payment * BYTES + 4 * i);
    }

    long code(int payment, int i) {
        return all.getLong(8 + payment * BYTES + 4 * NUMBERS + 8 * i);
    }

    double logit(int payment) {
        return all.getDouble(8 + payment * BYTES + 4 * NUMBERS + 8 * CODES);
    }
}
