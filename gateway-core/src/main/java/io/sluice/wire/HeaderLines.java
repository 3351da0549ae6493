package io.sluice.wire;

import io.netty.handler.codec.http.DefaultHttpHeadersFactory;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValidationUtil;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.util.AsciiString;
import java.util.AbstractMap.SimpleImmutableEntry;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The dozen headers of a message, in two arrays: Netty's own take a hash table and six references for each
 * ({@code benchmarks/run scenarios=modern}: 1.4 KB a call). Checks names and values as those do. Not for use by two
 * threads at once.
 */
public final class HeaderLines extends HttpHeaders {
    private CharSequence[] names;
    private CharSequence[] values;
    private int size;

    /** What each line was last found by, where the names are others' too and must not be written to. */
    private @Nullable CharSequence @Nullable [] askedFor;

    public HeaderLines() {
        names = new CharSequence[16];
        values = new CharSequence[16];
    }

    /**
     * Of a head that was read and found well-formed; the arrays stay the caller's.
     *
     * @param askedFor as long as {@code names}, and only ever given together with them: heads that name the same headers
     *     in the same order are asked for the same ones
     */
    HeaderLines(CharSequence[] names, CharSequence[] values, int size, @Nullable CharSequence[] askedFor) {
        this.names = names;
        this.values = values;
        this.size = size;
        this.askedFor = askedFor;
    }

    /** The same lines as others, to go on from. */
    public HeaderLines(HeaderLines others) {
        names = Arrays.copyOf(others.names, Math.max(16, others.size));
        values = Arrays.copyOf(others.values, names.length);
        size = others.size;
    }

    private void own() {
        if (askedFor != null) {
            names = Arrays.copyOf(names, size + 4);
            values = Arrays.copyOf(values, size + 4);
            askedFor = null;
        }
    }

    /**
     * Where the first line of this name is, or -1. Names are constants, most of them: one that was asked for before is
     * known by its identity, and of the others only those are compared whose hash is the same.
     */
    @SuppressWarnings("ReferenceEquality") // as said
    private int find(CharSequence name) {
        @Nullable CharSequence[] asked = askedFor;
        @Nullable CharSequence[] known = asked == null ? names : asked;
        for (int i = 0; i < size; i++) {
            if (known[i] == name) {
                return i;
            }
        }
        int found = find(name, AsciiString.hashCode(name), 0);
        if (found >= 0 && asked != null) {
            asked[found] = name;
        }
        return found;
    }

    private int find(CharSequence name, int hash, int from) {
        for (int i = from; i < size; i++) {
            if (AsciiString.hashCode(names[i]) == hash && AsciiString.contentEqualsIgnoreCase(names[i], name)) {
                return i;
            }
        }
        return -1;
    }

    /** The next line of the same name, or -1. */
    private int next(int found) {
        return find(names[found], AsciiString.hashCode(names[found]), found + 1);
    }

    private void append(CharSequence name, Object value) {
        CharSequence text = value instanceof CharSequence chars ? chars : String.valueOf(value);
        if (name.length() == 0 || HttpHeaderValidationUtil.validateToken(name) != -1) {
            throw new IllegalArgumentException("not the name of a header: " + name);
        }
        if (HttpHeaderValidationUtil.validateValidHeaderValue(text) != -1) {
            throw new IllegalArgumentException("not the value of a header: " + name);
        }
        own();
        if (size == names.length) {
            names = Arrays.copyOf(names, 2 * size);
            values = Arrays.copyOf(values, 2 * size);
        }
        names[size] = name;
        values[size++] = text;
    }

    private boolean drop(CharSequence name) {
        if (find(name) < 0) {
            return false;
        }
        own();
        int kept = 0;
        for (int i = 0; i < size; i++) {
            if (!AsciiString.contentEqualsIgnoreCase(names[i], name)) {
                names[kept] = names[i];
                values[kept++] = values[i];
            }
        }
        boolean dropped = kept < size;
        size = kept;
        return dropped;
    }

    @Override
    public HttpHeaders set(CharSequence name, Object value) {
        drop(name);
        append(name, value);
        return this;
    }

    @Override
    public HttpHeaders set(String name, Object value) {
        return set((CharSequence) name, value);
    }

    @Override
    public HttpHeaders set(String name, Iterable<?> all) {
        drop(name);
        return add(name, all);
    }

    @Override
    public HttpHeaders setInt(CharSequence name, int value) {
        return set(name, Integer.toString(value));
    }

    @Override
    public HttpHeaders setShort(CharSequence name, short value) {
        return set(name, Short.toString(value));
    }

    @Override
    public HttpHeaders add(CharSequence name, Object value) {
        append(name, value);
        return this;
    }

    @Override
    public HttpHeaders add(String name, Object value) {
        return add((CharSequence) name, value);
    }

    @Override
    public HttpHeaders add(String name, Iterable<?> all) {
        all.forEach(value -> append(name, value));
        return this;
    }

    @Override
    public HttpHeaders addInt(CharSequence name, int value) {
        return add(name, Integer.toString(value));
    }

    @Override
    public HttpHeaders addShort(CharSequence name, short value) {
        return add(name, Short.toString(value));
    }

    @Override
    public HttpHeaders remove(String name) {
        drop(name);
        return this;
    }

    @Override
    public HttpHeaders clear() {
        size = 0;
        return this;
    }

    @Override
    public @Nullable String get(String name) {
        int at = find(name);
        return at < 0 ? null : values[at].toString();
    }

    @Override
    public @Nullable String get(CharSequence name) {
        int at = find(name);
        return at < 0 ? null : values[at].toString();
    }

    @Override
    public boolean containsValue(CharSequence name, CharSequence value, boolean ignoreCase) {
        return find(name) >= 0 && super.containsValue(name, value, ignoreCase);
    }

    /** How many lines have this name. */
    public int count(CharSequence name) {
        int count = 0;
        for (int at = find(name); at >= 0; at = next(at)) {
            count++;
        }
        return count;
    }

    /** The length of a body that is framed by one length and nothing else; negative for any other, or a long one. */
    public int plainLength() {
        int at = find(HttpHeaderNames.CONTENT_LENGTH);
        if (at < 0
                || values[at].length() == 0
                || values[at].length() > 8
                || next(at) >= 0
                || find(HttpHeaderNames.TRANSFER_ENCODING) >= 0) {
            return -1;
        }
        CharSequence digits = values[at];
        int length = 0;
        for (int i = 0; i < digits.length(); i++) {
            int digit = digits.charAt(i) - '0';
            if (digit < 0 || digit > 9) {
                return -1;
            }
            length = 10 * length + digit;
        }
        return length;
    }

    @Override
    public @Nullable Integer getInt(CharSequence name) {
        return copied().getInt(name);
    }

    @Override
    public int getInt(CharSequence name, int otherwise) {
        return copied().getInt(name, otherwise);
    }

    @Override
    public @Nullable Short getShort(CharSequence name) {
        return copied().getShort(name);
    }

    @Override
    public short getShort(CharSequence name, short otherwise) {
        return copied().getShort(name, otherwise);
    }

    @Override
    public @Nullable Long getTimeMillis(CharSequence name) {
        return copied().getTimeMillis(name);
    }

    @Override
    public long getTimeMillis(CharSequence name, long otherwise) {
        return copied().getTimeMillis(name, otherwise);
    }

    /** For what no request of ours needs. */
    private HttpHeaders copied() {
        return DefaultHttpHeadersFactory.headersFactory().newHeaders().add(this);
    }

    @Override
    public List<String> getAll(String name) {
        return getAll((CharSequence) name);
    }

    @Override
    public List<String> getAll(CharSequence name) {
        int first = find(name);
        if (first < 0) {
            return List.of();
        }
        if (next(first) < 0) {
            return List.of(values[first].toString());
        }
        List<String> found = new ArrayList<>(2);
        for (int at = first; at >= 0; at = next(at)) {
            found.add(values[at].toString());
        }
        return found;
    }

    @Override
    public List<Map.Entry<String, String>> entries() {
        List<Map.Entry<String, String>> all = new ArrayList<>(size);
        for (int i = 0; i < size; i++) {
            all.add(new SimpleImmutableEntry<>(names[i].toString(), values[i].toString()));
        }
        return all;
    }

    @Override
    public boolean contains(String name) {
        return find(name) >= 0;
    }

    @Override
    public boolean contains(CharSequence name) {
        return find(name) >= 0;
    }

    @Override
    @Deprecated
    @SuppressWarnings("InlineMeSuggester") // it is Netty that deprecates it
    public Iterator<Map.Entry<String, String>> iterator() {
        return entries().iterator();
    }

    @Override
    public Iterator<Map.Entry<CharSequence, CharSequence>> iteratorCharSequence() {
        List<Map.Entry<CharSequence, CharSequence>> all = new ArrayList<>(size);
        for (int i = 0; i < size; i++) {
            all.add(new SimpleImmutableEntry<>(names[i], values[i]));
        }
        return all.iterator();
    }

    @Override
    public boolean isEmpty() {
        return size == 0;
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public Set<String> names() {
        Set<String> all = new LinkedHashSet<>();
        for (int i = 0; i < size; i++) {
            all.add(names[i].toString());
        }
        return all;
    }

    /** Of the line with this number. */
    public CharSequence name(int i) {
        return names[i];
    }

    /** Of the line with this number. */
    public CharSequence value(int i) {
        return values[i];
    }
}
