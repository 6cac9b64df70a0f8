// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.nio.charset.StandardCharsets;
import java.util.concurrent.ConcurrentHashMap;

/** The library's names of numbers; a number that it does not know either is printed as it is. */
final class Names {
    private static final ConcurrentHashMap<Integer, String> BACKENDS = new ConcurrentHashMap<>();
    private static final ConcurrentHashMap<Integer, String> PRECISIONS = new ConcurrentHashMap<>();

    private Names() {}

    private static String of(long address, int number) {
        String name = new String(Library.get().bytes(address, -1), StandardCharsets.UTF_8);
        return name.equals("?") || name.equals("WB_UNKNOWN") ? Integer.toString(number) : name;
    }

    static String status(int status) {
        return of(Library.get().statusName(status), status);
    }

    static String backend(int number) {
        return BACKENDS.computeIfAbsent(number, n -> of(Library.get().backendName(n), n));
    }

    static String precision(int number) {
        return PRECISIONS.computeIfAbsent(number, n -> of(Library.get().precisionName(n), n));
    }

    static String type(int number) {
        return of(Library.get().typeName(number), number);
    }

    static String event(int number) {
        return of(Library.get().eventName(number), number);
    }
}
