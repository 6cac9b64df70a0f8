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
    /** On a thread of the JDK's, which holds no class loader: an application that is undeployed can be collected. */
    private static final Cleaner CLEANER = Cleaner.create();

    /** What a token is of, and how it is freed. */
    enum Kind {
        ENGINE("Weighbridge", true), MODEL("Model", true), SLOT("Slot", true), BATCH("Batch", true), CALL("Call", true),
        CANCEL("Cancel", true), SOURCE("BundleSource", true), SCHEMA("the schema", false),
        ROW_CALL("the row's call", false), QUEUE("the engine's queue", false);

        /** How messages call it: by the class, where its objects are to be closed. */
        final String told;
        /** Whether objects are to be closed; else the collector's freeing is the rule. */
        final boolean isClosable;

        Kind(String told, boolean isClosable) {
            this.told = told;
            this.isClosable = isClosable;
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
        this.opened = kind.isClosable ? Leaks.origin(kind.told) : null;
    }

    static Handle of(Object owner, Kind kind, long token) {
        Handle made = new Handle(kind, token);
        made.cleanable = CLEANER.register(owner, made);
        return made;
    }

    /** The token, for a call; ClosedException where it was freed. */
    long token() {
        long token = get();
        if (token == 0) throw closed();
        return token;
    }

    ClosedException closed() {
        return new ClosedException(Status.CLOSED.code(), kind.told + ": closed");
    }

    boolean isClosed() {
        return get() == 0;
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
        if (free() && kind.isClosable) Leaks.report(kind.told, opened);
    }
}
