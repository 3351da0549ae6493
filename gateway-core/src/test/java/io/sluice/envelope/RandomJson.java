package io.sluice.envelope;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.sluice.protocol.McpMethod;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.Random;

/** Messages by chance, valid and broken: members in any order and spelling, with or without space, some twice. */
final class RandomJson {
    private static final String[] TEXTS = {
        "",
        "a",
        "name",
        "id",
        "tools/call",
        "2.0",
        "Kraków",
        "日本語のテキスト",
        "\uD83D\uDE00",
        "a \"quoted\" \\ text",
        "line\nbreak\ttab",
        "ſK",
        "x".repeat(40),
        "method",
        "\u007f\u0080\u07ff\u0800\uffff",
        "{\"id\":1}",
        "\u0001"
    };
    private static final String[] NUMBERS = {
        "0", "-0", "1", "-17", "9007199254740993", "1e400", "0.1", "-1.5E+10", "2e-3", "1234567890".repeat(4), "1.0"
    };
    private static final String[] FRAGMENTS = {
        "\"",
        "\\",
        "\\u",
        "\\ud800",
        "\\u0000",
        "\\udc00",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"id\":1,",
        "\"name\":\"x\",",
        "null",
        "true",
        "-",
        "0",
        "01",
        ".",
        "e",
        "\u0000",
        "\uFEFF",
        " ",
        "\n",
        "\u000b",
        "/**/",
        "'",
        "NaN",
        "[[[[[[["
    };
    private static final byte[][] BYTES = {
        {(byte) 0x80},
        {(byte) 0xC0, (byte) 0x80},
        {(byte) 0xED, (byte) 0xA0, (byte) 0x80},
        {(byte) 0xFF},
        {(byte) 0xE2},
        {(byte) 0xF4, (byte) 0x90, (byte) 0x80, (byte) 0x80},
        {(byte) 0xC3, (byte) 0xA9}
    };

    private final Random random;

    RandomJson(Random random) {
        this.random = random;
    }

    /** The seed of a test: that of the system property {@code sluice.seed}, or a new one. To be named in failures. */
    static long seed() {
        return Long.getLong("sluice.seed", System.nanoTime());
    }

    private <T> T one(T[] of) {
        return of[random.nextInt(of.length)];
    }

    private boolean chance(int oneIn) {
        return random.nextInt(oneIn) == 0;
    }

    /** Mostly a call or a response with most of what belongs to it. */
    byte[] message() {
        StringBuilder out = new StringBuilder(space());
        boolean response = chance(4);
        out.append('{');
        boolean following = false;
        for (Member member : shuffled(Member.Parent.MESSAGE)) {
            boolean belongs = switch (member) {
                case METHOD, PARAMS -> !response;
                case RESULT -> response && chance(2);
                case ERROR -> response;
                default -> true;
            };
            if (chance(25) ? !belongs : belongs) {
                following = separate(out, following);
                member(out, member.key(), messageValue(member));
            }
        }
        if (chance(20)) {
            separate(out, following);
            member(out, one(TEXTS), value(2));
        }
        return out.append(space()).append('}').append(space()).toString().getBytes(UTF_8);
    }

    private String messageValue(Member member) {
        if (chance(20)) {
            return value(1);
        }
        return switch (member) {
            case JSONRPC -> string("2.0");
            case ID -> chance(2) ? string(one(TEXTS)) : one(NUMBERS);
            case METHOD ->
                string(chance(3) ? one(TEXTS) : one(McpMethod.values()).wire());
            case PARAMS -> object(Member.Parent.PARAMS);
            case RESULT -> object(Member.Parent.RESULT);
            default -> "{" + (chance(2) ? "" : literal("id") + ":" + value(2)) + "}";
        };
    }

    private String object(Member.Parent parent) {
        StringBuilder out = new StringBuilder("{");
        boolean following = false;
        for (Member member : shuffled(parent)) {
            if (chance(3)) {
                following = separate(out, following);
                boolean inner = member == Member.META && !chance(5);
                member(out, member.key(), inner ? object(Member.Parent.META) : value(0));
            }
        }
        while (chance(3)) {
            following = separate(out, following);
            member(out, chance(2) ? one(TEXTS) : "k" + random.nextInt(1000), value(0));
        }
        return out.append(space()).append('}').toString();
    }

    private Member[] shuffled(Member.Parent parent) {
        Member[] members = Arrays.stream(Member.values())
                .filter(member -> member.parent() == parent)
                .toArray(Member[]::new);
        for (int i = members.length - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            Member swapped = members[i];
            members[i] = members[j];
            members[j] = swapped;
        }
        return members;
    }

    private boolean separate(StringBuilder out, boolean following) {
        if (following) {
            out.append(space()).append(',');
        }
        return true;
    }

    private void member(StringBuilder out, String key, String value) {
        out.append(space())
                .append(string(key))
                .append(space())
                .append(':')
                .append(space())
                .append(value);
    }

    /** Any value, the deeper the simpler. */
    String value(int depth) {
        int kind = random.nextInt(depth > 4 ? 4 : 6);
        return switch (kind) {
            case 0, 1 -> string(one(TEXTS));
            case 2 -> one(NUMBERS);
            case 3 -> one(new String[] {"true", "false", "null"});
            case 4 -> array(depth);
            default -> object(depth);
        };
    }

    private String array(int depth) {
        StringBuilder out = new StringBuilder("[");
        int length = random.nextInt(4);
        for (int i = 0; i < length; i++) {
            out.append(i > 0 ? "," : "")
                    .append(space())
                    .append(value(depth + 1))
                    .append(space());
        }
        return out.append(']').toString();
    }

    private String object(int depth) {
        StringBuilder out = new StringBuilder("{");
        int length = chance(20) ? 20 + random.nextInt(20) : random.nextInt(4);
        boolean following = false;
        for (int i = 0; i < length; i++) {
            following = separate(out, following);
            member(out, chance(30) ? "k0" : chance(10) ? one(TEXTS) : "k" + i, length > 10 ? "1" : value(depth + 1));
        }
        return out.append(space()).append('}').toString();
    }

    private String space() {
        return chance(4) ? one(new String[] {" ", "\n", "\r\n", "\t", "  \t "}) : "";
    }

    private static String literal(String text) {
        return Json.quote(text);
    }

    /** A literal of the text in one of its many spellings. */
    String string(String text) {
        if (!chance(5)) {
            return literal(text);
        }
        StringBuilder out = new StringBuilder("\"");
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean paired = Character.isHighSurrogate(c);
            if (chance(2) || c < ' ' || c == '"' || c == '\\') {
                escape(out, c);
                if (paired) {
                    escape(out, text.charAt(++i));
                }
            } else {
                out.append(c == '/' && chance(2) ? "\\/" : String.valueOf(c));
                if (paired) {
                    out.append(text.charAt(++i));
                }
            }
        }
        return out.append('"').toString();
    }

    private void escape(StringBuilder out, char c) {
        String hex = String.format("%04x", (int) c);
        out.append("\\u").append(chance(2) ? hex : hex.toUpperCase(java.util.Locale.ROOT));
    }

    /** One to three small injuries. */
    byte[] broken(byte[] message) {
        byte[] bytes = message;
        int injuries = 1 + random.nextInt(3);
        for (int i = 0; i < injuries; i++) {
            bytes = injured(bytes);
        }
        return bytes;
    }

    private byte[] injured(byte[] bytes) {
        int at = random.nextInt(bytes.length + 1);
        int until = Math.min(bytes.length, at + random.nextInt(chance(4) ? 20 : 2));
        return switch (random.nextInt(6)) {
            case 0 -> splice(bytes, at, until, new byte[0]);
            case 1 -> splice(bytes, at, at, one(FRAGMENTS).getBytes(UTF_8));
            case 2 -> splice(bytes, at, Math.min(bytes.length, at + 1), new byte[] {(byte) random.nextInt(256)});
            case 3 -> splice(bytes, at, at, one(BYTES));
            case 4 -> splice(bytes, at, at, Arrays.copyOfRange(bytes, at, until));
            default -> splice(bytes, at, until, one(FRAGMENTS).getBytes(UTF_8));
        };
    }

    private static byte[] splice(byte[] bytes, int from, int to, byte[] by) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(bytes, 0, from);
        out.writeBytes(by);
        out.write(bytes, to, bytes.length - to);
        return out.toByteArray();
    }
}
