// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import io.weighbridge.FakeEngine.Deployment;
import io.weighbridge.FakeMemory.Place;
import java.util.List;

/** The functions on engines. */
abstract class FakeEngines extends FakeOptions {
    @Override
    public int engineCreate(long out, long options, long err) {
        return make(out, err, () -> {
            String us = options == 0 ? null : get(Options.class, options).texts.get("default_deadline_us");
            if (us != null && !us.matches("[0-9]{1,15}"))
                throw FakeFailure.argument("default_deadline_us: expected microseconds, got '" + us + "'");
            return new FakeEngine(us == null ? 0 : Long.parseLong(us));
        });
    }

    @Override
    public int engineClose(long engine, long deadlineNs, long err) {
        return call(err, () -> get(FakeEngine.class, engine).close());
    }

    @Override
    public void engineFree(long engine) {
        if (objects.remove(engine) instanceof FakeEngine found) found.close();
    }

    @Override
    public int engineDefaultDeadlineUs(long out, long engine, long err) {
        return call(err, () -> memory.at(out).put(0, get(FakeEngine.class, engine).defaultDeadlineUs));
    }

    @Override
    public int engineEvents(long out, long stride, long capacity, long count, long dropped, long engine, long err) {
        return call(err, () -> {
            FakeEngine of = get(FakeEngine.class, engine);
            List<FakeEngine.Event> taken = of.takeEvents((int) capacity);
            for (int i = 0; i < taken.size(); ++i) {
                FakeEngine.Event one = taken.get(i);
                memory.at(out + i * stride).put(Layout.EVENT_EVENT, one.event()).put(Layout.EVENT_LEVEL, one.level())
                        .put(Layout.EVENT_TIME_NS, one.nanos()).put(Layout.EVENT_COUNT, 1L)
                        .put(Layout.EVENT_SLOT, 64, one.slot()).put(Layout.EVENT_VERSION, 32, one.version())
                        .put(Layout.EVENT_MESSAGE, 384, one.message());
            }
            memory.at(count).put(0, (long) taken.size());
            memory.at(dropped).put(0, of.takeDropped());
        });
    }

    @Override
    public int engineMaintain(long engine, long err) {
        return call(err, () -> get(FakeEngine.class, engine).checkOpen());
    }

    @Override
    public int engineMetrics(long out, long engine, long err) {
        return text(out, err, () -> get(FakeEngine.class, engine).metrics());
    }

    @Override
    public int engineSlots(long out, long stride, long capacity, long count, long engine, long err) {
        return call(err, () -> {
            FakeEngine of = get(FakeEngine.class, engine);
            List<Deployment> all;
            synchronized (of) {
                all = List.copyOf(of.slots.values());
            }
            memory.at(count).put(0, (long) all.size());
            if (all.size() > capacity) throw new FakeFailure(Status.BUFFER_TOO_SMALL, all.size() + " slots");
            for (int i = 0; i < all.size(); ++i) all.get(i).describe(memory.at(out + i * stride));
        });
    }

    @Override
    public int engineSnapshot(long out, long engine, long err) {
        return call(err, () -> {
            Place at = memory.at(out).put(Layout.SNAPSHOT_CONTEXTS, 1);
            long[] counts = get(FakeEngine.class, engine).figures.all();
            for (int i = 0; i < counts.length; ++i) at.put(Layout.SNAPSHOT_REQUESTS + 8 * i, counts[i]);
        });
    }

    @Override
    public int engineWork(long out, long engine, long deadlineNs, long err) {
        return call(err, () -> memory.at(out).put(0, 0L));
    }
}
