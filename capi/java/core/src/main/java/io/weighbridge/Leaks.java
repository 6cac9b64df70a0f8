// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.util.concurrent.atomic.AtomicLong;

/** Reports objects that the garbage collector had to free, to System.Logger "io.weighbridge". */
final class Leaks {
    private static final AtomicLong COUNT = new AtomicLong();

    private Leaks() {}

    /** Where an object was opened; null unless -Dweighbridge.leaks=trace asks for it. */
    static Throwable origin(String what) {
        boolean isTraced = "trace".equals(System.getProperty("weighbridge.leaks"));
        return isTraced ? new Throwable(what + " was opened here") : null;
    }

    static long count() {
        return COUNT.get();
    }

    static void report(String what, Throwable opened) {
        COUNT.incrementAndGet();
        System.getLogger("io.weighbridge").log(System.Logger.Level.WARNING, what
                + " was not closed and was freed by the garbage collector"
                + (opened == null ? "; -Dweighbridge.leaks=trace tells where it was opened" : ""), opened);
    }
}
