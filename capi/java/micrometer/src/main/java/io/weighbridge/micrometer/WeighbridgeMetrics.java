// SPDX-License-Identifier: Apache-2.0
package io.weighbridge.micrometer;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.weighbridge.Slot;
import io.weighbridge.Snapshot;
import io.weighbridge.Weighbridge;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.ToDoubleFunction;

/**
 * An engine's counters, and those of each slot by version, as meters "weighbridge.*". The figures are those of the last
 * {@link #refresh()}: to be run every second or so, on a scheduler of the service, or before a scrape.
 *
 * @since 0.2
 */
public final class WeighbridgeMetrics implements MeterBinder, Runnable {
    private final Weighbridge engine;
    private final AtomicReference<Snapshot> last = new AtomicReference<>();
    private final Map<String, AtomicReference<Slot.Info>> slots = new ConcurrentHashMap<>();
    private volatile MeterRegistry registry;

    /**
     * Meters of an engine.
     *
     * @param engine whose counters are read
     */
    public WeighbridgeMetrics(Weighbridge engine) {
        this.engine = engine;
    }

    @Override
    public void bindTo(MeterRegistry to) {
        registry = to;
        last.set(engine.snapshot());
        gauge("contexts", Snapshot::contexts);
        gauge("waiting", Snapshot::waiting);
        gauge("models", Snapshot::models);
        counter("requests", Snapshot::requests);
        counter("rows", Snapshot::rows);
        counter("fallbacks", Snapshot::fallbacks);
        counter("overloaded", Snapshot::overloaded);
        counter("expired", Snapshot::expired);
        counter("invalid", Snapshot::invalid);
        counter("failed", Snapshot::failed);
        counter("swaps", Snapshot::swaps);
        gauge("latency.p50.seconds", s -> s.p50Nanos() / 1e9);
        gauge("latency.p99.seconds", s -> s.p99Nanos() / 1e9);
        gauge("latency.p999.seconds", s -> s.p999Nanos() / 1e9);
        refresh();
    }

    private void gauge(String name, ToDoubleFunction<Snapshot> value) {
        Gauge.builder("weighbridge." + name, last, at -> value.applyAsDouble(at.get())).register(registry);
    }

    private void counter(String name, ToDoubleFunction<Snapshot> value) {
        FunctionCounter.builder("weighbridge." + name, last, at -> value.applyAsDouble(at.get())).register(registry);
    }

    /** Reads the counters again; versions that have come into a slot since get meters of their own. */
    public void refresh() {
        MeterRegistry to = registry;
        if (to == null) return;
        last.set(engine.snapshot());
        for (Slot.Info slot : engine.slots()) {
            if (slot.version().isEmpty()) continue;
            slots.computeIfAbsent(slot.name() + "\0" + slot.version(), key -> {
                AtomicReference<Slot.Info> made = new AtomicReference<>(slot);
                Tags tags = Tags.of("slot", slot.name(), "version", slot.version());
                slotCounter(to, made, tags, "requests", Slot.Info::requests);
                slotCounter(to, made, tags, "rows", Slot.Info::rows);
                slotCounter(to, made, tags, "fallbacks", Slot.Info::fallbacks);
                slotCounter(to, made, tags, "overloaded", Slot.Info::overloaded);
                slotCounter(to, made, tags, "expired", Slot.Info::expired);
                slotCounter(to, made, tags, "invalid", Slot.Info::invalid);
                slotCounter(to, made, tags, "failed", Slot.Info::failed);
                Gauge.builder("weighbridge.slot.latency.p99.seconds", made, at -> at.get().p99Nanos() / 1e9).tags(tags)
                        .register(to);
                return made;
            }).set(slot);
        }
    }

    private static void slotCounter(MeterRegistry to, AtomicReference<Slot.Info> slot, Tags tags, String name,
            ToDoubleFunction<Slot.Info> value) {
        FunctionCounter.builder("weighbridge.slot." + name, slot, at -> value.applyAsDouble(at.get())).tags(tags)
                .register(to);
    }

    /** {@link #refresh()}, for a scheduler. */
    @Override
    public void run() {
        refresh();
    }
}
