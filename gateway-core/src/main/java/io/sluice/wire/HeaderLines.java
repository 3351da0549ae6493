package io.sluice.wire;

import io.netty.handler.codec.http.DefaultHttpHeadersFactory;
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
 * The dozen headers of a request, in two arrays: Netty's own take a hash table and six references for each
 * ({@code benchmarks/run scenarios=modern}: 1.4 KB a call). Checks names and values as those do. Not for use by two
 * threads at once.
 */
public final class HeaderLines extends HttpHeaders {
    private CharSequence[] names = new CharSequence[16];
    private CharSequence[] values = new CharSequence[16];
    private int size;

    private int find(CharSequence name) {
        for (int i = 0; i < size; i++) {
            if (AsciiString.contentEqualsIgnoreCase(names[i], name)) {
                return i;
            }
        }
        return -1;
    }

    private void append(CharSequence name, Object value) {
        CharSequence text = value instanceof CharSequence chars ? chars : String.valueOf(value);
        if (name.length() == 0 || HttpHeaderValidationUtil.validateToken(name) != -1) {
            throw new IllegalArgumentException("not the name of a header: " + name);
        }
        if (HttpHeaderValidationUtil.validateValidHeaderValue(text) != -1) {
            throw new IllegalArgumentException("not the value of a header: " + name);
        }
        if (size == names.length) {
            names = Arrays.copyOf(names, 2 * size);
            values = Arrays.copyOf(values, 2 * size);
        }
        names[size] = name;
        values[size++] = text;
    }

    private boolean drop(CharSequence name) {
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
        List<String> found = new ArrayList<>(1);
        for (int i = 0; i < size; i++) {
            if (AsciiString.contentEqualsIgnoreCase(names[i], name)) {
                found.add(values[i].toString());
            }
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

    CharSequence name(int i) {
        return names[i];
    }

    CharSequence value(int i) {
        return values[i];
    }
}
