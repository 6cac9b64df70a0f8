// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import io.weighbridge.FakeEngine.Serving;
import io.weighbridge.FakeMemory.Place;
import java.util.Map;

/** The functions on queues. */
abstract class FakeQueues extends FakeBatches {
    private record Queue(FakeEngine engine, FakeQueue queue) {}

    @Override
    public int queueCreate(long out, long engine, int capacity, long err) {
        return make(out, err, () -> {
            FakeEngine of = get(FakeEngine.class, engine);
            FakeQueue made = new FakeQueue();
            synchronized (of.queues) {
                of.queues.add(made);
            }
            return new Queue(of, made);
        });
    }

    @Override
    public void queueFree(long queue) {
        if (objects.remove(queue) instanceof Queue found) found.queue.end();
    }

    @Override
    public int queueClose(long queue, long deadlineNs, long err) {
        return call(err, () -> get(Queue.class, queue).queue.end());
    }

    @Override
    public int queueCancel(long queue, long tag, long err) {
        return call(err, () -> get(Queue.class, queue).queue.cancel(tag));
    }

    @Override
    public int queueNext(long out, long stride, long capacity, long count, long queue, long deadlineNs, long err) {
        return call(err, () -> {
            int taken = get(Queue.class, queue).queue.next(memory.at(out), stride, capacity);
            memory.at(count).put(0, (long) taken);
        });
    }

    static FakeQueue.Completion failed(FakeFailure failure) {
        return at -> {
            at.put(Layout.COMPLETION_STATUS, failure.code);
            fail(new Place(at.buffer(), at.at() + Layout.COMPLETION_ERROR), failure);
        };
    }

    private int submit(long queue, long tag, FakeEngine engine, Serving serving, long row, long deadline, long call) {
        FakeEngine.CallOptions with = options(call);
        // Read now: the row is the caller's again.
        Map<String, Object> values = FakeEngine.values(memory.at(row), serving.loaded().schema());
        get(Queue.class, queue).queue.submit(tag, token -> {
            try {
                FakeEngine.Answer answer = engine.score(serving, values, null, deadline, with, token);
                return at -> {
                    at.put(Layout.COMPLETION_STATUS, answer.status());
                    answer.write(new Place(at.buffer(), at.at() + Layout.COMPLETION_RESULT));
                };
            } catch (FakeFailure failure) {
                return failed(failure);
            }
        });
        return Status.OK.code();
    }

    @Override
    public int modelSubmit(long queue, long tag, long model, long row, long deadlineNs, long call, long err) {
        return scored(err, () -> {
            Model of = get(Model.class, model);
            return submit(queue, tag, of.engine(), ofModel(of), row, deadlineNs, call);
        });
    }

    @Override
    public int slotSubmit(long queue, long tag, long slot, long row, long deadlineNs, long call, long err) {
        return scored(err, () -> {
            Slot of = get(Slot.class, slot);
            return submit(queue, tag, of.engine(), of.deployment().serving(), row, deadlineNs, call);
        });
    }

    private int submitBatch(long out, long queue, long tag, FakeEngine engine, Serving serving, long batch,
            long deadline, long call) {
        FakeEngine.CallOptions with = options(call);
        // The window as it is now: the caller may set the next one.
        FakeBatch window = get(FakeBatch.class, batch).copy();
        Place result = memory.at(out);
        get(Queue.class, queue).queue.submit(tag, token -> {
            try {
                FakeBatch.Outcome outcome = window.score(engine, serving, deadline, with, token);
                return at -> {
                    outcome.write(result);
                    at.put(Layout.COMPLETION_STATUS, outcome.status());
                    if (outcome.failure() != null)
                        fail(new Place(at.buffer(), at.at() + Layout.COMPLETION_ERROR), outcome.failure());
                };
            } catch (FakeFailure failure) {
                return failed(failure);
            }
        });
        return Status.OK.code();
    }

    @Override
    public int modelSubmitBatch(long out, long queue, long tag, long model, long batch, long deadlineNs, long call,
            long err) {
        return scored(err, () -> {
            Model of = get(Model.class, model);
            return submitBatch(out, queue, tag, of.engine(), ofModel(of), batch, deadlineNs, call);
        });
    }

    @Override
    public int slotSubmitBatch(long out, long queue, long tag, long slot, long batch, long deadlineNs, long call,
            long err) {
        return scored(err, () -> {
            Slot of = get(Slot.class, slot);
            return submitBatch(out, queue, tag, of.engine(), of.deployment().serving(), batch, deadlineNs, call);
        });
    }
}
