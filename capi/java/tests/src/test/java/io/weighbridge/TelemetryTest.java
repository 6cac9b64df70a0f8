// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.weighbridge.micrometer.WeighbridgeMetrics;
import io.weighbridge.slf4j.EventLogger;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.slf4j.Marker;
import org.slf4j.event.KeyValuePair;
import org.slf4j.event.Level;
import org.slf4j.helpers.AbstractLogger;
import org.slf4j.spi.DefaultLoggingEventBuilder;
import org.slf4j.spi.LoggingEventBuilder;

/** The optional artefacts. */
class TelemetryTest {
    /** Keeps what is logged. */
    private static final class Lines extends AbstractLogger {
        private static final long serialVersionUID = 1;
        final transient List<String> lines = new ArrayList<>();

        @Override
        public LoggingEventBuilder makeLoggingEventBuilder(Level level) {
            return new DefaultLoggingEventBuilder(this, level) {
                @Override
                public void log(String message) {
                    StringBuilder line = new StringBuilder(level + " " + message);
                    List<KeyValuePair> pairs = loggingEvent.getKeyValuePairs();
                    if (pairs != null) pairs.forEach(pair -> line.append(' ').append(pair));
                    lines.add(line.toString());
                }
            };
        }

        @Override
        protected String getFullyQualifiedCallerName() {
            return null;
        }

        @Override
        protected void handleNormalizedLoggingCall(Level level, Marker marker, String message, Object[] arguments,
                Throwable thrown) {
            lines.add(level + " " + org.slf4j.helpers.MessageFormatter.basicArrayFormat(message, arguments));
        }

        @Override
        public boolean isTraceEnabled() {
            return true;
        }

        @Override
        public boolean isTraceEnabled(Marker marker) {
            return true;
        }

        @Override
        public boolean isDebugEnabled() {
            return true;
        }

        @Override
        public boolean isDebugEnabled(Marker marker) {
            return true;
        }

        @Override
        public boolean isInfoEnabled() {
            return true;
        }

        @Override
        public boolean isInfoEnabled(Marker marker) {
            return true;
        }

        @Override
        public boolean isWarnEnabled() {
            return true;
        }

        @Override
        public boolean isWarnEnabled(Marker marker) {
            return true;
        }

        @Override
        public boolean isErrorEnabled() {
            return true;
        }

        @Override
        public boolean isErrorEnabled(Marker marker) {
            return true;
        }
    }

    @Test
    void eventsAreLogged() {
        Lines logger = new Lines();
        try (Weighbridge engine = Weighbridge.builder().option("event_capacity", "16").build();
                Slot slot = engine.createSlot("champion").load(Fixtures.MLP)) {
            EventLogger events = new EventLogger(engine, logger);
            events.run();
            assertTrue(logger.lines.stream().anyMatch(line -> line.startsWith("INFO ") && line.contains("loaded")),
                    logger.lines.toString());
            try {
                slot.load(Fixtures.FIXTURES.resolve("mlp-usd"));
            } catch (SchemaException expected) {
                events.run();
            }
            String refused = logger.lines.get(logger.lines.size() - 1);
            assertTrue(refused.startsWith("ERROR ") && refused.contains("event=\"refused\""), refused);
            for (int i = 0; i < 20; ++i) slot.load(Fixtures.MLP);
            events.run();
            assertTrue(logger.lines.stream().anyMatch(line -> line.startsWith("WARN ") && line.contains("not taken")),
                    logger.lines.toString());
        }
    }

    @Test
    void metersBySlotAndVersion() {
        SimpleMeterRegistry registry = new SimpleMeterRegistry();
        try (Weighbridge engine = Weighbridge.create(); Slot slot = engine.createSlot("champion").load(Fixtures.MLP)) {
            WeighbridgeMetrics metrics = new WeighbridgeMetrics(engine);
            metrics.bindTo(registry);
            Row row = Fixtures.payment(slot.newRow());
            slot.score(row);
            slot.score(row);
            metrics.refresh();
            slot.load(Fixtures.MLP_V2);
            slot.score(row);
            metrics.run();
            assertEquals(3, registry.get("weighbridge.requests").functionCounter().count());
            assertEquals(2, registry.get("weighbridge.slot.rows").tag("version", "1.0.0").functionCounter().count());
            assertEquals(1, registry.get("weighbridge.slot.rows").tag("version", "2.0.0").tag("slot", "champion")
                    .functionCounter().count());
            assertTrue(registry.get("weighbridge.latency.p99.seconds").gauge().value() > 0);
        }
    }
}
