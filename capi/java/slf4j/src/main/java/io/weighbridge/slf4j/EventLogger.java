// SPDX-License-Identifier: Apache-2.0
package io.weighbridge.slf4j;

import io.weighbridge.Events;
import io.weighbridge.Weighbridge;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Takes an engine's events and logs them: to be run every second or so, on a scheduler of the service. Starts no
 * thread.
 *
 * <pre>{@code scheduler.scheduleWithFixedDelay(new EventLogger(engine), 1, 1, TimeUnit.SECONDS); }</pre>
 *
 * <p>Slot, version and count are key-value pairs beside the message.
 *
 * @since 0.2
 */
public final class EventLogger implements Runnable {
    private final Weighbridge engine;
    private final Logger logger;

    /**
     * Logs to the logger "io.weighbridge".
     *
     * @param engine whose events are logged
     */
    public EventLogger(Weighbridge engine) {
        this(engine, LoggerFactory.getLogger("io.weighbridge"));
    }

    /**
     * Logs to a logger of the service's.
     *
     * @param engine whose events are logged
     * @param logger where they go
     */
    public EventLogger(Weighbridge engine, Logger logger) {
        this.engine = engine;
        this.logger = logger;
    }

    /** Logs what has happened since the last run. */
    @Override
    public void run() {
        Events taken;
        do {
            taken = engine.events();
            if (taken.dropped() > 0) logger.warn("{} events were not taken in time", taken.dropped());
            taken.events().forEach(this::log);
        } while (!taken.events().isEmpty());
    }

    private void log(Events.Event event) {
        Level level = switch (event.level()) {
            case INFO -> Level.INFO;
            case WARNING -> Level.WARN;
            case ERROR -> Level.ERROR;
        };
        var entry = logger.atLevel(level).addKeyValue("event", event.name());
        if (!event.slot().isEmpty()) entry = entry.addKeyValue("slot", event.slot());
        if (!event.version().isEmpty()) entry = entry.addKeyValue("version", event.version());
        if (event.count() > 1) entry = entry.addKeyValue("count", event.count());
        entry.log(event.message());
    }
}
