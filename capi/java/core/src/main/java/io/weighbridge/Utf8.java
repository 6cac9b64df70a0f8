// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.nio.ByteBuffer;

/** Writes texts as UTF-8 into native memory, without an allocation. */
final class Utf8 {
    private Utf8() {}

    /**
     * Writes a text; there must be room for three bytes a char.
     *
     * @param feature whose text it is, for messages; null for none
     * @return how many bytes were written
     */
    static int write(ByteBuffer memory, int at, CharSequence text, Feature feature) {
        int to = at;
        int size = text.length();
        for (int i = 0; i < size; ++i) {
            char c = text.charAt(i);
            if (c < 0x80) {
                memory.put(to++, (byte) c);
            } else if (c < 0x800) {
                memory.put(to++, (byte) (0xc0 | c >> 6));
                memory.put(to++, (byte) (0x80 | c & 0x3f));
            } else if (!Character.isSurrogate(c)) {
                memory.put(to++, (byte) (0xe0 | c >> 12));
                memory.put(to++, (byte) (0x80 | c >> 6 & 0x3f));
                memory.put(to++, (byte) (0x80 | c & 0x3f));
            } else if (Character.isHighSurrogate(c) && i + 1 < size && Character.isLowSurrogate(text.charAt(i + 1))) {
                int point = Character.toCodePoint(c, text.charAt(++i));
                memory.put(to++, (byte) (0xf0 | point >> 18));
                memory.put(to++, (byte) (0x80 | point >> 12 & 0x3f));
                memory.put(to++, (byte) (0x80 | point >> 6 & 0x3f));
                memory.put(to++, (byte) (0x80 | point & 0x3f));
            } else {
                String name = feature == null ? null : feature.name();
                throw new InvalidInputException((name == null ? "" : "feature '" + name + "': ")
                        + "expected a text of whole characters, got a lone surrogate", name, 0);
            }
        }
        return to - at;
    }
}
