// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * An engine's queue of asynchronous calls, with one daemon thread that drains it. It does not hold the engine, so that
 * an engine that is forgotten can be collected: what is under way does, and keeps it until then.
 */
final class CompletionQueue implements Runnable {
    private static final int AT_ONCE = 64;

    private final Native library = Library.get();
    private final ConcurrentHashMap<Long, Pending<?>> pending = new ConcurrentHashMap<>();
    private final AtomicLong tags = new AtomicLong();
    private final Handle handle;
    private final Thread drainer;

    CompletionQueue(long engine, int capacity) {
        Frame frame = new Frame(8);
        frame.check(library.queueCreate(frame.out(), engine, capacity, frame.error()));
        handle = Handle.of(this, Handle.Kind.QUEUE, frame.outToken());
        drainer = new Thread(this, "weighbridge-queue");
        drainer.setDaemon(true);
        drainer.start();
    }

    /** A call that is under way; it keeps alive what the call uses. */
    abstract static class Pending<T> extends CompletableFuture<T> {
        private final CompletionQueue queue;
        final long tag;
        final Scorer scorer;

        Pending(CompletionQueue queue, Scorer scorer) {
            this.queue = queue;
            this.scorer = scorer;
            tag = queue.tags.incrementAndGet();
        }

        /** Takes a completion that is an answer. */
        abstract void answer(int status, ByteBuffer memory, int at);

        abstract Schema schema();

        /** Completes with CancellationException, and ends the work. */
        @Override
        public boolean cancel(boolean mayInterruptIfRunning) {
            boolean cancelled = super.cancel(mayInterruptIfRunning);
            if (cancelled) queue.cancel(tag);
            return cancelled;
        }
    }

    private static final class PendingRow extends Pending<Result> {
        private final Schema schema;
        private final Call call;

        PendingRow(CompletionQueue queue, Scorer scorer, Schema schema, Call call) {
            super(queue, scorer);
            this.schema = schema;
            this.call = call;
        }

        @Override
        void answer(int status, ByteBuffer memory, int at) {
            complete(new Result(schema).read(memory, at + Layout.COMPLETION_RESULT));
            Reference.reachabilityFence(call);
        }

        @Override
        Schema schema() {
            return schema;
        }
    }

    CompletableFuture<Result> submit(Scorer scorer, Row row, long deadline, Call call) {
        PendingRow made = new PendingRow(this, scorer, row.schema(), call);
        Row.Block block = row.block();
        pending.put(made.tag, made);
        int status = scorer.submit(handle.token(), made.tag, block.row(), deadline,
                call == null ? 0 : call.handle.token(), block.error());
        Reference.reachabilityFence(block);
        Reference.reachabilityFence(scorer);
        if (status >= 0) return made;
        pending.remove(made.tag);
        throw scorer.closedMeanwhile(status) ? scorer.closed() : row.failure(block, status);
    }

    /** Submits a window of a batch; `out` is the address of its wb_batch_result. */
    void submit(Pending<?> made, long batch, long out, long deadline, Frame frame) {
        pending.put(made.tag, made);
        int status = made.scorer.submitBatch(out, handle.token(), made.tag, batch, deadline, 0, frame.error());
        Reference.reachabilityFence(made.scorer);
        if (status >= 0) return;
        pending.remove(made.tag);
        frame.check(status, made.schema());
    }

    private void cancel(long tag) {
        Frame frame = new Frame(8);
        // complete already: nothing to end
        if (!handle.isClosed()) library.queueCancel(handle.get(), tag, frame.error());
    }

    /** Drains until the engine is closed and everything is answered. */
    @Override
    public void run() {
        Frame frame = new Frame(8);
        ByteBuffer completions = Frame.direct(AT_ONCE * Layout.COMPLETION_SIZEOF);
        long address = library.address(completions);
        for (;;) {
            int status = library.queueNext(address, Layout.COMPLETION_SIZEOF, AT_ONCE, frame.out(), handle.get(),
                    Deadlines.NONE, frame.error());
            if (status < 0) break;
            for (int i = 0; i < (int) frame.outLong(0); ++i) complete(completions, i * Layout.COMPLETION_SIZEOF);
        }
        handle.close();
        pending.values().forEach(left ->
                left.completeExceptionally(new ClosedException(Status.CLOSED.code(), "the engine's queue: closed")));
        pending.clear();
        Reference.reachabilityFence(completions);
    }

    private void complete(ByteBuffer memory, int at) {
        Pending<?> done = pending.remove(memory.getLong(at + Layout.COMPLETION_TAG));
        int status = memory.getInt(at + Layout.COMPLETION_STATUS);
        try {
            if (status >= 0) done.answer(status, memory, at);
            else done.completeExceptionally(Frame.failure(memory, at + Layout.COMPLETION_ERROR, status, done.schema()));
        } catch (Throwable noMemory) { // the others are answered all the same
            done.completeExceptionally(noMemory);
        }
    }

    /** Waits until everything is answered and the thread has ended, or the deadline; not at all on that thread. */
    void awaitEnd(long deadline) {
        boolean interrupted = false;
        while (Thread.currentThread() != drainer && drainer.isAlive()) {
            long left = deadline == Deadlines.NONE ? 0 : (deadline - System.nanoTime()) / 1_000_000;
            if (left < 0 || left == 0 && deadline != Deadlines.NONE) break;
            try {
                drainer.join(left);
            } catch (InterruptedException later) {
                interrupted = true;
            }
        }
        if (interrupted) Thread.currentThread().interrupt();
    }
}
