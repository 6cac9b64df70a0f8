// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.nio.ByteBuffer;
import java.util.List;

/**
 * Events that were taken from an engine.
 *
 * @param events in their order
 * @param dropped how many nobody took in time, since this was last asked
 * @since 0.2
 */
public record Events(List<Event> events, long dropped) {
    /** How serious an event is. */
    public enum Level {
        /** Loaded, swapped, unloaded, closed. */
        INFO,
        /** Fallback answers, overload, a warning. */
        WARNING,
        /** Refused, failed. */
        ERROR
    }

    /**
     * One event.
     *
     * @param name such as "swapped"
     * @param level how serious it is
     * @param nanos when it was told, as System.nanoTime()
     * @param count how many a rate-limited event stands for; else 1
     * @param slot the slot that it is about; "" where it is about none
     * @param version the bundle's version that it is about; "" where it is about none
     * @param message one line, without a value of a feature with a privacy class
     * @since 0.2
     */
    public record Event(String name, Level level, long nanos, long count, String slot, String version,
            String message) {}

    static Event read(ByteBuffer at, int o) {
        int level = at.getInt(o + Layout.EVENT_LEVEL);
        return new Event(Names.event(at.getInt(o + Layout.EVENT_EVENT)),
                level == 1 ? Level.INFO : level == 3 ? Level.ERROR : Level.WARNING,
                at.getLong(o + Layout.EVENT_TIME_NS),
                at.getLong(o + Layout.EVENT_COUNT), Frame.chars(at, o + Layout.EVENT_SLOT, 64),
                Frame.chars(at, o + Layout.EVENT_VERSION, 32), Frame.chars(at, o + Layout.EVENT_MESSAGE, 384));
    }
}
