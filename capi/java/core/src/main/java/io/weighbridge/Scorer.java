// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.lang.invoke.MethodHandles;
import java.lang.ref.Reference;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/**
 * What scores payments: a {@link Model}, or a {@link Slot} with the model that it serves now. Thread-safe; a row, batch
 * or call is for one thread at a time.
 *
 * <p>A call cannot be interrupted; it ends at its deadline, by default the engine's option {@code default_deadline_us},
 * and leaves the thread's interrupted status alone. It runs on the calling thread, and so holds a virtual thread's
 * carrier while it waits and runs; {@code submit} does not while it waits.
 *
 * @since 0.2
 */
public abstract sealed class Scorer implements AutoCloseable permits Model, Slot {
    final Native library = Library.get();
    final Handle handle;
    final Weighbridge engine;

    Scorer(Weighbridge engine, Handle.Kind kind, long token) {
        this.engine = engine;
        handle = Handle.of(this, kind, token);
    }

    abstract int score(long out, long row, long deadline, long call, long error);

    abstract int scoreBatch(long out, long batch, long deadline, long call, long error);

    abstract int submit(long queue, long tag, long row, long deadline, long call, long error);

    abstract int submitBatch(long out, long queue, long tag, long batch, long deadline, long call, long error);

    /**
     * The schema that rows are made for.
     *
     * @return the schema
     * @throws NotLoadedException where the slot is empty
     */
    public abstract Schema schema();

    /**
     * An empty row; as {@link Schema#newRow()}.
     *
     * @return a row in which every feature is missing
     */
    public final Row newRow() {
        return schema().newRow();
    }

    /**
     * A batch of columns.
     *
     * @param rows how many rows its columns have
     * @return a batch without columns: every feature is missing
     */
    public final Batch newBatch(int rows) {
        return new Batch(schema(), rows);
    }

    /**
     * A batch of rows, which {@link Batch#add(Row)} copies into it.
     *
     * @return an empty batch
     */
    public final Batch newBatch() {
        return new Batch(schema(), 0);
    }

    /**
     * Binds a record to the schema, once: names, types and currencies are checked, and each component has its feature
     * after that.
     *
     * @param <T> the record
     * @param type its class, which this library can see: public, or in an unnamed module, or in an open package
     * @return what scores such records
     * @throws WeighbridgeException with all that does not fit
     */
    public final <T extends Record> Binding<T> bind(Class<T> type) {
        return new Binding<>(this, type, null);
    }

    /**
     * {@link #bind(Class)} for a record that only its own code can see.
     *
     * @param <T> the record
     * @param type its class
     * @param lookup with access to the record, as MethodHandles.lookup() in its code
     * @return what scores such records
     */
    public final <T extends Record> Binding<T> bind(Class<T> type, MethodHandles.Lookup lookup) {
        return new Binding<>(this, type, lookup);
    }

    /**
     * Scores one payment.
     *
     * @param row a row of the schema
     * @return the row's result
     * @throws WeighbridgeException a subclass by what happened
     */
    public final Result score(Row row) {
        return scoreBy(row, Deadlines.DEFAULT, null);
    }

    /**
     * Scores one payment within a budget.
     *
     * @param row a row of the schema
     * @param budget from now on; below zero counts as expired; null for the engine's default
     * @return the row's result: where the budget ends before the model answers, the bundle's fallback's
     * @throws WeighbridgeException a subclass by what happened
     */
    public final Result score(Row row, Duration budget) {
        return scoreBy(row, Deadlines.after(budget), null);
    }

    /**
     * Scores one payment with options.
     *
     * @param row a row of the schema
     * @param budget from now on; null for the engine's default
     * @param call priority, flag, outputs; null for defaults
     * @return the row's result
     * @throws WeighbridgeException a subclass by what happened
     */
    public final Result score(Row row, Duration budget, Call call) {
        return scoreBy(row, Deadlines.after(budget), call);
    }

    /**
     * Scores one payment by a deadline.
     *
     * @param row a row of the schema
     * @param deadline as System.nanoTime() has it
     * @param call priority, flag, outputs; null for defaults
     * @return the row's result
     * @throws WeighbridgeException a subclass by what happened
     */
    public final Result scoreBy(Row row, long deadline, Call call) {
        Row.Block block = row.block();
        int status = score(block.result(), block.row(), deadline, call == null ? 0 : call.handle.token(),
                block.error());
        Reference.reachabilityFence(block);
        Reference.reachabilityFence(call);
        Reference.reachabilityFence(this);
        if (status < 0) throw failure(row, block, status);
        return row.result().at(block.memory());
    }

    /**
     * Scores one payment without waiting for a context: inline where one is free, else through the engine's queue. The
     * row is the caller's again on return.
     *
     * @param row a row of the schema
     * @return the answer, by the deadline; cancelling it ends the work. What depends on it runs on the queue's thread,
     *     unless it is given an executor, and should be short
     */
    public final CompletableFuture<Result> submit(Row row) {
        return submitBy(row, Deadlines.DEFAULT, null);
    }

    /**
     * {@link #submit(Row)} within a budget.
     *
     * @param row a row of the schema
     * @param budget from now on, waiting included; null for the engine's default
     * @return the answer
     */
    public final CompletableFuture<Result> submit(Row row, Duration budget) {
        return submitBy(row, Deadlines.after(budget), null);
    }

    /**
     * {@link #submit(Row)} with options.
     *
     * @param row a row of the schema
     * @param budget from now on, waiting included; null for the engine's default
     * @param call priority, flag, outputs, whose buffers stay the library's until the answer; null for defaults
     * @return the answer
     */
    public final CompletableFuture<Result> submit(Row row, Duration budget, Call call) {
        return submitBy(row, Deadlines.after(budget), call);
    }

    private CompletableFuture<Result> submitBy(Row row, long deadline, Call call) {
        try {
            if (engine.submitsInline) {
                Result inline = tryInline(row, deadline, call);
                if (inline != null) return CompletableFuture.completedFuture(inline);
            }
            return engine.queue().submit(this, row, deadline, call);
        } catch (WeighbridgeException error) {
            return CompletableFuture.failedFuture(error);
        }
    }

    /** The answer, or null where no context is free. */
    private Result tryInline(Row row, long deadline, Call call) {
        Row.Block block = row.block();
        if (call != null) call.setWait(false);
        int status;
        try {
            status = score(block.result(), block.row(), deadline,
                    call == null ? row.callThatDoesNotWait() : call.handle.token(), block.error());
        } finally {
            if (call != null) call.setWait(true);
            Reference.reachabilityFence(block);
            Reference.reachabilityFence(row);
            Reference.reachabilityFence(this);
        }
        if (status >= 0) return Result.empty(row.schema()).read(block.memory(), Row.RESULT);
        if (status == Status.WOULD_WAIT.code()) return null;
        throw failure(row, block, status);
    }

    /**
     * Scores a batch, window by window, on the calling thread. A row that cannot be scored gets its own status; the
     * others are answered all the same.
     *
     * @param batch made for the schema
     * @return what became of its rows; their scores are in the batch
     * @throws CancelledException where the thread is interrupted between two windows; it stays interrupted
     */
    public final BatchResult scoreAll(Batch batch) {
        return batch.scoreBy(this, Deadlines.DEFAULT, null);
    }

    /**
     * {@link #scoreAll(Batch)} within a budget.
     *
     * @param batch made for the schema
     * @param budget for all windows; null for the engine's default, for each
     * @param call priority, flag, whether fallbacks are accepted; null for defaults
     * @return what became of its rows
     */
    public final BatchResult scoreAll(Batch batch, Duration budget, Call call) {
        return batch.scoreBy(this, Deadlines.after(budget), call);
    }

    /**
     * Scores a batch on all contexts, its windows one by one through the engine's queue.
     *
     * @param batch made for the schema; not to be used until the answer
     * @return what became of its rows; cancelling it ends the work, and the batch is free when that has ended
     */
    public final CompletableFuture<BatchResult> submitAll(Batch batch) {
        return batch.submitBy(this, Deadlines.DEFAULT);
    }

    /** What a call with a row failed with; a handle that was closed meanwhile is told as such. */
    private WeighbridgeException failure(Row row, Row.Block block, int status) {
        return closedMeanwhile(status) ? closed() : row.failure(block, status);
    }

    boolean closedMeanwhile(int status) {
        return status == Status.INVALID_HANDLE.code() && handle.isClosed();
    }

    ClosedException closed() {
        return handle.closed();
    }

    /** Ends the use. Never blocks; calls in progress, and for a model slots, keep what they need. */
    @Override
    public void close() {
        handle.close();
    }
}
