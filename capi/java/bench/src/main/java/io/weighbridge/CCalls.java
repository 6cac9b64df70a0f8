// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

/** Loops of C calls, in this process: c_call.c. */
final class CCalls {
    static {
        System.load(System.getProperty("bench.c"));
    }

    private CCalls() {}

    static native boolean open(long schema);

    static native double score(long model, long payment, int count, boolean fill);
}
