// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import io.weighbridge.FakeMemory.Place;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/** Tokens, texts and errors of the functions in pure Java: what all of them have in common. */
abstract class FakeObjects implements Native {
    final FakeMemory memory = new FakeMemory();
    final Map<Long, Object> objects = new ConcurrentHashMap<>();
    final Map<Long, byte[]> texts = new ConcurrentHashMap<>();
    private final Map<String, Long> names = new ConcurrentHashMap<>();
    private final AtomicLong tokens = new AtomicLong();

    @Override
    public String access() {
        return "fake";
    }

    @Override
    public long address(ByteBuffer buffer) {
        return memory.address(buffer);
    }

    @Override
    public byte[] bytes(long address, long size) {
        byte[] text = texts.get(address);
        return text != null ? text : memory.at(address).bytes(0, (int) size);
    }

    int call(long error, Runnable body) {
        try {
            body.run();
            return Status.OK.code();
        } catch (FakeFailure failure) {
            return fail(memory.at(error), failure);
        }
    }

    static int fail(Place error, FakeFailure failure) {
        error.put(Layout.ERROR_CODE, failure.code).put(Layout.ERROR_FEATURE, failure.feature)
                .put(Layout.ERROR_ROW, failure.status() == Status.INVALID_INPUT ? 0L : -1L)
                .put(Layout.ERROR_MESSAGE, 256, failure.getMessage());
        return failure.code;
    }

    int unsupported(String what, long error) {
        return call(error, () -> {
            throw new FakeFailure(Status.BACKEND_UNAVAILABLE, "the fake has no " + what);
        });
    }

    <T> T get(Class<T> type, long token) {
        Object found = objects.get(token);
        if (type.isInstance(found)) return type.cast(found);
        throw new FakeFailure(Status.INVALID_HANDLE, "the " + type.getSimpleName() + " was freed");
    }

    int make(long out, long error, Supplier<Object> made) {
        return call(error, () -> {
            Object object = made.get();
            long token = tokens.incrementAndGet();
            objects.put(token, object);
            memory.at(out).put(0, token);
        });
    }

    int text(long out, long error, Supplier<String> made) {
        return call(error, () -> {
            byte[] text = made.get().getBytes(StandardCharsets.UTF_8);
            long token = -tokens.incrementAndGet();
            texts.put(token, text);
            memory.at(out).put(0, token);
        });
    }

    long name(String name) {
        return names.computeIfAbsent(name, text -> {
            long token = -tokens.incrementAndGet();
            texts.put(token, text.getBytes(StandardCharsets.UTF_8));
            return token;
        });
    }

    long name(List<String> of, int number) {
        return name(number < 0 || number >= of.size() ? "?" : of.get(number));
    }

    void free(long token) {
        objects.remove(token);
    }
}
