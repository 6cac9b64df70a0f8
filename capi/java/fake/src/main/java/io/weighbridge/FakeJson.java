// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A reader of JSON: objects are maps, arrays lists, numbers BigDecimals. */
final class FakeJson {
    private final String text;
    private int at;

    private FakeJson(String text) {
        this.text = text;
    }

    /** Throws an IllegalArgumentException where it is no JSON, or names a member twice. */
    static Object read(String text) {
        FakeJson reader = new FakeJson(text);
        Object value = reader.value(0);
        reader.space();
        if (reader.at != text.length()) throw reader.wrong("nothing more");
        return value;
    }

    static Map<?, ?> object(Object value, String what) {
        if (value instanceof Map<?, ?> map) return map;
        throw new IllegalArgumentException(what + ": expected an object");
    }

    static List<?> array(Object value, String what) {
        if (value instanceof List<?> list) return list;
        throw new IllegalArgumentException(what + ": expected an array");
    }

    static String write(Object value) {
        if (value instanceof Map<?, ?> map) {
            List<String> members = new ArrayList<>();
            map.forEach((name, member) -> members.add(quoted(name.toString()) + ": " + write(member)));
            return "{" + String.join(", ", members) + "}";
        }
        if (value instanceof List<?> list) return list.stream().map(FakeJson::write).toList().toString();
        if (value instanceof Double number && !Double.isFinite(number)) return quoted(number.toString());
        return value instanceof String string ? quoted(string) : String.valueOf(value);
    }

    private static String quoted(String text) {
        StringBuilder made = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') made.append('\\').append(c);
            else if (c < 0x20) made.append(String.format("\\u%04x", (int) c));
            else made.append(c);
        }
        return made.append('"').toString();
    }

    private IllegalArgumentException wrong(String expected) {
        return new IllegalArgumentException("expected " + expected + " at character " + at);
    }

    private void space() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) ++at;
    }

    private boolean skip(char c) {
        space();
        boolean found = at < text.length() && text.charAt(at) == c;
        if (found) ++at;
        return found;
    }

    private void expect(char c) {
        if (!skip(c)) throw wrong("'" + c + "'");
    }

    private Object value(int depth) {
        if (depth > 64) throw wrong("at most 64 levels");
        space();
        if (at == text.length()) throw wrong("a value");
        switch (text.charAt(at)) {
            case '{':
                return object(depth);
            case '[':
                return array(depth);
            case '"':
                return string();
            default:
                for (String word : new String[] {"true", "false", "null"})
                    if (text.startsWith(word, at)) {
                        at += word.length();
                        return word.equals("null") ? null : (Object) word.equals("true");
                    }
                return number();
        }
    }

    private Map<String, Object> object(int depth) {
        Map<String, Object> made = new LinkedHashMap<>();
        expect('{');
        if (skip('}')) return made;
        do {
            space();
            String name = string();
            expect(':');
            if (made.containsKey(name)) throw wrong("one '" + name + "', got two,");
            made.put(name, value(depth + 1));
        } while (skip(','));
        expect('}');
        return made;
    }

    private List<Object> array(int depth) {
        List<Object> made = new ArrayList<>();
        expect('[');
        if (skip(']')) return made;
        do made.add(value(depth + 1));
        while (skip(','));
        expect(']');
        return made;
    }

    private String string() {
        expect('"');
        StringBuilder made = new StringBuilder();
        for (;;) {
            if (at == text.length() || text.charAt(at) < 0x20) throw wrong("the end of a text");
            char c = text.charAt(at++);
            if (c == '"') return made.toString();
            if (c != '\\') {
                made.append(c);
                continue;
            }
            if (at == text.length()) throw wrong("an escape");
            int escape = "\"\\/bfnrt".indexOf(text.charAt(at++));
            if (escape >= 0) made.append("\"\\/\b\f\n\r\t".charAt(escape));
            else if (text.charAt(at - 1) == 'u' && text.substring(at).matches("(?s)[0-9a-fA-F]{4}.*")) {
                made.append((char) Integer.parseInt(text.substring(at, at + 4), 16));
                at += 4;
            } else throw wrong("an escape of JSON");
        }
    }

    private BigDecimal number() {
        int from = at;
        while (at < text.length() && "+-.eE0123456789".indexOf(text.charAt(at)) >= 0) ++at;
        String found = text.substring(from, at);
        if (!found.matches("-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]{1,6})?")) {
            at = from;
            throw wrong("a value");
        }
        return new BigDecimal(found);
    }
}
