// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.MappedByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Path;

/** Native memory of one call that is not on the scoring path: its error, an output of some bytes, and texts. */
final class Frame {
    private static final int OUT = Layout.ERROR_SIZEOF;

    final Native library = Library.get();
    final ByteBuffer memory;
    private final long address;
    private final int[] texts;
    private final Object owner;

    /** Room for `out` bytes of output, whose first four are set to `out`: a struct's size. */
    Frame(int out, String... texts) {
        this(null, out, texts);
    }

    /** Keeps `owner`, whose handle the call takes, from being collected before check(). */
    Frame(Object owner, int out, String... texts) {
        this.owner = owner;
        byte[][] encoded = new byte[texts.length][];
        this.texts = new int[texts.length];
        int end = OUT + Math.max(8, (out + 7) / 8 * 8);
        for (int i = 0; i < texts.length; ++i) {
            this.texts[i] = texts[i] == null ? -1 : end;
            if (texts[i] == null) continue;
            encoded[i] = utf8(texts[i]);
            end += encoded[i].length + 1;
        }
        memory = direct(end);
        address = library.address(memory);
        memory.putInt(0, Layout.ERROR_SIZEOF);
        memory.putInt(OUT, out);
        for (int i = 0; i < texts.length; ++i) if (encoded[i] != null) memory.put(this.texts[i], encoded[i]);
    }

    /**
     * Native memory. Typed by the one class that direct buffers are of, so that compiled code reads them without a
     * virtual call.
     */
    static MappedByteBuffer direct(long bytes) {
        if (bytes > Integer.MAX_VALUE - 8)
            throw WeighbridgeException.of(Status.BUFFER_TOO_SMALL,
                    bytes + " bytes are needed at once, and a buffer of Java's has at most " + (Integer.MAX_VALUE - 8));
        return (MappedByteBuffer) ByteBuffer.allocateDirect((int) bytes).order(ByteOrder.nativeOrder());
    }

    private static byte[] utf8(String text) {
        if (text.indexOf(0) >= 0) throw WeighbridgeException.of(Status.INVALID_ARGUMENT, "a text has a NUL inside");
        try {
            ByteBuffer bytes = StandardCharsets.UTF_8.newEncoder().onMalformedInput(CodingErrorAction.REPORT)
                    .encode(CharBuffer.wrap(text));
            byte[] made = new byte[bytes.remaining()];
            bytes.get(made);
            return made;
        } catch (CharacterCodingException surrogate) {
            throw WeighbridgeException.of(Status.INVALID_ARGUMENT, "a text has a lone surrogate");
        }
    }

    long error() {
        return address;
    }

    long out() {
        return address + OUT;
    }

    /** A folder or file as the library takes it. */
    static String path(Path path) {
        if (path.getFileSystem() == FileSystems.getDefault()) return path.toString();
        throw WeighbridgeException.of(Status.INVALID_ARGUMENT, "'" + path + "': expected a path of the default file"
                + " system, got one of " + path.getFileSystem().provider().getScheme()
                + "; BundleSource takes files from anywhere");
    }

    /**
     * The address of a direct buffer's bytes from its position to its limit, which the library reads or writes as
     * numbers of `width` bytes.
     */
    static long address(ByteBuffer buffer, String what, int width) {
        if (!buffer.isDirect())
            throw WeighbridgeException.of(Status.INVALID_ARGUMENT, what
                    + ": expected a direct buffer, got one on the heap");
        if (width > 1 && buffer.order() != ByteOrder.nativeOrder())
            throw WeighbridgeException.of(Status.INVALID_ARGUMENT, what + ": expected a buffer in the machine's order, "
                    + ByteOrder.nativeOrder() + ", got one in " + buffer.order()
                    + "; write it after order(ByteOrder.nativeOrder())");
        return Library.get().address(buffer.slice());
    }

    /** The address of a text, ended by a NUL; 0 for null. */
    long text(int index) {
        return texts[index] < 0 ? 0 : address + texts[index];
    }

    /** Throws what a call failed with. */
    int check(int status) {
        return check(status, null);
    }

    int check(int status, Schema schema) {
        Reference.reachabilityFence(owner);
        if (status >= 0) return status;
        Handle handle = status == Status.INVALID_HANDLE.code() ? handleOf(owner) : null;
        throw handle != null && handle.isClosed() ? handle.closed() : failure(memory, 0, status, schema);
    }

    /** What a call beside a close finds freed. */
    private static Handle handleOf(Object owner) {
        return owner instanceof Weighbridge engine ? engine.handle : owner instanceof Scorer scorer ? scorer.handle
                : owner instanceof Batch batch ? batch.handle : owner instanceof Call call ? call.handle
                : owner instanceof Cancel cancel ? cancel.handle
                : owner instanceof BundleSource source ? source.handle : null;
    }

    static WeighbridgeException failure(ByteBuffer memory, int error, int status, Schema schema) {
        int index = memory.getInt(error + Layout.ERROR_FEATURE);
        String feature = schema != null && index >= 0 && index < schema.features().size()
                ? schema.features().get(index).name() : null;
        String message = chars(memory, error + Layout.ERROR_MESSAGE, 256);
        if (memory.getInt(error + Layout.ERROR_CODE) != status) message = Names.status(status);
        return WeighbridgeException.of(status, message, feature, memory.getLong(error + Layout.ERROR_ROW));
    }

    int outInt(int at) {
        return memory.getInt(OUT + at);
    }

    long outLong(int at) {
        return memory.getLong(OUT + at);
    }

    void setOutLong(long value) {
        memory.putLong(OUT, value);
    }

    double outDouble(int at) {
        return memory.getDouble(OUT + at);
    }

    String outChars(int at, int size) {
        return chars(memory, OUT + at, size);
    }

    /** The token that a call gave. */
    long outToken() {
        return memory.getLong(OUT);
    }

    /** The text that a call gave, which is freed; null where it gave none. */
    String takeText() {
        long text = outToken();
        if (text == 0) return null;
        try {
            return new String(library.bytes(library.textData(text), library.textSize(text)), StandardCharsets.UTF_8);
        } finally {
            library.textFree(text);
        }
    }

    /** A char array of a struct, up to its NUL. */
    static String chars(ByteBuffer memory, int at, int size) {
        byte[] bytes = new byte[size];
        memory.get(at, bytes);
        int end = 0;
        while (end < size && bytes[end] != 0) ++end;
        return new String(bytes, 0, end, StandardCharsets.UTF_8);
    }
}
