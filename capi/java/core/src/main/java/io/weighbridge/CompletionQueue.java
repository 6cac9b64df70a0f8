// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.lang.ref.Reference;
import java.nio.MappedByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntSupplier;

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
    /** What the drainer's calls write; made before it starts, so that it needs no memory to go on. */
    private final Frame frame = new Frame(8);
    private final MappedByteBuffer completions = Frame.direct(AT_ONCE * Layout.COMPLETION_SIZEOF);

    CompletionQueue(long engine, int capacity) {
        frame.check(library.queueCreate(frame.out(), engine, capacity, frame.error()));
        handle = Handle.of(this, Handle.Kind.QUEUE, frame.outToken());
        pause(); // loads now what is needed when there is no memory to load it
        drainer = new Thread(this, "weighbridge-queue");
        drainer.setDaemon(true);
        drainer.start();
    }

    /** A call that is under way; it keeps alive what the call uses. */
    abstract static class Pending<T> extends CompletableFuture<T> {
        private final CompletionQueue queue;
        /** Boxed once, for the map. */
        final Long tag;
        final Scorer scorer;

        Pending(CompletionQueue queue, Scorer scorer) {
            this.queue = queue;
            this.scorer = scorer;
            tag = queue.tags.incrementAndGet();
        }

        /** Takes a completion that is an answer; a second time changes nothing. */
        abstract void answer(MappedByteBuffer memory, int at);

        abstract Schema schema();

        /** Completes with CancellationException, and ends the work. */
        @Override
        public boolean cancel(boolean mayInterruptIfRunning) {
            boolean cancelled = super.cancel(mayInterruptIfRunning);
            if (cancelled) end();
            return cancelled;
        }

        /** Asks the library to end the work; its completion comes all the same. */
        final void end() {
            queue.cancel(tag);
        }
    }

    private static final class PendingRow extends Pending<Result> {
        private final Schema schema;
        private final Call call;
        /** Made by who submits: an answer is delivered without memory. */
        private final Result result;

        PendingRow(CompletionQueue queue, Scorer scorer, Schema schema, Call call) {
            super(queue, scorer);
            this.schema = schema;
            this.call = call;
            result = Result.empty(schema);
        }

        @Override
        void answer(MappedByteBuffer memory, int at) {
            complete(result.read(memory, at + Layout.COMPLETION_RESULT));
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
        int status = accepted(made, () -> scorer.submit(handle.token(), made.tag, block.row(), deadline,
                call == null ? 0 : call.handle.token(), block.error()));
        Reference.reachabilityFence(block);
        if (status >= 0) return made;
        throw scorer.closedMeanwhile(status) ? scorer.closed() : row.failure(block, status);
    }

    /** Submits a window of a batch; `out` is the address of its wb_batch_result. */
    void submit(Pending<?> made, long batch, long out, long deadline, Frame frame) {
        frame.check(accepted(made, () -> made.scorer.submitBatch(out, handle.token(), made.tag, batch, deadline, 0,
                frame.error())), made.schema());
    }

    /** Submits, with the call among those that completions look for while, and only if, the library has it. */
    private int accepted(Pending<?> made, IntSupplier submit) {
        int status = -1;
        pending.put(made.tag, made);
        try {
            status = submit.getAsInt();
            Reference.reachabilityFence(made.scorer);
            return status;
        } finally {
            if (status < 0) pending.remove(made.tag);
        }
    }

    private void cancel(long tag) {
        Frame frame = new Frame(8);
        // complete already: nothing to end
        if (!handle.isClosed()) library.queueCancel(handle.get(), tag, frame.error());
    }

    /**
     * Drains until the engine is closed and everything is answered. Nobody else answers what is under way: where memory
     * runs out, this thread waits for some and goes on where it was.
     */
    @Override
    public void run() {
        for (boolean isOpen = true; isOpen;) {
            try {
                isOpen = drain();
            } catch (OutOfMemoryError later) {
                pause();
            }
            while (!delivered()) pause();
        }
        while (!ended()) pause();
    }

    private static void pause() {
        LockSupport.parkNanos(1_000_000);
    }

    private boolean drain() {
        frame.setOutLong(0);
        return library.queueNext(library.address(completions), Layout.COMPLETION_SIZEOF, AT_ONCE, frame.out(),
                handle.get(), Deadlines.NONE, frame.error()) >= 0;
    }

    private boolean delivered() {
        try {
            for (int i = 0; i < (int) frame.outLong(0); ++i) complete(completions, i * Layout.COMPLETION_SIZEOF);
            return true;
        } catch (OutOfMemoryError later) {
            return false;
        }
    }

    /** Completes a call; what was completed before is no longer there. */
    private void complete(MappedByteBuffer memory, int at) {
        Long tag = memory.getLong(at + Layout.COMPLETION_TAG);
        Pending<?> done = pending.get(tag);
        if (done == null) return;
        int status = memory.getInt(at + Layout.COMPLETION_STATUS);
        if (status >= 0) done.answer(memory, at);
        else done.completeExceptionally(Frame.failure(memory, at + Layout.COMPLETION_ERROR, status, done.schema()));
        pending.remove(tag);
    }

    private boolean ended() {
        try {
            handle.close();
            for (Pending<?> left : pending.values())
                left.completeExceptionally(new ClosedException(Status.CLOSED.code(), "the engine's queue: closed"));
            pending.clear();
            return true;
        } catch (OutOfMemoryError later) {
            return false;
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
