// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import io.weighbridge.FakeEngine.Serving;
import java.util.Map;
import java.util.function.IntSupplier;

/** The functions on calls, and those that score a row. */
abstract class FakeCalls extends FakeModels {
    @Override
    public int callCreate(long out, long err) {
        return make(out, err, FakeEngine.CallOptions::new);
    }

    @Override
    public void callFree(long call) {
        free(call);
    }

    @Override
    public int callSetCancel(long call, long cancel, long err) {
        return call(err, () -> get(FakeEngine.CallOptions.class, call).cancel =
                cancel == 0 ? null : get(FakeEngine.Flag.class, cancel));
    }

    @Override
    public int callSetFallback(long call, int accept, long err) {
        return call(err, () -> get(FakeEngine.CallOptions.class, call).fallback = accept != 0);
    }

    @Override
    public int callSetOutput(long call, int index, long buffer, long capacity, long err) {
        return unsupported("outputs beside the score", err);
    }

    @Override
    public int callSetPriority(long call, int priority, long err) {
        return call(err, () -> get(FakeEngine.CallOptions.class, call));
    }

    @Override
    public int callSetWait(long call, int wait, long err) {
        return call(err, () -> get(FakeEngine.CallOptions.class, call).wait = wait != 0);
    }

    @Override
    public int cancelCreate(long out, long err) {
        return make(out, err, FakeEngine.Flag::new);
    }

    @Override
    public void cancelFree(long cancel) {
        free(cancel);
    }

    @Override
    public int cancelSet(long cancel, int set, long err) {
        return call(err, () -> get(FakeEngine.Flag.class, cancel).set = set != 0);
    }

    FakeEngine.CallOptions options(long call) {
        return call == 0 ? null : get(FakeEngine.CallOptions.class, call);
    }

    Serving ofModel(Model model) {
        return new Serving(model.loaded(), null);
    }

    int score(long out, FakeEngine engine, Serving serving, long row, long deadline, long call, long err) {
        int[] status = {0};
        int failed = call(err, () -> {
            FakeEngine.CallOptions with = options(call);
            // A call that is not to wait goes to the queue where runs take time, as where all contexts are taken.
            if (with != null && !with.wait && !serving.loaded().script().isInstant())
                throw new FakeFailure(Status.WOULD_WAIT, "the script's runs take time");
            Map<String, Object> values = FakeEngine.values(memory.at(row), serving.loaded().schema());
            FakeEngine.Answer answer = engine.score(serving, values, null, deadline, with, null);
            answer.write(memory.at(out));
            status[0] = answer.status();
        });
        return failed < 0 ? failed : status[0];
    }

    @Override
    public int modelScore(long out, long model, long row, long deadlineNs, long call, long err) {
        return scored(err, () -> {
            Model of = get(Model.class, model);
            return score(out, of.engine(), ofModel(of), row, deadlineNs, call, err);
        });
    }

    @Override
    public int slotScore(long out, long slot, long row, long deadlineNs, long call, long err) {
        return scored(err, () -> {
            Slot of = get(Slot.class, slot);
            return score(out, of.engine(), of.deployment().serving(), row, deadlineNs, call, err);
        });
    }

    /** Runs what gives a status of its own. */
    int scored(long err, IntSupplier body) {
        int[] status = {0};
        int failed = call(err, () -> status[0] = body.getAsInt());
        return failed < 0 ? failed : status[0];
    }
}
