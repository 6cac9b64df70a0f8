// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A token of the library, freed once: by close(), or by the garbage collector, which reports it where the object should
 * have been closed. Tokens are never dereferenced, so that a call beside a close is told so and crashes nothing.
 */
final class Handle extends AtomicLong implements Runnable {
    private static final long serialVersionUID = 1;
    private static final Cleaner CLEANER = Cleaner.create(task -> {
        Thread thread = new Thread(task, "weighbridge-cleaner");
        thread.setDaemon(true);
        return thread;
    });

    /** What a token is of, and how it is freed. */
    enum Kind {
        ENGINE("Weighbridge"), MODEL("Model"), SLOT("Slot"), BATCH("Batch"), CALL("Call"), CANCEL("Cancel"),
        SOURCE("BundleSource"), SCHEMA(null), ROW_CALL(null), QUEUE(null);

        /** The class whose objects are to be closed; null where the collector's freeing is the rule. */
        final String closable;

        Kind(String closable) {
            this.closable = closable;
        }

        private void free(long token) {
            Native library = Library.get();
            switch (this) {
                case ENGINE -> library.engineFree(token);
                case MODEL -> library.modelFree(token);
                case SLOT -> library.slotFree(token);
                case BATCH -> library.batchFree(token);
                case CALL, ROW_CALL -> library.callFree(token);
                case CANCEL -> library.cancelFree(token);
                case SOURCE -> library.sourceFree(token);
                case SCHEMA -> library.schemaFree(token);
                case QUEUE -> library.queueFree(token);
            }
        }
    }

    private final Kind kind;
    private final Throwable opened;
    private transient Cleaner.Cleanable cleanable;

    private Handle(Kind kind, long token) {
        super(token);
        this.kind = kind;
        this.opened = kind.closable == null ? null : Leaks.origin(kind.closable);
    }

    static Handle of(Object owner, Kind kind, long token) {
        Handle made = new Handle(kind, token);
        made.cleanable = CLEANER.register(owner, made);
        return made;
    }

    /** The token, for a call; ClosedException where it was freed. */
    long token() {
        long token = get();
        if (token == 0) throw new ClosedException(Status.CLOSED.code(), name() + ": closed");
        return token;
    }

    boolean isClosed() {
        return get() == 0;
    }

    private String name() {
        return kind.closable == null ? kind.name() : kind.closable;
    }

    /** Frees the token; a second time does nothing. */
    void close() {
        free();
        cleanable.clean();
    }

    private boolean free() {
        long token = getAndSet(0);
        if (token != 0) kind.free(token);
        return token != 0;
    }

    /** Called by the cleaner, once the owner is unreachable, and by close(), which has freed before. */
    @Override
    public void run() {
        if (free() && kind.closable != null) Leaks.report(kind.closable, opened);
    }
}
