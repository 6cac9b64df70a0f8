// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import io.weighbridge.FakeEngine.Serving;

/** The functions on batches. */
abstract class FakeBatches extends FakeCalls {
    @Override
    public int batchCreate(long out, long schema, long err) {
        return make(out, err, () -> new FakeBatch(memory, get(FakeSchema.class, schema)));
    }

    @Override
    public void batchFree(long batch) {
        free(batch);
    }

    @Override
    public int batchReset(long batch, long rows, long err) {
        return call(err, () -> get(FakeBatch.class, batch).reset(rows));
    }

    @Override
    public int batchCopy(long out, long batch, long err) {
        return make(out, err, () -> get(FakeBatch.class, batch).copy());
    }

    @Override
    public int batchCheck(long batch, long row, long err) {
        return call(err, () -> get(FakeBatch.class, batch).check(row));
    }

    @Override
    public int batchSetArrowRows(long batch, long type, long array, long err) {
        return unsupported("Arrow record batches", err);
    }

    @Override
    public int batchSetColumnAs(long batch, int feature, int elementType, long data, long stride, long validity,
            long validityOffset, long err) {
        return call(err, () -> get(FakeBatch.class, batch).column(feature, elementType, data, stride, validity,
                validityOffset));
    }

    @Override
    public int batchSetOutput(long batch, int index, long data, long stride, long err) {
        return unsupported("outputs beside the score", err);
    }

    @Override
    public int batchSetResult(long batch, int column, long data, long stride, long err) {
        return call(err, () -> get(FakeBatch.class, batch).result(column, data, stride));
    }

    @Override
    public int batchSetRows(long batch, long rows, long stride, long err) {
        return call(err, () -> get(FakeBatch.class, batch).place(rows, stride));
    }

    @Override
    public int batchSetWindow(long batch, long first, long rows, long err) {
        return call(err, () -> get(FakeBatch.class, batch).window(first, rows));
    }

    private int scoreBatch(long out, FakeEngine engine, Serving serving, long batch, long deadline, long call,
            long err) {
        FakeBatch.Outcome outcome =
                get(FakeBatch.class, batch).score(engine, serving, deadline, options(call), null);
        outcome.write(memory.at(out));
        if (outcome.failure() != null) fail(memory.at(err), outcome.failure());
        return outcome.status();
    }

    @Override
    public int modelScoreBatch(long out, long model, long batch, long deadlineNs, long call, long err) {
        return scored(err, () -> {
            Model of = get(Model.class, model);
            return scoreBatch(out, of.engine(), ofModel(of), batch, deadlineNs, call, err);
        });
    }

    @Override
    public int slotScoreBatch(long out, long slot, long batch, long deadlineNs, long call, long err) {
        return scored(err, () -> {
            Slot of = get(Slot.class, slot);
            return scoreBatch(out, of.engine(), of.deployment().serving(), batch, deadlineNs, call, err);
        });
    }
}
