package io.sluice.envelope;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.sluice.protocol.RawJson;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Changes to a message, made by splicing: every byte that is not named stays as it came. Collect changes in any order,
 * then take the result once or often. All places are those of the unchanged message. Not for use by two threads at
 * once.
 *
 * <p>Of two changes to the same value the later wins. A change inside of what is replaced or removed as a whole is a
 * mistake of the caller and shows as an {@link IllegalStateException} when the result is taken.
 */
public final class Patch {

    private final Envelope envelope;

    // Most messages need one replacement or none: what is empty is not made.
    private List<Edit> insertions = List.of();
    private List<Edit> replacements = List.of();
    private SortedMap<Integer, Span> removals = Collections.emptySortedMap();
    private Map<Integer, Map<String, RawJson>> additions = Map.of();
    private Map<String, RawJson> newParams = Map.of();
    private Map<String, RawJson> newMeta = Map.of();
    private Map<String, RawJson> newResultMeta = Map.of();

    /** What stands at {@code start..end} gives way to the bytes. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Edit(int start, int end, byte[] bytes) {}

    public Patch(Envelope envelope) {
        this.envelope = envelope;
    }

    /**
     * Puts other JSON in the place of a value.
     *
     * @param json not to be written to afterwards
     * @throws IllegalArgumentException if there is no value
     */
    public Patch replace(Span value, byte[] json) {
        if (!value.isPresent()) {
            throw new IllegalArgumentException("no value to replace");
        }
        if (!removals.isEmpty()) {
            removals.remove(value.start());
        }
        Edit edit = new Edit(value.start(), value.end(), json);
        if (replacements.isEmpty()) {
            replacements = new ArrayList<>(2);
        } else {
            replacements.removeIf(other -> other.start() == value.start());
        }
        replacements.add(edit);
        return this;
    }

    public Patch replace(Span value, RawJson json) {
        return replace(value, json.bytes());
    }

    /** Puts a string in the place of a value. */
    public Patch replaceText(Span value, String text) {
        return replace(value, Json.quoteUtf8(text));
    }

    /** Puts bytes before the one at {@code at}; at the same place, in the order of the calls. */
    public Patch insert(int at, byte[] bytes) {
        if (insertions.isEmpty()) {
            insertions = new ArrayList<>(2);
        }
        insertions.add(new Edit(at, at, bytes));
        return this;
    }

    /**
     * Removes a member of an object: key, colon, value and the one comma that is then too many.
     *
     * @param value the member's value; an absent one is no change
     */
    public Patch removeMember(Span value) {
        if (value.isPresent()) {
            if (!replacements.isEmpty()) {
                replacements.removeIf(other -> other.start() == value.start());
            }
            if (removals.isEmpty()) {
                removals = new TreeMap<>();
            }
            removals.put(value.start(), value);
        }
        return this;
    }

    /**
     * Sets a member of an object of the message. The value of a member that is there already is replaced at its place;
     * a new one is put first.
     *
     * @throws IllegalArgumentException if the span is no object
     */
    public Patch putMember(Span object, String key, RawJson value) {
        if (!envelope.isObject(object)) {
            throw new IllegalArgumentException("not an object: " + object);
        }
        Span present = envelope.member(object, key);
        if (present.isPresent()) {
            return replace(present, value);
        }
        if (additions.isEmpty()) {
            additions = new TreeMap<>();
        }
        additions
                .computeIfAbsent(object.start(), start -> new LinkedHashMap<>())
                .put(key, value);
        return this;
    }

    /** Sets a member of {@code params}, which are created if the message has none. */
    public Patch putParamsMember(String key, RawJson value) {
        if (envelope.isObject(envelope.params())) {
            return putMember(envelope.params(), key, value);
        }
        newParams = with(newParams, key, value);
        return putMember(message(), "params", object(newParams));
    }

    /** Sets a member of {@code params._meta}; both are created where absent. */
    public Patch putMetaMember(String key, RawJson value) {
        if (envelope.isObject(envelope.meta())) {
            return putMember(envelope.meta(), key, value);
        }
        newMeta = with(newMeta, key, value);
        return putParamsMember("_meta", object(newMeta));
    }

    /**
     * Sets a member of {@code result}.
     *
     * @throws IllegalArgumentException if the message has no result, or one that is no object
     */
    public Patch putResultMember(String key, RawJson value) {
        return putMember(envelope.result(), key, value);
    }

    /**
     * Sets a member of {@code result._meta}, which is created if absent.
     *
     * @throws IllegalArgumentException if the message has no result, or one that is no object
     */
    public Patch putResultMetaMember(String key, RawJson value) {
        Span meta = envelope.member(envelope.result(), "_meta");
        if (envelope.isObject(meta)) {
            return putMember(meta, key, value);
        }
        newResultMeta = with(newResultMeta, key, value);
        return putResultMember("_meta", object(newResultMeta));
    }

    private static Map<String, RawJson> with(Map<String, RawJson> members, String key, RawJson value) {
        Map<String, RawJson> more = members.isEmpty() ? new LinkedHashMap<>() : members;
        more.put(key, value);
        return more;
    }

    /** The changed message; the array of the unchanged one if nothing was changed. */
    public byte[] toBytes() {
        List<Edit> edits = edits();
        byte[] body = envelope.body();
        if (edits.isEmpty()) {
            return body;
        }
        byte[] out = new byte[length(edits)];
        int to = 0;
        int from = 0;
        for (Edit edit : edits) {
            System.arraycopy(body, from, out, to, edit.start() - from);
            to += edit.start() - from;
            System.arraycopy(edit.bytes(), 0, out, to, edit.bytes().length);
            to += edit.bytes().length;
            from = edit.end();
        }
        System.arraycopy(body, from, out, to, body.length - from);
        return out;
    }

    /** How long the changed message is. */
    public int length() {
        return length(edits());
    }

    private int length(List<Edit> edits) {
        int length = envelope.length();
        for (Edit edit : edits) {
            length += edit.bytes().length - (edit.end() - edit.start());
        }
        return length;
    }

    /** Whether the message is in {@link Segments}, so that {@link #toBytes} would copy all of it. */
    public boolean isHeld() {
        return envelope.held() != null;
    }

    /**
     * Adds the changed message to a list of buffers, which whoever has the list releases. No untouched part of it is
     * copied: they are of the array of {@link Envelope#body}, or hold the {@link Segments} it is in.
     */
    public void toParts(List<ByteBuf> parts) {
        int from = 0;
        List<Edit> edits = edits();
        for (Edit edit : edits) {
            untouched(from, edit.start(), parts);
            parts.add(Unpooled.wrappedBuffer(edit.bytes()));
            from = edit.end();
        }
        untouched(from, envelope.length(), parts);
    }

    private void untouched(int start, int end, List<ByteBuf> parts) {
        Segments held = envelope.held();
        if (held == null) {
            parts.add(Unpooled.wrappedBuffer(envelope.body(), start, end - start));
        } else {
            held.slice(start, end, parts);
        }
    }

    private List<Edit> edits() {
        if (insertions.isEmpty() && removals.isEmpty() && additions.isEmpty() && replacements.size() < 2) {
            return replacements;
        }
        List<Edit> runs = removedRuns();
        List<Edit> edits = new ArrayList<>(insertions);
        edits.addAll(replacements);
        edits.addAll(runs);
        additions.forEach((object, members) -> edits.add(addition(object, members, runs)));
        edits.sort(Comparator.comparingInt(Edit::start).thenComparingInt(Edit::end));
        int reached = 0;
        for (Edit edit : edits) {
            if (edit.start() < reached) {
                throw new IllegalStateException("two changes overlap at byte " + edit.start());
            }
            reached = edit.end();
        }
        return edits;
    }

    /**
     * Members that stand next to each other go as one run with one comma: the one after it or, at the end of the
     * object, the one before it. So no comma is taken twice and none is left over.
     */
    private List<Edit> removedRuns() {
        List<Edit> runs = new ArrayList<>();
        int start = -1;
        int end = -1;
        for (Span value : removals.values()) {
            int memberStart = memberStart(value);
            if (start >= 0 && at(skipSpace(end)) == ',' && skipSpace(skipSpace(end) + 1) == memberStart) {
                end = value.end();
                continue;
            }
            if (start >= 0) {
                runs.add(run(start, end));
            }
            start = memberStart;
            end = value.end();
        }
        if (start >= 0) {
            runs.add(run(start, end));
        }
        return runs;
    }

    private Edit run(int start, int end) {
        int after = skipSpace(end);
        if (at(after) == ',') {
            return new Edit(start, after + 1, new byte[0]);
        }
        int before = skipSpaceBack(start - 1);
        return new Edit(at(before) == ',' ? before : start, end, new byte[0]);
    }

    /** The opening quote of the key whose value is given. Only this quote of a key has no backslash before it. */
    private int memberStart(Span value) {
        int colon = skipSpaceBack(value.start() - 1);
        if (colon < 0 || at(colon) != ':') {
            throw new IllegalStateException("no member of an object at byte " + value.start());
        }
        int quote = skipSpaceBack(colon - 1) - 1;
        while (at(quote) != '"' || escapedAt(quote)) {
            quote--;
        }
        return quote;
    }

    private boolean escapedAt(int i) {
        int backslashes = 0;
        while (at(i - 1 - backslashes) == '\\') {
            backslashes++;
        }
        return backslashes % 2 == 1;
    }

    /** New members go first; a comma follows if a member of old stays. */
    private Edit addition(int object, Map<String, RawJson> members, Collection<Edit> runs) {
        int first = skipSpace(object + 1);
        boolean othersStay = at(first) != '}';
        for (Edit run : runs) {
            if (run.start() == first && at(skipSpace(run.end())) == '}') {
                othersStay = false;
            }
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        writeMembers(members, out);
        if (othersStay) {
            out.write(',');
        }
        return new Edit(object + 1, object + 1, out.toByteArray());
    }

    private static RawJson object(Map<String, RawJson> members) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write('{');
        writeMembers(members, out);
        out.write('}');
        return RawJson.of(out.toByteArray());
    }

    private static void writeMembers(Map<String, RawJson> members, ByteArrayOutputStream out) {
        boolean following = false;
        for (Map.Entry<String, RawJson> member : members.entrySet()) {
            if (following) {
                out.write(',');
            }
            following = true;
            out.writeBytes(Json.quote(member.getKey()).getBytes(StandardCharsets.UTF_8));
            out.write(':');
            out.writeBytes(member.getValue().bytes());
        }
    }

    /** For changes that are rare: of a message in segments this makes an array. */
    private byte at(int index) {
        return envelope.body()[index];
    }

    private Span message() {
        return new Span(skipSpace(0), envelope.length());
    }

    private int skipSpace(int from) {
        int i = from;
        while (isSpace(at(i))) {
            i++;
        }
        return i;
    }

    private int skipSpaceBack(int from) {
        int i = from;
        while (i >= 0 && isSpace(at(i))) {
            i--;
        }
        return i;
    }

    private static boolean isSpace(byte b) {
        return b == ' ' || b == '\n' || b == '\r' || b == '\t';
    }
}
