// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import io.weighbridge.FakeMemory.Place;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;

/** A completion queue of the fake: each call runs on a daemon thread of its own. */
final class FakeQueue {
    /** Writes a completion, but its tag. */
    interface Completion {
        void write(Place completion);
    }

    private record Done(long tag, Completion completion) {}

    private final Map<Long, FakeEngine.Flag> underWay = new HashMap<>();
    private final ArrayDeque<Done> done = new ArrayDeque<>();
    private boolean ended;

    synchronized void submit(long tag, Function<FakeEngine.Flag, Completion> work) {
        if (ended) throw new FakeFailure(Status.CLOSED, "the engine's queue: closed");
        FakeEngine.Flag token = new FakeEngine.Flag();
        underWay.put(tag, token);
        Thread thread = new Thread(() -> complete(tag, work.apply(token)), "weighbridge-fake");
        thread.setDaemon(true);
        thread.start();
    }

    private synchronized void complete(long tag, Completion completion) {
        underWay.remove(tag);
        done.add(new Done(tag, completion));
        notifyAll();
    }

    synchronized void cancel(long tag) {
        FakeEngine.Flag token = underWay.get(tag);
        if (token == null) throw new FakeFailure(Status.NOT_FOUND, "the call is complete");
        token.set = true;
    }

    synchronized void end() {
        ended = true;
        notifyAll();
    }

    /** Waits for completions; a failure where the queue has ended and everything is answered. */
    synchronized int next(Place out, long stride, long capacity) {
        while (done.isEmpty()) {
            if (ended && underWay.isEmpty()) throw new FakeFailure(Status.CLOSED, "the engine's queue: closed");
            try {
                wait();
            } catch (InterruptedException ignored) {
                Thread.currentThread().interrupt();
                throw new FakeFailure(Status.CANCELLED, "interrupted");
            }
        }
        int count = 0;
        for (; count < capacity && !done.isEmpty(); ++count) {
            Done one = done.poll();
            Place at = new Place(out.buffer(), out.at() + (int) (count * stride));
            at.put(Layout.COMPLETION_TAG, one.tag);
            one.completion.write(at);
        }
        return count;
    }
}
